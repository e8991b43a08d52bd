"""Context: the resources that a lane gets for evaluating a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from harness.core.digest import derive_seed
from harness.core.owned_folder import OwnedFolder
from harness.core.tier import Tier

if TYPE_CHECKING:
    from harness.core.case import Case
    from harness.core.opponent import Opponent
    from harness.sandbox.pool import BoxPool
    from harness.timing.stopwatch import Stopwatch


def _silent(_text: str) -> None:
    pass


class Closable(Protocol):
    """A resource that a lane keeps for all cases of a process."""

    def close(self) -> None:
        """Release the resource, with its processes; called once, at the end of the run."""


class _RunFolder(OwnedFolder):
    def __init__(self) -> None:
        super().__init__("run")

    def close(self) -> None:
        self.remove()


Kept = TypeVar("Kept", bound=Closable)


@dataclass(slots=True)
class Context:
    """Resources shared by the cases of one process.

    Attributes:
        secret_seed: The secret of the run; inputs are sampled from it, so a candidate cannot know them before.
        scratch: A private directory of this user for derived files (sampled inputs, compiled kernels); it may be
            deleted.
        tier: The isolation that the probe proved; None when no box was probed.
        progress: Called with one short line during long work.
        protect: Paths that boxes hide: the project's root, suites, specifications, the ledger.
        without: Layers that boxes leave out; used only by tests of single layers.
        shared: A private folder of all processes that judge for one pool or run, which ends with it; None for a process
            of its own (see `run_folder`).
        warm: Number of zygotes that are kept; None for as many as a few attempts need.
        timer: Measures wall time; by default made at first use, without pytest-benchmark.
        opponents: The opponents that a timed case is compared with, by node id.
        controlled: Whether this process has measured an A/A control.
    """

    secret_seed: int
    scratch: Path
    tier: Tier | None = None
    progress: Callable[[str], None] = _silent
    protect: tuple[Path, ...] = ()
    without: frozenset[str] = frozenset()
    shared: Path | None = None
    warm: int | None = None
    timer: Stopwatch | None = None
    opponents: Mapping[str, tuple[Opponent, ...]] = field(default_factory=dict)
    controlled: bool = False
    _pools: list[BoxPool] = field(default_factory=list)
    _kept: dict[type[Any], Closable] = field(default_factory=dict)

    def seed(self, case: Case, *parts: object) -> int:
        """A seed for one purpose: the same for the same run secret, case and parts, different otherwise."""
        return derive_seed(self.secret_seed, case.lane, case.subject.digest, *parts)

    def hash_seed(self, attempt: int) -> int:
        """PYTHONHASHSEED of an attempt: the same for all cases of a run, so that they share zygotes; secret."""
        return derive_seed(self.secret_seed, "hash seed", attempt) % 0xFFFFFFFF + 1

    @property
    def boxes(self) -> BoxPool:
        """The pool of warm zygotes, started at first use."""
        if not self._pools:
            from harness.sandbox.pool import MAX_ZYGOTES, BoxPool

            self._pools.append(BoxPool(protect=self.protect, without=self.without, warm=self.warm or MAX_ZYGOTES))
        return self._pools[0]

    @property
    def stopwatch(self) -> Stopwatch:
        """The stopwatch that measures wall time, made at first use."""
        if self.timer is None:
            from harness.timing.stopwatch import Stopwatch

            self.timer = Stopwatch()
        return self.timer

    @property
    def run_folder(self) -> Path:
        """A private folder that ends with the run: the shared one, else this process's, made at first use."""
        return self.keep(_RunFolder).path if self.shared is None else self.shared

    def keep(self, make: type[Kept]) -> Kept:
        """The object of a class that a lane uses for all its cases (such as warm processes), made at first use."""
        if make not in self._kept:
            self._kept[make] = make()
        found: Kept = self._kept[make]  # type: ignore[assignment]
        return found

    def close(self) -> None:
        """Stop all boxes and kept resources; the context must not be used afterwards."""
        while self._kept:
            self._kept.popitem()[1].close()
        while self._pools:
            self._pools.pop().close()
