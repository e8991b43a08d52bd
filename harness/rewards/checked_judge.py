"""CheckedJudge: a pool that judges candidates whose verdicts are known among the others, unmarked."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from harness.core.errors import UsageError
from harness.lane.controls import Controls

EVERY = 200  # verdicts between two checks of a tool


class Judged(Protocol):
    """The part of a verdict that a reward needs; `Verdict` and `RemoteVerdict` have it."""

    @property
    def status(self) -> Any:
        """The status: ok, wrong, timeout and others."""

    @property
    def passed(self) -> bool:
        """Whether the status is ok and every gate passes."""

    @property
    def score(self) -> float | None:
        """The score between 0 and 1; None if the candidate was not judged."""

    @property
    def reward(self) -> float | None:
        """1.0, 0.0, or None where the verdict says nothing about the candidate."""

    @property
    def graded(self) -> float | None:
        """`reward`, but for a wrong candidate half the share of its right answers."""

    @property
    def feedback(self) -> str:
        """What may be reported to its author."""


class Pool(Protocol):
    """The part of `JudgePool` that a reward needs; `Remote` has it."""

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of the tools."""

    def submit(
        self, source: str, *, screen: bool = False, graded: bool = False, tool: str | None = None
    ) -> Future[Any]:
        """Begin to judge a candidate."""

    def controls(self, tool: str | None = None) -> Controls | None:
        """The candidates by which a judge of a tool is checked."""

    def close(self) -> None:
        """End all processes."""


@dataclass(frozen=True, slots=True)
class _Check:
    name: str
    tool: str
    is_honest: bool
    found: Future[Any]


class CheckedJudge:
    """A pool whose verdicts are checked: every so many an honest control and a cheat are judged like candidates.

    A wrong verdict on one of them sets `degraded`, for good: no reward of this judge counts any more.

    Args:
        every: Verdicts of a tool between two checks; 0 checks nothing.
        honest: The source of a candidate that must pass; by default the tool's own (`controls/honest.py`).
        cheat: The source of a candidate that must not pass; by default made from the tool.

    Attributes:
        degraded: Which control was judged wrongly; empty while none was.
        checks: Controls that were judged, by name.

    Raises:
        UsageError: if `every` is negative, or a control is given for a pool of several tools.
    """

    def __init__(self, pool: Pool, *, every: int = EVERY, honest: str | None = None, cheat: str | None = None) -> None:
        if isinstance(every, bool) or not isinstance(every, int) or every < 0:
            raise UsageError(f"the number of verdicts between two checks must be an integer from 0, not {every!r}")
        if (honest or cheat) and len(pool.tools) > 1:
            raise UsageError("a control is of one tool", fix="put honest.py into the folder controls/ of each tool")
        self.pool, self.degraded = pool, ""
        self.checks: Counter[str] = Counter()
        self._every = every
        self._lock = threading.Lock()
        self._left: dict[str, int] = {}
        self._sources = {tool: _sources(pool.controls(tool), honest, cheat) for tool in pool.tools} if every else {}
        self._entries = {tool: made.entry for tool in pool.tools if (made := pool.controls(tool)) is not None}
        self._unexamined: list[_Check] = []

    def entry(self, tool: str | None) -> str:
        """The function that candidates of a tool define; empty if it is not known."""
        return self._entries.get(self._name(tool), "")

    def submit(
        self, source: str, *, screen: bool = False, graded: bool = False, tool: str | None = None
    ) -> Future[Any]:
        """Begin to judge a candidate, and the controls that are due; see `JudgePool.submit`."""
        name = self._name(tool)
        with self._lock:
            left = self._left.get(name, 0)
            is_due = left <= 0 and bool(self._sources.get(name))
            # The distance is random, so that no candidate can count to the next check.
            self._left[name] = self._every // 2 + secrets.randbelow(max(1, self._every)) if is_due else left - 1
        for control, is_honest, text in self._sources[name] if is_due else ():
            fresh = f"{text}\n# {secrets.token_hex(4)}\n"  # no pool has judged these bytes
            found = self.pool.submit(fresh, screen=screen, graded=graded, tool=tool)
            with self._lock:
                self._unexamined.append(_Check(control, name, is_honest, found))
        return self.pool.submit(source, screen=screen, graded=graded, tool=tool)

    def outstanding(self) -> list[Future[Any]]:
        """The verdicts on controls that are not examined yet: `examine` when they are there."""
        with self._lock:
            return [check.found for check in self._unexamined]

    def examine(self) -> str:
        """Examine the verdicts on controls that are there; returns `degraded`."""
        with self._lock:
            finished = [check for check in self._unexamined if check.found.done()]
            self._unexamined = [check for check in self._unexamined if not check.found.done()]
            for check in finished:
                if check.found.cancelled() or check.found.exception() is not None:
                    continue
                verdict: Judged = check.found.result()
                self.checks[check.name] += 1
                if verdict.reward is not None and (verdict.reward == 1.0) is not check.is_honest and not self.degraded:
                    what = "accepted the negative control" if not check.is_honest else "rejected the honest control"
                    self.degraded = (
                        f"the judge of {check.tool!r} is degraded: it {what} {check.name!r} ({verdict.feedback});"
                        " no reward counts until a new judge is started"
                    )
        return self.degraded

    def _name(self, tool: str | None) -> str:
        return self.pool.tools[0] if tool is None and self.pool.tools else str(tool)


def _sources(controls: Controls | None, honest: str | None, cheat: str | None) -> Sequence[tuple[str, bool, str]]:
    """The controls of a tool: name, whether it must pass, source."""
    found: list[tuple[str, bool, str]] = []
    if honest is not None:
        found.append(("honest", True, honest))
    elif controls is not None and controls.honest is not None:
        found.append(("honest", True, controls.honest.decode("utf-8", "replace")))
    if cheat is not None:
        found.append(("cheat", False, cheat))
    elif controls is not None:
        found.extend((name, False, source) for name, source in controls.cheats.items())
    secrets.SystemRandom().shuffle(found)
    return found
