"""Scatter: points in groups; where they are very many, cells by density with the failing ones above."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest

from markupsafe import Markup

from harness.core.exhibit_kinds import Cloud, Scatter
from harness.report.charts.frame import axes, dot, framed
from harness.report.charts.scale import Scale, short
from harness.report.markup import element

MAX_POINTS = 2000
CELL = 8.0  # user units


def draw(value: Scatter) -> Markup:
    """The chart of a scatter."""
    xs = [x for cloud in value.clouds for x in cloud.x]
    ys = [y for cloud in value.clouds for y in cloud.y]
    x, y = axes(value.x, value.y, xs, ys)
    dense = len(xs) > MAX_POINTS
    marks: list[Markup] = []
    for number, cloud in enumerate(value.clouds):
        kind = f"{cloud.role} c{number % 5}"
        marks += _cells(cloud, kind, x, y) if dense and cloud.role != "failing" else _dots(cloud, kind, x, y)
    legend = [(f"{cloud.role} c{number % 5}", cloud.name) for number, cloud in enumerate(value.clouds)]
    return framed(value.title, (value.x, x), (value.y, y), marks, legend if len(legend) > 1 else [])


def _dots(cloud: Cloud, kind: str, x: Scale, y: Scale) -> list[Markup]:
    marks = []
    for a, b, name in list(zip_longest(cloud.x, cloud.y, cloud.labels))[:MAX_POINTS]:
        if a is not None and b is not None and (px := x.at(a)) is not None and (py := y.at(b)) is not None:
            marks.append(dot(px, py, cloud.role, f"{name or cloud.name}: {short(a)}, {short(b)}"))
    return [element("g", *marks, class_=kind)]


def _cells(cloud: Cloud, kind: str, x: Scale, y: Scale) -> list[Markup]:
    places = [(px, py) for a, b in zip(cloud.x, cloud.y, strict=False) if (px := x.at(a)) and (py := y.at(b))]
    counted = Counter((int(px / CELL), int(py / CELL)) for px, py in places)
    most = max(counted.values(), default=1)
    cells = [
        element(
            "rect",
            element("title", f"{count} points"),
            x=column * CELL,
            y=row * CELL,
            width=CELL,
            height=CELL,
            fill_opacity=f"{0.15 + 0.85 * count / most:.2f}",
            class_="cell",
        )
        for (column, row), count in counted.items()
    ]
    return [element("g", *cells, class_=kind)]


def rows(value: Scatter) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """The table of a scatter."""
    found: list[tuple[object, ...]] = []
    for cloud in value.clouds:
        found += [(cloud.name, *cells) for cells in zip_longest(cloud.labels, cloud.x, cloud.y)]
    return ("group", "name", value.x.label, value.y.label), found
