"""Next steps: what to do after a run, at most five lines, each with a reason, a place to look and a command."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.report import rerun, words
from harness.report.run_verdict import Kind, RunVerdict
from harness.report.suite_overview import Suite
from harness.report.urgency import Urgency, causes_raised

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
NO_GPU = "no CUDA device"  # how the reason of a case begins that only another machine can judge
WAITS = "waits for an answer"
STOPPED = "not reached"  # how the reason of a case begins that another one stopped
MAX_STEPS = 5
MAX_WHY = 160  # columns of a reason; the case has it in full
MAX_QUESTION = 320  # columns of a reason that has a question, which is of no use without its end
MAX_OF_A_KIND = 2
SUITE = ".suite.yaml"
MAX_NAME = 40  # columns of a name among others
BAD = frozenset({"gate fails", "problem", "control not caught", "new case fails", "regression", "fails", "fail"})


class Step(NamedTuple):
    """One line.

    Attributes:
        kind: What it is about, in one or two words.
        what: The thing: a gate, a case, a suite.
        why: The reason.
        route: Where the page shows it: the part of its address after `#/`.
        command: What to type; empty where an earlier line has the same command.
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
    failing = _by_news(urgent, verdict)
    kinds = [
        _gates(verdict, run, repeat, shown=failing[0].row["nodeid"] if failing else ""),
        _problems(verdict, run, repeat),
        _failing(failing, run, repeat),
        _unconfirmed(urgent, overview, run),
        _unstable(urgent, repeat),
        _unjudged(urgent, overview, run, repeat),
    ]
    # Each kind has a line before any has a second, but failing cases have two at once.
    lines = [(max(0, n - (k == 2)), k) for k, kind in enumerate(kinds) for n in range(len(kind.steps))]
    shown = Counter(k for _, k in sorted(lines)[:MAX_STEPS])
    steps = [step for k, kind in enumerate(kinds) for step in kind.first(shown[k])]
    # A command stands once: at the first of the steps that it is for.
    given = [step.command for step in steps]
    return [step._replace(command="" if step.command in given[:n] else step.command) for n, step in enumerate(steps)]


class _Kind(NamedTuple):
    """The lines of one kind, of which a list has the first.

    Attributes:
        steps: As many as there may be room for.
        total: How many there would be.
        noun: What they are about.
        names: What they are called; the last line then names one that is left out.
        rest: The line about all from a number on, which names them; None if the last line says how many more there are.
        columns: Of a reason.
    """

    steps: list[Step]
    total: int
    noun: str
    names: Sequence[str] = ()
    rest: Callable[[int], Step] | None = None
    columns: int = MAX_WHY

    def first(self, shown: int) -> list[Step]:
        """The first lines, the last of which counts what is left out."""
        left, steps = (
            self.total - shown,
            [step._replace(why=_clipped(step.why, self.columns)) for step in self.steps[:shown]],
        )
        if not steps or not left:
            return steps
        if self.rest is not None:  # two kinds are two things to know, and what is left out has a line more
            is_last = shown > 2 or (shown == 2 and steps[0].kind == steps[1].kind)
            return [*steps[:-1], self.rest(shown - 1)] if is_last else [*steps, self.rest(shown)]
        more = f"; {words.count(left, f'more {self.noun}')}"
        if left == 1 and self.names:
            more += f": {words.fit(self.names[-1], MAX_WHY // 3)}"
        return [*steps[:-1], steps[-1]._replace(why=_clipped(steps[-1].why, self.columns - len(more)) + more)]


def _clipped(why: str, columns: int) -> str:
    """A reason that fits; where a bracket is opened and its end is cut off, it is closed."""
    shown = words.fit(why, columns)
    is_open = shown.count("(") > shown.count(")") and why.count("(") == why.count(")")
    return f"{words.fit(why, columns - 1)})" if is_open else shown


def _gates(verdict: RunVerdict, run: dict[str, Any], repeat: Callable[[str], str], *, shown: str) -> _Kind:
    """The gates that fail; `shown` is the case that has a line of its own below."""
    numbers = [number for number, gate in enumerate(verdict.gates, 1) if not gate["passed"]]
    steps = [
        Step(
            "gate fails",
            fault.what,
            words.without_case(words.gate_reason(fault.what, fault.why), shown, "the case below"),
            ("gates", str(number)),
            # The case that decides it, unless its own line has that; the page of the gate has the whole run's.
            ""
            if shown and fault.nodeid == shown
            else repeat(fault.nodeid)
            if fault.nodeid
            else rerun.whole(run) or f"pytest --gate {rerun.quote(fault.what)}",
        )
        for number, fault in zip(numbers[:MAX_OF_A_KIND], verdict.of_kind(Kind.GATE), strict=False)
    ]
    return _Kind(steps, len(numbers), "failing gate", [fault.what for fault in verdict.of_kind(Kind.GATE)])


def _problems(verdict: RunVerdict, run: dict[str, Any], repeat: Callable[[str], str]) -> _Kind:
    found = verdict.of_kind(Kind.PROBLEM)
    steps = [
        Step(
            "problem",
            fault.nodeid or "the run",
            fault.why,
            ("environment",),
            repeat(fault.nodeid) if fault.nodeid else rerun.whole(run),
        )
        for fault in found[:MAX_OF_A_KIND]
    ]
    return _Kind(steps, len(found), "problem")


