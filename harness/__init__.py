"""Crucible judges what machines make. These are the public names; everything else may change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if sys.version_info < (3, 11):  # noqa: UP036 - an environment that pip did not check
    msg = f"Crucible needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}: use a newer one"
    raise ImportError(msg)

from harness.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.core.budget import Budget, Schedule
    from harness.core.case import Case, Subject
    from harness.core.errors import CrucibleError
    from harness.core.evaluation import Evaluation
    from harness.core.evidence import Evidence
    from harness.core.gate import Gate, GateResult
    from harness.core.policy import Policy
    from harness.core.run import Run
    from harness.core.score import Component, Score
    from harness.core.status import Status
    from harness.core.tier import Tier
    from harness.hooks import Lane, hookimpl
    from harness.judge.evaluate import evaluate
    from harness.judge.pool import JudgePool
    from harness.judge.verdict import Verdict
    from harness.ledger.store import Ledger
    from harness.rewards.reward import reward_for

__all__ = [
    "Budget",
    "Case",
    "Component",
    "CrucibleError",
    "Evaluation",
    "Evidence",
    "Gate",
    "GateResult",
    "JudgePool",
    "Lane",
    "Ledger",
    "Policy",
    "Run",
    "Schedule",
    "Score",
    "Status",
    "Subject",
    "Tier",
    "Verdict",
    "evaluate",
    "hookimpl",
    "reward_for",
]

_HOMES = {
    "harness.core.budget": "Budget Schedule",
    "harness.core.case": "Case Subject",
    "harness.core.errors": "CrucibleError",
    "harness.core.evaluation": "Evaluation",
    "harness.core.evidence": "Evidence",
    "harness.core.gate": "Gate GateResult",
    "harness.core.policy": "Policy",
    "harness.core.run": "Run",
    "harness.core.score": "Component Score",
    "harness.core.status": "Status",
    "harness.core.tier": "Tier",
    "harness.hooks": "Lane hookimpl",
    "harness.judge.evaluate": "evaluate",
    "harness.judge.pool": "JudgePool",
    "harness.judge.verdict": "Verdict",
    "harness.ledger.store": "Ledger",
    "harness.rewards.reward": "reward_for",
}
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
