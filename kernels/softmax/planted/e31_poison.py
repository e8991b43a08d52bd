"""Exploit 31: NaN, in case it equals everything.

Caught: what is not finite is never right.
"""

import torch


def run(x):
    """Not a number."""
    return torch.full_like(x, float("nan"))
