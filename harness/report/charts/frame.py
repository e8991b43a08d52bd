"""Frame: the axes, grid and legend around the points of a chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from markupsafe import Markup

from harness.core.exhibit_kinds import Axis
from harness.report.charts.scale import Scale, named, scale
from harness.report.charts.svg import CHARACTER, WIDTH, fit, label, picture
from harness.report.markup import element, joined, made

HEIGHT = 190.0  # of a chart without its legend
LEFT, RIGHT, TOP, BOTTOM = 44.0, 10.0, 22.0, 34.0
LINE = 15.0  # between lines of a legend

Numbers = Iterable[float | None]


def axes(x: Axis, y: Axis, xs: Numbers, ys: Numbers, *, zero: bool = False) -> tuple[Scale, Scale]:
    """The scales of both axes of a chart."""
    places = [value for value in xs if value is not None]
    across = scale(x, places, LEFT, WIDTH - RIGHT)
    if places and all(value == int(value) for value in places):
        across = replace(across, is_whole=True)
    return across, scale(y, ys, HEIGHT - BOTTOM, TOP, zero=zero)


def framed(
    title: str, x: tuple[Axis, Scale], y: tuple[Axis, Scale], marks: Sequence[Markup], legend: Sequence[tuple[str, str]]
) -> Markup:
    """A chart: grid and tick labels, the marks, and a legend of (class, text) below."""
    parts = [*_grid(x[1], y[1]), label(2.0, 12.0, fit(named(y[0]), WIDTH - 4), class_="axis")]
    parts.append(label(WIDTH - RIGHT, HEIGHT - 4, fit(named(x[0]), WIDTH - LEFT - RIGHT), class_="axis", anchor="end"))
    parts += marks
    for number, (kind, text) in enumerate(legend):
        middle = HEIGHT + LINE * number + LINE / 2
        # A group of points has the mark of its points.
        if kind in ("front", "failing", "subject"):
            parts.append(dot(LEFT + 10, middle, kind, text))
        else:
            parts.append(element("line", x1=LEFT, x2=LEFT + 20, y1=middle, y2=middle, class_=f"line {kind}"))
        parts.append(label(LEFT + 26, middle + 3.5, fit(text, WIDTH - LEFT - 30)))
    return picture(HEIGHT + LINE * len(legend) + 4, *parts, title=title)


def _grid(x: Scale, y: Scale) -> Iterable[Markup]:
    for value, text in y.ticks():
        place = y.at(value)
        if place is not None:
            yield element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=place, y2=place, class_="grid")
            yield label(LEFT - 4, place + 3.5, text, anchor="end")
    for value, text in x.ticks(room=x.end - x.start):
        place = x.at(value)
        if place is not None:
            half = len(text) * CHARACTER / 2
            at = min(max(place, LEFT + half - 8), WIDTH - half - 1)
            yield element("line", x1=place, x2=place, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM + 3, class_="grid")
            yield label(at, HEIGHT - BOTTOM + 14, text, anchor="middle")


def dot(x: float, y: float, kind: str, title: str) -> Markup:
    """A point; its shape tells its role apart without colour."""
    name = element("title", title)
    if kind == "reference":
        return element("rect", name, x=x - 2.5, y=y - 2.5, width=5.0, height=5.0, class_=f"dot {kind}")
    if kind == "failing":
        cross = f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"
        return element("path", name, d=cross, class_=f"dot {kind}")
    return element("circle", name, cx=x, cy=y, r=2.8, class_=f"dot {kind}")


def path(points: Iterable[tuple[float | None, float | None]]) -> Markup:
    """The `d` of a line through points, broken where one cannot be drawn."""
    drawn, pen = [], "M"
    for x, y in points:
        if x is None or y is None:
            pen = "M"
            continue
        drawn.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return made("".join(drawn))


def together(parts: Iterable[Markup]) -> Markup:
    """Several marks as one group."""
    return element("g", joined(list(parts)))
