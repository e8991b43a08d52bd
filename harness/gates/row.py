"""Gate row: the columns of one evaluation that gates may read."""

from __future__ import annotations

from typing import Any

from harness.core.evaluation import Evaluation
from harness.core.run import Run


def row(evaluation: Evaluation, run: Run) -> dict[str, Any]:
    """The columns of an evaluation that gates may read: those of the ledger, and its components by name."""
    from harness.ledger.row import Record, evaluation_values, plain

    record = Record(run_id=run.run_id, created_at="", machine=run.machine, wire="", evaluation=evaluation)
    parts = {plain(part.name): part.value for part in evaluation.score.components}
    parent = next((one.verdict.value for one in evaluation.evidence.comparisons if one.role == "parent"), None)
    return {**parts, **evaluation_values(record), "against_parent": parent}
