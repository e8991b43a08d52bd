"""Exploit 31: NaN, in case it equals everything.

Caught: no kernel is launched in its plan.
"""

import torch


def run(x):
    """Not a number."""
    return torch.full_like(x, float("nan"))
