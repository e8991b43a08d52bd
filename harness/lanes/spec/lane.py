"""The spec lane: does a patched grammar explain real files better than the grammar it patches?"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.case import Case, Subject
from harness.core.clip import clip
from harness.core.digest import digest_bytes
from harness.core.document import read_document
from harness.core.errors import InfraError, SpecError, SuiteError, position
from harness.core.evidence import Attempt, Counterexample, Evidence
from harness.core.policy import Policy, Timing
from harness.core.score import Score
from harness.core.slug import slug
from harness.core.status import Status
from harness.core.tier import Tier
from harness.grammar.editing.frozen import freeze
from harness.grammar.engine.limits import Limits
from harness.grammar.language.finding import path_to_string
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_value
from harness.grammar.measurement import LARGE, SLOW, Measured, Samples, is_sound, measure
from harness.grammar.patch import PatchError, apply_patch, read_patch
from harness.hooks import Lane, hookimpl
from harness.lane.context import Context
from harness.lane.pinned_file import pin, read_pinned
from harness.lanes.spec import score
from harness.lanes.spec.options import SpecOptions
from harness.suites.suite import Suite, SuiteOptions

MAX_SAMPLE = 64 << 20
MAX_VALUES = 20_000
"""Of a patch: each scalar, list and mapping counts."""
_MAX_SHOWN = 20  # lint findings listed in the facts
_MIB = 1 << 20
EPSILON = 1e-9


class SpecLane:
    """Patches of a YAML grammar; a grammar is data for our own total interpreter, so no box is involved."""

    name = "spec"
    options: type[SuiteOptions] = SpecOptions
    untrusted: tuple[str, ...] = ("patches",)
    boxed = False
    min_tier: Tier | None = None
    components = (*score.WEIGHTS, *score.CLASSIC)
    """What a suite's `gates` may name besides `score`."""

    def collect(self, suite: Suite) -> Sequence[Case]:
        """One case per patch file."""
        options = suite.options
        if not isinstance(options, SpecOptions):
            raise TypeError(type(options).__name__)
        grammar = suite.resolve(options.grammar, "grammar")
        data = grammar.read_bytes()
        read_grammar(grammar)
        samples = [_file(path) for path in suite.glob(options.samples, "samples")]
        holdout = [_file(path) for path in suite.glob(options.holdout, "holdout")] if options.holdout else []
        _apart(samples, holdout, suite)
        inputs = {
            "grammar": {"path": str(grammar), "digest": digest_bytes(data)},
            "samples": samples,
            "holdout": holdout,
            "policy": options.policy,
        }
        cases = []
        for path in suite.glob(options.patches, "patches"):
            stem = path.name.split(".")[0]
            subject = Subject.from_bytes(stem, path.read_bytes(), path=path)
            name = slug(stem)
            cases.append(
                Case(
                    lane=self.name,
                    suite=suite.name,
                    name=name,
                    title=f"{stem} on {grammar.stem}",
                    subject=subject.model_copy(update={"parents": (digest_bytes(data),)}),
                    inputs=inputs,
                    policy=suite.policy,
                    line=suite.line("expect", name) or suite.line("patches"),
                )
            )
        return cases

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Patch a copy of the grammar and read every file with it, several times."""
        del context  # nothing is drawn and nothing leaves this process
        started = time.perf_counter()
        read_pinned(**case.inputs["grammar"])
        base_value, base = read_grammar(Path(case.inputs["grammar"]["path"]))
        sets = {
            name: Samples.of({Path(entry["path"]).name: read_pinned(**entry) for entry in case.inputs[name]})
            for name in score.SETS
            if case.inputs[name]
        }
        source = Path(case.subject.path)
        read_pinned(case.subject.path, case.subject.digest)
        made = _patched(source, base_value)
        if isinstance(made, _Rejected):
            return Evidence(status=Status.WRONG, why=made.why, facts=made.facts, seconds=time.perf_counter() - started)
        limits = _limits(case.policy)
        attempts, after = _attempts(source, base_value, sets["samples"], case.policy.attempts, limits)
        before = {"samples": measure(base, sets["samples"], limits=limits)}
        found = {"samples": after}
        if "holdout" in sets:  # judged by what the samples taught: nothing is learned from files nobody should know
            before["holdout"] = measure(base, sets["holdout"], limits=limits, fit=before["samples"].fit)
            found["holdout"] = measure(made.grammar, sets["holdout"], limits=limits, fit=after.fit)
        facts: dict[str, Any] = {
            "operations": made.operations,
            "description": clip(made.description),
            "warnings": made.warnings,
            "policy": case.inputs["policy"],
        }
        for name, measured in found.items():
            facts[name] = {"before": before[name].facts(), "after": measured.facts()}
            if case.inputs["policy"] == "classic":
                facts[name]["classic"] = _classic(made.grammar, case.inputs[name])
        status, why, counterexample = _verdict(before, found)
        if status is Status.OK and len({attempt.answers for attempt in attempts}) != 1:
            status, why = Status.FLAKY, "attempts read the same files differently"
        return Evidence(
            status=status,
            why=why,
            counterexample=counterexample,
            attempts=tuple(a.model_copy(update={"status": status, "why": why}) for a in attempts),
            facts=facts,
            median_ms=None
            if case.policy.timing is Timing.NONE
            else statistics.median(attempt.seconds for attempt in attempts) * 1000,
            peak_mb=_peak_mb(made.grammar, sets["samples"], limits),
            limits_hit=tuple(
                sorted({e.limit for m in found.values() for t in m.tallies.values() for e in t.errors} - {""})
            ),
            seconds=time.perf_counter() - started,
        )

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Weigh what is explained, what that gained, and whether files are read without errors."""
        return score.score(evidence, policy)


