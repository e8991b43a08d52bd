"""Exploit 39: the library does it.

Caught: by the log of operators and the names of the device's kernels.
"""

import torch


def run(x):
    """Wrapped."""
    return torch.softmax(x, -1)
