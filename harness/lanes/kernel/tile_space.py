"""Tile space: the configurations a kernel can be tuned over, in an order that is the same everywhere."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator

from harness.lanes.kernel.kernel_file import Configuration, Space


def size(space: Space) -> int:
    """How many configurations there are; 1 where nothing can be tuned."""
    return math.prod(len(choices) for choices in space.values())


def configurations(space: Space, *, most: int | None = None, seed: int = 0) -> list[Configuration]:
    """All configurations in the order of the space, or `most` of them drawn without repetition, in the same order."""
    count = size(space)
    if most is None or count <= most:
        return list(_product(space))
    wanted = sorted(random.Random(seed).sample(range(count), most))  # noqa: S311 - a sample, not a secret
    return [at(space, index) for index in wanted]


def at(space: Space, index: int) -> Configuration:
    """The configuration at a position, without listing those before it."""
    chosen: Configuration = {}
    for name, choices in reversed(space.items()):
        index, digit = divmod(index, len(choices))
        chosen[name] = choices[digit]
    return {name: chosen[name] for name in space}


def label(configuration: Configuration) -> str:
    """What people read, for example `BLOCK_M=128 num_warps=8`."""
    return " ".join(f"{name}={value}" for name, value in configuration.items()) or "(nothing to tune)"


def _product(space: Space) -> Iterator[Configuration]:
    for values in itertools.product(*space.values()):
        yield dict(zip(space, values, strict=True))
