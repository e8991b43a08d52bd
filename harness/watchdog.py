"""Watchdog: a limit on trusted code that runs in the judge's own process, where nothing else would end it."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

AGAIN = 1.0
"""Seconds until code that swallowed the alarm (`except BaseException`) gets the next one."""


class OverdueError(BaseException):
    """Trusted code did not come back in time. No `Exception`, so that the code's own handlers let it through."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `OverdueError` inside the block once it has taken so many wall seconds.

    It needs the main thread, and code that returns to the interpreter now and then: one call into C that never ends
    (`10 ** 10 ** 10`) is not reached. Blocks may be nested, and within `paused` the clock stands still.

    Raises:
        OverdueError: where the time is up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _overdue)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    started = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:  # somebody else's alarm (pytest-timeout's, an outer block's) goes on
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (time.monotonic() - started)), interval)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Stop the clock of the block around it while somebody else, who has limits of his own, is at work."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGALRM) is not _overdue:
        yield
        return
    left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        if left:
            signal.setitimer(signal.ITIMER_REAL, left, interval)


def _overdue(_number: int, _frame: object) -> None:
    raise OverdueError
