"""Pictures of one score: its parts as one stacked bar, a gate from observed to threshold, a line over runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from markupsafe import Markup

from harness.report import words
from harness.report.markup import element, made

WIDTH, HEIGHT = 100.0, 8.0
ZERO, MARK = 5.0, 2.5  # of a gate: where 0 is, so that a threshold of 0 is seen, and the width of the threshold


@lru_cache(maxsize=1024)  # most cases of a suite have the same parts, gates and values as another one
def stacked(parts: tuple[tuple[str, float], ...], total: float | None) -> Markup:
    """The parts of a score, each (name, contribution), up to the total; what was taken off is hatched."""
    at, marks = 0.0, [element("rect", width=WIDTH, height=HEIGHT, class_="track")]
    for number, (name, value) in enumerate(parts):
        width = _share(value)
        title = element("title", f"{name}: {value:.3f}")
        marks.append(element("rect", title, x=at, width=width, height=HEIGHT, class_=f"part p{number % 6}"))
        at += width
    whole = sum(value for _, value in parts)
    if total is not None and whole - total > 0.0005:
        left = _share(total)
        marks.append(element("rect", x=left, width=max(0.0, at - left), height=HEIGHT, class_="off"))
    said = ", ".join(f"{name} {value:.3f}" for name, value in parts)
    return _strip(marks, f"{said}; total {'undefined' if total is None else f'{total:.3f}'}", "stacked")


@lru_cache(maxsize=1024)
def bullet(observed: float | None, threshold: float, *, passed: bool) -> Markup:
    """A gate: a bar up to what was observed, and a mark at the threshold."""
    top = max(abs(observed or 0.0), abs(threshold)) * 1.1 or 1.0
    room = (WIDTH - ZERO) / WIDTH
    marks = [element("rect", width=WIDTH, height=HEIGHT, class_="track")]
    if observed is not None:
        width = room * _share(abs(observed) / top)
        kind = f"fill {'good' if passed else 'bad'}"
        marks.append(element("rect", x=ZERO, y=2.0, width=width, height=4.0, class_=kind))
    at = ZERO + room * _share(abs(threshold) / top)
    marks.append(element("rect", x=at - MARK / 2, width=MARK, height=HEIGHT, class_="mark"))
    return _strip(marks, f"observed {words.measured(observed, threshold)}, threshold {threshold:g}", "bullet")


def spark(values: Sequence[float | None]) -> Markup:
    """A line over runs, oldest first, with the last value marked; empty below two values."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if len(known) < 2:
        return Markup("")
    low, span = min(known), max(known) - min(known)
    points, step = [], 60.0 / max(1, len(values) - 1)
    for number, value in enumerate(values):
        if value is not None and math.isfinite(value):
            points.append((2 + step * number, 16 - 12 * ((value - low) / span if span else 0.5)))
    line = made("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points))
    last = points[-1]
    return element(
        "svg",
        element("path", d=line),
        element("circle", cx=last[0], cy=last[1], r=2.0),
        class_="spark",
        viewBox="0 0 64 20",
        role="img",
        aria_label=f"over {len(known)} runs from {known[0]:.3f} to {known[-1]:.3f}",
    )


def _share(value: float) -> float:
    return WIDTH * min(1.0, max(0.0, value)) if math.isfinite(value) else 0.0


def _strip(marks: Sequence[Markup], said: str, class_: str) -> Markup:
    box = {"viewBox": f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", "preserveAspectRatio": "none"}
    return element("svg", *marks, class_=class_, role="img", aria_label=said, **box)
