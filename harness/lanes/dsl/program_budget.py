"""The budgets that a program declares, at an epoch, and the share of the tightest that a run used."""

from __future__ import annotations

from collections.abc import Mapping

from harness.core.policy import Policy
from harness.dsl.ir import Program

ANNEALED = ("steps", "wall_s")
"""Budgets that shrink with the epoch, in proportion to a command's time; questions and events do not."""
COUNTED = (*ANNEALED, "iterations", "queries", "events", "tokens")


def limits_at(policy: Policy, program: Program) -> dict[str, float]:
    """The budgets that the program declares for its main unit, at the policy's epoch; empty without a main unit."""
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
    """The budget with the largest used share, and that share (at most 1); None if no budget is declared."""
    shares = [(used[name] / limit, name) for name, limit in limits.items() if name in used]
    if not shares:
        return None
    share, name = max(shares)
    return name, min(1.0, share)
