"""Random numbers that depend on the run's seed and the place in the program, and on nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.digest import derive_seed

if TYPE_CHECKING:
    import random


def random_stream(seed: int, label: str, occurrence: int) -> random.Random:
    """A generator for one effect; it is independent of the generators of all other effects."""
    import random

    return random.Random(derive_seed(seed, label, occurrence))  # noqa: S311 - reproducible, not secret
