"""The spec lane: does a patched grammar explain real files better than the grammar it patches?"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.context import Context
from harness.core.case import Case, Subject, slug
from harness.core.digest import digest_bytes, digest_json
from harness.core.errors import InfraError, SpecError, SuiteError, position
from harness.core.evidence import Attempt, Counterexample, Evidence, clip
from harness.core.policy import Policy, Timing
from harness.core.score import Score
from harness.core.status import Status
from harness.core.tier import Tier
from harness.document import Document, read_document
from harness.hooks import Lane, hookimpl
from harness.lanes.spec import scoring
from harness.lanes.spec.grammar import Grammar, lint, path_to_string
from harness.lanes.spec.parse import Parse, parse
from harness.lanes.spec.patch import PatchError, apply_patch, read_patch
from harness.suite import Key, Suite, SuiteOptions

MAX_SAMPLE = 16 << 20
MAX_VALUES = 20_000
"""Of a patch: each scalar, list and mapping counts."""
_SHOWN = 5  # errors and gaps listed in the facts; their numbers are complete
_MIB = 1 << 20


class SpecOptions(SuiteOptions):
    """A suite of spec patches."""

    grammar: str
    """The grammar all patches start from."""
    samples: str | tuple[str, ...]
    """Globs of real files the patched grammar is read over."""
    holdout: str | tuple[str, ...] = ()
    """Globs of files the author of a patch has not seen; components are the worse of both sets."""
    patches: str | tuple[str, ...]
    """Globs of patch files."""


class SpecLane:
    """Patches of a YAML grammar; a grammar is data for our own total interpreter, so no box is involved."""

    name = "spec"
    options: type[SuiteOptions] = SpecOptions
    untrusted: tuple[str, ...] = ("patches",)
    boxed = False
    min_tier: Tier | None = None

    def collect(self, suite: Suite) -> Sequence[Case]:
        """One case per patch file."""
        options = suite.options
        if not isinstance(options, SpecOptions):
            raise TypeError(type(options).__name__)
        grammar = suite.resolve(options.grammar, "grammar")
        data = grammar.read_bytes()
        read_grammar(grammar)
        inputs = {
            "grammar": {"path": str(grammar), "digest": digest_bytes(data)},
            "samples": [_file(path) for path in suite.glob(options.samples, "samples")],
            "holdout": [_file(path) for path in suite.glob(options.holdout, "holdout")] if options.holdout else [],
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
        _same(case.inputs["grammar"])
        base_value, base = read_grammar(Path(case.inputs["grammar"]["path"]))
        samples = {Path(entry["path"]).name: _same(entry) for entry in case.inputs["samples"]}
        holdout = {Path(entry["path"]).name: _same(entry) for entry in case.inputs["holdout"]}
        source = Path(case.subject.path)
        _same({"path": case.subject.path, "digest": case.subject.digest})
        made = _patched(source, base_value)
        if isinstance(made, _Rejected):
            return Evidence(status=Status.WRONG, why=made.why, facts=made.facts, seconds=time.perf_counter() - started)
        before = _measure({name: parse(base, data) for name, data in samples.items()})
        attempts, parses = _attempts(source, base_value, samples, case.policy.attempts)
        after = _measure(parses)
        facts: dict[str, Any] = {
            "operations": made.operations,
            "description": clip(made.description),
            "warnings": made.warnings,
            "before": before,
            "after": after,
        }
        if holdout:
            facts["holdout"] = _measure({name: parse(made.grammar, data) for name, data in holdout.items()})
        status, why, counterexample = _verdict(base, samples, parses, before, after)
        agreed = len({attempt.answers for attempt in attempts}) == 1
        if status is Status.OK and not agreed:
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
            peak_mb=_peak_mb(made.grammar, samples),
            seconds=time.perf_counter() - started,
        )

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Weigh validity, coverage, typed bytes and the gain over the grammar as it was."""
        return scoring.score(evidence, policy)


def read_grammar(path: Path) -> tuple[Any, Grammar]:
    """A trusted grammar: its document's value, and what lint made of it.

    Raises:
        SuiteError: naming the first error's position.
    """
    document = read_document(path)
    found = lint(document.value)
    if found.grammar is None:
        first, more = found.errors[0], len(found.errors) - 1
        raise SpecError(
            f"{path_to_string(first.where)}: {first.message}" + (f" (and {more} more)" if more else ""),
            where=position(path, *_place(document, first.where)),
        )
    return document.value, found.grammar


def _place(document: Document, key: Key) -> tuple[int, ...]:
    """Line and column of a part of a document, or of its nearest parent."""
    known = (key[:end] for end in range(len(key), 0, -1) if key[:end] in document.positions)
    return document.positions[found] if (found := next(known, None)) else ()


