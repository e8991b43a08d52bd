"""Spica: the variant and the evaluator of the ToolGen tournament under their own names.

`phase.domains.spica_toolgen:ToolGenEvaluator` in a `dream.yaml` is this evaluator.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.budget import Budget, Schedule
from harness.lanes.toolgen.proposals.templates import styles_of, template
from harness.lanes.toolgen.tool_spec import read_tool

NAMES = ("phase.domains.spica_toolgen:ToolGenEvaluator", "harness.evolve.spica:ToolGenEvaluator")
CURRICULUM = {"epoch_0_5": "text_deduplicate", "epoch_6_10": "json_flatten", "epoch_11_plus": "alternating"}
"""The tournament's table."""


@dataclass
class ToolGenVariant:
    """One point of the tournament's search space."""

    spec_id: str
    impl_style: str = "set"
    anneal_temp: float = 1.0


@dataclass
class ToolGenEvaluator:
    """Judges variants: the template of a style under the budget of an epoch.

    Attributes:
        spec_paths: Path of each tool by its id.
    """

    spec_paths: Mapping[str, Path]
    curriculum: Mapping[str, str] = field(default_factory=lambda: dict(CURRICULUM))
    schedule: Schedule = field(default_factory=Schedule)

    def budgets(self, epoch: int) -> Budget:
        """The budget of an epoch; epochs below 0 and beyond the last are clamped."""
        return self.schedule.at(epoch)

    def styles(self, spec_id: str) -> tuple[str, ...]:
        """The styles that a tool has sources for."""
        return styles_of(spec_id)

    def source(self, variant: ToolGenVariant) -> str:
        """The source of a variant.

        Raises:
            UsageError: if its tool has no template of its style.
        """
        return template(variant.spec_id, variant.impl_style)

    def evaluate(self, variant: ToolGenVariant, *, epoch: int = 0, **options: Any) -> dict[str, Any]:
        """Judge a variant; the result has the tournament's keys.

        Args:
            options: Options of `harness.JudgePool`.

        Raises:
            UsageError: if its tool has no template of its style.
        """
        from harness.judge.pool import JudgePool

        path = self.spec_paths[variant.spec_id]
        epoch = max(0, epoch)
        with JudgePool(path, workers=1, epoch=epoch, **options) as pool:
            verdict = pool.judge(self.source(variant))
        found, budget = verdict.evaluation, self.budgets(epoch)
        return {
            "fitness": verdict.score,
            "components": {part.name: part.value for part in found.score.components}
            | {"stability": found.evidence.stability},
            "budgets": {"time_ms": budget.time_ms, "mem_mb": budget.memory_mb},
            "status": verdict.status.value,
            "passed": verdict.passed,
            "why": verdict.why,
            "tool_id": read_tool(path).spec.tool_id,
            "impl_style": variant.impl_style,
            "epoch": epoch,
            "anneal_temp": variant.anneal_temp,
            "median_ms": found.evidence.median_ms,
        }


def find_evaluator(name: str) -> type[ToolGenEvaluator]:
    """The class of an `evaluator: module:Class`.

    Raises:
        ValueError: if there is no such class, or it does not judge variants.
    """
    if name in NAMES:
        return ToolGenEvaluator
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # a module may raise anything while it is imported
        msg = f"unknown evaluator {name!r} ({error}); use {NAMES[-1]!r}"
        raise ValueError(msg) from None
    if not (isinstance(found, type) and issubclass(found, ToolGenEvaluator)):
        msg = f"{name!r} is not a subclass of {NAMES[-1]}"
        raise ValueError(msg)
    return found
