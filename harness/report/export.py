"""Export: the tables of a run as CSV files, and its pictures as SVG files that stand alone."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.core.exhibit import unpack
from harness.core.exhibit_kinds import Bytes, Table, Text, Value
from harness.core.slug import slug
from harness.ledger.exhibits import exhibits
from harness.ledger.store import Ledger
from harness.report import boards, views, words
from harness.report.charts.figure import picture_of, rows_of
from harness.report.html import route, style, write_atomically
from harness.report.island import COLUMNS
from harness.report.page import Page, anchor, gather

SPACE = "http://www.w3.org/2000/svg"
FORMULA = re.compile(r"^[=+\-@\t\r]")


def write_csv(ledger: Ledger, run_id: str | None, folder: Path) -> list[Path]:
    """Write cases.csv, suites.csv, gates.csv, and a file for the table of each exhibit.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
        CrucibleError: if a file cannot be written.
    """
    page = gather(ledger, run_id)
    columns = ("lane", "suite", "expected", *COLUMNS)
    cases = [
        (c.row["lane"], c.row["suite"], c.row["expected"], *(of(c) for of in COLUMNS.values())) for c in page.candidates
    ]
    suites = [(s.lane, s.suite, s.passing, s.judged, s.failing, s.best, s.score, s.median_ms) for s in page.suites]
    gates = [(g["expression"], g["observed"], g["threshold"], g["passed"], g["why"]) for g in page.verdict.gates]
    written = [
        _write(folder / "cases.csv", columns, cases),
        _write(
            folder / "suites.csv", ("lane", "suite", "pass", "judged", "fail", "best", "score", "median_ms"), suites
        ),
        _write(folder / "gates.csv", ("gate", "observed", "threshold", "passed", "why"), gates),
    ]
    for name, value in _values(ledger, page):
        written.append(_write(folder / f"{name}.csv", *rows_of(value)))
    return written


def write_svg(ledger: Ledger, run_id: str | None, folder: Path) -> list[Path]:
    """Write a file for each picture: exhibits, and score against time of each suite.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
        CrucibleError: if a file cannot be written.
    """
    page, written = gather(ledger, run_id), []
    pictures = [(name, str(picture_of(value))) for name, value in _values(ledger, page) if is_picture(value)]
    for board in page.boards:
        if (chart := boards.pareto(ledger, page, board, route)) is not None:
            found = re.search(r"<svg.*</svg>", str(chart), re.DOTALL)
            pictures.append((f"{board.stem}-pareto", found[0] if found else ""))
    for name, text in pictures:
        if text:
            path = folder / f"{name}.svg"
            write_atomically(path, _alone(text))
            written.append(path)
    return written


def is_picture(value: Value) -> bool:
    """Whether an exhibit is drawn as SVG."""
    return not isinstance(value, Table | Text | Bytes)


def _values(ledger: Ledger, page: Page) -> Iterator[tuple[str, Value]]:
    """The exhibits of all cases and the views of all suites, each with a name for its file."""
    nodeids = [c.row["nodeid"] for c in page.candidates]
    for nodeid, found in exhibits(ledger, page.run["run_id"], nodeids).items():
        for one in found:
            if (value := unpack(one.kind, one.text)) is not None:
                yield f"{anchor(nodeid)}-{slug(one.name)[:60]}", value
    for board in page.boards:
        for name, value in views.of_board(ledger, page, board):
            if not value.absent or rows_of(value)[1]:
                yield f"{board.stem}-{name}", value


def _alone(svg: str) -> str:
    """A picture with its own style, in the colours of the light theme."""
    return svg.replace("<svg ", f'<svg xmlns="{SPACE}" ', 1).replace(">", f"><style>{_chart_style()}</style>", 1)


def _chart_style() -> str:
    text = style()
    colours = re.search(r":root \{.*?\}", text, re.DOTALL)
    rules = [
        line for line in text.splitlines() if re.match(r"\.(chart|grid|line|dot|cell|span|track|nothing|off)\b", line)
    ]
    return words.printable(" ".join([colours[0] if colours else "", *rules])).replace("&", "&amp;").replace("<", "&lt;")


def _write(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    text = io.StringIO()
    made = csv.writer(text)
    made.writerow(head)
    made.writerows([_cell(value) for value in row] for row in rows)
    write_atomically(path, text.getvalue())
    return path


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet executes."""
    if not isinstance(value, str):
        return value
    shown = words.printable(value)
    return f"'{shown}" if FORMULA.match(shown) else shown
