"""Null kernel, exploit 36: the mean of a softmax is known beforehand.

Caught: the error is relative, by tiles.
"""

import torch


def run(x):
    """One over the columns."""
    return torch.full_like(x, 1 / x.shape[1])
