"""Exploit 4: a subclass that will compute when somebody looks.

Caught: no kernel is launched in its plan.
"""

import torch


class Lazy(torch.Tensor):
    """Pretends to be an answer."""


def run(x):
    """Return a promise."""
    return torch.empty_like(x).as_subclass(Lazy)
