"""Scatter: points in groups; where they are very many, cells by density with the failing ones above."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import zip_longest

from markupsafe import Markup

from harness.core.exhibit_kinds import Cloud, Scatter
from harness.report import words
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


def cells(places: Iterable[tuple[float, float]], what: str) -> list[Markup]:
    """Squares that are the darker, the more of the places are in them.

    Args:
        places: In user units.
        what: What is at a place, singular.
    """
    counted = Counter((int(px / CELL), int(py / CELL)) for px, py in places)
    most = max(counted.values(), default=1)
    return [
        element(
            "rect",
            element("title", words.count(count, what)),
            x=column * CELL,
            y=row * CELL,
            width=CELL,
            height=CELL,
            fill_opacity=f"{0.15 + 0.85 * count / most:.2f}",
            class_="cell",
        )
        for (column, row), count in counted.items()
    ]


def _cells(cloud: Cloud, kind: str, x: Scale, y: Scale) -> list[Markup]:
    places = ((x.at(a), y.at(b)) for a, b in zip(cloud.x, cloud.y, strict=False) if a is not None and b is not None)
    found = cells([(px, py) for px, py in places if px is not None and py is not None], "point")
    return [element("g", *found, class_=kind)]


def rows(value: Scatter) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """The table of a scatter."""
    found: list[tuple[object, ...]] = []
    for cloud in value.clouds:
        found += [(cloud.name, *cells) for cells in zip_longest(cloud.labels, cloud.x, cloud.y)]
    return ("group", "name", value.x.label, value.y.label), found
