"""Next steps: what to do after a run, at most five lines, each with a reason, a place to look and a command."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.report import rerun, words
from harness.report.run_verdict import Kind, RunVerdict
from harness.report.suite_overview import Suite
from harness.report.urgency import Urgency

if TYPE_CHECKING:
    from typing import Protocol

    class Case(Protocol):
        """An evaluation of the page, see `harness.report.page.Candidate`."""

        row: dict[str, Any]
        urgency: Urgency
        reason: str

        new: bool

        @property
        def has_regressed(self) -> bool:
            """Whether it passed before."""
            ...


QUOTED = re.compile(r"`(crucible [^`]+)`")  # a command that a reason names
MAX_STEPS = 5
MAX_WHY = 160  # columns of a reason; the case has it in full
MAX_OF_A_KIND = 2
BAD = frozenset({"gate fails", "problem", "control not caught", "new case fails", "regression", "fails", "fail"})


class Step(NamedTuple):
    """One line.

    Attributes:
        kind: What it is about, in one or two words.
        what: The thing: a gate, a case, a suite.
        why: The reason.
        route: Where the page shows it: the part of its address after `#/`.
        command: What to type; empty where the line before has it.
    """

    kind: str
    what: str
    why: str
    route: tuple[str, ...]
    command: str

    @property
    def is_bad(self) -> bool:
        """Whether it is about what kept the run from holding."""
        return self.kind in BAD


def next_steps(
    verdict: RunVerdict,
    overview: Sequence[Suite],
    urgent: Sequence[Case],
    run: dict[str, Any],
    repeat: Callable[[str], str],
) -> list[Step]:
    """The first steps of a run, most important first.

    Args:
        verdict: Whether the run held, and why not.
        overview: Its suites.
        urgent: Its evaluations, most urgent first.
        run: The run.
        repeat: The command that repeats the case of a node id on the inputs that its verdict was made on.
    """
    found = islice(_steps(verdict, overview, urgent, run, repeat), MAX_STEPS)
    return [step._replace(why=words.fit(step.why, MAX_WHY)) for step in found]


def _steps(
    verdict: RunVerdict,
    overview: Sequence[Suite],
    urgent: Sequence[Case],
    run: dict[str, Any],
    repeat: Callable[[str], str],
) -> Iterator[Step]:
    numbers = [number for number, gate in enumerate(verdict.gates, 1) if not gate["passed"]]
    others = len(numbers) - MAX_OF_A_KIND
    for place, (number, fault) in enumerate(zip(numbers, verdict.of_kind(Kind.GATE)[:MAX_OF_A_KIND], strict=False)):
        # A gate is about the whole run: its cases have lines and commands of their own.
        typed = rerun.whole(run)
        command = "" if typed and place else typed or f"pytest --gate {rerun.quote(fault.what)}"
        reason = words.gate_reason(fault.what, fault.why)
        if others > 0 and place == MAX_OF_A_KIND - 1:
            reason = f"{words.fit(reason, MAX_WHY // 2)}; {words.count(others, 'more gate')} fail{'s' * (others == 1)}"
        yield Step("gate fails", fault.what, reason, ("gates", str(number)), command)
    for fault in verdict.of_kind(Kind.PROBLEM)[:MAX_OF_A_KIND]:
        command = repeat(fault.nodeid) if fault.nodeid else rerun.command(run)
        yield Step("problem", fault.nodeid or "the run", fault.why, ("environment",), command)
    failing = [case for case in urgent if case.urgency is Urgency.FAILING]
    failing.sort(key=lambda case: (not case.has_regressed, not case.new))
    for case in failing[:MAX_OF_A_KIND]:
        row = case.row
        kind = (
            "control not caught" if row["expected"] else "regression" if case.has_regressed
            else "new case fails" if case.new else "fails"
        )  # fmt: skip
        said = f"expected {row['expected']}, was {row['status']}: {case.reason}" if row["expected"] else case.reason
        yield Step(kind, row["nodeid"], said, ("case", row["nodeid"]), repeat(row["nodeid"]))
    if more := failing[MAX_OF_A_KIND:]:
        yield Step("fail", words.count(len(more), "more case"), _kinds(more), ("failing",), rerun.command(run))
    unconfirmed = [case for case in urgent if case.urgency is Urgency.UNCONFIRMED]
    for case in unconfirmed[:MAX_OF_A_KIND]:
        row = case.row
        suite = next((one.name for one in overview if (one.lane, one.suite) == (row["lane"], row["suite"])), "")
        command = rerun.again(run, row["suite"], "--confirm 60")
        yield Step("leads unconfirmed", row["subject"], words.unconfirmed(row), ("suite", row["lane"], suite), command)
    for status in ("flaky", "noisy", "review"):
        found = [case for case in urgent if case.row["status"] == status and case.urgency is not Urgency.FAILING]
        for case in [case for case in found if case.row["expected"] is None][:1]:
            row = case.row
            yield Step(status, row["nodeid"], row["why"], ("case", row["nodeid"]), repeat(row["nodeid"]))
    yield from _unjudged(urgent, overview)


def _unjudged(urgent: Sequence[Case], overview: Sequence[Suite]) -> Iterator[Step]:
    """The reasons for which cases were skipped, by lane; the first case of each is the place to look."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for case in urgent:
        row = case.row
        if row["status"] == "skipped" and row["neutral"]:
            found.setdefault((row["lane"], row["why"].partition(" (")[0]), []).append(row)
    for (lane, why), rows in sorted(found.items(), key=lambda pair: -len(pair[1])):
        first = next((suite for suite in overview if suite.suite == rows[0]["suite"]), None)
        route = ("suite", lane, first.name) if first is not None else ("case", rows[0]["nodeid"])
        command = quoted[1] if (quoted := QUOTED.search(why)) else "crucible doctor"
        yield Step("not judged", f"{words.count(len(rows), 'case')} of {lane}", why, route, command)


def _kinds(cases: Sequence[Case]) -> str:
    """How many of some failing cases have each status, and how many of them regressed or are new."""
    found = ", ".join(f"{count} {status}" for status, count in Counter(c.row["status"] for c in cases).most_common())
    regressed, new = sum(c.has_regressed for c in cases), sum(c.new and not c.has_regressed for c in cases)
    since = ", ".join(
        f"{count} {how}"
        for count, how in ((regressed, "regressed"), (new, "new cases" if new > 1 else "new case"))
        if count
    )
    return f"{found}; {since}" if since else found
