"""Summary: the section at the end of a pytest run: the verdict, what failed, gates, what to type next, where it all is.

At most `MAX_LINES` lines when nothing fails. `-v` shows everything, `-q` the verdict, failures and places, `-qq` only
gates that fail.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.core.evaluation import Evaluation
from harness.core.run import Run
from harness.core.status import Status
from harness.report import words
from harness.report.explanation import details, headline
from harness.report.leaderboard import WIDTH
from harness.report.rerun import asked, last_failed, typed_in
from harness.report.run_verdict import HISTORY, INTERRUPTED, Kind
from harness.session.outcome import RunOutcome
from harness.suites.settings import Settings

MAX_LINES = 25
MAX_SHOWN = 20  # of each kind with `-v`; the ledger has them all
MAX_FAILURES, MAX_NOTICES, MAX_TIMINGS, MAX_ADVICE, MAX_GATES = 5, 3, 3, 3, 5
MAX_REASON = 400  # columns of why a case could not be judged: its remedy stands at the end
MIN_SUITES = 3


class Summary:
    """The summary of one run.

    Args:
        terminal: pytest's terminal reporter.
        run: The run; None if none was opened.
        base: The folder that shown paths are relative to.
        rerun: The command that repeats the case of a node id.
    """

    def __init__(
        self,
        outcome: RunOutcome,
        terminal: Any,
        *,
        run: Run | None,
        settings: Settings,
        base: Path,
        rerun: Callable[..., str],
    ) -> None:
        self._outcome, self._terminal, self._run, self._settings = outcome, terminal, run, settings
        self._base, self._rerun = base, rerun
        self._explains = terminal.config.option.tbstyle == "no"  # then pytest does not explain failing cases
        # Else pytest shows each with its own command, and here stands one for all of them.
        self._names_each = terminal.config.option.tbstyle in ("no", "line")
        self._level: int = terminal.verbosity
        # pytest takes a terminal of less than 40 columns for one of 80.
        self.width = min(terminal._tw.fullwidth, WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
        self._encoding = getattr(terminal._tw._file, "encoding", None)

    def write(self, board: Callable[[int], list[str]]) -> None:
        """Write the summary; nothing when no run was opened and there is nothing to report.

        Args:
            board: Lines on suites or candidates, in about as many lines as it is given.
        """
        outcome = self._outcome
        if not (self._run or outcome.problems or outcome.notices or outcome.gates):
            return
        if self._level <= -2:
            for line, colour in self._gates(only_failing=True):
                self._say(line, colour)
        else:
            self._terminal.ensure_newline()
            self._terminal.section("crucible")
            before, after = [*self._verdict()], [*self._rest()]
            room = max(MIN_SUITES, MAX_LINES - 1 - len(before) - len(after))
            lines = [] if self._level < 0 or self._run is None else board(room)
            for line, colour in before:
                self._say(line, colour)
            for line in lines:  # they are printable already, and may have colours
                self._terminal.write_line(words.encodable(line, self._encoding))
            for line, colour in after:
                self._say(line, colour)
        for line in outcome.annotations:
            self._terminal.write_line(words.encodable(line, self._encoding))

    def _say(self, line: str, colour: str) -> None:
        shown = words.encodable(words.printable(line), self._encoding)
        self._terminal.write_line(shown, **({colour: True} if colour else {}))

    def _verdict(self) -> Iterator[tuple[str, str]]:
        verdict = self._outcome.verdict
        if verdict is None or (self._run is None and not verdict.faults):
            return
        first, *others = words.folded([f"{verdict.word}  {verdict.facts()[0]}", *verdict.facts()[1:]], self.width)
        yield first, "green" if verdict.held else "red"
        yield from ((line, "") for line in others)
        if self._level > 0 and self._run is not None:
            yield f"run {self._run.run_id}", ""
            yield from ((line, "") for line in [self._outcome.sandbox_line] if line)
            yield from ((f"not judged: {number} {why}", "") for why, number in verdict.unjudged)

    def _rest(self) -> Iterator[tuple[str, str]]:
        outcome, quiet = self._outcome, self._level < 0
        yield from self._failures()
        yield from self._neutral()
        if not quiet:
            yield from ((line, "") for line in [outcome.confirmation_line] if line)
            timing = outcome.timing.lines()
            yield from ((words.fit(line, self.width), "") for line in timing[: self._limit(MAX_TIMINGS)])
            yield from self._more(timing, MAX_TIMINGS, "on timing; the ledger's table `comparisons` has them")
            for notice in outcome.notices[: self._limit(MAX_NOTICES)]:
                yield from ((line, "yellow") for line in words.wrapped(f"notice: {notice}", self.width))
            yield from self._more(outcome.notices, MAX_NOTICES, "notices")
        yield from self._gates()
        for fault in outcome.verdict.of_kind(Kind.PROBLEM) if outcome.verdict else ():
            if not fault.why.startswith(INTERRUPTED):
                yield f"exit status 1: {fault.why}", "red"
        if not quiet:
            for sentence, command in outcome.advice[: self._limit(MAX_ADVICE)]:
                yield f"next  {sentence}: {command}", "bold"
        yield from self._places()

    def _neutral(self) -> Iterator[tuple[str, str]]:
        """What waits for an answer, or is too noisy to decide: those of one suite with the same reason together."""
        groups: dict[tuple[str, str], list[Evaluation]] = {}
        for one in self._outcome.neutral:
            if one.status is not Status.SKIPPED:
                groups.setdefault((one.case.nodeid.partition("::")[0], headline(one)), []).append(one)
        for (_, said), alike in [*groups.items()][: self._limit(MAX_FAILURES)]:
            one = alike[0]
            first = f"{one.status}  {one.case.nodeid}" + (f" and {len(alike) - 1} more" if len(alike) > 1 else "")
            why = said.removeprefix(f"{one.status}: ")
            if words.width(f"{first}: {why}") <= self.width:
                yield f"{first}: {why}", "yellow"
            else:
                yield words.fit(first, self.width, middle=True), "yellow"
                lines = words.wrapped(words.fit(why, MAX_REASON), self.width - 2)
                yield from ((f"  {line.strip()}", "yellow") for line in lines)
        yield from self._more([*groups], MAX_FAILURES, "neither passed nor failed")

    def _failures(self) -> Iterator[tuple[str, str]]:
        verdict, known = self._outcome.verdict, {one.case.nodeid: one for one in self._outcome.failing}
        faults = [] if verdict is None else verdict.of_kind(Kind.CANDIDATE, Kind.CONTROL, Kind.INFRA)
        groups: dict[tuple[str, str, str], list[Evaluation]] = {}
        for one, how in ((known[fault.what], fault.history) for fault in faults if fault.what in known):
            groups.setdefault((one.case.nodeid.partition("::")[0], _kind(one), how), []).append(one)
        # What could not be judged comes first: it fails whatever the candidates are, often all of a suite. Then what is
        # new, and what most cases share.
        failing = sorted(
            groups.items(),
            key=lambda pair: (
                pair[1][0].status is not Status.INFRA,
                pair[0][2] == HISTORY[-1],
                -len(pair[1]),
                pair[0][2] != HISTORY[0],
            ),
        )
        for (suite, _, how), alike in failing[: self._limit(MAX_FAILURES)]:
            one, what = alike[0], alike[0].case.nodeid if len(alike) == 1 else suite
            said = headline(one)
            first = f"FAIL  {what}" + (f": {len(alike)} cases, such as {one.case.name}" if len(alike) > 1 else "")
            first += f" ({how})" if how in HISTORY[:-1] else ""
            if one.status is Status.INFRA:
                yield words.fit(first, self.width, middle=True), "red"
                lines = words.wrapped(words.fit(said, MAX_REASON), self.width - 2)
                yield from ((f"  {line.strip()}", "red") for line in lines)
            elif words.width(f"{first}: {said}") <= self.width:
                yield f"{first}: {said}", "red"
            else:  # the reason has a line of its own: a long name leaves no room for it
                yield words.fit(first, self.width, middle=True), "red"
                yield words.fit(f"  {said}", self.width), "red"
            if self._explains:
                yield from ((line, "") for line in details(one))
            if self._names_each:
                yield f"  rerun: {self._rerun(what)}", ""
        left = Counter(str(one.status) for _, alike in failing[self._limit(MAX_FAILURES) :] for one in alike)
        if left:
            kinds = ", ".join(f"{number} {status}" for status, number in left.most_common())
            yield f"  … {left.total()} more that failed ({kinds}): crucible show --run {self._name}", ""
        if failing and not self._names_each:
            suites, config = [suite for (suite, _, _), _ in failing], self._terminal.config
            known = config.pluginmanager.hasplugin("cacheprovider")
            with typed_in(self._base, config.rootpath):
                yield f"rerun: {last_failed(asked(self._settings), suites, is_remembered=known)}", ""

    @property
    def _name(self) -> str:
        return "latest" if self._run is None else self._run.run_id

    def _gates(self, *, only_failing: bool = False) -> Iterator[tuple[str, str]]:
        passing = [gate for gate in self._outcome.gates if gate.passed]
        failing = {one.case.nodeid for one in self._outcome.failing}
        for gate in self._outcome.gates:
            if gate.passed and (only_failing or self._level < 0 or gate in passing[self._limit(MAX_GATES) :]):
                continue
            observed = words.measured(gate.observed, gate.threshold)
            known = gate.nodeid if gate.nodeid in failing else ""
            more = (
                words.without_case(words.gate_reason(gate.name, gate.why), known, "see above")
                .removeprefix(f"is {observed}")
                .lstrip(": ")
            )
            joint = " " if more.startswith("(") else ": " if more else ""
            text = f"observed {observed}, threshold {gate.threshold:g}{joint}{more}"
            colour = "green" if gate.passed else "red"
            yield f"gate {gate.name}: {'passes' if gate.passed else 'FAILS'}: {text}", colour
            if not gate.passed and gate.nodeid not in failing:  # else its line stands above
                yield from ((f"  {line}", "") for line in self._outcome.examples.get(gate.name, ()))
            if gate.nodeid and gate.nodeid not in failing:
                yield f"  rerun: {self._rerun(gate.nodeid)}", ""
        if not only_failing and self._level >= 0:
            yield from self._more(passing, MAX_GATES, "gates pass")

    def _places(self) -> Iterator[tuple[str, str]]:
        if self._run is None:
            return
        report = "not written" if self._outcome.report_path is None else _shown(self._outcome.report_path, self._base)
        tier = f", tier {self._run.tier}" if self._run.tier else ""
        parts = [f"report {report}", f"ledger {_shown(self._settings.ledger, self._base)}"]
        parts.append(f"epoch {self._settings.epoch}{tier}, secret seed {self._settings.secret_seed}")
        yield from ((line, "") for line in words.folded(parts, self.width, between="   ", indent=""))

    def _limit(self, few: int) -> int:
        return MAX_SHOWN if self._level > 0 else few

    def _more(self, found: Sequence[Any], few: int, what: str) -> Iterator[tuple[str, str]]:
        if (left := len(found) - self._limit(few)) > 0:
            yield words.fit(f"  … {left} more {what}", self.width), ""


def _kind(one: Evaluation) -> str:
    """The headline without the question that showed the failure: the same failure on another question is one kind."""
    kind, found = headline(one), one.evidence.counterexample
    for value in () if found is None else (found.question, found.expected):
        kind = kind.replace(value, "…") if value else kind
    return kind


def _shown(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)
