"""Islands: the page's data for its own script: all rows as columns, cases as fragments, sources, runs.

An island is JSON, deflated and in base64, in a script element that no browser executes. It refers to nothing outside
the page. Rows become text nodes; fragments are markup that was escaped where it was made, as the page itself.
"""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from collections.abc import Callable
from typing import Any

from harness.ledger.run_gates import run_gates
from harness.ledger.store import Ledger
from harness.report import words
from harness.report.boards import HEADS, NUMERIC, cell
from harness.report.page import Candidate, Page
from harness.report.urgency import CHANGE, Urgency

CASES = 100  # of one island of details
SOURCES = 50  # of one island of sources
MAX_DETAILS = 500  # cases in full, the most urgent, on a page of usual size; `crucible show` prints any other
MAX_QUIET = 100  # of them, where there are more cases, that passed, did not change and lead nothing
MAX_CELLS = 200_000  # of the scores of earlier runs
LEVEL = 6  # of compression
PIECE = re.compile(r"<(?:figure|details|svg|div|ul|p|table|data) ")  # text of a run has no `<`: it is escaped

COLUMNS: dict[str, Callable[[Candidate], Any]] = {
    "nodeid": lambda c: c.row["nodeid"],
    "candidate": lambda c: words.candidate(c.row),
    "digest": lambda c: c.row["digest"][:8],
    "rank": lambda c: c.place,
    "unconfirmed": lambda c: c.unconfirmed,
    "score": lambda c: _number(c.row["score"]),
    "delta": lambda c: None if c.delta is None else _number(c.delta["score"]),
    "since": lambda c: "new" if c.new else "edited" if c.delta and not c.delta["same_digest"] else "",
    "held": lambda c: c.counts.held,
    "gates": lambda c: c.counts.total,
    "status": lambda c: words.verdict(c.row),
    "reused": lambda c: c.row["reused_from"],
    "stability": lambda c: words.stability(c.row),
    "median": lambda c: _number(c.row["median_ms"]),
    "peak": lambda c: _number(c.row["peak_mb"]),
    "style": lambda c: words.style(c.row),
    "group": lambda c: c.row["cohort"],
    "why": lambda c: c.reason,
    "verdict": lambda c: c.verdict,
    "changed": lambda c: int(c.new or (c.delta is not None and bool(c.delta["score"] or not c.delta["same_digest"]))),
}
"""The columns of the rows and how each is filled; a number that was not measured is null."""


def _number(value: float | None) -> float | None:
    """Six digits of a number: more than the page shows."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def in_full(page: Page, shown: int, times: float = 1.0) -> list[Candidate]:
    """The cases that islands of details hold, most urgent first; the first `shown` are on the page already.

    A page that may be `times` as large as usual has as many times more of them, and is never read less far than usual.
    """
    rest, times = page.urgent[shown:], max(1.0, times)
    most = int(MAX_DETAILS * times)
    if len(rest) <= most:
        return rest
    quiet = sum(c.urgency >= Urgency.OTHER for c in rest)  # the last ones
    return rest[: min(most, len(rest) - quiet + int(MAX_QUIET * times))]


def rows_island(page: Page, details: list[Candidate]) -> str:
    """All rows of the page, as columns: values to sort and filter by, and cells as the tables show them.

    `details` is the place of each case in the islands of details.
    """
    places = {c.number: place for place, c in enumerate(details)}
    start, suites = 0, []
    for board in page.boards:
        suites.append(
            {
                "lane": board.lane,
                "name": board.name,
                "start": start,
                "size": len(board.contest),
                "columns": board.columns,
            }
        )
        start += len(board.contest) + len(board.controls)
    columns = {name: [column(c) for c in page.candidates] for name, column in COLUMNS.items()}
    columns["details"] = [places.get(c.number) for c in page.candidates]
    names = {name for board in page.boards for name in board.columns} - {"status"}
    data = {
        "suites": suites,
        "columns": columns,
        "shown": {name: [cell(c, name) for c in page.candidates] for name in HEADS if name in names},
        "heads": HEADS,
        "numeric": sorted(NUMERIC),
        "cases": CASES,
        "sources": SOURCES,
    }
    return _json(data)


def runs_island(ledger: Ledger, page: Page) -> str:
    """The scores and statuses of all cases in the last runs, to compare any two; fewer runs where cases are many."""
    ids = [run["run_id"] for run in page.recent]
    if page.run["run_id"] not in ids:
        ids.insert(0, page.run["run_id"])
    most = max((run["cases"] for run in page.recent), default=0)
    ids = ids[: max(2, MAX_CELLS // max(1, most))]
    if len(ids) < 2:
        return _json({"runs": ids, "nodeids": [], "cells": []})
    # The state of a cell says whether the case was as expected. A control has the interval of all scores: its own says
    # nothing.
    query = """SELECT nodeid, score, status, digest, expected, as_expected, neutral,
        CASE WHEN as_expected THEN 'pass' WHEN neutral THEN 'not judged' ELSE 'fail' END AS state,
        CASE WHEN expected IS NULL THEN coalesce(score_low, score) ELSE 0.0 END AS low,
        CASE WHEN expected IS NULL THEN coalesce(score_high, score) ELSE 1.0 END AS high
        FROM evaluations WHERE run_id = ?"""
    nodeids: dict[str, int] = {}
    scores: list[dict[int, Any]] = []
    for run_id in ids:
        found: dict[int, Any] = {}
        for row in ledger.rows(query, run_id):
            number = nodeids.setdefault(row["nodeid"], len(nodeids))
            score = _number(row["score"])
            low, high = (score if row[end] == row["score"] else _number(row[end]) for end in ("low", "high"))
            found[number] = [score, words.verdict(row), row["digest"][:8], row["state"], low, high]
        scores.append(found)
    # A run that judged few of all cases is an object: by number as a list is, without a null for each other case.
    places = range(len(nodeids))
    cells = [[*map(found.get, places)] if 2 * len(found) > len(nodeids) else found for found in scores]
    gates = {
        run_id: {gate["expression"]: "pass" if gate["passed"] else "fail" for gate in run_gates(ledger, run_id)}
        for run_id in ids
    }
    return _json({"runs": ids, "nodeids": list(nodeids), "cells": cells, "gates": gates, "least": CHANGE})


def fragments(texts: list[str]) -> str:
    """Fragments of markup as one island: their pieces, each once, and which of them a fragment consists of.

    Deflate finds a repetition within 32 KiB only, and one case has as much. Pieces that begin alike are neighbours, so
    that the tables, pictures and records of all cases are compressed as if each kind were a file of its own.
    """
    made = [_pieces(text) for text in texts]
    pieces = sorted({piece for one in made for piece in one})
    places = {piece: place for place, piece in enumerate(pieces)}
    return _json([pieces, [[places[piece] for piece in one] for one in made]])


def _pieces(text: str) -> list[str]:
    ends = [found.start() for found in PIECE.finditer(text)]  # splitting at a lookahead takes three times as long
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def fragment(part: str) -> str:
    """A fragment of markup as an island of its own."""
    return _json(part)


def _json(value: Any) -> str:
    return pack(json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False))


def pack(text: str) -> str:
    """Text as an island: deflated, in base64."""
    return base64.b64encode(zlib.compress(text.encode("utf-8", "backslashreplace"), LEVEL)).decode("ascii")
