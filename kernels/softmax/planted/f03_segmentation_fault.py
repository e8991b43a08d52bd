"""Fault: the process dies.

Caught: it was a process of its own.
"""

import ctypes


def run(x):
    """Read from nowhere."""
    return ctypes.string_at(0)
