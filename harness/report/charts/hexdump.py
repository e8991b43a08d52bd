"""Bytes: rows of sixteen, as a grammar reads them before and after a change; each field names itself."""

from __future__ import annotations

import re
from itertools import zip_longest

from markupsafe import Markup

from harness.core.exhibit_kinds import Bytes, Spans, Window
from harness.report.markup import element, joined

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
Field = tuple[int, int, str, str, bool]
"""Start, end, kind, name and whether its value is invalid."""


def draw(value: Bytes) -> Markup:
    """The hex view of parts of a file."""
    shown = [_window(window, value.names) for window in value.windows]
    marks = {"changed": f"read differently {value.names[0]}", "invalid": "invalid value"}
    used = {kind for w in value.windows for s in (w.before, w.after) if s is not None for kind in s.kinds}
    keys = [element("span", KINDS.get(kind, kind), class_=f"b {_kind(kind)}") for kind in KINDS if kind in used]
    classes = set(" ".join(CLASS.findall("".join(shown))).split())
    keys += [element("span", said, class_=f"b {mark}") for mark, said in marks.items() if mark in classes]
    legend = element("p", joined(keys, " "), class_="legend")
    return element("div", *shown, legend, element("output", class_="named"), class_="hexview")


def _window(window: Window, names: tuple[str, str]) -> Markup:
    try:
        data = bytes.fromhex(window.data)
    except ValueError:
        return element("p", "the bytes are damaged", class_="note")
    sides = [spans for spans in (window.before, window.after) if spans is not None]
    fields = [_fields(spans, window.start, window.start + len(data)) for spans in sides]
    known = {field[:4] for field in fields[0]}
    heads = names if len(sides) == 2 else ("",)
    head = element("tr", *(element("th", name, scope="col") for name in ("offset", *heads, "text")))
    lines = []
    for start in range(0, len(data), WIDTH):
        row, offset = data[start : start + WIDTH], window.start + start
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in row)
        cells = [element("td", joined(_row(side, row, offset, known), " ")) for side in fields]
        lines.append(
            element("tr", element("th", f"{offset:06x}", scope="row"), *cells, element("td", text, class_="ascii"))
        )
    table = element("table", element("thead", head), element("tbody", *lines), class_="hex")
    return element(
        "div", table, class_="scroll", tabindex="0", role="group", aria_label=f"bytes from {window.start:#x}"
    )


def _fields(spans: Spans, start: int, end: int) -> list[Field]:
    """The spans of a window in order, without overlaps and within its bytes; the first of two that overlap wins."""
    invalid, at, found = set(spans.invalid), start, []
    rows = enumerate(zip_longest(spans.start, spans.end, spans.kinds, spans.paths, spans.values))
    for number, (first, last, kind, path, value) in sorted(rows, key=lambda row: row[1][0] or 0):
        a, b = max(at, first or 0), min(end, last or 0)
        if b <= a:
            continue
        if a > at:
            found.append((at, a, "gap", "", False))
        name = f"{path} = {value}" if path and value else path or ""
        found.append((a, b, kind or "unknown", name, number in invalid))
        at = b
    return [*found, (at, end, "gap", "", False)] if at < end else found


def _row(fields: list[Field], row: bytes, offset: int, known: set[tuple[int, int, str, str]]) -> list[Markup]:
    """The fields within one row; those that the first grammar does not have are marked as changed."""
    parts = []
    for start, end, kind, name, bad in fields:
        a, b = max(start, offset), min(end, offset + len(row))
        if b > a:
            digits = row[a - offset : b - offset].hex(" ")
            said = f"0x{start:x} to 0x{end:x}: {name or KINDS.get(kind, kind)}{', invalid' if bad else ''}"
            class_ = f"b {_kind(kind)}{' invalid' if bad else ''}"
            class_ += "" if kind == "gap" or (start, end, kind, name) in known else " changed"
            parts.append(element("span", digits, class_=class_, data_field=said, data_at=a, tabindex="0"))
    return parts


def _kind(kind: str) -> str:
    return kind if kind in KINDS else "unknown"


def rows(value: Bytes) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """The table of the fields."""
    found: list[tuple[object, ...]] = []
    for window in value.windows:
        for when, spans in zip(value.names, (window.before, window.after), strict=True):
            if spans is not None:
                cells = zip_longest(spans.start, spans.end, spans.kinds, spans.paths, spans.values)
                found += [(when, *row) for row in cells]
    return ("grammar", "start", "end", "kind", "field", "value"), found
