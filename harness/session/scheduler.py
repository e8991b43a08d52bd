"""Scheduler: the exclusive phase. Timed items run first, in order, on one worker, while no other item of the run does.

First, not last: all workers are idle once they have collected, so the exclusive phase costs only its own time. At the
end every worker would wait for the slowest ordinary item before the first measurement, and a run that is cut short
(`-x`, a crash, Ctrl-C) would lose the results that take longest to measure.

`xdist_group` cannot do this: with pytest 9.2 it silently spreads a group over all workers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from xdist.scheduler.load import LoadScheduling

if TYPE_CHECKING:
    import pytest


def exclusive_phase(config: pytest.Config, log: Any, timed: Callable[[], Collection[str]]) -> ExclusivePhase | None:
    """The scheduler of a run; None if the user gave a distribution mode.

    Args:
        timed: Returns the node ids of timed items; called when the first worker has collected.
    """
    return None if is_distribution_given(config) else ExclusivePhase(config, log, timed)


def is_distribution_given(config: pytest.Config) -> bool:
    """Whether the user gave a distribution mode; with `-n` alone xdist uses `load`."""
    # The options as given, also in addopts: xdist overwrites config.option.
    typed = config.known_args_namespace
    return config.getvalue("dist") != "load" or typed.dist not in ("no", None) or bool(typed.distload)


class ExclusivePhase(LoadScheduling):  # type: ignore[misc]
    """Timed items on one worker first, then load scheduling; without timed items, load scheduling alone.

    If the worker of the timed items dies, the remaining ones wait until its replacement has collected, because a
    starting worker disturbs measurements; the exclusive phase then continues.
    """

    def __init__(self, config: pytest.Config, log: Any, timed: Callable[[], Collection[str]]) -> None:
        super().__init__(config, log)
        self._find_timed = timed
        self._timed: list[int] = []  # not finished
        self._rest: list[int] = []  # held back during the exclusive phase
        self._timing_worker: Any = None

    maxschedchunk: int | None

    def is_exclusive(self) -> bool:
        """Whether timed items are unfinished, so that no other item may run."""
        return bool(self._timed)

    # The interface that xdist calls

    @property
    def tests_finished(self) -> bool:
        """Whether all items are finished; False while items are held back."""
        return not self.is_exclusive() and bool(super().tests_finished)

    @property
    def has_pending(self) -> bool:
        """Whether items are left; True while items are held back."""
        return self.is_exclusive() or bool(super().has_pending)

    def schedule(self) -> None:
        """Called when all workers have collected, and again for each that joins later."""
        if self.collection is None and not self._divide():
            super().schedule()
        elif self.is_exclusive():
            self._start_worker()
        else:
            super().schedule()

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """Note that a worker finished an item; after the last timed one, send out the items held back."""
        if not self.is_exclusive():
            super().mark_test_complete(node, item_index, duration)
            return
        self.node2pending[node].remove(item_index)
        self._timed.remove(item_index)
        if not self.is_exclusive():
            self._release()

    def mark_test_pending(self, item: str) -> None:
        """Schedule a crashed item again, as another plugin requests."""
        index = (self.collection or []).index(item)
        if self.is_exclusive():
            waiting = self._timed if self.collection and item in self._find_timed() else self._rest
            waiting.insert(0, index)
        else:
            super().mark_test_pending(item)

    def check_schedule(self, node: Any, duration: float = 0) -> None:
        """Send a worker more items, but none during the exclusive phase."""
        if not self.is_exclusive():
            super().check_schedule(node, duration)

    def remove_node(self, node: Any) -> str | None:
        """Remove a worker that ended; returns the node id of the item it died in, if any."""
        if not self.is_exclusive():
            gone: str | None = super().remove_node(node)
            return gone
        pending = self.node2pending.pop(node)
        if node is not self._timing_worker or not pending:
            return None
        self._timing_worker = None
        self._rest = [index for index in pending if index not in self._timed] + self._rest
        died_in = pending[0]
        self._timed.remove(died_in)
        if not self.is_exclusive():
            self._release()
        return str((self.collection or [])[died_in])

    def _send_tests(self, node: Any, num: int) -> None:
        """Give a worker its next items, unless it has ended; xdist reports that to `remove_node`."""
        if not node.shutting_down:
            with contextlib.suppress(OSError):
                super()._send_tests(node, num)

    # The exclusive phase

    def _divide(self) -> bool:
        """Separate the timed items from the others; returns whether there are any."""
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

    def _start_worker(self) -> None:
        if self._timing_worker is not None:
            return
        fit = [node for node in self.nodes if self._knows_items(node)]
        if not fit:
            return
        self._timing_worker = worker = fit[0]
        # A worker begins an item only when it knows the next one or that there is none: an ordinary item has to wait
        # after the last timed item.
        items = [*self._timed, *self._rest[:1]]
        del self._rest[:1]
        self.node2pending[worker].extend(items)
        with contextlib.suppress(OSError):  # as in `_send_tests`
            worker.send_runtest_some(items)
        if len(items) == len(self._timed):
            worker.shutdown()

    def _knows_items(self, node: Any) -> bool:
        return not node.shutting_down and self.node2collection.get(node) == self.collection

    def _release(self) -> None:
        """Distribute the held-back items, as load scheduling does."""
        self.pending.extend(self._rest)
        self._rest = []
        worker, self._timing_worker = self._timing_worker, None
        ready = [node for node in self.nodes if not node.shutting_down]
        nodes = sorted(ready, key=lambda node: node is worker)  # it has the item that waited after the timed ones
        if len(self.pending) < 2 * len(nodes):
            for node in islice(cycle(nodes), len(self.pending)):
                self._send_tests(node, 1)
        for node in nodes:
            self.check_schedule(node)
