"""Trace lines: JSON objects that a command reports; `type` names the trace item's case.

A command writes them to the descriptor whose number is in `CRUCIBLE_TRACE_FD`. Lines of stdout that begin with
`__SPAK_TRACE__` are read too, for older programs. Both are limited, and each item is checked against the program's
schema.
"""

from __future__ import annotations

import json
from typing import Any

MARK = "__SPAK_TRACE__"
VARIABLE = "CRUCIBLE_TRACE_FD"
MAX_LINES, MAX_LINE_LENGTH = 10_000, 64 << 10

Item = tuple[str, dict[str, Any]]


def from_channel(data: bytes) -> tuple[list[Item], list[str]]:
    """Items from the trace descriptor, and the problems of invalid lines."""
    return _items(data.decode("utf-8", "replace").splitlines())


def from_output(text: str) -> tuple[str, list[Item], list[str]]:
    """The output without its trace lines, the items, and the problems of invalid lines."""
    if MARK not in text:
        return text, [], []
    lines = text.split("\n")
    marked = [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]
    return ("\n".join(line for line in lines if not line.startswith(MARK)), *_items(marked))


def _items(lines: list[str]) -> tuple[list[Item], list[str]]:
    items: list[Item] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(items) + len(problems) >= MAX_LINES:
            problems.append(f"more than {MAX_LINES} trace lines: the rest was ignored")
            break
        if len(line) > MAX_LINE_LENGTH:
            problems.append(f"trace line {number} has more than {MAX_LINE_LENGTH} characters")
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            problems.append(f"trace line {number} is not JSON: {line[:60]!r}")
            continue
        if not isinstance(record, dict) or not isinstance(record.get("type"), str):
            problems.append(f"trace line {number} is not an object with a `type`: {line[:60]!r}")
            continue
        items.append((record.pop("type"), record))
    return items, problems
