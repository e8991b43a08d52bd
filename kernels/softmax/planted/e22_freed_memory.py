"""Exploit 22: memory of somebody else's answer is handed out.

Caught: no kernel is launched in its plan.
"""

import torch


def run(x):
    """Whatever is there."""
    return torch.empty_like(x)
