"""ZygoteFamily: the zygotes of one hash seed, all forked from one root zygote."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from harness.sandbox.limits import Limits, SyscallPolicy
from harness.sandbox.root_zygote import RootZygote
from harness.sandbox.zygote_process import ZygoteProcess

IN_TURN = 2
"""Zygotes without an open box: while one reaps its last box and forks the next, the other one opens a box."""


Kind = tuple[SyscallPolicy, bool]
"""What boxes of one zygote have in common: their policy, and whether the guard has its usual rules."""


class ZygoteFamily:
    """Gives each box a zygote that is free, and forks another one if none is.

    Args:
        hash_seed: PYTHONHASHSEED of all its boxes.
        protect: Paths that are hidden from every box.
        without: Layers to leave out.
    """

    def __init__(self, hash_seed: int, *, protect: Iterable[Path], without: frozenset[str]) -> None:
        self.hash_seed, self._protect, self._without = hash_seed, tuple(protect), without
        self._zygotes: dict[Kind, list[ZygoteProcess]] = {}
        self._root = RootZygote(hash_seed)

    @property
    def version(self) -> str:
        """`sys.version` inside the boxes."""
        return self._root.version

    @property
    def has_open_boxes(self) -> bool:
        """Whether a box of any zygote is open."""
        return any(zygote.open_boxes for zygotes in self._zygotes.values() for zygote in zygotes)

    def take(self, limits: Limits, *, guarded: bool = False) -> ZygoteProcess:
        """A zygote that may open a box now, if possible one where such a box stands ready.

        Args:
            limits: Limits of the box.
            guarded: Whether its guard has the usual rules (`guard.has_usual_rules`), which its zygote prepares.

        Raises:
            InfraError: if none can be forked.
        """
        kind = limits.policy, guarded
        zygotes = self._zygotes.setdefault(kind, [])
        while True:
            ready = next((zygote for zygote in zygotes if zygote.is_free and zygote.is_ready(limits)), None)
            if ready is not None:
                return ready
            for zygote in list(zygotes):
                zygote.settle()
                if not zygote.is_free and not zygote.open_boxes:
                    self.drop(zygote)
            free = [zygote for zygote in zygotes if zygote.is_free]
            found = next((zygote for zygote in free if zygote.is_ready(limits)), None)
            found = found or next((zygote for zygote in free if not zygote.is_preparing), None)
            if found is not None:
                return found
            if len(free) < IN_TURN:
                zygotes.append(self._fork(*kind))
                return zygotes[-1]
            free[0].settle(wait=True)

    def _fork(self, policy: SyscallPolicy, guarded: bool) -> ZygoteProcess:
        if not self._root.is_usable:
            self._root.close()
            self._root = RootZygote(self.hash_seed)
        single = policy is SyscallPolicy.STRICT
        return ZygoteProcess(self._root, single=single, guarded=guarded, protect=self._protect, without=self._without)

    def drop_idle(self) -> None:
        """End the zygotes without an open box: what killed one of them may have killed all."""
        for zygote in [one for zygotes in self._zygotes.values() for one in zygotes if not one.open_boxes]:
            self.drop(zygote)

    def drop(self, zygote: ZygoteProcess) -> None:
        """End a zygote."""
        for zygotes in self._zygotes.values():
            if zygote in zygotes:
                zygotes.remove(zygote)
        zygote.close()

    def close(self) -> None:
        """End all zygotes, then their root."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._root.close)
            for zygotes in self._zygotes.values():
                while zygotes:
                    stack.callback(zygotes.pop().close)
