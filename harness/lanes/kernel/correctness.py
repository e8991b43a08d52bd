"""Correctness: run a kernel on secret inputs in the interpreter, and evaluate its outputs."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.core.clip import clip
from harness.core.digest import digest_bytes, digest_json
from harness.core.errors import InfraError
from harness.core.evidence import Attempt, Counterexample, Evidence
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lanes.kernel.job import Job, process_fault, read_note
from harness.lanes.kernel.question import Question, is_bearable
from harness.lanes.kernel.recording import record

_REFERENCE_SECONDS = 120.0  # for the reference over all questions; an ordinary definition needs less than one
OVERHEAD = "of the replay, equal for all kernels"
FEW = 2  # questions, which say nothing about a definition
Verdict = dict[str, Any]
Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Sends a request to trusted code."""
_KEPT = ("right", "error", "baseline", "allowed", "tile_error", "tile_allowed", "element")


def interpret(job: Job) -> Evidence:
    """Record a kernel's calls, execute the plans in Triton's interpreter and compare the outputs with the reference."""
    job, lines, fault = _recorded(job)
    if fault is not None:
        return Evidence(status=fault[0], why=fault[1], tier=Tier.D)
    return answer_questions(job, lines)


def answer_questions(job: Job, lines: list[bytes]) -> Evidence:
    """Execute recorded plans and compare the outputs with the reference.

    Args:
        lines: A plan for each question; those after them are of targets, which are not executed.
    """
    facts: dict[str, Any] = {"launch_overhead": OVERHEAD}
    many = len(job.questions)
    # Every attempt asks in another order, which shows an answer that depends on the one before it.
    orders = [[(index + 7 * attempt) % many for index in range(many)] for attempt in range(job.attempts)]
    plans = [question.plan(job.definition) for question in job.questions]
    request = {"questions": plans, "orders": orders, "operators": job.definition.operators, "library": job.library}
    (job.folder / "plans.jsonl").write_bytes(b"\n".join(lines))
    outcome = job.processes.run("interpret", job.folder, request, timeout=job.timeout, limits=job.limits)
    facts |= {
        "confinement": list(outcome.layers),
        "process_seconds": round(outcome.seconds, 3),
        "call_ms": round(outcome.cpu_ms / (many * job.attempts), 3),
        "questions": many,
    }
    fault = process_fault(outcome, job.folder, job)
    if fault is not None:
        return Evidence(status=fault[0], why=fault[1], tier=Tier.D, facts=facts, peak_mb=outcome.peak_mb)
    answers = [[find_answer(job, f"{a}-{i}") for i in range(many)] for a in range(job.attempts)]
    notes = read_note(job.folder, "notes.json")
    facts |= {"launched": notes["launched"], "operators": notes["operators"]}
    evidence = evaluate_answers(job, plans, answers, facts=facts)
    unseen = [f"{name} is launched at target sizes only" for name in notes["unseen"]]
    facts = evidence.facts | {
        "unseen": [
            *unseen,
            *(
                f"not interpreted: {one.label}"
                for one in job.definition.targets
                if not is_bearable(job.definition, one)
            ),
        ]
    }
    status, why = evidence.status, evidence.why
    if status is Status.OK and unseen:
        status, why = Status.REVIEW, clip(f"{unseen[0]}, so it was not checked")
    return evidence.model_copy(update={"peak_mb": outcome.peak_mb, "facts": facts, "status": status, "why": why})


def _recorded(job: Job) -> tuple[Job, list[bytes], tuple[Status, str] | None]:
    """The job with questions for each distinct plan; a line for each question, and after them those of the targets."""
    definition = job.definition
    targets = [Question("target", point, "normal", seed=0) for point in definition.targets]
    questions: list[Question] = []
    lines: list[bytes] = []
    last: list[bytes] = []
    known: set[tuple[int, bytes]] = set()
    for architecture in job.architectures:
        asked = [question.plan(definition) for question in (*job.questions, *targets)]
        found, fault = record(job, asked, {"architecture": architecture})
        if fault is not None:
            return job, [], fault
        for index, question in enumerate(job.questions):
            if (index, found[index]) not in known:
                known.add((index, found[index]))
                questions.append(question)
                lines.append(found[index])
        last += found[len(job.questions) :]
    return dataclasses.replace(job, questions=tuple(questions)), [*lines, *last], None


Answer = list[str]
"""The paths of the output files of one call."""


def find_answer(job: Job, name: str) -> Answer:
    """The output files of one call, which a trusted process wrote."""
    return [str(job.folder / "out" / f"{name}-{number}.bin") for number in range(len(job.definition.outputs))]


