"""Revision: ask for a revision, check it and its contract, run it, keep it only if it measures better."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.digest import digest_json, short
from harness.dsl.analysis.load import check_source
from harness.dsl.facts.plan import check_plan
from harness.dsl.improve.contract import clauses_of, find_broken_clause, mask_variables, measuring_files
from harness.dsl.improve.identity import find_difference
from harness.dsl.improve.measured_runs import Measured, Objective
from harness.dsl.ir import Program
from harness.dsl.language.builder import Builder
from harness.dsl.language.diagnostic import render
from harness.dsl.language.lexer import TokenList, tokens
from harness.dsl.language.parser import parse
from harness.providers.question import Provider, Question

_FENCE = re.compile(r"```([A-Za-z-]*)[ \t]*\n(.*?)```", re.DOTALL)
MAX_REPLY = 1 << 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """One revision.

    Attributes:
        round: Number of the round, from 1.
        accepted: Whether it replaced the program.
        why: Reason of the rejection, or the improvement.
        digest: Digest of the source.
        values: Values of the objective in its runs.
        text: Source of the revision; empty if the reply has none.
        grammar: The accepted grammar that the reply proposes; otherwise empty.
    """

    round: int
    accepted: bool
    why: str
    digest: str
    values: tuple[float, ...]
    text: str
    grammar: str = ""


@dataclass(frozen=True, slots=True)
class Improvement:
    """The settings of an improvement.

    Attributes:
        objective: The quantity to improve.
        measure: Runs a program and returns its values; the second argument is the first seed.
        provider: Answers the questions for revisions.
        inputs: Names that the caller provides.
        laws: A domain that no revision may violate.
        programs: Sources that a proposed grammar must parse to the same tree.
        variable: What a revision may change: names, steps, written files; empty for all that is not measured. Fields
            and cases in it may also differ between the measurements.
    """

    objective: Objective
    measure: Callable[[Program, int], Measured]
    provider: Provider
    inputs: tuple[str, ...] = ()
    laws: Program | None = None
    programs: Sequence[str] = ()
    variable: frozenset[str] = frozenset()

    def improve(self, program: Program, rounds: int) -> tuple[Program, list[Attempt]]:
        """The best program after some rounds, and all attempts."""
        best, known = program, self.measure(program, 0)
        tree = parse(program.source)[0]
        clauses, files = clauses_of(tree), measuring_files(tree)
        declared = self._declared(program)
        fixed = mask_variables(tree, declared) if declared else ""
        attempts: list[Attempt] = []
        for number in range(1, rounds + 1):
            reply = self.provider.answer(self._question(best, known, attempts))
            if reply is None:
                attempts.append(Attempt(number, False, "the provider gave no answer", "", (), ""))
                break
            attempt, revised, measured = self._try(number, reply.text[:MAX_REPLY], best, known, (clauses, files, fixed))
            attempts.append(attempt)
            if attempt.accepted and revised is not None and measured is not None:
                best, known = revised, measured
        return best, attempts

    def _declared(self, program: Program) -> frozenset[str]:
        """Parts of the program that are declared variable: not cases and their fields."""
        find = program.schema.find
        return frozenset(n for n in self.variable if find(n) < 0 and find(n.rpartition(".")[0]) < 0)

    def _try(
        self, number: int, reply: str, best: Program, known: Measured, kept: tuple[dict[str, str], set[str], str]
    ) -> tuple[Attempt, Program | None, Measured | None]:
        blocks = _FENCE.findall(reply)
        grammar = next((text for kind, text in blocks if kind.lower() == "lark"), "")
        grammar = grammar if grammar and accepts_grammar(grammar, [best.source, *self.programs]) else ""
        text = next((text for kind, text in blocks if kind.lower() != "lark"), "" if blocks else reply)

        def rejected(why: str, values: tuple[float, ...] = (), digest: str = "") -> tuple[Attempt, None, None]:
            return Attempt(number, False, why, digest, values, text, grammar), None, None

        if not text.strip():
            return rejected("the reply contains no program")
        revised, problems = check_source(text, path="revision", inputs=self.inputs, cache=False)
        errors = [problem for problem in problems if problem.is_error]
        if revised is None or errors:
            return rejected(next(iter(render(errors, text, "revision", source=False))))
        tree = parse(text)[0]
        if tree == parse(best.source)[0]:
            return rejected("it is identical to the program", digest=revised.digest)
        clauses, files, fixed = kept
        changed = find_broken_clause(clauses, clauses_of(tree))
        if not changed and fixed and mask_variables(tree, self._declared(best)) != fixed:
            changed = f"more than what is declared variable ({', '.join(sorted(self._declared(best)))})"
        if changed:
            return rejected(f"it changes what it is judged by: {changed}", digest=revised.digest)
        if self.laws is not None and (breaches := check_plan(revised, self.laws).breaches):
            return rejected(str(breaches[0]), digest=revised.digest)
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
        return Attempt(number, True, why, revised.digest, measured.values, text, grammar), revised, measured

    def _question(self, program: Program, known: Measured, attempts: list[Attempt]) -> Question:
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


def accepts_grammar(text: str, programs: Sequence[str]) -> bool:
    """Whether a proposed grammar parses every program to the same tree as the current grammar."""
    from lark import Lark
    from lark.exceptions import LarkError

    try:
        parser = Lark(
            text, parser="lalr", lexer=TokenList, start="module", transformer=Builder(), maybe_placeholders=False
        )
        return all(parser.parse(tokens(program)) == parse(program)[0] for program in programs)
    except (LarkError, RecursionError, TypeError, AttributeError, ValueError, LookupError):
        return False


def _format_values(measured: Measured) -> str:
    if not measured.values:
        return "not measured"
    low, high = min(measured.values), max(measured.values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def summary(attempt: Attempt) -> dict[str, Any]:
    """An attempt as a JSON object, for `--json`; the source is omitted."""
    return {
        "round": attempt.round,
        "accepted": attempt.accepted,
        "why": attempt.why,
        "digest": attempt.digest,
        "values": list(attempt.values),
        "grammar": bool(attempt.grammar),
    }
