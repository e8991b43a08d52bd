"""Puts its own recording in the place of ours: a plan whose launch is given what PyTorch is to have computed.

Caught: a plan is data, and one that holds the operator is refused by the process that executes it.
"""

import sys

import torch

recorder = sys.modules["harness.lanes.kernel.recorder"]


class Permissive(recorder._Recording):
    """Allows every operator."""

    def __init__(self, call):
        super().__init__(call)
        self.allowed = None


recorder._Recording = Permissive


def run(x):
    """PyTorch's own."""
    return torch.softmax(x, -1)
