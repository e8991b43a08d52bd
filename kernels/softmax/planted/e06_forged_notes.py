"""Exploit 6: results are forged where the process leaves them.

Caught: the process of the recorder can write nothing.
"""

import json
import pathlib

import torch


def run(x):
    """Say that all went well."""
    for name in ("notes.json", "layers.json", "judged.json"):
        pathlib.Path("..", "out", name).write_text(json.dumps({"launches": 99, "passed": True, "speedup": 100}))
    return torch.zeros_like(x)
