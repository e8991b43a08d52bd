"""Exploit 39: the library does all of it.

Caught: no kernel was launched.
"""

import torch


def run(x):
    """Wrapped."""
    return torch.softmax(x, -1)
