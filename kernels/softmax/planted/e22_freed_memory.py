"""Exploit 22: memory of somebody else's answer is handed out.

Caught: fresh memory holds NaN.
"""

import torch


def run(x):
    """Whatever is there."""
    return torch.empty_like(x)
