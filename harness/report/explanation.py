"""Explanation: why a case failed, in a few lines that say what to change. Reads an evaluation, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from harness.core.digest import short
from harness.core.evaluation import Evaluation
from harness.core.gate import GateResult
from harness.core.status import Status
from harness.report.words import fit, measured, printable

STATED = re.compile(r"^\S+ (?:\S+ (?:passes|fails)|is undefined)[^:]*(?:: )?")  # what a gate's numbers say already
MAX_COLUMNS = 200  # of a reason that question, expected and observed answer repeat in full


def explain(evaluation: Evaluation, *, rerun: str) -> str:
    """Reason, first counter-example, failing gates, and the command that repeats the case."""
    case = evaluation.case
    subject = f"  subject: {case.lane} {case.subject.name} ({short(case.subject.digest)})"
    return "\n".join(map(printable, [headline(evaluation), *details(evaluation), subject, f"  rerun: {rerun}"]))


def details(evaluation: Evaluation) -> Iterator[str]:
    """What explains a failing case, in addition to its headline."""
    case, evidence = evaluation.case, evaluation.evidence
    expect = case.policy.expect
    if expect is not None and evaluation.status is not expect:
        yield f"  expected: {expect} (a control of {case.suite}{_line(case.line)})"
    if evidence.counterexample is not None:
        found = evidence.counterexample
        yield from (f"  question: {found.question}", f"  expected: {found.expected}", f"  observed: {found.observed}")
    if evidence.limits_hit:
        yield f"  limits hit: {', '.join(evidence.limits_hit)}"
    for name, gate in merged(evaluation.score.failed):
        observed = measured(gate.observed, gate.threshold)
        more = STATED.sub("", gate.why)
        said = f": {more}" if more and more not in evaluation.why else ""
        yield f"  gate {name}: observed {observed}, threshold {gate.threshold:g}{said}"
    if evaluation.status is Status.INFRA:
        cause = "a fault of a trusted file" if evidence.fault else "a failure of the harness"
        yield f"  this is {cause}, not of the subject; it does not count against it"


def merged(gates: Iterable[GateResult]) -> list[tuple[str, GateResult]]:
    """Gates with their names; those with the same numbers and the same reason are one, with both names."""
    found: dict[tuple[object, ...], tuple[str, GateResult]] = {}
    for gate in gates:
        key = gate.observed, gate.threshold, gate.passed, STATED.sub("", gate.why) or gate.name
        found[key] = (f"{found[key][0]}, {gate.name}", gate) if key in found else (gate.name, gate)
    return list(found.values())


def headline(evaluation: Evaluation) -> str:
    """Status and reason in one line; a control that did not get its verdict says which it got."""
    expect = evaluation.case.policy.expect
    instead = f" instead of {expect}" if expect is not None and evaluation.status is not expect else ""
    why = evaluation.why if evaluation.evidence.counterexample is None else fit(evaluation.why, MAX_COLUMNS)
    if evaluation.status is Status.OK:
        return f"ok{instead}" if instead else printable(why) or ("passes" if evaluation.passed else "a gate fails")
    return printable(f"{evaluation.status}{instead}: {why}")


def _line(line: int | None) -> str:
    return f":{line}" if line else ""