def evaluate_answers(
    job: Job, plans: list[dict[str, Any]], answers: list[list[Answer]], *, facts: dict[str, Any], ask: Ask | None = None
) -> Evidence:
    """Compare all answers with the reference and return the evidence.

    Args:
        answers: For each attempt, the answer to each question.
        facts: Facts that the evidence shall have in addition.
        ask: Compares answers of a device.
    """
    verdicts, nulls = _compare(job, plans, answers, ask)
    facts = facts | {"shapes": _shapes(job, verdicts), "nulls": nulls}
    digests = [[_digest(answer) for answer in row] for row in answers]
    status, why, first = _first_wrong(job, verdicts)
    steady = len({tuple(row) for row in digests}) <= 1
    facts["deterministic"] = steady
    # Atomic sums have no fixed order on a device; the interpreter runs one program after the other.
    if status is Status.OK and not steady and (ask is None or job.definition.deterministic):
        status, why = Status.FLAKY, "the same inputs gave different bits"
    if not steady and status is Status.OK:
        digests = [["right"] for _ in digests]
    seed = job.questions[0].seed
    attempts = tuple(
        Attempt(index=i, seed=seed, status=status, why=why, answers=digest_json(row)) for i, row in enumerate(digests)
    )
    return Evidence(status=status, why=why, counterexample=first, attempts=attempts, facts=facts, tier=Tier.D)


def _digest(files: Answer) -> str:
    return digest_json([digest_bytes(Path(file).read_bytes()) for file in files])


def _compare(
    job: Job, plans: list[dict[str, Any]], answers: list[list[Answer]], ask: Ask | None
) -> tuple[list[list[Verdict]], dict[str, float]]:
    """Compare all answers in the reference process, equal bytes once.

    Returns:
        The worst result of each answer, and the shares of trivial answers.
    """
    seen: dict[tuple[int, str], int] = {}
    asked: list[dict[str, Any]] = []
    places = []
    for row in answers:
        places.append([seen.setdefault((index, _digest(files)), len(seen)) for index, files in enumerate(row)])
        for index, files in enumerate(row):
            if places[-1][index] == len(asked):
                asked.append({"question": index, "files": files})
    compared = compare_answers(job, plans, asked, ask)
    for name, share in compared["nulls"].items():
        if share == 1.0 and len(plans) > FEW:
            raise InfraError(
                f"the definition of {job.definition.operation} accepts a trivial answer: {name!r} is right everywhere",
                where=job.definition.operation,
                fix="ask shapes or families of numbers for which the answer is not trivial",
            )
    worst = [_worst(outputs) for outputs in compared["answers"]]
    return [[worst[place] for place in row] for row in places], compared["nulls"]


def compare_answers(
    job: Job, plans: list[dict[str, Any]], answers: list[dict[str, Any]], ask: Ask | None = None
) -> dict[str, Any]:
    """Have trusted code compare answers (see `reference.compare`), by default in a process of its own."""
    definition = job.definition
    baseline = definition.tolerance.baseline
    request = {
        "folder": str(job.place),
        "reference": definition.reference,
        "baseline": definition.baselines[baseline].call if baseline else definition.reference,
        "times": definition.tolerance.times_baseline,
        "questions": plans,
        "answers": answers,
    }
    return (ask or functools.partial(job.processes.ask, "compare", timeout=_REFERENCE_SECONDS))(request)


def _worst(outputs: list[Verdict]) -> Verdict:
    """The result of the output with the largest error."""
    return max(outputs, key=lambda verdict: (not verdict["right"], _excess(verdict)))


def _excess(verdict: Verdict) -> float:
    if verdict["error"] is None:
        return math.inf
    return float(verdict["error"] / verdict["allowed"]) if verdict["allowed"] else float(verdict["error"] > 0)


def _shapes(job: Job, verdicts: list[list[Verdict]]) -> list[dict[str, Any]]:
    """One entry for each question: whether it was right in every attempt, and its worst error."""
    entries = []
    for question, seen in zip(job.questions, zip(*verdicts, strict=True), strict=True):
        worst = _worst([*seen])
        entries.append(
            {
                "set": question.set,
                "shape": question.point.sizes,
                "dtype": question.point.dtype,
                "parameters": question.point.parameters,
                "family": question.family,
                **{name: worst[name] for name in _KEPT},
            }
        )
    return entries


def _first_wrong(job: Job, verdicts: list[list[Verdict]]) -> tuple[Status, str, Counterexample | None]:
    for question, seen in zip(job.questions, zip(*verdicts, strict=True), strict=True):
        worst = _worst([*seen])
        if not worst["right"]:
            where = f"{question.point.label}, {question.family} numbers"
            expected, observed = _describe(worst)
            first = Counterexample(question=clip(where), expected=expected, observed=clip(observed))
            return Status.WRONG, clip(f"at {where}: {observed}, {expected} expected"), first
    return Status.OK, "", None


def _describe(verdict: Verdict) -> tuple[str, str]:
    """What was expected and what was observed."""
    if verdict["error"] is None:
        return f"at most {verdict['allowed']:.3g}", "relative error undefined (not finite)"
    if verdict["error"] > verdict["allowed"] or verdict["tile_error"] is None:
        return f"at most {verdict['allowed']:.3g}", f"relative error {verdict['error']:.3g}"
    if verdict["tile_error"] > verdict["tile_allowed"]:
        return f"at most {verdict['tile_allowed']:.3g}", f"relative error {verdict['tile_error']:.3g} in one tile"
    return "at most 1", f"{verdict['element']:.3g} times the error that one element may have"
