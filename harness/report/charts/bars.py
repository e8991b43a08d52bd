"""Bars: a bar for each label, with its limit and its value before."""

from __future__ import annotations

from itertools import zip_longest

from markupsafe import Markup

from harness.core.exhibit_kinds import Bars
from harness.report.charts.scale import named, scale, short
from harness.report.charts.svg import CHARACTER, WIDTH, fit, label, picture
from harness.report.markup import element

ROW = 30.0
MAX_BARS = 60
BEYOND = 3.0  # limits that the axis of bars with limits shows at most


def draw(value: Bars) -> Markup:
    """The chart of bars: the name above each bar, the number after it."""
    rows = list(zip_longest(value.labels, value.values, value.limits, value.before))[:MAX_BARS]
    numbers, most = [n for row in rows for n in row[1:] if n is not None], max(filter(None, value.limits), default=0.0)
    # Far above its limit a bar is as long as there is room, so that the others can be compared; its number is there.
    shown = [n for n in numbers if n <= BEYOND * most] if most > 0 else numbers
    if value.value.unit == "%" and max(shown, default=0.0) <= 100:
        shown = [*shown, 100.0]  # a full track is all of it
    limits, bound = set(value.limits), "at most" if value.lower_is_better else "at least"
    unit = value.value.unit.replace("%", " %")
    one = f"{bound} {short(most)}{unit}" if len(limits) == 1 and most > 0 else ""
    axis = named(value.value) + (f"; grey: {value.before_name}" if value.before else "")
    x = scale(value.value, shown, 2.0, WIDTH - 50.0, zero=True)
    room = WIDTH - 4 - CHARACTER * (len(one) + 2)
    zero, marks = x.at(0.0) or 2.0, [label(2.0, 11.0, fit(axis, room), class_="axis")]
    if one:  # the number of the line that all bars share, above it where the name of the axis leaves room
        left = 2 + CHARACTER * (len(axis) + 2 + len(one))
        marks.append(label(min(WIDTH - 2, max(left, x.at(most) or 0.0)), 11.0, one, class_="axis", anchor="end"))
    for place, (name, observed, limit, before) in enumerate(rows):
        top = 18 + ROW * place
        each = "" if one or limit is None else f" ({bound} {short(limit)}{unit})"
        marks.append(label(2.0, top + 11, fit(str(name or ""), WIDTH - 6 - CHARACTER * len(each)) + each))
        at = x.at(observed)
        marks.append(element("rect", x=2.0, y=top + 15, width=WIDTH - 52, height=9.0, class_="track"))
        if (old := x.at(before)) is not None:
            left, width = min(zero, old), abs(old - zero)
            marks.append(element("rect", x=left, y=top + 15, width=width, height=4.0, class_="bar before"))
        if at is not None:
            left, width = min(zero, at), max(0.5, abs(at - zero))
            high = 9.0 if before is None else 5.0
            sign = 1 if value.lower_is_better else -1
            is_missed = limit is not None and observed is not None and sign * observed > sign * limit
            kind = "bar over" if is_missed else "bar"
            marks.append(element("rect", x=left, y=top + 24 - high, width=width, height=high, class_=kind))
        if (end := x.at(limit)) is not None:
            marks.append(element("line", x1=end, x2=end, y1=top + 13, y2=top + 26, class_="line limit"))
        number = "undefined" if observed is None else short(observed)
        is_cut = observed is not None and observed > x.high
        marks.append(label(WIDTH - 46, top + 23, fit(f"▸{number}" if is_cut else number, 46)))
    return picture(22 + ROW * len(rows), *marks, title=value.title)


def rows(value: Bars) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """The table of bars."""
    columns = [(value.before_name, value.before), ("limit", value.limits)]
    shown = [(name, numbers) for name, numbers in columns if numbers]
    found: list[tuple[object, ...]] = list(zip_longest(value.labels, value.values, *(numbers for _, numbers in shown)))
    return ("name", named(value.value), *(name for name, _ in shown)), found
