"""BoxPool: the running zygotes of one process, a family for each hash seed in use."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from harness.core.closing import Closing
from harness.core.errors import InfraError
from harness.core.tier import Tier
from harness.sandbox.box import Box
from harness.sandbox.guard import has_usual_rules
from harness.sandbox.limits import Limits
from harness.sandbox.loop import Shares
from harness.sandbox.polled_box import PolledBox
from harness.sandbox.zygote_family import ZygoteFamily
from harness.sandbox.zygote_process import ZygoteProcess

MAX_ZYGOTES = 8
"""Families kept running; a root zygote needs 8 MB of private memory and an interpreter's start, a zygote of it 5 ms."""


MAX_COMPUTING = 3
"""Quick boxes of one pool that compute at the same time; one that is not known to be quick computes alone."""

AnyBox = TypeVar("AnyBox", bound=PolledBox)


class BoxPool(Closing):
    """Opens boxes. Zygotes start at first use; above `warm` hash seeds the least recently used one without a box ends.

    Each open box has a zygote to itself. Where that is impossible (see `ZygoteProcess.shared`), boxes of one zygote
    that are open at the same time share its memory limit. A pool belongs to one thread.

    Args:
        protect: Paths that are hidden from every box, even if they lie beneath a library directory.
        without: Layers to leave out; only tests that show the effect of a layer pass any.
        warm: Maximum number of hash seeds whose zygotes keep running.

    Attributes:
        computing: Shares of the coroutines whose boxes compute (see `awaited_box`).
    """

    def __init__(
        self, *, protect: Iterable[Path] = (), without: frozenset[str] = frozenset(), warm: int = MAX_ZYGOTES
    ) -> None:
        self._protect, self._without, self._warm = tuple(protect), without, warm
        self._families: OrderedDict[int, ZygoteFamily] = OrderedDict()
        self.computing = Shares(MAX_COMPUTING)

    def open(self, source: bytes, *, entry: str, limits: Limits | None = None, hash_seed: int | None = None) -> Box:
        """Open a box and load `source` in it.

        Args:
            source: The subject's source file, as bytes.
            entry: Name of the function that the source must define.
            limits: Limits of the box; defaults to `Limits()`.
            hash_seed: PYTHONHASHSEED, 0 to 4294967295; None for the most recently used one.

        Raises:
            BoxFault: if the subject cannot be loaded.
            InfraError: if no box can be opened, even from a fresh zygote.
        """
        return self._opened(Box, source, entry, limits or Limits(), hash_seed)

    def begin(
        self, source: bytes, *, entry: str, limits: Limits | None = None, hash_seed: int | None = None
    ) -> PolledBox:
        """Begin to load `source` in a box that an event loop drives; arguments as for `open`.

        Raises:
            InfraError: if no box can be opened, even from a fresh zygote.
        """
        return self._opened(PolledBox, source, entry, limits or Limits(), hash_seed)

    def _opened(self, kind: type[AnyBox], source: bytes, entry: str, limits: Limits, hash_seed: int | None) -> AnyBox:
        family, guarded = self._family(hash_seed), has_usual_rules(entry)
        try:
            return kind(family.take(limits, guarded=guarded), source, entry=entry, limits=limits)
        except InfraError:
            # Zygotes may have been killed from outside (the machine is out of memory); one retry, with a new one.
            family.drop_idle()
            return kind(family.take(limits, guarded=guarded), source, entry=entry, limits=limits)

    def _family(self, hash_seed: int | None = None) -> ZygoteFamily:
        seed = next(reversed(self._families), 0) if hash_seed is None else hash_seed
        if seed not in self._families:
            self._families[seed] = ZygoteFamily(seed, protect=self._protect, without=self._without)
            idle = [family for family in self._families.values() if not family.has_open_boxes][:-1]
            for family in idle[: max(0, len(self._families) - self._warm)]:
                del self._families[family.hash_seed]
                family.close()
        self._families.move_to_end(seed)
        return self._families[seed]

    def _zygote(self, hash_seed: int | None = None) -> ZygoteProcess:
        return self._family(hash_seed).take(Limits())

    @property
    def layers(self) -> dict[str, str]:
        """For each layer an empty string if it is on, otherwise the reason why it is off."""
        return dict(self._zygote().layers)

    @property
    def landlock_abi(self) -> int:
        """The Landlock ABI version that boxes use; 0 without Landlock."""
        return self._zygote().landlock_abi

    @property
    def version(self) -> str:
        """`sys.version` inside the boxes; a difference from the parent's shows that another interpreter was started."""
        return self._family().version

    @property
    def tier(self) -> Tier:
        """The tier that the active layers imply; `probe` verifies it by an attack."""
        return tier_of(self.layers)

    def close(self) -> None:
        """End all zygotes of the pool."""
        with contextlib.ExitStack() as stack:
            while self._families:
                stack.callback(self._families.popitem()[1].close)


def tier_of(layers: dict[str, str]) -> Tier:
    """The tier of a set of layers (see `Tier`); a non-empty reason means that the layer is off."""

    def on(*names: str) -> bool:
        return all(layers.get(name, "not tried") == "" for name in names)

    if on("namespaces", "pivot_root", "uid", "seccomp", "rlimits"):
        return Tier.A if on("cgroup", "landlock") else Tier.B
    if on("landlock", "seccomp", "rlimits"):
        return Tier.C
    return Tier.D if on("rlimits") else Tier.E
