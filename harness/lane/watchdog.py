"""Watchdog: a time limit for trusted code that runs in the judging process, where no box limits it.

Code that returns to the interpreter regularly gets an exception. One call into C that never returns
(`sum(itertools.count())`) cannot be interrupted by an exception; a kernel timer then writes the Python stack and ends
the whole process (`harness.lane.hard_timeout`).
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
"""Seconds between the end of the time limit and the end of the process, for code that does not return."""

_end: float | None = None  # when this process ends, by the monotonic clock


class OverdueError(BaseException):
    """Trusted code exceeded its time limit. A `BaseException`, so that `except Exception` in the code ignores it."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `OverdueError` inside the block after `seconds` of wall time; end the process if that has no effect.

    Only the main thread has a limit. Blocks may be nested; time within `paused` does not count.

    Raises:
        OverdueError: when the block exceeds its limit.
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
        if left:  # restore the alarm of pytest-timeout or of an outer block
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left - (time.monotonic() - started)), interval)


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Stop the clock of the enclosing block while other code, which has its own limits, runs."""
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
