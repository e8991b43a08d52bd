"""Boards: what the table and the picture of one suite show."""

from __future__ import annotations

import json
from collections.abc import Callable

from markupsafe import Markup

from harness.core.budget import Schedule
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import words
from harness.report.charts.pareto import Point, draw
from harness.report.page import Board, Candidate, Page

HEADS = {
    "score": "Score", "delta": "Change", "held": "Gates", "status": "Status", "stability": "Failure rate",
    "median": "Median", "peak": "Peak", "style": "Style", "group": "Group",
}  # fmt: skip
EXPLAINED = {
    "delta": "change", "held": "gates", "stability": "failure rate", "style": "style", "group": "group",
}  # fmt: skip
MAX_RECORDS = 5000  # whose JSON is read for one number
NUMERIC = frozenset({"score", "delta", "held", "stability", "median", "peak"})


def cell(c: Candidate, name: str) -> str:
    """A cell of the table of a suite."""
    row = c.row
    match name:
        case "score":
            return words.score(row["score"])
        case "delta":
            if c.delta is None:
                return "new" if c.new else words.NOTHING
            return words.delta(c.delta["score"], edited=not c.delta["same_digest"])
        case "held":
            return f"{c.counts.held}/{c.counts.total}" if c.counts.total else ""
        case "stability":
            return words.stability(row).replace("p<", "below ").replace("%", " %") or words.NOTHING
        case "median":
            return words.milliseconds(row["median_ms"])
        case "peak":
            return words.NOTHING if row["peak_mb"] is None else f"{row['peak_mb']:.1f} MB"
        case "style":
            return words.style(row)
        case "group":
            return str(row["cohort"])
    return str(row["status"])


def explained(board: Board) -> list[str]:
    """The words of the glossary that the columns of a suite need."""
    rank = ["rank", *(["?: unconfirmed"] if any(c.unconfirmed for c in board.contest[:1]) else [])]
    return rank + [word for name, word in EXPLAINED.items() if name in board.columns]


def same(board: Board) -> list[str]:
    """What is equal for all candidates of a suite, and therefore not a column."""
    if not board.contest:
        return []
    first = board.contest[0]
    found = {name: cell(first, name) for name in HEADS if name not in board.columns}
    return [f"{HEADS[name].lower()} {value}" for name, value in found.items() if value not in ("", words.NOTHING)]


def pareto(ledger: Ledger, page: Page, board: Board, route: Callable[..., str]) -> Markup | None:
    """The candidates of a suite by score and time, with the front and the limits; None below two that were timed."""
    timed = [c for c in board.contest if c.row["score"] is not None and c.row["median_ms"]]
    if len(timed) < 2:
        return None
    places = [(one.lane, one.suite) for one in page.boards]
    front = ledger.remembered(("fronts", *places), lambda: queries.fronts(ledger, places))
    points = [
        Point(
            words.candidate(c.row),
            c.row["median_ms"],
            c.row["score"],
            c.row["peak_mb"],
            "failing"
            if not c.row["passed"]
            else "front"
            if (board.lane, board.suite, c.row["digest"]) in front
            else "",
            c.row["nodeid"],
        )
        for c in timed
    ]
    limits = _limits(ledger, page, timed[0])
    return draw(f"Score against time: {board.name}", points, limits, lambda nodeid: route("case", nodeid))


def _limits(ledger: Ledger, page: Page, c: Candidate) -> list[tuple[str, float]]:
    """The time limits of this epoch and of the last one, where the candidates have such a gate."""
    gates = queries.details(ledger, page.run["run_id"], "gates", [c.row["nodeid"]]).get(c.row["nodeid"], [])
    now = next((gate["threshold"] for gate in gates if gate["name"] == "time_ms"), None)
    if now is None:
        return []
    record = json.loads(queries.records(ledger, page.run["run_id"], [c.row["nodeid"]])[c.row["nodeid"]])
    schedule = Schedule.from_wire(record["case"]["policy"]["schedule"])
    last = schedule.at(schedule.epochs).time_ms
    found = [(f"limit at epoch {page.run['epoch']}: {now:g} ms", now)]
    return found if last == now else [*found, (f"limit at epoch {schedule.epochs}: {last:g} ms", last)]


def noise(ledger: Ledger, page: Page) -> list[tuple[str, str]]:
    """The A/A control of a run's exact measurements: how much equal code differs; empty where there were none."""
    if len(page.candidates) > MAX_RECORDS:
        return []
    path = "$.evidence.quality.session_spread"
    query = "SELECT max(json_extract(unpacked(record, digest, numbers), ?)) AS spread FROM evaluations WHERE run_id = ?"
    spread = ledger.rows(query, path, page.run["run_id"])[0]["spread"]
    return [("A/A control", f"equal code differs by {spread:.1%} (root mean square)")] if spread else []