def _by_news(urgent: Sequence[Case], verdict: RunVerdict) -> list[Case]:
    """The failing cases: what regressed, then what is new; of these first the case that the first gate names.

    A cause comes before what follows from it, all the same.
    """
    named = next((fault.nodeid for fault in verdict.of_kind(Kind.GATE)), "")
    failing = [case for case in urgent if case.urgency is Urgency.FAILING]
    failing.sort(key=lambda case: (not case.has_regressed, not case.new, case.row["nodeid"] != named))
    return causes_raised(failing, lambda case: case.row)


def _failing(failing: Sequence[Case], run: dict[str, Any], repeat: Callable[[str], str]) -> _Kind:
    def step(case: Case) -> Step:
        row = case.row
        kind = (
            "control not caught" if row["expected"] else "regression" if case.has_regressed
            else "new case fails" if case.new else "fails"
        )  # fmt: skip
        reason = case.reason.removeprefix(f"{row['status']}: ")
        said = f"expected {row['expected']}, was {row['status']}: {reason}" if row["expected"] else case.reason
        return Step(kind, _short(row["nodeid"]), said, ("case", row["nodeid"]), repeat(row["nodeid"]))

    def rest(start: int) -> Step:
        more = failing[start:]
        kinds = {step(case).kind for case in more}
        kind = kinds.pop() if len(kinds) == 1 else "fail"
        command = rerun.last_failed(run, [case.row["suite"] for case in failing])
        return Step(kind, words.count(len(more), "more case"), _others(more), ("failing",), command)

    return _Kind([step(case) for case in failing[: MAX_OF_A_KIND + 1]], len(failing), "failing case", rest=rest)


def _unconfirmed(urgent: Sequence[Case], overview: Sequence[Suite], run: dict[str, Any]) -> _Kind:
    found = [case.row for case in urgent if case.urgency is Urgency.UNCONFIRMED]
    names = {(suite.lane, suite.suite): suite.name for suite in overview}
    steps = [
        Step(
            "leads unconfirmed",
            row["subject"],
            words.unconfirmed(row),
            ("suite", row["lane"], names.get((row["lane"], row["suite"]), "")),
            rerun.again(run, [row["suite"]], "--confirm 60"),
        )
        for row in found[:MAX_OF_A_KIND]
    ]
    return _Kind(steps, len(found), "unconfirmed leader")


def _unstable(urgent: Sequence[Case], repeat: Callable[[str], str]) -> _Kind:
    """Candidates that are flaky, noisy or wait for a review, and do not fail for it."""
    rows = [case.row for case in urgent if case.urgency is not Urgency.FAILING and case.row["expected"] is None]
    found = [row for status in ("flaky", "noisy", "review") for row in rows if row["status"] == status]
    steps = [
        Step(row["status"], _short(row["nodeid"]), _waiting(row["why"]), ("case", row["nodeid"]), repeat(row["nodeid"]))
        for row in found[:MAX_OF_A_KIND]
    ]
    return _Kind(steps, len(found), "case", columns=MAX_QUESTION)


def _short(nodeid: str) -> str:
    """A node id without the folders of its suite, which its command has."""
    suite, colons, case = nodeid.partition("::")
    return f"{suite.rpartition('/')[2]}{colons}{case}"


def _waiting(why: str) -> str:
    """A reason, and what helps where a question has no answer: the same command alone would ask it again."""
    return f"{why} (write it into the file that the suite names as answers)" if WAITS in why else why


def _unjudged(
    urgent: Sequence[Case], overview: Sequence[Suite], run: dict[str, Any], repeat: Callable[[str], str]
) -> _Kind:
    """The reasons for which cases were skipped, by lane; the first case of each is the place to look."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for case in urgent:
        row = case.row
        if row["status"] == "skipped" and row["neutral"]:
            found.setdefault((row["lane"], row["why"].partition(" (")[0]), []).append(row)
    steps = []
    # What another case stopped follows from the line about that case.
    for (lane, why), rows in sorted(found.items(), key=lambda pair: (pair[0][1].startswith(STOPPED), -len(pair[1]))):
        first = next((suite for suite in overview if suite.suite == rows[0]["suite"]), None)
        route = ("suite", lane, first.name) if first is not None else ("case", rows[0]["nodeid"])
        quoted = QUOTED.search(rows[0]["why"])
        command = quoted[1] if quoted else repeat(rows[0]["nodeid"]) if why.startswith(STOPPED) else "crucible doctor"
        if why.startswith(NO_GPU):
            command = rerun.again(run, list(dict.fromkeys(row["suite"] for row in rows)), "-m gpu")
        said = f"{why} (type this on a machine with one)" if why.startswith(NO_GPU) else why
        steps.append(Step("not judged", f"{words.count(len(rows), 'case')} of {lane}", said, route, command))
    return _Kind(steps, len(steps), "reason")


def _others(cases: Sequence[Case]) -> str:
    """Which cases fail, each with its status; how many of each status where the names do not fit."""
    named = [(words.fit(_short(case.row["nodeid"]).replace(SUITE, ""), MAX_NAME), _status(case)) for case in cases]
    named_all = ", ".join(f"{name} {status}" for name, status in named)
    counted = ", ".join(f"{count} {status}" for status, count in Counter(status for _, status in named).most_common())
    regressed, new = sum(c.has_regressed for c in cases), sum(c.new and not c.has_regressed for c in cases)
    is_mixed = len(cases) not in (regressed, new)  # else the kind of the line says it
    since = ", ".join(f"{count} {how}" for count, how in ((regressed, "regressed"), (new, "new")) if count and is_mixed)
    found = named_all if len(named_all) + len(since) < MAX_WHY else counted
    return f"{found}; {since}" if since else found


def _status(case: Case) -> str:
    status: str = case.row["status"]
    return "failing a gate" if status == "ok" else status
