"""Timeline: spans on lanes; each leads to its line of the source."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from markupsafe import Markup

from harness.core.exhibit_kinds import Axis, Timeline
from harness.report.charts.scale import Scale, named, scale, short
from harness.report.charts.svg import CHARACTER, WIDTH, fit, label, picture
from harness.report.markup import element
from harness.report.words import printable

ROW = 28.0
MAX_LANES = 60
MAX_SPANS = 600
MAX_SAID = 24  # characters of line and state above a lane


Span = tuple[int | None, float | None, float | None, str | None, str | None, int | None]


def spans(value: Timeline) -> list[Span]:
    """The spans as rows: lane, start, end, label, state, line; what is missing is None."""
    columns: tuple[Any, ...] = (value.lane, value.start, value.end, value.labels, value.states, value.lines)
    return list(zip_longest(*columns))


def draw(value: Timeline) -> Markup:
    """The chart of a timeline: above the spans of a lane its name, its first line and its state."""
    shown = spans(value)[:MAX_SPANS]
    axis = Axis(label="time" if value.unit == "s" else value.unit, unit=value.unit if value.unit == "s" else "")
    x = scale(axis, [end for span in shown for end in span[1:3]], 4.0, WIDTH - 8.0, zero=True)
    lanes = value.lanes[:MAX_LANES]
    bottom = 4 + ROW * len(lanes)
    marks = [
        mark
        for number, name in enumerate(lanes)
        for mark in _lane(number, name, [span for span in shown if span[0] == number])
    ]
    marks += [mark for span in shown if (mark := _span(span, len(lanes), x, value.unit)) is not None]
    for at, text in x.ticks(room=WIDTH - 30):
        place = x.at(at)
        if place is not None:
            marks.append(label(min(max(place, 10.0), WIDTH - 14), bottom + 12, text, anchor="middle"))
    marks.append(label(WIDTH - 4, bottom + 26, named(axis), class_="axis", anchor="end"))
    return picture(bottom + 30, *marks, title=value.title)


def _span(span: Span, lanes: int, x: Scale, unit: str) -> Markup | None:
    lane, start, end, name, state, line = span
    left, right = x.at(start), x.at(end if end is not None else start)
    if lane is None or lane >= lanes or left is None or right is None:
        return None
    left, right = min(left, right), max(left, right)  # a span that ends before it begins is drawn all the same
    seconds = "" if start is None or end is None else f", {short(abs(end - start))} {unit}"
    said = f"{name or ''}{seconds}{f', {state}' if state else ''}{f', line {line}' if line else ''}"
    kind = "span" if state in ("ok", "", None) else "span open" if state == "open" else "span bad"
    where = {"x": left, "y": 4 + ROW * lane + 14, "width": max(2.0, right - left), "height": 9.0}
    mark = element("rect", element("title", said), class_=kind, **where)
    return element("a", mark, data_line=line, href="#", aria_label=said) if line else mark


def _lane(number: int, name: str, found: list[Span]) -> list[Markup]:
    top = 4 + ROW * number
    states = [span[4] for span in found if span[4]]
    state = next((one for one in states if one != "ok"), states[0] if states else "")
    line = next((span[5] for span in found if span[5]), None)
    said = ", ".join([f"line {line}"] * (line is not None) + [state] * bool(state))[:MAX_SAID]
    marks = [element("rect", x=2.0, y=top + 14, width=WIDTH - 8, height=9.0, class_="track")]
    marks.append(label(2.0, top + 10, fit(name, WIDTH - 12 - CHARACTER * len(said))))
    if said:  # a link of its own: many spans are too short to be hit
        text = label(WIDTH - 6, top + 10, printable(said), class_="axis", anchor="end")
        marks.append(element("a", text, data_line=line, href="#", aria_label=f"{name}, {said}") if line else text)
    return marks


def rows(value: Timeline) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """The table of a timeline."""
    found: list[tuple[object, ...]] = []
    for lane, *rest in spans(value):
        name = value.lanes[lane] if lane is not None and lane < len(value.lanes) else ""
        found.append((name, *rest))
    return ("lane", f"start ({value.unit})", f"end ({value.unit})", "what", "state", "line"), found
