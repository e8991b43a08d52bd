"""Revision: ask for a revision, check it and its contract, run it, keep it only if it measures better."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.core.digest import digest_json, digest_text, short
from harness.core.errors import InfraError
from harness.core.trial import Trial, changed
from harness.dsl.analysis.load import check_source
from harness.dsl.facts.plan import check_plan
from harness.dsl.improve.contract import clauses_of, find_broken_clause, mask_variables, measuring_files
from harness.dsl.improve.identity import find_difference
from harness.dsl.improve.measured_runs import Measured, Objective
from harness.dsl.ir import Program
from harness.dsl.language.diagnostic import render
from harness.dsl.language.parser import parse
from harness.providers.completion import fenced_blocks
from harness.providers.question import Provider, Question
from harness.sweep import loop

MAX_REPLY = 1 << 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """One revision.

    Attributes:
        round: Number of the round, from 1.
        why: Reason of the rejection, or the improvement.
        values: Values of the objective in its runs.
        text: Source of the revision; empty if the reply has none.
        stage: Where it ended: `parse`, `duplicate`, `gate` (it changes what it is judged by) or `judged` (it ran).
    """

    round: int
    accepted: bool
    why: str
    digest: str
    values: tuple[float, ...]
    text: str
    stage: str = "judged"


@dataclass(frozen=True, slots=True)
class Improvement:
    """The settings of an improvement.

    Attributes:
        measure: Runs a program and returns its values; the second argument is the first seed.
        inputs: Names that the caller provides.
        laws: A domain that no revision may violate.
        variable: What a revision may change: names, steps, written files; empty for all that is not measured. Fields
            and cases in it may also differ between the measurements.
    """

    objective: Objective
    measure: Callable[[Program, int], Measured]
    provider: Provider
    inputs: tuple[str, ...] = ()
    laws: Program | None = None
    variable: frozenset[str] = frozenset()

    def improve(self, program: Program, rounds: int) -> tuple[Program, list[Attempt]]:
        """The best program after some rounds, and all attempts."""
        climb = ProgramClimb(self, program)
        climb.run(loop.Kept(), rounds)
        return climb.best, climb.attempts

    def _declared(self, program: Program) -> frozenset[str]:
        """Parts of the program that are declared variable: not cases and their fields."""
        find = program.schema.find
        return frozenset(n for n in self.variable if find(n) < 0 and find(n.rpartition(".")[0]) < 0)

    def kept(self, program: Program) -> tuple[dict[str, str], set[str], str]:
        """What every revision of a program must keep: clauses, files that measure, and the source of what is fixed."""
        tree = parse(program.source)[0]
        clauses, files = clauses_of(tree), measuring_files(tree)
        declared = self._declared(program)
        return clauses, files, mask_variables(tree, declared) if declared else ""

    def judge(
        self,
        number: int,
        text: str,
        best: Program,
        known: Measured,
        kept: tuple[dict[str, str], set[str], str],
    ) -> tuple[Attempt, Program | None, Measured | None]:
        """The verdict on a revision: the attempt, and the program with its runs if it is accepted."""

        def rejected(
            why: str, values: tuple[float, ...] = (), digest: str = "", stage: str = "judged"
        ) -> tuple[Attempt, None, None]:
            return Attempt(number, False, why, digest, values, text, stage), None, None

        if not text.strip():
            return rejected("the reply contains no program", stage="parse")
        revised, problems = check_source(text, path="revision", inputs=self.inputs, cache=False)
        errors = [problem for problem in problems if problem.is_error]
        if revised is None or errors:
            return rejected(next(iter(render(errors, text, "revision", source=False))), stage="parse")
        tree = parse(text)[0]
        if tree == parse(best.source)[0]:
            return rejected("it is identical to the program", digest=revised.digest, stage="duplicate")
        clauses, files, fixed = kept
        broken = find_broken_clause(clauses, clauses_of(tree))
        if not broken and fixed and mask_variables(tree, self._declared(best)) != fixed:
            broken = f"more than what is declared variable ({', '.join(sorted(self._declared(best)))})"
        if broken:
            return rejected(f"it changes what it is judged by: {broken}", digest=revised.digest, stage="gate")
        if self.laws is not None and (breaches := check_plan(revised, self.laws).breaches):
            return rejected(str(breaches[0]), digest=revised.digest, stage="gate")
        measured = self.measure(revised, 0)
        if known.passed and not measured.passed:
            return rejected(f"it fails: {measured.why}", measured.values, revised.digest)
        for before, after in zip(known.identities, measured.identities, strict=False):
            if found := find_difference(before, after, files=files, variable=self.variable):
                return rejected(f"it changes what is measured: {found}", measured.values, revised.digest)
        if measured.beats(known, maximize=self.objective.maximize) and (measured.varies or known.varies):
            # Three noisy runs beat three others by chance one time in twenty: both run again with other seeds.
            seed = max(len(measured.values), len(known.values))
            measured = measured.joined_with(self.measure(revised, seed))
            known = known.joined_with(self.measure(best, seed))
            if known.passed and not measured.passed:
                return rejected(f"it fails: {measured.why}", measured.values, revised.digest)
        if not measured.beats(known, maximize=self.objective.maximize):
            return rejected(
                f"no improvement: {_format_values(measured)} against {_format_values(known)}",
                measured.values,
                revised.digest,
            )
        why = f"{_format_values(known)} -> {_format_values(measured)}"
        return Attempt(number, True, why, revised.digest, measured.values, text), revised, measured

    def question(self, program: Program, known: Measured, attempts: list[Attempt]) -> Question:
        """The question for a revision of the best program so far."""
        declared = self._declared(program)
        goal = self.objective.metric or "the share of checks and success criteria that hold"
        end = "higher" if self.objective.maximize else "lower"
        history = [{"accepted": a.accepted, "why": a.why} for a in attempts[-5:]]
        parts = [
            f"Revise this program so that {goal} becomes {end}. Now it is {_format_values(known)}"
            + (f"; the runs fail: {known.why}." if known.why else "."),
            "You may change steps, prompts, parameters, strategies. Checks, success, facts, rules, the trace's schema, "
            "measurements, the files that they run and the input that is measured must stay as they are; constants in "
            "place of measurements count for nothing. Answer with the whole program in one fenced block.",
            f"Only these may change: {', '.join(sorted(declared))}." if declared else "",
            f"```spak-dsl\n{program.source}\n```",
            f"metrics.json:\n{json.dumps(known.metrics, indent=1, ensure_ascii=False)[:8_000]}",
            f"trace.json (clipped):\n{known.trace}",
            f"Revisions so far:\n{json.dumps(history, indent=1)}" if history else "",
        ]
        prompt = "\n\n".join(part for part in parts if part)
        return Question(
            id=short(digest_json(["improve", prompt])), prompt=prompt, role="engineer of programs", label="improve"
        )


class ProgramClimb:
    """The rounds of an improvement as a `harness.sweep.loop.Searched`.

    Generation 0 is the program, each further one is one revision of the best program so far.

    Args:
        operator: Who proposes, for rows; by default the provider.
        name: The name of the program, for rows; by default its own.

    Attributes:
        values: The values of the objective in its runs.
    """

    def __init__(self, settings: Improvement, program: Program, *, operator: str = "", name: str = "") -> None:
        self._settings, self._operator, self._program = settings, operator or settings.provider.name, program
        self._name = name or program.name
        self.best = program
        self.values: tuple[float, ...] = ()
        self.start: tuple[float, ...] = ()
        self.attempts: list[Attempt] = []
        self._kept = settings.kept(program)
        self._known: Measured | None = None
        self._accepted: tuple[Program, Measured] | None = None
        self._idle = 0

    @property
    def known(self) -> Measured:
        """The runs of the best program; those of an earlier process are made again when they are needed."""
        if self._known is None:
            self._known = self._settings.measure(self.best, 0)
        return self._known

    def run(self, rows: loop.Rows, rounds: int) -> loop.Ended:
        """Ask for so many revisions.

        Raises:
            InfraError: if the provider fails.
        """
        ended = loop.run(self, rows, loop.Limits(rounds + 1))
        if ended.fault is not None:
            raise ended.fault
        return ended

    def propose(self, generation: int, book: loop.Book) -> list[Trial] | None:
        """The program itself, or a reply with a revision of the best one; None if the provider has no answer."""
        found = book.proposed(generation)
        if found:
            return found
        parents: tuple[str, ...] = ()
        if generation == 0:
            text, digest = self._program.source, self._program.digest
            operator = loop.START
        else:
            reply = self._settings.provider.answer(self._settings.question(self.best, self.known, self.attempts))
            if reply is None:
                self.attempts.append(Attempt(generation, False, "the provider gave no answer", "", (), ""))
                return None
            text = _program_in(reply.text)
            revised, _ = check_source(text, path="revision", inputs=self._settings.inputs, cache=False)
            digest = digest_text(text) if revised is None else revised.digest
            parents, operator = (self.best.digest,), self._operator
        found = [book.proposal(generation, self._name, digest, operator=operator, parents=parents)]
        book.add(found, {digest: text})
        return found

    def judge(self, trials: Sequence[Trial], book: loop.Book) -> None:
        """Check and run a revision; it passes if it is accepted."""
        for trial in trials:
            book.kept.complete([self._judge(trial, book.kept.source(trial.digest))])

    def absorb(self, generation: int, trials: Sequence[Trial], book: loop.Book) -> int:
        """Replace the best program by a revision that was accepted."""
        if generation == 0:
            self.start = self.values = tuple(trials[0].verdict["values"])
        for trial in trials if generation else ():
            found, text = trial.verdict, book.kept.source(trial.digest)
            self.attempts.append(
                Attempt(
                    round=generation,
                    accepted=bool(trial.passed),
                    why=found["why"],
                    digest=found["digest"],
                    values=tuple(found["values"]),
                    text=text,
                )
            )
            self._idle += 1
            if trial.passed:
                if self._accepted is not None:
                    self.best, self._known = self._accepted
                else:  # accepted by an earlier process
                    revised, _ = check_source(text, path="revision", inputs=self._settings.inputs, cache=False)
                    if revised is None:
                        raise InfraError("a revision of an earlier process cannot be read again", where=trial.digest)
                    self.best, self._known = revised, None
                self.values, self._idle = tuple(found["values"]), 0
            self._accepted = None
        return self._idle

    def _judge(self, trial: Trial, text: str) -> Trial:
        if trial.operator == loop.START:
            self.start = self.known.values
            verdict = {**trial.verdict, "values": list(self.start), "why": self.known.why}
            status = "ok" if self.known.passed else "wrong"
            return changed(trial, stage="judged", status=status, passed=self.known.passed, verdict=verdict)
        started = time.perf_counter()
        attempt, revised, measured = self._settings.judge(trial.generation, text, self.best, self.known, self._kept)
        if revised is not None and measured is not None:
            self._accepted = revised, measured
        return changed(
            trial,
            stage=attempt.stage,
            status="ok" if attempt.accepted else "wrong",
            passed=attempt.accepted,
            verdict={**trial.verdict, "why": attempt.why, "values": list(attempt.values), "digest": attempt.digest},
            seconds=time.perf_counter() - started,
        )


def _program_in(reply: str) -> str:
    """The program in a reply: its first fenced block, or all of it."""
    blocks = fenced_blocks(reply[:MAX_REPLY])
    return blocks[0][1] if blocks else reply[:MAX_REPLY]


def _format_values(measured: Measured) -> str:
    if not measured.values:
        return "not measured"
    low, high = min(measured.values), max(measured.values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
