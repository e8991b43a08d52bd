"""Crucible judges what machines make. These are the public names; everything else may change."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Budget": "harness.core.budget",
    "Case": "harness.core.case",
    "Component": "harness.core.score",
    "CrucibleError": "harness.core.errors",
    "Evaluation": "harness.core.evaluation",
    "Evidence": "harness.core.evidence",
    "Gate": "harness.core.gate",
    "GateResult": "harness.core.gate",
    "Lane": "harness.hooks",
    "Ledger": "harness.ledger.store",
    "Policy": "harness.core.policy",
    "Run": "harness.core.run",
    "Schedule": "harness.core.budget",
    "Score": "harness.core.score",
    "Status": "harness.core.status",
    "Subject": "harness.core.case",
    "Tier": "harness.core.tier",
    "evaluate": "harness.judge.evaluate",
    "hookimpl": "harness.hooks",
}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the names are the table's keys


def __getattr__(name: str) -> Any:
    """Import a public name at first use, so that `import harness` costs nothing."""
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
