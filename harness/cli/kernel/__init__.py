"""Check, compile, tune and time GPU kernels, mostly without a GPU.

Example:
  crucible kernel check kernels/matmul/tiled.py
  crucible kernel compile kernels/matmul/*.py --architecture sm_90a
  crucible kernel sweep kernels/matmul/autotuned.py --most 40
"""

from __future__ import annotations

VERBS = tuple("check compile sweep bench roofline report adapt".split())
