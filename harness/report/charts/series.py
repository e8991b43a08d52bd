"""Series: lines over a common axis, with intervals."""

from __future__ import annotations

from itertools import zip_longest

from markupsafe import Markup

from harness.core.exhibit_kinds import Line, Series
from harness.report.charts.frame import axes, dot, framed, path
from harness.report.charts.scale import Scale, short
from harness.report.markup import element

MAX_DOTS = 25  # of one line; a longer one is a line only


def draw(value: Series) -> Markup:
    """The chart of a series."""
    xs = [x for line in value.lines for x in line.x]
    ys = [y for line in value.lines for y in (*line.y, *line.low, *line.high)]
    x, y = axes(value.x, value.y, xs, ys, zero=not value.y.log)
    marks = [mark for number, line in enumerate(value.lines) for mark in _line(line, kind_of(line, number), x, y)]
    legend = [(kind_of(line, number), line.name) for number, line in enumerate(value.lines)]
    return framed(value.title, (value.x, x), (value.y, y), marks, legend if len(legend) > 1 else [])


def kind_of(line: Line, number: int) -> str:
    """The class of a line: its role, and its number where several are subjects."""
    return f"{line.role} c{number % 5}" if line.role == "subject" else line.role


def _line(line: Line, kind: str, x: Scale, y: Scale) -> list[Markup]:
    rows = list(zip_longest(line.x, line.y, line.low, line.high))
    marks = [element("path", d=path((x.at(a), y.at(b)) for a, b, _, _ in rows), class_=f"line {kind}")]
    for a, _, low, high in rows:
        at, ends = x.at(a), (y.at(low), y.at(high))
        if at is not None and ends[0] is not None and ends[1] is not None:
            marks.append(element("line", x1=at, x2=at, y1=ends[0], y2=ends[1], class_=f"line {kind}"))
    if len(rows) > MAX_DOTS or line.role == "limit":
        return marks
    for a, b, _, _ in rows:
        if (px := x.at(a)) is not None and (py := y.at(b)) is not None and a is not None and b is not None:
            marks.append(dot(px, py, kind, f"{line.name}: {short(a)}, {short(b)}"))
    return marks


def rows(value: Series) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """The table of a series."""
    head = ("line", value.x.label, value.y.label, "low", "high")
    found: list[tuple[object, ...]] = []
    for line in value.lines:
        found += [(line.name, *cells) for cells in zip_longest(line.x, line.y, line.low, line.high)]
    return head, found
