"""Bytes: rows of sixteen, as a grammar reads them before and after a change; each field names itself."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Any

from markupsafe import Markup

from harness.core.exhibit_kinds import Bytes, Spans, Window
from harness.report.markup import element, joined, made, text_of

WIDTH = 16
KINDS = {
    "int": "integer",
    "float": "float",
    "string": "string",
    "bytes": "bytes",
    "unknown": "unknown",
    "gap": "no field",
}
CLASS = re.compile(r'class="([^"]*)"')
Field = tuple[int, int, str, str, bool, int]
"""Start, end, kind, name, whether its value is invalid, and its row in the table of the figure."""


def draw(value: Bytes, in_table: int) -> Markup:
    """The hex view of parts of a file; a field is named by its row in the figure's table, if it is one of the first."""
    shown, row = [], 1
    for window in value.windows:
        shown.append(_window(window, value.names, row, in_table))
        row += sum(max(map(len, _columns(spans))) for spans in (window.before, window.after) if spans is not None)
    marks = {"changed": f"read differently {value.names[0]}", "invalid": "invalid value"}
    used = {kind for w in value.windows for s in (w.before, w.after) if s is not None for kind in s.kinds}
    keys = [element("span", KINDS.get(kind, kind), class_=f"b {_kind(kind)}") for kind in KINDS if kind in used]
    classes = set(" ".join(CLASS.findall("".join(shown))).split())
    keys += [element("span", said, class_=f"b {mark}") for mark, said in marks.items() if mark in classes]
    legend = element("p", joined(keys, " "), class_="legend")
    return element("div", *shown, legend, element("output", class_="named"), class_="hexview")


def _window(window: Window, names: tuple[str, str], row: int, in_table: int) -> Markup:
    try:
        data = bytes.fromhex(window.data)
    except ValueError:
        return element("p", "the bytes are damaged", class_="note")
    sides = []
    for spans in (window.before, window.after):
        if spans is not None:
            sides.append(_fields(spans, window.start, window.start + len(data), row))
            row += max(map(len, _columns(spans)))
    known = {field[:4] for field in sides[0]}
    cells = [_lines(fields, data, window.start, known, in_table) for fields in sides]
    heads = names if len(sides) == 2 else ("",)
    head = element("tr", *(element("th", name, scope="col") for name in ("offset", *heads, "text")))
    lines = []
    for number, start in enumerate(range(0, len(data), WIDTH)):
        read = "".join(f"<td>{' '.join(side[number])}</td>" for side in cells)
        text = text_of("".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in data[start : start + WIDTH]))
        offset = f'<th scope="row">{window.start + start:06x}</th>'
        lines.append(made(f'<tr>{offset}{read}<td class="ascii">{text}</td></tr>'))
    table = element("table", element("thead", head), element("tbody", *lines), class_="hex")
    return element(
        "div", table, class_="scroll", tabindex="0", role="group", aria_label=f"bytes from {window.start:#x}"
    )


def _columns(spans: Spans) -> tuple[tuple[Any, ...], ...]:
    return spans.start, spans.end, spans.kinds, spans.paths, spans.values


def _fields(spans: Spans, start: int, end: int, row: int) -> list[Field]:
    """The spans of a window in order, without overlaps and within its bytes; the first of two that overlap wins."""
    invalid, at, found = set(spans.invalid), start, []
    rows = enumerate(zip_longest(*_columns(spans)))
    for number, (first, last, kind, path, value) in sorted(rows, key=lambda one: one[1][0] or 0):
        a, b = max(at, first or 0), min(end, last or 0)
        if b <= a:
            continue
        if a > at:
            found.append((at, a, "gap", "", False, 0))
        name = f"{path} = {value}" if path and value else path or ""
        found.append((a, b, kind or "unknown", name, number in invalid, row + number))
        at = b
    return [*found, (at, end, "gap", "", False, 0)] if at < end else found


def _lines(
    fields: list[Field], data: bytes, first: int, known: set[tuple[int, int, str, str]], in_table: int
) -> list[list[str]]:
    """For each row of bytes the fields in it; those that the first grammar does not have are marked as changed.

    The page has these strings by the ten thousand: they say what differs and no more.
    """
    lines: list[list[str]] = [[] for _ in range(0, len(data), WIDTH)]
    for start, end, kind, name, bad, row in fields:
        said = f"0x{start:x} to 0x{end:x}: {name or KINDS.get(kind, kind)}{', invalid' if bad else ''}"
        class_ = f"{_kind(kind)}{' invalid' if bad else ''}"
        class_ += "" if kind == "gap" or (start, end, kind, name) in known else " changed"
        field = row if 0 < row <= in_table else text_of(said)
        opening = f'<span tabindex="0" class="b {class_}" data-field="{field}">'
        at = start - first
        while at < end - first:
            stop = min(end - first, (at // WIDTH + 1) * WIDTH)
            lines[at // WIDTH].append(f"{opening}{data[at:stop].hex(' ')}</span>")
            at = stop
    return lines


def _kind(kind: str) -> str:
    return kind if kind in KINDS else "unknown"


def rows(value: Bytes) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """The table of the fields."""
    found: list[tuple[object, ...]] = []
    for window in value.windows:
        for when, spans in zip(value.names, (window.before, window.after), strict=True):
            if spans is not None:
                invalid = set(spans.invalid)
                cells = enumerate(zip_longest(*_columns(spans)))
                found += [(when, *row, "invalid" if number in invalid else "") for number, row in cells]
    return ("grammar", "start", "end", "kind", "field", "value", "state"), found
