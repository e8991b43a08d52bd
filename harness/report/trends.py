"""Trends: score, median time and pass count of each suite over the runs of the ledger."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from markupsafe import Markup

from harness.core.exhibit_kinds import Axis, Line, Series
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import views
from harness.report.charts.figure import figure
from harness.report.glossary import Linker
from harness.report.markup import element, joined
from harness.report.page import Board, Page

RUNS = 40
Row = dict[str, Any]


def section(ledger: Ledger, page: Page) -> str:
    """The page of trends, as markup; a run that only repeats earlier verdicts on a suite is left out."""
    before = queries.comparable_runs(ledger, page.run["run_id"], limit=RUNS - 1)
    runs = [*reversed(before), page.run["run_id"]]
    found = _rows(ledger, runs)
    parts = [element("h2", "Trends", id="trends")]
    said = f"{len(runs)} runs of this machine, tier and epoch, from {runs[0]} to {runs[-1]}"
    parts.append(
        element(
            "p",
            Linker()(said if len(runs) > 1 else "there is no earlier run of this machine, tier and epoch"),
            class_="note",
        )
    )
    shown = {board: rows for board in map(_place, page.boards) if len(rows := found.get(board[:2], [])) > 1}
    still = [
        board for board, rows in shown.items() if len({(row["best"], row["mean"], row["share"]) for row in rows}) == 1
    ]
    figures = [
        figure(board[2], _series(board[0], board[2], rows)) for board, rows in shown.items() if board not in still
    ]
    if still:
        names = ", ".join(f"{lane} {name}" for lane, _, name in still)
        parts.append(element("p", f"unchanged in score and passes: {names}", class_="note"))
    figures.append(figure("hand-off", views.handoff_funnel(ledger)))
    parts.append(element("div", joined(figures), class_="exhibits"))
    return str(element("section", Markup("").join(parts), id="/trends", aria_labelledby="trends"))


def _place(board: Board) -> tuple[str, str, str]:
    return board.lane, board.suite, board.name


def _rows(ledger: Ledger, runs: list[str]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for number, run_id in enumerate(runs):
        for row in ledger.rows(
            """SELECT lane, suite, max(iif(passed, score, NULL)) AS best, avg(score) AS mean,
                   avg(CASE WHEN status NOT IN ('infra', 'skipped', 'review', 'noisy') THEN passed END) AS share,
                   max(reused_from = '') AS fresh
               FROM evaluations WHERE run_id = ? AND expected IS NULL GROUP BY lane, suite""",
            run_id,
        ):
            if row["fresh"] or (row["lane"], row["suite"]) not in found:
                found[row["lane"], row["suite"]].append(row | {"number": number + 1})
    return found


def _series(lane: str, name: str, rows: list[Row]) -> Series:
    numbers = tuple(row["number"] for row in rows)
    lines = tuple(
        Line(name=title, x=numbers, y=tuple(row[column] for row in rows))
        for column, title in (("best", "best score"), ("mean", "mean score"), ("share", "share that passes"))
    )
    return Series(
        title=f"{lane} {name}",
        sentence="; ".join(
            f"{title} {before} → {now}" if before != now else f"{title} {now}"
            for title, before, now in ((one.name, _said(one.y[0]), _said(one.y[-1])) for one in lines)
        ),
        x=Axis(label="run"),
        y=Axis(label="score, share"),
        lines=lines,
    )


def _said(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
