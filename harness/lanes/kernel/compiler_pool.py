"""Compiler pool: warm compile processes, one for each processor, each owned by one thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from harness.core.closing import Closing
from harness.core.owned_folder import OwnedFolder
from harness.lanes.kernel.warm_processes import WarmProcesses

MAX_COMPILERS = 16
T = TypeVar("T")


class CompilerPool(Closing):
    """Starts compile processes at first use, all forked from one root; closing ends them.

    Args:
        count: The number of processes; by default one for each processor this process may use.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = max(1, min(MAX_COMPILERS, len(os.sched_getaffinity(0)) if count is None else count))
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="compilers")
        self._own = threading.local()
        self._all: list[WarmProcesses] = []
        self._shared = OwnedFolder("compilers")

    def run(self, work: Callable[[WarmProcesses], T]) -> T:
        """Call `work` with the processes of a free thread, and return its result; blocks until one is free."""
        return self._threads.submit(self._run, work).result()

    def _run(self, work: Callable[[WarmProcesses], T]) -> T:
        processes: WarmProcesses | None = getattr(self._own, "processes", None)
        if processes is None:
            processes = self._own.processes = WarmProcesses()
            processes.share(self._shared.path)
            self._all.append(processes)
        return work(processes)

    def close(self) -> None:
        """End all processes; work that has not begun is cancelled."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for processes in self._all:
            processes.close()
        self._shared.remove()
