"""Heat map: a cell for each pair, shaded by its value and labelled with it."""

from __future__ import annotations

from markupsafe import Markup

from harness.core.exhibit_kinds import Heat
from harness.report.charts.scale import named, short
from harness.report.charts.svg import CHARACTER, WIDTH, fit, label, picture
from harness.report.markup import element

CELL = 22.0
MAX_SIDE = 40


def draw(value: Heat) -> Markup:
    """The chart of a heat map; the best cell has a border."""
    rows, columns = value.rows[:MAX_SIDE], value.columns[:MAX_SIDE]
    left = min(110.0, 8 + CHARACTER * max((len(name) for name in rows), default=0))
    wide = (WIDTH - left - 4) / max(1, len(columns))
    known = [n for line in value.values for n in line if n is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    best = low if value.lower_is_better else high
    said = f"{named(value.value)}; down: {named(value.y)}, across: {named(value.x)}"
    marks = [label(2.0, 11.0, fit(said, WIDTH - 4), class_="axis")]
    every = 1 + int(CHARACTER * (max((len(name) for name in columns), default=0) + 1) / wide)
    for number, name in enumerate(columns):
        if number % every == 0:
            marks.append(label(left + wide * (number + 0.5), 26.0, fit(name, wide * every), anchor="middle"))
    for down, name in enumerate(rows):
        top = 32 + CELL * down
        marks.append(label(left - 4, top + 15, fit(name, left - 6), anchor="end"))
        line = value.values[down] if down < len(value.values) else ()
        for across in range(len(columns)):
            found = line[across] if across < len(line) else None
            where = {"x": left + wide * across, "y": top, "width": wide - 1, "height": CELL - 1}
            if found is None:
                marks.append(element("rect", element("title", "no value"), class_="nothing", **where))
                continue
            share = 0.5 if high == low else (found - low) / (high - low)
            shade = 0.12 + 0.78 * (1 - share if value.lower_is_better else share)
            kind = "cell best" if found == best else "cell"
            title = element("title", f"{name}, {columns[across]}: {short(found)}")
            marks.append(element("rect", title, class_=kind, fill_opacity=f"{shade:.2f}", **where))
            if len(short(found)) * CHARACTER < wide - 2:
                ink = "on" if shade > 0.55 else None
                marks.append(label(left + wide * (across + 0.5), top + 15, short(found), class_=ink, anchor="middle"))
    return picture(36 + CELL * len(rows), *marks, title=value.title)


def rows(value: Heat) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """The table of a heat map."""
    return (named(value.y) or "row", *value.columns), [
        (name, *line) for name, line in zip(value.rows, value.values, strict=False)
    ]