def read_grammar(path: Path) -> tuple[Any, Grammar]:
    """A trusted grammar: its document's frozen value, and what lint made of it.

    Raises:
        SuiteError: naming the first error's position.
    """
    document = read_document(path)
    found = lint_value(document.value, positions=document.positions)
    if found.grammar is None:
        first, more = found.errors[0], len(found.errors) - 1
        raise SpecError(
            f"{path_to_string(first.path)}: {first.message}" + (f" (and {more} more)" if more else ""),
            where=position(path, first.line or None, first.column or None),
            fix=first.hint,
        )
    return freeze(document.value), found.grammar


def _apart(samples: list[dict[str, str]], holdout: list[dict[str, str]], suite: Suite) -> None:
    """A file the author of a patch has seen is no hold-out."""
    seen = {entry["digest"]: entry["path"] for entry in samples}
    for entry in holdout:
        if entry["digest"] in seen:
            raise SuiteError(
                f"the holdout file {entry['path']} is also a sample: {seen[entry['digest']]}",
                where=suite.where("holdout"),
                fix="keep the two sets apart: a patch was made for its samples",
            )


def _limits(policy: Policy) -> Limits:
    # The gate judges the median; the limit only has to end what would never end.
    return Limits(seconds=max(1.0, 10 * policy.budget.time_ms / 1000))


def _file(path: Path) -> dict[str, str]:
    if path.stat().st_size > MAX_SAMPLE:
        raise SpecError(f"larger than {MAX_SAMPLE} bytes", where=str(path), fix="choose a smaller sample")
    return pin(path)


@dataclass(frozen=True, slots=True)
class _Patched:
    grammar: Grammar
    operations: int
    description: str
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class _Rejected:
    why: str
    facts: dict[str, Any]


