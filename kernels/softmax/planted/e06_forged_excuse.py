"""Exploit 6: the process claims that the interpreter is to blame.

Caught: the process of the recorder can write nothing.
"""

import json
import os
import pathlib


def run(x):
    """Blame somebody else."""
    pathlib.Path("..", "out", "error.json").write_text(json.dumps({"kind": "unsupported", "error": "not modelled"}))
    os._exit(0)
