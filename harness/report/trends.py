"""Trends: score, median time and pass count of each suite over the runs of the ledger."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from markupsafe import Markup

from harness.core.exhibit_kinds import Axis, Line, Series
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import views, words
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
            Linker()(said if len(runs) > 1 else "no earlier run of this machine, tier and epoch"),
            class_="note",
        )
    )
    shown = {board: rows for board in map(_place, page.boards) if len(rows := found.get(board[:2], [])) > 1}
    still = [
        board for board, rows in shown.items() if len({(row["best"], row["mean"], row["share"]) for row in rows}) == 1
    ]
    figures = []
    for board, rows in shown.items():
        if board not in still:
            figures.append(figure(board[2], _scores(board[0], board[2], rows), scripted=True))
        if any(row["middle"] is not None for row in rows):
            figures.append(figure(f"{board[2]} time", _times(board[0], board[2], rows), scripted=True))
    if still:
        names = ", ".join(f"{lane} {name}" for lane, _, name in still)
        parts.append(element("p", f"unchanged in score and passes: {names}", class_="note"))
    figures.append(figure("hand-off", views.handoff_funnel(ledger), scripted=True))
    parts.append(element("div", joined(figures), class_="exhibits"))
    return str(element("section", Markup("").join(parts), id="/trends", aria_labelledby="trends"))


def _place(board: Board) -> tuple[str, str, str]:
    return board.lane, board.suite, board.name


def _rows(ledger: Ledger, runs: list[str]) -> dict[tuple[str, str], list[Row]]:
    """For each suite one row for each run: scores, how many pass, and median times of those that pass."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for number, run_id in enumerate(runs):
        times = {(row["lane"], row["suite"]): row for row in ledger.rows(_TIMES, run_id)}
        for row in ledger.rows(_SCORES, run_id):
            place = row["lane"], row["suite"]
            if row["fresh"] or place not in found:
                found[place].append(
                    {"first": None, "middle": None} | times.get(place, {}) | row | {"number": number + 1}
                )
    return found


_SCORES = """
    SELECT lane, suite, max(iif(passed, score, NULL)) AS best, avg(score) AS mean, max(reused_from = '') AS fresh,
        avg(judged) AS share, sum(judged) AS passing, count(judged) AS judged
    FROM (SELECT *, CASE WHEN status NOT IN ('infra', 'skipped', 'review', 'noisy') THEN passed END AS judged
          FROM evaluations WHERE run_id = ? AND expected IS NULL)
    GROUP BY lane, suite"""
_TIMES = """
    SELECT lane, suite, max(iif(place = 1, median_ms, NULL)) AS first,
        avg(iif(rank IN ((total + 1) / 2, (total + 2) / 2), median_ms, NULL)) AS middle
    FROM (SELECT lane, suite, median_ms, count(*) OVER (PARTITION BY lane, suite) AS total,
              row_number() OVER (PARTITION BY lane, suite ORDER BY score DESC, median_ms) AS place,
              row_number() OVER (PARTITION BY lane, suite ORDER BY median_ms) AS rank
          FROM evaluations WHERE run_id = ? AND expected IS NULL AND passed AND median_ms IS NOT NULL)
    GROUP BY lane, suite"""


def _scores(lane: str, name: str, rows: list[Row]) -> Series:
    numbers = tuple(row["number"] for row in rows)
    named = (("best", "best score"), ("mean", "mean score"), ("share", "share that passes"))
    lines = tuple(Line(name=title, x=numbers, y=tuple(row[column] for row in rows)) for column, title in named)
    sentences = [_moved(one.name, *map(_said, (one.y[0], one.y[-1]))) for one in lines[:2]]
    sentences.append(_moved("passing", *(f"{row['passing'] or 0} of {row['judged']}" for row in (rows[0], rows[-1]))))
    return Series(
        title=f"{lane} {name}",
        sentence="; ".join(sentences),
        x=Axis(label="run"),
        y=Axis(label="score, share"),
        lines=lines,
    )


def _times(lane: str, name: str, rows: list[Row]) -> Series:
    numbers = tuple(row["number"] for row in rows)
    named = (("first", "of the best score"), ("middle", "half of those that pass take less"))
    lines = tuple(Line(name=title, x=numbers, y=tuple(row[column] for row in rows)) for column, title in named)
    known = [row["first"] for row in rows if row["first"] is not None]
    return Series(
        title=f"{lane} {name}, median time",
        sentence=_moved("of the best score", words.milliseconds(known[0]), words.milliseconds(known[-1])),
        x=Axis(label="run"),
        y=Axis(label="time", unit="ms"),
        lines=lines,
    )


def _moved(name: str, before: str, now: str) -> str:
    return f"{name} {before} → {now}" if before != now else f"{name} {now}"


def _said(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
