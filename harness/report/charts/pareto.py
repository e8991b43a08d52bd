"""Pareto: candidates by score and time, their memory as size, the front, and the limits of the budget."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from harness.core.exhibit_kinds import Axis
from harness.report import words
from harness.report.charts.frame import axes, framed
from harness.report.charts.scale import Scale
from harness.report.charts.scatter import cells
from harness.report.markup import element, made, number, text_of

MAX_POINTS = 500  # above, the others are cells by density
NAMED = {"front": ", not beaten", "failing": ", failing"}  # roles in words
TIME, SCORE = Axis(label="median time of a call", unit="ms", log=True), Axis(label="score")


class Point(NamedTuple):
    """One candidate.

    Attributes:
        name: Of the candidate.
        time: Milliseconds.
        score: Its total.
        memory: Peak MB; None where it was not measured.
        role: `front`, `failing`, or empty.
        nodeid: Its case.
    """

    name: str
    time: float
    score: float
    memory: float | None
    role: str
    nodeid: str


def draw(
    title: str, points: Sequence[Point], limits: Sequence[tuple[str, float]], route: Callable[[str], str]
) -> Markup:
    """The figure: chart, sentence and legend.

    Args:
        title: Of the chart.
        points: Those that have a time and a score.
        limits: Name and milliseconds of each limit.
        route: The address of the case of a node id.
    """
    times = [*(p.time for p in points), *(value for _, value in limits)]
    x, y = axes(TIME, SCORE, [min(times) / 1.5, max(times) * 1.5], _scores(points))
    dense = len(points) > MAX_POINTS
    shown = [p for p in points if not dense or p.role][:MAX_POINTS]
    largest = max((p.memory or 0.0 for p in shown), default=0.0) or 1.0
    behind = [(x.at(p.time) or 0.0, y.at(p.score) or 0.0) for p in points if not p.role] if dense else []
    marks = cells(behind, "candidate")
    for kind, (_, value) in zip(("limit", "limit last"), limits, strict=False):
        at = x.at(value)
        if at is not None:
            marks.append(element("line", x1=at, x2=at, y1=y.start, y2=y.end, class_=f"line {kind}"))
    marks += [_mark(p, x, y, largest, route(p.nodeid)) for p in sorted(shown, key=lambda p: -(p.memory or 0.0))]
    roles = Counter(p.role for p in points)
    legend = [("front", f"{roles['front']} not beaten in everything by any of the ledger")]
    if roles[""]:
        legend.append(("subject", f"{words.count(roles[''], 'other candidate')}; the larger, the more memory"))
    if roles["failing"]:
        legend.append(("failing", f"{words.count(roles['failing'], 'failing candidate')}"))
    legend += [(kind, name) for kind, (name, _) in zip(("limit", "limit last"), limits, strict=False)]
    chart = framed(title, (TIME, x), (SCORE, y), marks, legend)
    caption = element("figcaption", element("b", "Score against time"), " each point leads to its case")
    return element("figure", caption, chart, class_="exhibit pareto", data_name="pareto")


def _scores(points: Sequence[Point]) -> list[float]:
    """What the axis of scores must hold: some room around equal scores, and none above 1."""
    scores = [p.score for p in points]
    return [*scores, max(0.0, min(scores) - 0.05), min(1.0, max(scores) + 0.05)]


def _mark(p: Point, x: Scale, y: Scale, largest: float, route: str) -> Markup:
    left, top = x.at(p.time) or 0.0, y.at(p.score) or 0.0
    memory = "" if p.memory is None else f", {p.memory:.1f} MB"
    said = f"{p.name}: {p.score:.3f}, {words.milliseconds(p.time)}{memory}{NAMED.get(p.role, '')}"
    shown, kind = text_of(said), p.role or "subject"
    # Not by `element`: there may be as many points as cases.
    if p.role == "failing":
        cross = f"M{number(left - 4)} {number(top - 4)}l8 8m0 -8l-8 8"
        shape = f'<path d="{cross}" class="dot failing"><title>{shown}</title></path>'
    else:
        place = (
            f'cx="{number(left)}" cy="{number(top)}" r="{number(3.0 + 5.0 * math.sqrt((p.memory or 0.0) / largest))}"'
        )
        shape = f'<circle {place} class="dot {kind}"><title>{shown}</title></circle>'
    return made(f'<a href="#{text_of(route)}" aria-label="{shown}">{shape}</a>')