def _file(path: Path) -> dict[str, str]:
    if path.stat().st_size > MAX_SAMPLE:
        raise SpecError(f"larger than {MAX_SAMPLE} bytes", where=str(path), fix="choose a smaller sample")
    return {"path": str(path), "digest": digest_bytes(path.read_bytes())}


def _same(entry: dict[str, str]) -> bytes:
    data = Path(entry["path"]).read_bytes()
    if digest_bytes(data) != entry["digest"]:
        raise InfraError("the file changed since it was collected", where=entry["path"], fix="run again")
    return data


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
    found = lint(value)
    if found.grammar is None:
        listed = [clip(f"{path_to_string(e.where)}: {e.message}") for e in found.errors]
        return _Rejected(clip(f"Lint failed: {found.errors[0].message}"), {"lint": listed[: 4 * _SHOWN]})
    warnings = [clip(finding.message) for finding in found.warnings]
    return _Patched(found.grammar, len(patch.ops), patch.description, warnings)


def _is_small(value: Any) -> bool:
    """Whether it has few values, counted as often as they are reached: aliases make a small text a huge value."""
    waiting, count = [value], 0
    while waiting and count <= MAX_VALUES:
        part = waiting.pop()
        count += 1
        waiting.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())
    return count <= MAX_VALUES


def _attempts(source: Path, base: Any, samples: dict[str, bytes], count: int) -> tuple[list[Attempt], dict[str, Parse]]:
    """Everything from the patch's text on is done again each time, so an unstable step anywhere shows."""
    made: list[Attempt] = []
    parses: dict[str, Parse] = {}
    for index in range(count):
        patched = _patched(source, base)
        if isinstance(patched, _Rejected):
            raise InfraError("a patch applied once and then did not", where=patched.why)
        cpu, wall = time.thread_time(), time.perf_counter()
        parses = {name: parse(patched.grammar, data) for name, data in samples.items()}
        wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
        made.append(
            Attempt(index=index, seed=0, status=Status.OK, answers=_digest(parses), seconds=wall, cpu_ms=cpu * 1000)
        )
    return made, parses


def _digest(parses: dict[str, Parse]) -> str:
    return digest_json(
        {
            name: [[[s.start, s.end, s.path, s.kind, s.grounded] for s in p.spans], [str(e) for e in p.errors]]
            for name, p in parses.items()
        }
    )


def _measure(parses: dict[str, Parse]) -> dict[str, Any]:
    total = sum(p.size for p in parses.values())
    errors = [f"{name}: {clip(str(error))}" for name, p in parses.items() for error in p.errors]
    gaps = [[name, start, end] for name, p in parses.items() for start, end in p.gaps]
    return {
        "files": len(parses),
        "bytes": total,
        "records": sum(p.records for p in parses.values()),
        "spans": sum(len(p.spans) for p in parses.values()),
        "coverage": sum(p.covered for p in parses.values()) / total if total else 0.0,
        "typed": sum(p.grounded for p in parses.values()) / total if total else 0.0,
        "validity": sum(not p.errors for p in parses.values()) / len(parses),
        "errors": len(errors),
        "first_errors": errors[:_SHOWN],
        "gaps": len(gaps),
        "first_gaps": gaps[:_SHOWN],
    }


def _verdict(
    base: Grammar, samples: dict[str, bytes], parses: dict[str, Parse], before: dict[str, Any], after: dict[str, Any]
) -> tuple[Status, str, Counterexample | None]:
    """Wrong is a patch that breaks a file the grammar could read, or that knows less about the files than before."""
    for name, found in parses.items():
        if found.errors and not parse(base, samples[name]).errors:
            why = f"breaks {name}: {clip(str(found.errors[0]))}"
            broken = Counterexample(question=name, expected="no error", observed=clip(str(found.errors[0])))
            return Status.WRONG, why, broken
    if after["typed"] < before["typed"]:
        why = f"explains less than the grammar it patches: {after['typed']:.1%} typed, {before['typed']:.1%} before"
        return Status.WRONG, why, None
    return Status.OK, "", None


def _peak_mb(grammar: Grammar, samples: dict[str, bytes]) -> float | None:
    if tracemalloc.is_tracing():
        return None  # someone else measures; stopping it would spoil theirs, sharing it ours
    tracemalloc.start()  # a run of its own: tracing makes everything slower
    try:
        kept = [parse(grammar, data) for data in samples.values()]
        peak = tracemalloc.get_traced_memory()[1] / _MIB
        del kept
    finally:
        tracemalloc.stop()
    return peak


@hookimpl
def crucible_lanes() -> list[Lane]:
    """The built-in lane of spec patches."""
    return [SpecLane()]
