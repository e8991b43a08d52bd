"""Evaluation: apply a patch, read every file before and after it, and compare the measurements."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.core.case import Case
from harness.core.clip import clip
from harness.core.errors import InfraError
from harness.core.evidence import Attempt, Counterexample, Evidence
from harness.core.policy import Policy, Timing
from harness.core.status import Status
from harness.grammar.artifacts import create_run_artifact
from harness.grammar.engine.limits import Limits
from harness.grammar.host.file_reader import parse_bytes
from harness.grammar.host.messages import ParseBinaryInput
from harness.grammar.language.grammar import Grammar
from harness.grammar.measurement import LARGE, LAST_SECONDS, SLOW, Measured, Samples, is_sound, measure, read_files
from harness.grammar.scoring import CLASSIC, score_run
from harness.lane.pinned_file import read_pinned, read_text_file, require_unchanged
from harness.lanes.spec.collect import MAX_PATCH, read_grammar
from harness.lanes.spec.exhibits import patch_exhibits
from harness.lanes.spec.patch_clock import PatchClock
from harness.lanes.spec.patched_grammar import RejectedPatch, patch_grammar
from harness.lanes.spec.score import SETS

EPSILON = 1e-9  # a smaller loss of the explained share is rounding
_MIB = 1 << 20


def evaluate_patch(case: Case) -> Evidence:
    """Apply a case's patch to a copy of its grammar and read every file with both grammars.

    Raises:
        InfraError: if a file changed since it was collected.
    """
    started = time.perf_counter()
    read_pinned(**case.inputs["grammar"])
    base_value, base = read_grammar(Path(case.inputs["grammar"]["path"]))
    sets = {
        name: Samples.of({Path(entry["path"]).name: read_pinned(**entry) for entry in case.inputs[name]})
        for name in SETS
        if case.inputs[name]
    }
    source = Path(case.subject.path)
    patch = read_text_file(source, max_bytes=MAX_PATCH)
    require_unchanged(source, case.subject.digest, patch.digest)
    text = patch.data.decode("utf-8-sig")
    made = RejectedPatch(f"not a patch: {patch.fault}", {}) if patch.fault else patch_grammar(text, source, base_value)
    if isinstance(made, RejectedPatch):
        refused = Counterexample(question=made.about, expected=made.expected, observed=made.why)
        return Evidence(
            status=Status.WRONG,
            why=made.why,
            counterexample=refused,
            facts=made.facts,
            seconds=time.perf_counter() - started,
        )
    limits = _limits(case.policy, max(len(data) for samples in sets.values() for data in samples.files.values()))
    before = {"samples": measure(base, sets["samples"], limits=limits, seconds=limits.seconds)}
    if "holdout" in sets:  # measured with what was learned from the samples, so nothing is learned from the hold-out
        fit = before["samples"].fit
        before["holdout"] = measure(base, sets["holdout"], limits=limits, seconds=limits.seconds, fit=fit)
    clock = PatchClock(limits, budget=case.policy.budget.time_ms / 1000, attempts=case.policy.attempts)
    attempts, after = _make_attempts(text, source, base_value, sets["samples"], count=case.policy.attempts, clock=clock)
    # Where a limit ended the reading the verdict is known: what is read for the report then gets little time, and no
    # traced reading is made, which takes several times as long.
    is_decided = bool(after.limit(SLOW | LARGE))
    found = {"samples": after}
    if "holdout" in sets:
        rest = replace(limits, seconds=LAST_SECONDS) if is_decided else clock.limits
        found["holdout"] = measure(made.grammar, sets["holdout"], limits=rest, seconds=rest.seconds, fit=after.fit)
    status, why, counterexample = _compare(before, found)
    if status is Status.OK and len({attempt.answers for attempt in attempts}) != 1:
        status, why = Status.FLAKY, "attempts read the same files differently"
    if status is Status.OK and clock.is_over:
        status, why = Status.TIMEOUT, f"all readings together took more than {clock.total:g} s of CPU time"
    rest = replace(limits, seconds=LAST_SECONDS) if is_decided else clock.limits
    facts: dict[str, Any] = {
        "operations": made.operations,
        "description": clip(made.description),
        "warnings": made.warnings,
        "policy": case.inputs["policy"],
    }
    for name, measured in found.items():
        facts[name] = {"before": before[name].facts(), "after": measured.facts()}
        if case.inputs["policy"] == "classic":
            facts[name]["classic"] = _classic_score(made.grammar, case.inputs[name], rest)
    exhibits = patch_exhibits(base, made.grammar, sets["samples"].files, facts, limits=rest)
    return Evidence(
        status=status,
        why=why,
        counterexample=counterexample,
        attempts=tuple(a.model_copy(update={"status": status, "why": why}) for a in attempts),
        facts=facts,
        exhibits=exhibits,
        median_ms=None
        if case.policy.timing is Timing.NONE
        else statistics.median(attempt.seconds for attempt in attempts) * 1000,
        peak_mb=None if is_decided or clock.is_over else _measure_peak(made.grammar, sets["samples"], clock.limits),
        limits_hit=tuple(
            sorted({e.limit for m in found.values() for t in m.tallies.values() for e in t.errors} - {""})
        ),
        seconds=time.perf_counter() - started,
    )


def _limits(policy: Policy, largest: int) -> Limits:
    # The gate decides on the median; the limit only ends a reading that would never end. A grammar that reads each bit
    # by itself, and each byte several times, needs fewer records and items for the largest file of so many bytes.
    seconds = max(1.0, 10 * policy.budget.time_ms / 1000)
    return Limits(seconds=seconds, records=50_000 + 8 * largest, items=500_000 + 64 * largest)


def _make_attempts(
    text: str, source: Path, base: Any, samples: Samples, *, count: int, clock: PatchClock
) -> tuple[list[Attempt], Measured]:
    """Repeat every step from the patch on in each attempt, so that an unstable step shows in the answers."""
    made: list[Attempt] = []
    found: Measured | None = None
    for index in range(count):
        patched = patch_grammar(text, source, base)
        if isinstance(patched, RejectedPatch):
            raise InfraError("a patch was applied once and then rejected", where=patched.why)
        limits, cpu, wall = clock.limits, time.thread_time(), time.perf_counter()
        found = measure(patched.grammar, samples.without_cache(), limits=limits, seconds=limits.seconds)
        wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
        made.append(
            Attempt(index=index, seed=0, status=Status.OK, answers=found.digest, seconds=wall, cpu_ms=cpu * 1000)
        )
        if clock.is_over or found.limit(SLOW | LARGE):
            break  # it is too slow or too large, which more attempts would not change
    if found is None:
        raise InfraError("no attempt was made", fix="ask for at least one attempt")
    return made, found


def _compare(before: dict[str, Measured], after: dict[str, Measured]) -> tuple[Status, str, Counterexample | None]:
    """A patch is wrong if it breaks a file that the grammar could read, or explains less than before."""
    for name, found in after.items():
        for file, tally in found.tallies.items():
            if not is_sound(tally) and is_sound(before[name].tallies[file]):
                first = clip(str(tally.errors[0])) if tally.errors else "an error"
                status = Status.WRONG
                if limit := found.limit(SLOW | LARGE):
                    status = Status.TIMEOUT if limit in SLOW else Status.MEMORY
                broken = Counterexample(
                    question=file, expected="read without an error, as without the patch", observed=first
                )
                return status, f"breaks {file}: {first}", broken
    for name, found in after.items():
        new, old = found.explanation.score, before[name].explanation.score
        if new < old - EPSILON:
            why = f"explains less of the {name} than the grammar it patches: {new:.1%}, {old:.1%} without the patch"
            question = f"how much of the {name}' bytes the patched grammar explains"
            lost = Counterexample(
                question=question, expected=f"{old:.1%} as without the patch, or more", observed=f"{new:.1%}"
            )
            return Status.WRONG, why, lost
    return Status.OK, "", None


def _classic_score(grammar: Grammar, entries: list[dict[str, str]], limits: Limits) -> float:
    """The original guide's score of 0 to 100, averaged over files."""
    totals = []
    for entry in entries:
        data = read_pinned(**entry)
        result = parse_bytes(ParseBinaryInput(grammar=grammar, file_path=entry["path"], limits=limits), data)
        run = create_run_artifact(entry["path"], "", result, entry["path"], len(data))
        totals.append(score_run(run, policy=CLASSIC).total_score)
    return statistics.fmean(totals)


def _measure_peak(grammar: Grammar, samples: Samples, limits: Limits) -> float | None:
    """Peak of Python's allocations in MiB; None where the process is traced already."""
    if tracemalloc.is_tracing():
        return None
    tracemalloc.start()  # in a reading of its own, because tracing makes everything slower
    try:
        read_files(grammar, samples.without_cache(), limits=limits, seconds=limits.seconds, weigh=False)
        return tracemalloc.get_traced_memory()[1] / _MIB
    finally:
        tracemalloc.stop()
