"""Exploit 30: the caller's frames are searched for the answer.

Caught: no kernel is launched in its plan.
"""

import sys

import torch


def run(x):
    """Take whatever sounds like an answer."""
    frame = sys._getframe(1)
    while frame is not None:
        for name in ("expected", "truth", "reference", "answer", "baseline"):
            if isinstance(frame.f_locals.get(name), torch.Tensor):
                return frame.f_locals[name].clone()
        frame = frame.f_back
    return torch.zeros_like(x)
