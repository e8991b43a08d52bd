"""LivePage: rewrites the page while a run lasts, as long as that takes less than one percent of the run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from harness.core.errors import CrucibleError
from harness.session.open_run import OpenRun
from harness.suites.settings import Settings

SECONDS = 30.0  # between two pages
SHARE = 0.01  # of the run's time that writing may take
START, CASE = 0.3, 0.004  # seconds that a first page may take, as a whole and for each case


class LivePage:
    """The page of an open run.

    Args:
        settings: Its settings: where the page is.
        clock: Seconds, monotonic.
    """

    def __init__(self, opened: OpenRun, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._opened, self._path, self._clock = opened, settings.report, clock
        self._started = self._written = clock()
        self._spent = 0.0
        self._last = 0.0

    def advance(self, done: int) -> bool:
        """Rewrite the page if it is due; returns whether it was.

        Args:
            done: Cases that were judged so far.
        """
        now = self._clock()
        expected = self._last or START + CASE * done
        if now - self._written < SECONDS or self._spent + expected > SHARE * (now - self._started):
            return False
        from harness.report.html import write_report

        progress = (done, len(self._opened.cases))
        with contextlib.suppress(CrucibleError):  # what keeps it from being written is reported at the end
            write_report(self._opened.ledger, self._opened.run.run_id, self._path, progress=progress)
        self._written = self._clock()
        self._last = self._written - now
        self._spent += self._last
        return True
