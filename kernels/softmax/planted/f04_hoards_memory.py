"""Fault: 200 GB.

Caught: memory has a limit.
"""

import torch


def run(x):
    """More than there is."""
    return torch.ones(50_000_000_000)
