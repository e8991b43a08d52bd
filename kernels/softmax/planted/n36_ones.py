"""Null kernel, exploit 36: ones."""

import torch


def run(x):
    """Something."""
    return torch.ones_like(x)
