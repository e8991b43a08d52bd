"""BoxPool: warm zygotes of one process, one for each hash seed in use."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.core.errors import InfraError
from harness.core.tier import Tier
from harness.sandbox.box import Box
from harness.sandbox.limits import Limits
from harness.sandbox.zygote_process import ZygoteProcess

KEPT = 8
"""Zygotes kept alive; a zygote is 8 MB of private memory and some ms to start."""


class BoxPool:
    """Opens boxes; zygotes start at first use and the least recently used one goes when there are too many.

    Boxes of one zygote that live at the same time share its memory limit. A pool belongs to one thread.

    Args:
        protect: Paths no box may ever see, even if they lie beneath a library directory.
        without: Layers to leave out; only tests that prove a layer's worth pass any.
        warm: How many zygotes are kept.
    """

    def __init__(
        self, *, protect: Iterable[Path] = (), without: frozenset[str] = frozenset(), warm: int = KEPT
    ) -> None:
        self._protect, self._without, self._warm = tuple(protect), without, warm
        self._nurseries: OrderedDict[int, ZygoteProcess] = OrderedDict()

    def open(self, source: bytes, *, entry: str, limits: Limits | None = None, hash_seed: int | None = None) -> Box:
        """Open a box and load `source` in it.

        Args:
            source: The subject's bytes, as they are.
            entry: Name of the function it must define.
            limits: What it may use.
            hash_seed: PYTHONHASHSEED, 0 to 4294967295; None for whichever zygote is warm.

        Raises:
            BoxFault: if the subject cannot be loaded: that is its own fault.
            InfraError: if no box could be had, even from a fresh zygote.
        """
        seed = self._any() if hash_seed is None else hash_seed
        try:
            return Box(self._nursery(seed), source, entry=entry, limits=limits or Limits())
        except InfraError:
            # A zygote may have been killed from outside (out of memory on the machine); once is an accident.
            self._drop(seed)
            return Box(self._nursery(seed), source, entry=entry, limits=limits or Limits())

    def _any(self) -> int:
        return next(reversed(self._nurseries), 0)

    def _nursery(self, hash_seed: int) -> ZygoteProcess:
        nursery = self._nurseries.get(hash_seed)
        if nursery is not None and nursery.sound:
            self._nurseries.move_to_end(hash_seed)
            return nursery
        self._drop(hash_seed)
        nursery = ZygoteProcess(hash_seed, protect=self._protect, without=self._without)
        self._nurseries[hash_seed] = nursery
        while len(self._nurseries) > self._warm:
            self._nurseries.popitem(last=False)[1].close()
        return nursery

    def _drop(self, hash_seed: int) -> None:
        nursery = self._nurseries.pop(hash_seed, None)
        if nursery is not None:
            nursery.close()

    @property
    def layers(self) -> dict[str, str]:
        """For each layer an empty text if it is on, else the reason why not."""
        return dict(self._nursery(self._any()).layers)

    @property
    def landlock_abi(self) -> int:
        """The kernel's Landlock ABI as boxes use it; 0 without Landlock."""
        return self._nursery(self._any()).landlock_abi

    @property
    def version(self) -> str:
        """`sys.version` inside the boxes; it must be the parent's, or another interpreter was picked up."""
        return self._nursery(self._any()).version

    @property
    def tier(self) -> Tier:
        """The tier that the layers which are on amount to; the probe proves it by attack."""
        return tier_of(self.layers)

    def close(self) -> None:
        """End all zygotes."""
        with contextlib.ExitStack() as stack:
            while self._nurseries:
                stack.callback(self._nurseries.popitem()[1].close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def tier_of(layers: dict[str, str]) -> Tier:
    """The tier of a set of layers (see `Tier`); a reason instead of an empty text means that the layer is off."""

    def on(*names: str) -> bool:
        return all(layers.get(name, "not tried") == "" for name in names)

    if on("namespaces", "pivot_root", "uid", "seccomp", "rlimits"):
        return Tier.A if on("cgroup", "landlock") else Tier.B
    if on("landlock", "seccomp", "rlimits"):
        return Tier.C
    return Tier.D if on("rlimits") else Tier.E
