"""Queries: every query of reports, gates and verbs, in one module to import from."""

from __future__ import annotations

from harness.ledger.comparison import baseline, comparable_runs, deltas, diff, named_baseline, regressions
from harness.ledger.history import best_known, best_scores, judged_once, lineage, parents, trend
from harness.ledger.lookup import (
    NO_GATES,
    PARTS,
    GateCount,
    Row,
    cohorts,
    contenders,
    contests,
    details,
    evaluations,
    find,
    gate_counts,
    leaderboard,
    leaders,
    leaders_elsewhere,
    left_out,
    records,
    run,
    runs,
)
from harness.ledger.pareto import fronts, pareto
from harness.ledger.restored import judged, load, load_all

__all__ = [
    "NO_GATES", "PARTS", "GateCount", "Row", "baseline", "best_known", "best_scores", "cohorts", "comparable_runs",
    "contenders", "contests", "deltas", "details", "diff", "evaluations", "find", "fronts", "gate_counts", "judged",
    "judged_once", "leaderboard", "leaders", "leaders_elsewhere", "left_out", "lineage", "load", "load_all",
    "named_baseline", "parents", "pareto", "records", "regressions", "run", "runs", "trend",
]  # fmt: skip
