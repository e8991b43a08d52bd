"""Exploit 49: a tensor without memory.

Caught: no kernel is launched in its plan.
"""

import torch


def run(x):
    """Nowhere."""
    return torch.empty_like(x, device="meta")