def _patched(source: Path, base: Any) -> _Patched | _Rejected:
    try:
        document = read_document(source)
        if not _is_small(document.value):
            return _Rejected(f"not a patch: more than {MAX_VALUES} values", {})
        patch = read_patch(document.value)
        value = apply_patch(patch, base).document
    except SuiteError as error:
        place = error.where.removeprefix(str(source)).lstrip(":")
        return _Rejected(clip(f"not a patch: {error.what}" + (f" (at {place})" if place else "")), {})
    except PatchError as error:
        return _Rejected(clip(str(error)), {})
    found = lint_value(value)
    if found.grammar is None:
        listed = [clip(str(error)) for error in found.errors]
        return _Rejected(clip(f"Lint failed: {found.errors[0].message}"), {"lint": listed[:_MAX_SHOWN]})
    warnings = [clip(finding.message) for finding in found.warnings]
    return _Patched(found.grammar, len(patch.ops), patch.description, warnings[:_MAX_SHOWN])


def _is_small(value: Any) -> bool:
    """Whether it has few values, counted as often as they are reached: aliases make a small text a huge value."""
    waiting, count = [value], 0
    while waiting and count <= MAX_VALUES:
        part = waiting.pop()
        count += 1
        waiting.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    return count <= MAX_VALUES


def _attempts(source: Path, base: Any, samples: Samples, count: int, limits: Limits) -> tuple[list[Attempt], Measured]:
    """Everything from the patch's text on is done again each time, so an unstable step anywhere shows."""
    made: list[Attempt] = []
    found: Measured | None = None
    for index in range(count):
        patched = _patched(source, base)
        if isinstance(patched, _Rejected):
            raise InfraError("a patch applied once and then did not", where=patched.why)
        cpu, wall = time.thread_time(), time.perf_counter()
        found = measure(patched.grammar, samples.afresh(), limits=limits)
        wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
        made.append(
            Attempt(index=index, seed=0, status=Status.OK, answers=found.digest, seconds=wall, cpu_ms=cpu * 1000)
        )
    if found is None:
        raise InfraError("no attempt was made", fix="ask for one attempt at least")
    return made, found


def _verdict(before: dict[str, Measured], after: dict[str, Measured]) -> tuple[Status, str, Counterexample | None]:
    """Wrong is a patch that breaks a file the grammar could read, or that explains less than it did."""
    for name, found in after.items():
        for file, tally in found.tallies.items():
            if not is_sound(tally) and is_sound(before[name].tallies[file]):
                first = clip(str(tally.errors[0])) if tally.errors else "an error"
                status = Status.WRONG
                if limit := found.limit(SLOW | LARGE):
                    status = Status.TIMEOUT if limit in SLOW else Status.MEMORY
                broken = Counterexample(question=file, expected="no error", observed=first)
                return status, f"breaks {file}: {first}", broken
    for name, found in after.items():
        new, old = found.explanation.score, before[name].explanation.score
        if new < old - EPSILON:
            why = f"explains less of the {name} than the grammar it patches: {new:.1%}, {old:.1%} before"
            return Status.WRONG, why, None
    return Status.OK, "", None


def _classic(grammar: Grammar, entries: list[dict[str, str]]) -> float:
    """The original guide's score, averaged over files."""
    from harness.grammar.artifacts import create_run_artifact
    from harness.grammar.host.file_reader import parse_bytes
    from harness.grammar.host.messages import ParseBinaryInput
    from harness.grammar.scoring import CLASSIC, score_run

    totals = []
    for entry in entries:
        data = read_pinned(**entry)
        result = parse_bytes(ParseBinaryInput(grammar=grammar, file_path=entry["path"]), data)
        run = create_run_artifact(entry["path"], "", result, entry["path"], len(data))
        totals.append(score_run(run, policy=CLASSIC).total_score)
    return statistics.fmean(totals)


def _peak_mb(grammar: Grammar, samples: Samples, limits: Limits) -> float | None:
    if tracemalloc.is_tracing():
        return None  # someone else measures; stopping it would spoil theirs, sharing it ours
    tracemalloc.start()  # a run of its own: tracing makes everything slower
    try:
        for session in samples.afresh().sessions.values():
            session.tally(grammar, limits=limits)
        return tracemalloc.get_traced_memory()[1] / _MIB
    finally:
        tracemalloc.stop()


@hookimpl
def crucible_lanes() -> list[Lane]:
    """The built-in lane of spec patches."""
    return [SpecLane()]
