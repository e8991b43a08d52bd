"""Watchdog: a limit on trusted code that runs in the judge's own process, where nothing else would end it.

Code that returns to the interpreter now and then gets an exception. Code that does not, one call into C that never ends
(`sum(itertools.count())`), cannot be reached by any exception; a timer of the kernel's then ends the whole process, and
what it was doing is written down first (`harness.lane.hard_timeout`).
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

from harness.lane import hard_timeout

AGAIN = 1.0
"""Seconds until code that swallowed the alarm (`except BaseException`) gets the next one."""
GRACE = 10.0
"""Seconds after its time is up that code is given to come back; then the process ends."""

_end: float | None = None  # when this process ends, by the monotonic clock


class OverdueError(BaseException):
    """Trusted code did not come back in time. No `Exception`, so that the code's own handlers let it through."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `OverdueError` inside the block once it has taken so many wall seconds; end the process if that fails.

    It needs the main thread. Blocks may be nested, and within `paused` the clock stands still.

    Raises:
        OverdueError: where the time is up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, around = signal.signal(signal.SIGALRM, _overdue), _end
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    started = time.monotonic()
    _end_at(started + seconds + GRACE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _end_at(around)
        signal.signal(signal.SIGALRM, before)
        if left:  # another alarm (pytest-timeout's, an outer block's) goes on
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (time.monotonic() - started)), interval)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Stop the clock of the block around it while other code, which has limits of its own, runs."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGALRM) is not _overdue:
        yield
        return
    around, started = _end, time.monotonic()
    left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
    _end_at(None)
    try:
        yield
    finally:
        _end_at(None if around is None else around + time.monotonic() - started)
        if left:
            signal.setitimer(signal.ITIMER_REAL, left, interval)


def _end_at(moment: float | None) -> None:
    global _end
    _end = moment
    hard_timeout.end_in(None if moment is None else max(0.001, moment - time.monotonic()))


def _overdue(_number: int, _frame: object) -> None:
    raise OverdueError
