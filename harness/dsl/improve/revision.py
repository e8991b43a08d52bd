"""Improving: ask for a revision, check it, hold it to the contract, run it, keep it only if it measured better."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.digest import digest_json, short
from harness.dsl.analysis.load import check_source
from harness.dsl.facts.plan import check_plan
from harness.dsl.improve.contract import broken, contract
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
        round: From 1.
        accepted: Whether it replaced the program.
        why: Why it was not, or by how much it is better.
        digest: Of its text.
        values: What its runs measured.
        text: The revision; empty if the reply had none.
        grammar: A grammar it proposes, empty if none, or none that was accepted.
    """

    round: int
    accepted: bool
    why: str
    digest: str
    values: tuple[float, ...]
    text: str
    grammar: str = ""


@dataclass(frozen=True, slots=True)
class Improving:
    """What a program is improved with.

    Attributes:
        objective: What is to become better.
        measure: Runs a program and says what it measured; its second argument is the first seed.
        provider: Who is asked for revisions.
        inputs: Names given from outside.
        laws: A domain no revision may break.
        programs: Texts that a proposed grammar must still read as it did.
    """

    objective: Objective
    measure: Callable[[Program, int], Measured]
    provider: Provider
    inputs: tuple[str, ...] = ()
    laws: Program | None = None
    programs: Sequence[str] = ()

    def improve(self, program: Program, rounds: int) -> tuple[Program, list[Attempt]]:
        """The best program after some rounds, and what became of each revision."""
        best, known = program, self.measure(program, 0)
        clauses = contract(parse(program.source)[0])
        attempts: list[Attempt] = []
        for number in range(1, rounds + 1):
            reply = self.provider.answer(self._question(best, known, attempts))
            if reply is None:
                attempts.append(Attempt(number, False, "nobody answered", "", (), ""))
                break
            attempt, revised, measured = self._try(number, reply.text[:MAX_REPLY], best, known, clauses)
            attempts.append(attempt)
            if attempt.accepted and revised is not None and measured is not None:
                best, known = revised, measured
        return best, attempts

    def _try(
        self, number: int, reply: str, best: Program, known: Measured, clauses: dict[str, str]
    ) -> tuple[Attempt, Program | None, Measured | None]:
        blocks = _FENCE.findall(reply)
        grammar = next((text for kind, text in blocks if kind.lower() == "lark"), "")
        grammar = grammar if grammar and accepts_grammar(grammar, [best.source, *self.programs]) else ""
        text = next((text for kind, text in blocks if kind.lower() != "lark"), "" if blocks else reply)

        def rejected(why: str, values: tuple[float, ...] = (), digest: str = "") -> tuple[Attempt, None, None]:
            return Attempt(number, False, why, digest, values, text, grammar), None, None

        if not text.strip():
            return rejected("there is no program in the reply")
        revised, problems = check_source(text, path="revision", inputs=self.inputs, cache=False)
        errors = [problem for problem in problems if problem.is_error]
        if revised is None or errors:
            return rejected(next(iter(render(errors, text, "revision", source=False))))
        tree = parse(text)[0]
        if tree == parse(best.source)[0]:
            return rejected("it is the program itself", digest=revised.digest)
        changed = broken(clauses, contract(tree))
        if changed:
            return rejected(f"it changes what it is judged by: {changed}", digest=revised.digest)
        if self.laws is not None and (breaches := check_plan(revised, self.laws).breaches):
            return rejected(str(breaches[0]), digest=revised.digest)
        measured = self.measure(revised, 0)
        if known.passed and not measured.passed:
            return rejected(f"it fails: {measured.why}", measured.values, revised.digest)
        if measured.beats(known, maximize=self.objective.maximize) and (measured.scatters or known.scatters):
            # Three noisy runs beat three others one time in twenty by luck alone: both run again, with other seeds.
            seed = max(len(measured.values), len(known.values))
            measured = measured.with_(self.measure(revised, seed))
            known = known.with_(self.measure(best, seed))
            if known.passed and not measured.passed:
                return rejected(f"it fails: {measured.why}", measured.values, revised.digest)
        if not measured.beats(known, maximize=self.objective.maximize):
            return rejected(
                f"no improvement: {_shown(measured)} against {_shown(known)}", measured.values, revised.digest
            )
        why = f"{_shown(known)} -> {_shown(measured)}"
        return Attempt(number, True, why, revised.digest, measured.values, text, grammar), revised, measured

    def _question(self, program: Program, known: Measured, attempts: list[Attempt]) -> Question:
        goal = self.objective.metric or "the share of checks and success criteria that hold"
        end = "higher" if self.objective.maximize else "lower"
        history = [{"accepted": a.accepted, "why": a.why} for a in attempts[-5:]]
        parts = [
            f"Revise this program so that {goal} becomes {end}. Now it is {_shown(known)}"
            + (f"; the runs fail: {known.why}." if known.why else "."),
            "You may change steps, prompts, parameters, strategies. Checks, success, facts, rules, the trace's schema, "
            "measurements and the files that they run must stay as they are; constants in place of measurements count "
            "for nothing. Answer with the whole program in one fenced block.",
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
    """Whether a proposed grammar still reads every program exactly as the present one does."""
    from lark import Lark
    from lark.exceptions import LarkError

    try:
        parser = Lark(
            text, parser="lalr", lexer=TokenList, start="module", transformer=Builder(), maybe_placeholders=False
        )
        return all(parser.parse(tokens(program)) == parse(program)[0] for program in programs)
    except (LarkError, RecursionError, TypeError, AttributeError, ValueError, LookupError):
        return False


def _shown(measured: Measured) -> str:
    if not measured.values:
        return "not measured"
    low, high = min(measured.values), max(measured.values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def summary(attempt: Attempt) -> dict[str, Any]:
    """An attempt for `--json`."""
    return {
        "round": attempt.round,
        "accepted": attempt.accepted,
        "why": attempt.why,
        "digest": attempt.digest,
        "values": list(attempt.values),
        "grammar": bool(attempt.grammar),
    }
