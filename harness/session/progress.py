"""Progress: how far a run is, on a terminal as one line that is rewritten, elsewhere as a line now and then.

A suite that is over gets a line with its best candidate, so that a long run shows its boards before its end.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from harness.core.case import Case
from harness.core.evaluation import Evaluation
from harness.core.status import Status
from harness.report import words

INFRA = Status.INFRA  # Python 3.11 computes a member at each access through its class
LIVE_SECONDS, PLAIN_SECONDS = 0.25, 30.0  # between two lines
OVER_SECONDS = 5.0  # between two groups of lines of suites that are over, where lines stand between pytest's letters
MAX_WIDTH = 100


def is_live(reporter: Any, environ: Mapping[str, str]) -> bool:
    """Whether a line can be rewritten: on a terminal that is not told to be plain, at pytest's default verbosity."""
    plain = environ.get("CI") or environ.get("NO_COLOR") or environ.get("TERM") == "dumb"
    return bool(reporter.isatty and reporter.verbosity == 0 and not plain)


def uncaptured(config: pytest.Config) -> AbstractContextManager[None]:
    """What is written meanwhile does not become output of the test that is running."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    return nullcontext() if capture is None else capture.global_and_fixture_disabled()


def say_in_worker(config: pytest.Config, line: str) -> None:
    """Write a line from an xdist worker, whose standard error is that of the run."""
    with uncaptured(config):
        print(line, file=sys.stderr, flush=True)


class Progress:
    """Shows the progress of an open run through pytest's own terminal reporter; a pytest plugin where it is live.

    Args:
        cases: The selected cases by node id.
        is_alone: Whether the run consists of nothing else; else the letters of other tests stand on the line.
        clock: Seconds, monotonic.

    Attributes:
        is_live: Whether one line is rewritten, which then stands for the letters of cases.
    """

    def __init__(
        self,
        reporter: Any,
        cases: Mapping[str, Case],
        *,
        is_alone: bool,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reporter, self._cases, self._clock = reporter, cases, clock
        self.is_live = is_alone and is_live(reporter, environ)
        self._left = Counter((case.lane, case.suite) for case in cases.values())
        self._total, self._done, self._failing = Counter(self._left), 0, Counter[tuple[str, str]]()
        self._best: dict[tuple[str, str], tuple[float, str]] = {}
        self._first = self._shown = self._named = clock()
        self._over: list[tuple[str, str]] = []  # not shown yet
        self._said: set[str] = set()
        self._encoding = getattr(reporter._tw._file, "encoding", None)
        if self.is_live:
            reporter.showfspath = False
            reporter._show_progress_info = False

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """Write no letter for a case where the live line says more."""
        found = yield
        return (found[0], "", "") if self.is_live and found and report.nodeid in self._cases else found

    def advance(self, evaluation: Evaluation) -> None:
        """Count an evaluation, and show where the run is if it is time to."""
        place = evaluation.case.lane, evaluation.case.suite
        self._done += 1
        if self._done == 1:  # before it, processes start
            self._first = self._clock()
        self._left[place] -= 1
        bad = evaluation.evidence.status is INFRA or not (evaluation.as_expected or evaluation.neutral)
        self._failing[place] += bad
        score = evaluation.score.total
        if evaluation.passed and evaluation.case.policy.expect is None and score is not None:
            self._best[place] = max(self._best.get(place, (score, "")), (score, evaluation.case.subject.name))
        if not self._left[place]:
            self._over.append(place)
        now = self._clock()
        self._show_over(now)
        if now - self._shown >= (LIVE_SECONDS if self.is_live else PLAIN_SECONDS):
            self._show(place)

    def say(self, line: str) -> None:
        """Write a line once in a run, however many processes of it have the same reason."""
        if line in self._said:
            return
        self._said.add(line)
        with uncaptured(self._reporter.config):
            if self.is_live:
                self._erase()
            self._write(words.encodable(line, self._encoding))

    def close(self) -> None:
        """Erase the live line."""
        if self.is_live:
            self._erase()

    def _show_over(self, now: float) -> None:
        """Write a line for each suite that is over: on a terminal at once, elsewhere a few together, with `-q` none."""
        is_due = self.is_live or (self._reporter.verbosity >= 0 and now - self._named >= OVER_SECONDS)
        if not self._over or not is_due:
            return
        if self.is_live:
            self._erase()
        self._named = now
        for place in self._over:
            (self._reporter.write_line if self.is_live else self._write)(self._fit(self._suite(place)))
        self._over = []

    def _show(self, place: tuple[str, str]) -> None:
        self._shown = self._clock()
        parts = [f"{self._done} of {len(self._cases)}", f"{sum(self._failing.values())} failing"]
        if self._done > 1:
            left = (self._shown - self._first) / (self._done - 1) * (len(self._cases) - self._done)
            parts.append(f"{left:.0f} s left")
        line = " · ".join([*parts, self._suite(place)])
        if self.is_live:
            self._reporter.rewrite(self._fit(line), erase=True)
            return
        self._write(self._fit(line))

    def _write(self, line: str) -> None:
        self._reporter.ensure_newline()
        if self._reporter._tw.width_of_current_line:  # xdist's letters, which pytest does not know of
            self._reporter.line("")
        self._reporter.write_line(line)

    def _suite(self, place: tuple[str, str]) -> str:
        done = self._total[place] - self._left[place]
        parts = [
            f"{place[0]} {place[1].rpartition('/')[2].removesuffix('.suite.yaml')}",
            f"{done}/{self._total[place]}",
        ]
        if self._failing[place]:
            parts.append(f"{self._failing[place]} failing")
        if place in self._best:
            score, name = self._best[place]
            parts.append(f"best {name} {words.score(score)}")
        return "  ".join(parts)

    def _erase(self) -> None:
        self._reporter.rewrite("", erase=True)
        self._reporter._tw.write("\r")

    def _fit(self, line: str) -> str:
        return words.encodable(words.fit(line, min(self._reporter._tw.fullwidth, MAX_WIDTH) - 1), self._encoding)
