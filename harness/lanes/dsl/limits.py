"""Limits: a program's own budgets at an epoch, and how much of the tightest a run used."""

from __future__ import annotations

from collections.abc import Mapping

from harness.core.policy import Policy
from harness.dsl.ir import Program

ANNEALED = ("steps", "wall_s")
"""What shrinks with the epoch, in proportion to a command's time. Questions and events are the program's business."""
COUNTED = (*ANNEALED, "iterations", "queries", "events", "tokens")


def limits_at(policy: Policy, program: Program) -> dict[str, float]:
    """The budgets that the program declares for its main unit, as they are at the policy's epoch."""
    if program.main < 0:
        return {}
    declared = program.units[program.main].budget
    shrunk = policy.budget.time_ms / policy.schedule.at(0).time_ms
    return {
        name: limit * (shrunk if name in ANNEALED else 1.0)
        for name in COUNTED
        if (limit := getattr(declared, name)) is not None
    }


def tightest(limits: Mapping[str, float], used: Mapping[str, float]) -> tuple[str, float] | None:
    """The budget of which the largest share was used, and that share, at most 1; None where none is declared."""
    shares = [(used[name] / limit, name) for name, limit in limits.items() if name in used]
    if not shares:
        return None
    share, name = max(shares)
    return name, min(1.0, share)
