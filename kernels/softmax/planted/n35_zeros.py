"""Null kernel, exploit 35: zeros, which pass an absolute tolerance.

Caught: the error is relative.
"""

import torch


def run(x):
    """Nothing."""
    return torch.zeros_like(x)
