"""Compiler pool: warm compile processes, one for each processor, each owned by one thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from harness.core.closing import Closing
from harness.lanes.kernel.warm_processes import WarmProcesses

MAX_COMPILERS = 16  # each needs about 300 MB for PyTorch and Triton
T = TypeVar("T")


class CompilerPool(Closing):
    """Starts compile processes at first use; closing ends them.

    Its threads live as long as the pool, because a warm process ends with the thread that started it.

    Args:
        count: The number of processes; by default one for each processor this process may use.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = max(1, min(MAX_COMPILERS, len(os.sched_getaffinity(0)) if count is None else count))
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="compilers")
        self._own = threading.local()
        self._all: list[WarmProcesses] = []

    def run(self, work: Callable[[WarmProcesses], T]) -> T:
        """Call `work` with the processes of a free thread, and return its result; blocks until one is free."""
        return self._threads.submit(self._run, work).result()

    def _run(self, work: Callable[[WarmProcesses], T]) -> T:
        processes: WarmProcesses | None = getattr(self._own, "processes", None)
        if processes is None:
            processes = self._own.processes = WarmProcesses()
            self._all.append(processes)
        return work(processes)

    def close(self) -> None:
        """End all processes; work that has not begun is cancelled."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for processes in self._all:
            processes.close()
