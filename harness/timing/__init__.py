"""Timing: the machine-wide lock, one core for one measurement, pytest-benchmark, and what noise does to a number."""
