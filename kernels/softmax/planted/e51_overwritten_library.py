"""Exploit 51: the library's files are changed (here only opened for it).

Caught: the process of the recorder can write nothing.
"""

import pathlib

import torch
import triton


def run(x):
    """Try every file that matters."""
    for module in (torch, triton):
        pathlib.Path(module.__file__).open("ab").close()
    return torch.zeros_like(x)
