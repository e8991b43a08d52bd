"""Compilers: as many warm compilers as there are processors, each a thread's own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from harness.lanes.kernel.warm_processes import WarmProcesses

MOST = 16
"""Each holds PyTorch and Triton in memory, some 300 MB."""
T = TypeVar("T")


class Compilers:
    """Started at first use, no more than are needed at once; closing ends them.

    Their threads live as long as this: a warm process ends with the thread that started it.

    Args:
        count: How many; by default one for each processor this process may use.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = max(1, min(MOST, len(os.sched_getaffinity(0)) if count is None else count))
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="compilers")
        self._own = threading.local()
        self._all: list[WarmProcesses] = []

    def run(self, work: Callable[[WarmProcesses], T]) -> T:
        """Do something with a compiler; waits until one is free."""
        return self._threads.submit(self._run, work).result()

    def _run(self, work: Callable[[WarmProcesses], T]) -> T:
        nursery: WarmProcesses | None = getattr(self._own, "nursery", None)
        if nursery is None:
            nursery = self._own.nursery = WarmProcesses()
            self._all.append(nursery)
        return work(nursery)

    def close(self) -> None:
        """End them."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for nursery in self._all:
            nursery.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
