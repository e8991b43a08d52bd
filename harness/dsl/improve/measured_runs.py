"""Measured runs: the objective of a program, measured in several runs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from harness.core.owned_folder import OwnedFolder
from harness.dsl.improve.identity import Identity, identify
from harness.dsl.ir import Program
from harness.dsl.machine import export
from harness.dsl.machine.outcome import Outcome
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings
from harness.providers.question import Provider

MAX_TRACE = 8_000  # maximum number of characters of a trace in a prompt


@dataclass(frozen=True, slots=True)
class Objective:
    """The quantity to improve.

    Attributes:
        metric: A check with a number, or `Variant.Case.field`; empty for the share of checks and criteria that pass.
    """

    metric: str = ""
    maximize: bool = True


@dataclass(frozen=True, slots=True)
class Measured:
    """Runs of one program.

    Attributes:
        values: Value of the objective in each run; empty if a run has none.
        why: Reason of the first failure.
        metrics: Metrics of the first run.
        trace: Trace of the first run as JSON, truncated.
    """

    values: tuple[float, ...]
    passed: bool
    why: str
    metrics: dict[str, Any]
    trace: str
    identities: tuple[Identity, ...] = ()

    @property
    def varies(self) -> bool:
        """Whether the runs gave different values."""
        return len(set(self.values)) > 1

    def joined_with(self, other: Measured) -> Measured:
        """The runs of both; without values if one has none."""
        both = (*self.values, *other.values) if self.values and other.values else ()
        passed = self.passed and other.passed
        identities = (*self.identities, *other.identities)
        return Measured(both, passed, self.why or other.why, self.metrics, self.trace, identities)

    def beats(self, other: Measured, *, maximize: bool) -> bool:
        """Whether the worst run is better than the best run of the other."""
        if not self.values:
            return False
        if not other.values:
            return True
        mine, theirs = (self.values, other.values) if maximize else (other.values, self.values)
        return min(mine) > max(theirs)


def measure(
    program: Program,
    objective: Objective,
    *,
    inputs: dict[str, Any],
    settings: RunSettings,
    provider: Provider | None,
    repeats: int,
    first: int = 0,
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> Measured:
    """Run a program several times with the seeds from `first`, each in a temporary folder with some files."""
    values: list[float] = []
    report: tuple[dict[str, Any], str] = ({}, "")
    why = ""
    identities: list[Identity] = []
    for seed in range(first, first + repeats):
        with OwnedFolder("improve") as folder:
            own = settings.replace(hash_seed=seed)
            place = folder / "run"
            with Session.start(
                program, place, inputs=inputs, seed=seed, settings=own, provider=provider, files=files
            ) as session:
                outcome = session.run()
                why = why or ("" if outcome.passed else outcome.why or outcome.status)
                identities.append(identify(program, session))
                value = _value(program, session, outcome, objective)
                if value is not None:
                    values.append(value)
                if seed == first:
                    trace = json.dumps(export.trace(program, session.log), ensure_ascii=False)
                    report = (export.metrics(outcome, session.log), trace[:MAX_TRACE])
    return Measured(tuple(values) if len(values) == repeats else (), not why, why, *report, tuple(identities))


def _value(program: Program, session: Session, outcome: Outcome, objective: Objective) -> float | None:
    if not objective.metric:
        checks = [step.status == "ok" for step in outcome.steps if step.kind != "step"]
        held = checks + [verdict == "true" for _, verdict, _ in outcome.criteria]
        return sum(held) / len(held) if held else None
    seen = export.metrics(outcome, session.log)["checks"].get(objective.metric)
    if seen is not None:
        return _number(seen["value"])
    case, _, field = objective.metric.rpartition(".")
    index = program.schema.find(case)
    if index < 0:
        return None
    found: float | None = None
    for event in session.log.events():
        for item in event.value.get("items", ()):
            # Items that the program emits itself are not measurements: only effects report them.
            if item["case"] == program.schema.cases[index].name and item["source"] != "emit":
                found = _number(item["values"].get(field))
    return found


def _number(value: Any) -> float | None:
    """A measured number; what is not finite measures nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
