"""Scheduler: the exclusive phase. Timed items run first, in order, on one worker, while no other item of the run does.

First, not last: when workers have collected they are all idle, so quiet costs nothing but the lane's own time. At the
end everybody would have to wait for the slowest ordinary item before the first measurement, and a run that is cut short
(`-x`, a crash, Ctrl-C) would lose just the numbers that are dear to make.

`xdist_group` is no basis for this: with pytest 9.2 it silently spreads a group over all workers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from xdist.scheduler.load import LoadScheduling

if TYPE_CHECKING:
    import pytest


def exclusive_phase(config: pytest.Config, log: Any, timed: Callable[[], Collection[str]]) -> ExclusivePhase | None:
    """The scheduler of a run whose user did not choose one.

    Args:
        config: pytest's.
        log: xdist's.
        timed: The node ids of timed items; asked when the first worker has collected.
    """
    return None if chosen(config) else ExclusivePhase(config, log, timed)


def chosen(config: pytest.Config) -> bool:
    """Whether the user named a distribution; `-n` alone makes xdist choose `load`."""
    # As they were typed, also in addopts: xdist overwrites config.option.
    typed = config.known_args_namespace
    return config.getvalue("dist") != "load" or typed.dist not in ("no", None) or bool(typed.distload)


class ExclusivePhase(LoadScheduling):  # type: ignore[misc]
    """Load scheduling, after the timed items; without any, nothing but load scheduling.

    If the lane's worker dies, the rest of the timed items waits until its replacement has collected, because a starting
    worker is a noisy neighbour, and then goes on just as quietly.
    """

    def __init__(self, config: pytest.Config, log: Any, timed: Callable[[], Collection[str]]) -> None:
        super().__init__(config, log)
        self._find_timed = timed
        self._timed: list[int] = []  # not finished
        self._rest: list[int] = []  # held back meanwhile
        self._lane: Any = None

    maxschedchunk: int | None

    def quiet(self) -> bool:
        """Whether timed items are still to be finished, so that nothing else may run."""
        return bool(self._timed)

    # What xdist asks

    @property
    def tests_finished(self) -> bool:
        """Not while items are held back."""
        return not self.quiet() and bool(super().tests_finished)

    @property
    def has_pending(self) -> bool:
        """Also while items are held back."""
        return self.quiet() or bool(super().has_pending)

    def schedule(self) -> None:
        """Called when all workers have collected, and again for each that joins later."""
        if self.collection is None and not self._divide():
            super().schedule()
        elif self.quiet():
            self._staff()
        else:
            super().schedule()

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """A worker finished an item."""
        if not self.quiet():
            super().mark_test_complete(node, item_index, duration)
            return
        self.node2pending[node].remove(item_index)
        self._timed.remove(item_index)
        if not self.quiet():
            self._release()

    def mark_test_pending(self, item: str) -> None:
        """Another plugin wants a crashed item again."""
        index = (self.collection or []).index(item)
        if self.quiet():
            waiting = self._timed if self.collection and item in self._find_timed() else self._rest
            waiting.insert(0, index)
        else:
            super().mark_test_pending(item)

    def check_schedule(self, node: Any, duration: float = 0) -> None:
        """Send a worker more, unless it must be quiet."""
        if not self.quiet():
            super().check_schedule(node, duration)

    def remove_node(self, node: Any) -> str | None:
        """A worker is gone; the item it died in, if any."""
        if not self.quiet():
            gone: str | None = super().remove_node(node)
            return gone
        pending = self.node2pending.pop(node)
        if node is not self._lane or not pending:
            return None
        self._lane = None
        self._rest = [index for index in pending if index not in self._timed] + self._rest
        died_in = pending[0]
        self._timed.remove(died_in)
        if not self.quiet():
            self._release()
        return str((self.collection or [])[died_in])

    # The lane

    def _divide(self) -> bool:
        """Whether there are timed items, which are then set apart."""
        collection = next(iter(self.node2collection.values()))
        wanted = self._find_timed()
        timed = [index for index, nodeid in enumerate(collection) if nodeid in wanted]
        if not timed or not all(other == collection for other in self.node2collection.values()):
            return False  # workers that disagree are load scheduling's to report
        self.collection, self._timed = collection, timed
        apart = set(timed)
        self._rest = [index for index in range(len(collection)) if index not in apart]
        if self.maxschedchunk is None:
            self.maxschedchunk = len(collection)
        return True

    def _staff(self) -> None:
        if self._lane is not None:
            return
        fit = [node for node in self.nodes if self._knows_items(node)]
        if not fit:
            return
        self._lane = lane = fit[0]
        # A worker begins an item only when it knows the next one or that there is none: something ordinary has to wait
        # behind the last timed item.
        items = [*self._timed, *self._rest[:1]]
        del self._rest[:1]
        self.node2pending[lane].extend(items)
        lane.send_runtest_some(items)
        if len(items) == len(self._timed):
            lane.shutdown()

    def _knows_items(self, node: Any) -> bool:
        return not node.shutting_down and self.node2collection.get(node) == self.collection

    def _release(self) -> None:
        """Hand the held-back items out, as load scheduling does."""
        self.pending.extend(self._rest)
        self._rest = []
        lane, self._lane = self._lane, None
        ready = [node for node in self.nodes if not node.shutting_down]
        nodes = sorted(ready, key=lambda node: node is lane)  # it has the item that waited behind the timed ones
        if len(self.pending) < 2 * len(nodes):
            for node in islice(cycle(nodes), len(self.pending)):
                self._send_tests(node, 1)
        for node in nodes:
            self.check_schedule(node)
