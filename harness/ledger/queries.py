"""Queries: every query of reports, gates and verbs, in one module to import from."""

from __future__ import annotations

from harness.ledger.comparison import baseline, comparable_runs, deltas, diff, named_baseline, regressions
from harness.ledger.history import lineage, pareto, trend
from harness.ledger.lookup import (
    Row,
    cohorts,
    contenders,
    details,
    evaluations,
    find,
    judged,
    leaderboard,
    leaders,
    left_out,
    load,
    load_all,
    run,
    runs,
)

__all__ = [
    "Row",
    "baseline",
    "cohorts",
    "comparable_runs",
    "contenders",
    "deltas",
    "details",
    "diff",
    "evaluations",
    "find",
    "judged",
    "leaderboard",
    "leaders",
    "left_out",
    "lineage",
    "load",
    "load_all",
    "named_baseline",
    "pareto",
    "regressions",
    "run",
    "runs",
    "trend",
]
