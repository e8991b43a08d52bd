"""Scales: from numbers of an axis to coordinates, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.core.exhibit_kinds import Axis
from harness.report.charts.svg import CHARACTER

MAX_TICKS = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale of one axis.

    Attributes:
        low, high: Ends of the axis; low < high.
        start, end: Their coordinates.
        is_log: Whether it is logarithmic; then both ends are positive.
        is_whole: Whether only integers have ticks.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False
    is_whole: bool = False

    def at(self, value: float | None) -> float | None:
        """The coordinate of a value, clipped to the axis; None if it cannot be drawn."""
        if value is None or (self.is_log and value <= 0):
            return None
        value = min(max(value, self.low), self.high)
        if self.is_log:
            share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, *, room: float = math.inf) -> list[tuple[float, str]]:
        """Round values with their labels, as many as fit next to each other into a width."""
        values = _powers(self.low, self.high) if self.is_log else _steps(self.low, self.high)
        if self.is_whole:
            values = [value for value in values if value == int(value)]
        if len(values) < 2:
            values = [self.low, self.high]
        shown = [(value, short(value)) for value in values]
        while len(shown) > 2 and sum(len(text) + 2 for _, text in shown) * CHARACTER > room:
            shown = shown[::2]
        return shown[:: math.ceil(len(shown) / (MAX_TICKS + 2))]


def scale(axis: Axis, values: Iterable[float | None], start: float, end: float, *, zero: bool = False) -> Scale:
    """The scale of an axis that holds some values.

    Args:
        axis: Whether it is logarithmic.
        values: What it must hold; undefined ones, and those below 0 on a logarithmic axis, do not count.
        start: Coordinate of the lower end.
        end: Coordinate of the upper end.
        zero: Whether a linear axis begins at 0.
    """
    known = [value for value in values if value is not None and (not axis.log or value > 0)]
    low, high = min(known, default=1.0 if axis.log else 0.0), max(known, default=1.0)
    if axis.log:
        low, high = (low / 1.5, high * 1.5) if high / low < 2 else (low / 1.1, high * 1.1)
        return Scale(max(low, 1e-300), min(high, 1e300), start, end, is_log=True)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = low - abs(low or 1.0) / 2, high + abs(high or 1.0) / 2
    return Scale(low, high, start, end)


def short(value: float) -> str:
    """A number as a tick shows it: three digits and a letter for thousands."""
    if value == 0:
        return "0"
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}" if abs(value) < 1e15 else f"{value:.0e}"
    return f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.2g}"


def named(axis: Axis) -> str:
    """The name of an axis with its unit."""
    return f"{axis.label} ({axis.unit})" if axis.unit else axis.label


def _steps(low: float, high: float) -> list[float]:
    raw = (high - low) / MAX_TICKS
    size = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _powers(low: float, high: float) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first >= 2:
        return [10.0**power for power in range(first, last + 1)]
    factors = (1, 2, 5)
    return [
        value
        for power in range(first - 1, last + 1)
        for factor in factors
        if low <= (value := factor * 10.0**power) <= high
    ]
