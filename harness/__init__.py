"""Crucible judges what machines make. These are the public names; everything else may change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 11):  # noqa: UP036 - an environment that pip did not check
    msg = f"Crucible needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}: use a newer one"
    raise ImportError(msg)
if sys.platform == "win32":
    msg = "Crucible does not run on Windows: use WSL, where it runs as on Linux"
    raise ImportError(msg)

if TYPE_CHECKING:
    from harness.core.budget import Budget as Budget
    from harness.core.budget import Schedule as Schedule
    from harness.core.case import Case as Case
    from harness.core.case import Subject as Subject
    from harness.core.errors import CrucibleError as CrucibleError
    from harness.core.evaluation import Evaluation as Evaluation
    from harness.core.evidence import Evidence as Evidence
    from harness.core.gate import Gate as Gate
    from harness.core.gate import GateResult as GateResult
    from harness.core.policy import Policy as Policy
    from harness.core.run import Run as Run
    from harness.core.score import Component as Component
    from harness.core.score import Score as Score
    from harness.core.status import Status as Status
    from harness.core.tier import Tier as Tier
    from harness.hooks import Lane as Lane
    from harness.hooks import hookimpl as hookimpl
    from harness.judge.evaluate import evaluate as evaluate
    from harness.judge.pool import JudgePool as JudgePool
    from harness.judge.verdict import Verdict as Verdict
    from harness.ledger.store import Ledger as Ledger
    from harness.rewards.reward import reward_for as reward_for


def __getattr__(name: str) -> Any:
    """Import a public name at first use, so that importing the package loads nothing else."""
    if name.startswith("_") and name != "__all__":  # pytest asks for some at its start
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from harness.core import public_names

    return public_names.find(__name__, name)


def __dir__() -> list[str]:
    from harness.core import public_names

    return public_names.of(__name__)
