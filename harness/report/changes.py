"""Changes: what differs between a run and the one it is compared with, case by case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report.urgency import CHANGE

Row = dict[str, Any]


@dataclass(slots=True)
class Changes:
    """Node ids by what changed; a case is in the first of the lists that it fits.

    Attributes:
        against: The run compared with; empty if no run is comparable.
        differs: What makes the numbers of the two runs not comparable; empty if nothing does.
        broken: Passed then, and fails now; a control that was caught then and is not now.
        unjudged: Passed then, and has no verdict now.
        fixed: The other way round.
        better, worse: The score moved, and the intervals of the two scores do not meet.
        edited: The content changed, the score did not.
        new: That run did not judge it.
        gone: That run judged it, and this one has its suite but not the case.
    """

    against: str = ""
    differs: str = ""
    broken: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)
    better: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> list[tuple[str, str, list[str]]]:
        """Name, explanation and node ids of each kind that occurs, most important first."""
        found = [
            ("regressed", "passed then, fails now", self.broken),
            ("worse", "score lower, beyond noise", self.worse),
            ("not judged now", "passed then", self.unjudged),
            ("fixed", "passes now, not then", self.fixed),
            ("better", "score higher, beyond noise", self.better),
            ("new case" if len(self.new) == 1 else "new cases", "not in that run", self.new),
            ("gone", "in that run, not in this one", self.gone),
            ("edited", "content changed, score did not", self.edited),
        ]
        return [kind for kind in found if kind[2]]

    @property
    def total(self) -> int:
        """The number of cases that changed."""
        return sum(len(nodeids) for _, _, nodeids in self.kinds)


def find_changes(
    ledger: Ledger, run_id: str, rows: list[Row], deltas: dict[str, Row], *, compare: str | None
) -> Changes:
    """The changes of a run.

    Args:
        ledger: Where both runs are recorded.
        run_id: The run.
        rows: Its evaluations.
        deltas: Their changes (`queries.deltas`).
        compare: The run to compare with; None for the last comparable one.
    """
    before = [queries.run(ledger, compare)["run_id"]] if compare else queries.comparable_runs(ledger, run_id, limit=1)
    if not before or not deltas:
        return Changes()
    found = Changes(against=before[0], differs=next((d["differs"] for d in deltas.values() if d.get("differs")), ""))
    for row in rows:
        delta = deltas.get(row["nodeid"])
        kind = _kind(row, delta)
        if kind is not None:
            getattr(found, kind).append(row["nodeid"])
    here, suites = {row["nodeid"] for row in rows}, {row["suite"] for row in rows}
    old = queries.evaluations(ledger, before[0])
    found.gone = [row["nodeid"] for row in old if row["suite"] in suites and row["nodeid"] not in here]
    return found


def _kind(row: Row, delta: Row | None) -> str | None:
    if row["neutral"] or row["status"] == "infra":
        return "unjudged" if delta is not None and delta["passed_before"] else None
    if delta is None:
        return "new"
    if row["expected"] is not None:  # the score of a control says nothing
        was = delta["status_before"] == row["expected"]
        return None if was == bool(row["as_expected"]) else "broken" if was else "fixed"
    if delta["passed_before"] != bool(row["passed"]):
        return "fixed" if row["passed"] else "broken"
    if (moved := delta["score"]) is not None and abs(moved) >= CHANGE and _is_beyond_noise(row, delta):
        return "better" if moved > 0 else "worse"
    return None if delta["same_digest"] else "edited"


def _is_beyond_noise(row: Row, delta: Row) -> bool:
    low, high = delta["interval_before"]
    ends = row["score_low"], row["score_high"]
    if None in (low, high, *ends):
        return True
    return bool(high < ends[0] or ends[1] < low)
