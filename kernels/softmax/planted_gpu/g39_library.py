"""Exploit 39: the library does it.

Caught: operators that compute are refused by the recorder.
"""

import torch


def run(x):
    """Wrapped."""
    return torch.softmax(x, -1)
