"""Shapes: the rows of `components`, `gates` and `attempts`, of which most differ from case to case by a few numbers.

A shape is the rows of a case in these views, known by its content; where cases differ, it has a place instead of a
value, and the case has its own numbers (`evaluations.numbers`, an array for each view).
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from harness.core.digest import digest_bytes

VIEWS = {
    "components": ("name", "value", "weight", "why"),
    "gates": ("name", "observed", "threshold", "passed", "why"),
    "attempts": ("round", "seed", "hash_seed", "status", "why", "answers", "seconds", "cpu_ms", "peak_mb"),
}
"""The columns of each view, other than `run_id`, `nodeid` and `position`."""
OWN = frozenset({"value", "observed", "seed", "hash_seed", "seconds", "cpu_ms", "peak_mb"})  # differ between cases
COMMON = (None, 0, 1)  # values that many cases share, whatever the column
KEY = 16  # bytes of a shape's key
WHY_NUMBERS = 4  # of a sentence that are kept apart
_NUMBER = re.compile(r"\d+\.\d+(?:e[+-]?\d+)?|\d{3,}")

_dump = json.JSONEncoder(separators=(",", ":")).encode

Rows = Sequence[Sequence[Any]]


def shape_rows(connection: sqlite3.Connection, known: set[bytes], given: Sequence[Rows]) -> tuple[bytes, str]:
    """Keep the shape of a case's rows.

    Args:
        connection: In a transaction.
        known: Shapes that are stored already; grows.
        given: The rows of each of `VIEWS`, in the order of its columns.

    Returns:
        The values of `shape` and `numbers`.
    """
    numbers: list[list[Any]] = [[] for _ in VIEWS]
    cells = [
        (view, position, _dump([_cell(name, value, own) for name, value in zip(columns, row, strict=True)]))
        for view, (columns, rows, own) in enumerate(zip(VIEWS.values(), given, numbers, strict=True))
        for position, row in enumerate(rows)
    ]
    shape = shape_key(cells)
    if shape not in known:
        known.add(shape)
        connection.executemany(
            "INSERT OR IGNORE INTO shapes (shape, part, position, cells) VALUES (?, ?, ?, ?)",
            [(shape, *cell) for cell in cells],
        )
    return shape, _dump(numbers)


def shape_key(cells: Iterable[tuple[int, int, str]]) -> bytes:
    """The key of a shape: of the number of a view, the position and the JSON of each row, in their order."""
    return bytes.fromhex(digest_bytes(_dump(list(cells)).encode()))[:KEY]


def _cell(name: str, value: Any, own: list[Any]) -> Any:
    if name in OWN and value not in COMMON:
        own.append(value)
        return [len(own) - 1]
    if name == "why" and (found := _NUMBER.findall(value)[:WHY_NUMBERS]):
        first = len(own)
        own += found
        return [first, _NUMBER.sub("%s", value.replace("%", "%%"), count=WHY_NUMBERS)]
    return value


def _view(number: int, view: str) -> str:
    own = f"'$[{number}][' || (json_extract(s.cells, '$[%d][0]') + %d) || ']'"
    columns = []
    for place, name in enumerate(VIEWS[view]):
        numbers = [f"json_extract(e.numbers, {own % (place, k)})" for k in range(WHY_NUMBERS if name == "why" else 1)]
        template = f"json_extract(s.cells, '$[{place}][1]')"
        found = f"printf({template}, {', '.join(numbers)})" if name == "why" else numbers[0]
        is_own = f"json_type(s.cells, '$[{place}]') = 'array'"
        plain = f"json_extract(s.cells, '$[{place}]')"
        columns.append(f"iif({is_own}, {found}, {plain}) AS {name}" if name in OWN | {"why"} else f"{plain} AS {name}")
    return f"""CREATE VIEW {view} AS SELECT e.run_id, e.nodeid, s.position, {", ".join(columns)}
        FROM evaluations e CROSS JOIN shapes s ON s.shape = e.shape AND s.part = {number}"""  # noqa: S608 - constants


VIEWS_SQL = tuple(_view(number, view) for number, view in enumerate(VIEWS))
UNUSED = "DELETE FROM shapes WHERE shape NOT IN (SELECT shape FROM evaluations)"
