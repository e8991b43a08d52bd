"""Views: pictures of a suite or of a ledger that no single case has. What the ledger cannot show has its reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from harness.core.exhibit_kinds import Axis, Bars, Heat, Line, Series, Value
from harness.ledger import handoffs, queries
from harness.ledger.store import Ledger
from harness.report import words
from harness.report.page import Board, Page

MAX_RECORDS = 5000  # of a run: the records of more are not read for one number each
MAX_EPOCHS = 40
GROWTH_STEP = 0.5  # between two columns of a style map: n^0.5, n^1, n^1.5
ENDED = (handoffs.REPAIRED, handoffs.PASSING, handoffs.EXHAUSTED, handoffs.UNCONFIRMED, handoffs.INVALID,
         handoffs.QUARANTINED)  # fmt: skip
Row = dict[str, Any]


def of_board(ledger: Ledger, page: Page, board: Board) -> list[tuple[str, Value]]:
    """The views of a suite, each with its name."""
    styles = style_map(ledger, page, board)
    return [*([] if styles is None else [("styles", styles)]), ("epochs", against_epoch(ledger, page, board))]


def style_map(ledger: Ledger, page: Page, board: Board) -> Heat | None:
    """The best score of the passing candidates by style and growth of time; None where candidates have no style."""
    passing = [c.row for c in board.contest if c.row["passed"] and c.row["score"] is not None]
    if not any(_style(row) for row in passing):
        return None
    known = {}
    if len(page.candidates) <= MAX_RECORDS:
        known = ledger.remembered(("growth", page.run["run_id"]), lambda: _growths(ledger, page.run["run_id"]))
    best: dict[str, dict[float, float]] = defaultdict(dict)
    for row in passing:
        growth = known.get(row["nodeid"])
        if growth is not None:
            column, cells = max(0.0, round(growth / GROWTH_STEP) * GROWTH_STEP), best[_style(row) or "none"]
            cells[column] = max(row["score"], cells.get(column, row["score"]))
    columns = sorted({column for cells in best.values() for column in cells})
    missing = sum(row["nodeid"] not in known for row in passing)
    absent = f"{missing} of {words.count(len(passing), 'passing candidate')} were not timed at several sizes"
    if len(page.candidates) > MAX_RECORDS:
        absent = f"drawn for runs of at most {MAX_RECORDS:,} cases"
    return Heat(
        title="Styles",
        sentence="the best score of a passing candidate by style and by how its time grows with the size of the input",
        absent=absent if missing else "",
        x=Axis(label="growth"),
        y=Axis(label="style"),
        value=Axis(label="best score"),
        columns=tuple(f"n^{column:g}" for column in columns),
        rows=tuple(sorted(best)),
        values=tuple(tuple(best[style].get(column) for column in columns) for style in sorted(best)),
        lower_is_better=False,
    )


def _style(row: Row) -> str:
    return str(row["style_detected"] or row["style"] or "")


def _growths(ledger: Ledger, run_id: str) -> dict[str, float]:
    """The exponent of the time of each passing candidate in the size of its input, where it was measured."""
    path = "$.evidence.facts.profile.growth"
    record = "unpacked(record, digest, numbers)"
    query = f"SELECT nodeid, json_extract({record}, ?) AS growth FROM evaluations WHERE run_id = ? AND passed"  # noqa: S608
    return {row["nodeid"]: row["growth"] for row in ledger.rows(query, path, run_id) if _is_number(row["growth"])}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def against_epoch(ledger: Ledger, page: Page, board: Board) -> Series:
    """The scores of a suite at each epoch, from the last run at it on this machine and tier."""
    found = ledger.remembered(("epochs", page.run["run_id"]), lambda: _epochs(ledger, page.run))
    rows = found.get((board.lane, board.suite), [])
    epochs = tuple(row["epoch"] for row in rows)
    absent = sentence = ""
    if len(rows) > 1:
        first, last = rows[0], rows[-1]
        sentence = f"best score {words.score(first['best'])} at epoch {first['epoch']}"
        sentence += f", {words.score(last['best'])} at epoch {last['epoch']}; budgets tighten from epoch to epoch"
    else:
        absent = f"judged at epoch {page.run['epoch']} only on this machine and tier; pytest --epoch N adds another"
    lines = [
        Line(name=name, x=epochs, y=tuple(row[column] for row in rows))
        for column, name in (("best", "best score"), ("mean", "mean score"), ("share", "share that passes"))
    ]
    return Series(
        title="Performance against epoch",
        sentence=sentence,
        absent=absent,
        x=Axis(label="epoch"),
        y=Axis(label="score, share"),
        lines=() if absent else tuple(lines),
    )


def _epochs(ledger: Ledger, run: Row) -> dict[tuple[str, str], list[Row]]:
    """For each suite one row for each epoch, lowest first; the given run represents its own epoch."""
    earlier = ledger.rows(
        f"""SELECT epoch, run_id, max(started_at) FROM runs
           WHERE machine = ? AND tier IS ? AND status = 'finished' AND started_at < ? AND epoch <> ?
               AND run_id NOT IN ({queries.PARTS})
           GROUP BY epoch ORDER BY max(started_at) DESC LIMIT ?""",  # noqa: S608 - a constant
        run["machine"],
        run["tier"],
        run["started_at"],
        run["epoch"],
        MAX_EPOCHS - 1,
    )
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for one in sorted([*earlier, run], key=lambda row: row["epoch"]):
        for row in ledger.rows(
            """SELECT lane, suite, max(iif(passed, score, NULL)) AS best, avg(score) AS mean,
                   avg(CASE WHEN status NOT IN ('infra', 'skipped', 'review', 'noisy') THEN passed END) AS share
               FROM evaluations WHERE run_id = ? AND expected IS NULL GROUP BY lane, suite HAVING mean IS NOT NULL""",
            one["run_id"],
        ):
            found[row["lane"], row["suite"]].append(row | {"epoch": one["epoch"]})
    return found


def handoff_funnel(ledger: Ledger) -> Bars:
    """How far the candidates came that this ledger handed off to repair."""
    rows = ledger.rows(
        """SELECT state, attempts,
               EXISTS (SELECT 1 FROM evaluations e WHERE e.digest = result_digest AND e.passed) AS good
           FROM handoffs"""
    )
    axis = Axis(label="candidates")
    if not rows:
        absent = "no candidate was handed off; crucible repair works on those that are"
        return Bars(title="Hand-off to repair", value=axis, absent=absent)
    states = Counter(row["state"] for row in rows)
    ordered = sorted(states.items(), key=lambda pair: (-pair[1], pair[0]))
    repaired = states[handoffs.REPAIRED]
    stages = {
        "handed off": len(rows),
        "taken": sum(row["attempts"] > 0 for row in rows),
        "ended": sum(states[state] for state in ENDED),
        "a repair was found": repaired + states[handoffs.UNCONFIRMED],
        "confirmed on fresh inputs": repaired,
        "the repair passes its suite": sum(row["state"] == handoffs.REPAIRED and row["good"] for row in rows),
    }
    return Bars(
        title="Hand-off to repair",
        sentence=f"all hand-offs of this ledger: {', '.join(f'{count} {state}' for state, count in ordered)}",
        value=axis,
        labels=tuple(stages),
        values=tuple(map(float, stages.values())),
    )
