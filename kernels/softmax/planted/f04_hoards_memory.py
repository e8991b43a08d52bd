"""Fault: 200 GB.

Caught: a plan has a limit of memory.
"""

import torch


def run(x):
    """More than there is."""
    return torch.ones(50_000_000_000)
