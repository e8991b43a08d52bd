"""Exploit 49: a tensor without memory.

Caught: the form of an answer is exact.
"""

import torch


def run(x):
    """Nowhere."""
    return torch.empty_like(x, device="meta")
