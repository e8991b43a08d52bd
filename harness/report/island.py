"""Islands: the page's data for its own script: all rows as columns, and the details of fifty cases each.

An island is JSON, deflated and in base64, in a script element that no browser executes. It refers to nothing outside
the page, and hostile text in it is never parsed as HTML: `templates/page.js` makes text nodes of it.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import rerun, words
from harness.report.page import Candidate, Page

CASES = 50  # of one island of details
LEVEL = 3  # of compression: a fifth larger than at 6, in half the time

COLUMNS: dict[str, Callable[[Candidate], Any]] = {
    "nodeid": lambda c: c.row["nodeid"],
    "candidate": lambda c: words.candidate(c.row),
    "digest": lambda c: c.row["digest"][:8],
    "rank": lambda c: "" if c.rank is None else str(c.rank),
    "unconfirmed": lambda c: words.unconfirmed(c.row) if c.rank is not None and c.rank.rank == 1 else "",
    "score": lambda c: _number(c.row["score"]),
    "delta": lambda c: None if c.delta is None else _number(c.delta["score"]),
    "since": lambda c: "new" if c.new else "edited" if c.delta and not c.delta["same_digest"] else "",
    "held": lambda c: c.counts.held,
    "gates": lambda c: c.counts.total,
    "status": lambda c: c.row["status"],
    "reused": lambda c: c.row["reused_from"],
    "stability": lambda c: words.stability(c.row),
    "median": lambda c: _number(c.row["median_ms"]),
    "peak": lambda c: _number(c.row["peak_mb"]),
    "style": lambda c: words.style(c.row),
    "why": lambda c: c.reason,
    "verdict": lambda c: c.verdict,
    "anchor": lambda c: c.anchor,
}
"""The columns of the rows and how each is filled; a number that was not measured is null."""


def _number(value: float | None) -> float | None:
    """Six digits of a number: more than the page shows."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def rows_island(page: Page) -> str:
    """All rows of the page, as columns; `details` is the place of each in the islands of details."""
    later = {c.number: place for place, c in enumerate(page.urgent[len(page.cards) :])}
    start, suites = 0, []
    for board in page.boards:
        suites.append({"lane": board.lane, "suite": board.suite, "start": start, "size": len(board.contest)})
        start += len(board.contest) + len(board.controls)
    columns = {name: [column(c) for c in page.candidates] for name, column in COLUMNS.items()}
    columns["details"] = [later.get(c.number) for c in page.candidates]
    data = {"suites": suites, "columns": columns, "cases": CASES, "options": " ".join(rerun.options(page.run))}
    return pack(json.dumps(data, separators=(",", ":"), allow_nan=False))


def detail_islands(ledger: Ledger, page: Page) -> Iterator[str]:
    """The records of the cases without a card, one a line, most urgent first; read as they are asked for."""
    rest = [c.row["nodeid"] for c in page.urgent[len(page.cards) :]]
    for start in range(0, len(rest), CASES):
        some = rest[start : start + CASES]
        found = queries.records(ledger, page.run["run_id"], some)
        yield pack("\n".join(found.get(nodeid, "") for nodeid in some))


def pack(text: str) -> str:
    """Text as an island: deflated, in base64."""
    return base64.b64encode(zlib.compress(text.encode("utf-8", "backslashreplace"), LEVEL)).decode("ascii")
