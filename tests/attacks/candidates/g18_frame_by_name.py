"""Asks for its caller's frame by a name made at run time."""

import sys


def run(text):
    try:
        getattr(sys, "_get" + "frame")(1)
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
