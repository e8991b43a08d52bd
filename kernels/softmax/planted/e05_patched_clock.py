"""Exploit 5: clocks and events are replaced.

Caught: no kernel is launched in its plan.
"""

import time

import torch

time.perf_counter = time.monotonic = time.time = lambda: 0.0
torch.cuda.Event.elapsed_time = lambda *_: 0.001
torch.cuda.synchronize = lambda *_: None


def run(x):
    """Instantly nothing."""
    return torch.zeros_like(x)
