"""Crucible judges what machines make. These are the public names; everything else may change."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 11):  # noqa: UP036 - an environment that pip did not check
    msg = f"Crucible needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}: use a newer one"
    raise ImportError(msg)

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

_HOME = {
    "Budget": "harness.core.budget",
    "Case": "harness.core.case",
    "Component": "harness.core.score",
    "CrucibleError": "harness.core.errors",
    "Evaluation": "harness.core.evaluation",
    "Evidence": "harness.core.evidence",
    "Gate": "harness.core.gate",
    "GateResult": "harness.core.gate",
    "JudgePool": "harness.judge.pool",
    "Lane": "harness.hooks",
    "Ledger": "harness.ledger.store",
    "Policy": "harness.core.policy",
    "Run": "harness.core.run",
    "Schedule": "harness.core.budget",
    "Score": "harness.core.score",
    "Status": "harness.core.status",
    "Subject": "harness.core.case",
    "Tier": "harness.core.tier",
    "Verdict": "harness.judge.verdict",
    "evaluate": "harness.judge.evaluate",
    "hookimpl": "harness.hooks",
    "reward_for": "harness.rewards.reward",
}


def __getattr__(name: str) -> Any:
    """Import a public name at first use, so that `import harness` loads nothing else."""
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
    return found


def __dir__() -> list[str]:
    return __all__
