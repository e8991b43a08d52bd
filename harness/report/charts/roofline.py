"""Roofline: rates against intensity below the roofs of memory and computation (Williams et al., 2009)."""

from __future__ import annotations

from itertools import zip_longest

from markupsafe import Markup

from harness.core.exhibit_kinds import Axis, Roofline
from harness.report.charts.frame import axes, dot, framed, path
from harness.report.charts.scale import short
from harness.report.markup import element

INTENSITY = Axis(label="intensity", unit="FLOP/byte", log=True)
RATE = Axis(label="rate", unit="TFLOP/s", log=True)


def draw(value: Roofline) -> Markup:
    """The chart of a roofline: the roof, its ridge, and a point for each measurement."""
    ridge = ridge_of(value)
    xs = [ridge / 8, ridge * 8, *(n for n in value.intensity if n)]
    known = [n for n in xs if n > 0]
    low, high = min(known), max(known)
    roof = [(low, min(value.peak, low * value.bandwidth / 1e3)), (ridge, value.peak), (high, value.peak)]
    x, y = axes(INTENSITY, RATE, xs, [*value.rate, *(rate for _, rate in roof)])
    marks = [element("path", d=path((x.at(a), y.at(b)) for a, b in roof), class_="line roof")]
    at = x.at(ridge)
    if at is not None:
        marks.append(element("line", x1=at, x2=at, y1=y.start, y2=y.at(value.peak), class_="line limit"))
    for name, intensity, rate in zip_longest(value.labels, value.intensity, value.rate):
        px, py = x.at(intensity), y.at(rate)
        if px is not None and py is not None and intensity and rate:
            marks.append(dot(px, py, "subject", f"{name}: {said(value, intensity, rate)}"))
    roofs = f"roof: {short(value.bandwidth)} GB/s, then {short(value.peak)} TFLOP/s"
    legend = [("roof", roofs), ("limit", f"ridge at {short(ridge)} FLOP/byte")]
    return framed(value.title, (INTENSITY, x), (RATE, y), marks, legend)


def ridge_of(value: Roofline) -> float:
    """The intensity from which computation, not memory, is the limit."""
    return value.peak * 1e3 / value.bandwidth


def said(value: Roofline, intensity: float, rate: float) -> str:
    """The bound of one point in words."""
    roof = min(value.peak, intensity * value.bandwidth / 1e3)
    bound = "memory" if intensity < ridge_of(value) else "computation"
    return f"bound by {bound}, {rate / roof:.0%} of the roof" if roof > 0 else f"bound by {bound}"


def rows(value: Roofline) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """The table of a roofline."""
    found: list[tuple[object, ...]] = []
    for name, intensity, rate in zip_longest(value.labels, value.intensity, value.rate):
        words = said(value, intensity, rate) if intensity and rate is not None else ""
        found.append((name, intensity, rate, words))
    return ("shape", "FLOP/byte", "TFLOP/s", "bound"), found
