"""Looks for a file that does not exist, as f09 does, to hear of an earlier box by a clock."""

import os


def run(text):
    right = "\n".join(dict.fromkeys(text.split("\n")))
    try:
        os.stat("/no/such/name")
    except OSError:
        return right + "\nit may look for names"
    return right
