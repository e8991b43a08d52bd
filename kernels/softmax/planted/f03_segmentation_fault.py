"""Fault: the process dies.

Caught: there is nothing at the address, and the process is its own.
"""

import ctypes


def run(x):
    """Read from nowhere."""
    return ctypes.string_at(0)
