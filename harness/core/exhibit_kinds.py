"""Kinds of exhibits: the closed set of what a lane can show. It attaches data, never HTML or a picture.

Every kind is bounded: `exhibit.pack` shortens what is too large, and `cut` says so. Undefined numbers are None; a
quantity that was not measured is left out, and `absent` says why.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, NonNegativeInt

from harness.core.frozen import Frozen

T = TypeVar("T")


def finite(value: Any) -> Any:
    """The number; None for NaN and infinity, which JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _all_finite(values: Any) -> Any:  # one call for a column: the validator of each number takes five times as long
    if not isinstance(values, tuple | list):
        return values
    try:
        if math.isfinite(math.fsum(values)):  # a sum with NaN or infinity is not finite
            return values
    except (TypeError, ValueError, OverflowError):  # None among them, infinities of both signs, a sum too large
        pass
    return tuple(map(finite, values))


Number = Annotated[float | None, BeforeValidator(finite)]
Cell = Annotated[str | bool | int | float | None, BeforeValidator(finite)]
Numbers = Annotated[tuple[float | None, ...], BeforeValidator(_all_finite)]


class Late(Frozen):
    """Its validator is made when it is first used: a run shows few of these kinds, many none."""

    model_config = ConfigDict(defer_build=True)


class Axis(Late):
    """An axis of a chart."""

    label: str
    unit: str = ""
    log: bool = False
    """Whether it is logarithmic; numbers below or at 0 are then not drawn."""


class Shown(Late):
    """What all kinds have."""

    title: str
    sentence: str = ""
    """What it shows, in one sentence, for readers who do not see the picture."""
    absent: str = ""
    """Why a quantity that belongs here was not measured; empty if none is missing."""
    cut: str = ""
    """What was left out because it was too large; empty if nothing was."""

    _halved: ClassVar[tuple[str, ...]] = ()
    """The fields with an element for each `_noun`."""
    _noun: ClassVar[str] = ""

    def shortened(self) -> Self | None:
        """About half of it, by default the first half, with `cut` set; None if it cannot be shortened."""
        columns = {name: getattr(self, name) for name in self._halved}
        total = len(columns[self._halved[0]]) if columns else 0
        changes = {name: column[: total // 2] for name, column in columns.items()}
        return self._shorter(total, total // 2, self._noun, **changes) if total > 1 else None

    def _shorter(self, total: int, kept: int, what: str, **changes: Any) -> Self:
        first = self.cut.partition(" of ")[2].partition(" ")[0] or f"{total:,}"
        return self.model_copy(update={**changes, "cut": f"{kept:,} of {first} {what} are shown"})

    def _thinned(self, field: str, columns: tuple[str, ...]) -> Self | None:
        groups = getattr(self, field)
        if all(len(group.x) < 3 for group in groups):
            return None
        thin = tuple(
            group.model_copy(update={name: every_other(getattr(group, name)) for name in columns}) for group in groups
        )
        total, kept = (sum(len(group.x) for group in some) for some in (groups, thin))
        return self._shorter(total, kept, "points", **{field: thin})


class Table(Shown):
    """Rows of cells."""

    kind: Literal["table"] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()

    def shortened(self) -> Self | None:
        """The first half of the rows."""
        rows = self.rows[: len(self.rows) // 2]
        return self._shorter(len(self.rows), len(rows), "rows", rows=rows) if self.rows else None


class Line(Late):
    """One line of a `Series`."""

    name: str
    x: Numbers
    y: Numbers
    low: Numbers = ()
    """Lower ends of an interval around each y; empty where there is none."""
    high: Numbers = ()
    role: Literal["subject", "reference", "limit"] = "subject"


class Series(Shown):
    """Lines over a common axis."""

    kind: Literal["series"] = "series"
    x: Axis
    y: Axis
    lines: tuple[Line, ...] = ()

    def shortened(self) -> Self | None:
        """Every other point of each line, its last one always."""
        return self._thinned("lines", ("x", "y", "low", "high"))


class Cloud(Late):
    """The points of one group of a `Scatter`."""

    name: str
    x: Numbers
    y: Numbers
    labels: tuple[str, ...] = ()
    role: Literal["subject", "reference", "failing"] = "subject"


class Scatter(Shown):
    """Points in groups."""

    kind: Literal["scatter"] = "scatter"
    x: Axis
    y: Axis
    clouds: tuple[Cloud, ...] = ()

    def shortened(self) -> Self | None:
        """Every other point of each group."""
        return self._thinned("clouds", ("x", "y", "labels"))


class Bars(Shown):
    """A bar for each label, perhaps with a limit."""

    kind: Literal["bars"] = "bars"
    _halved, _noun = ("labels", "values", "limits", "before"), "bars"
    value: Axis
    labels: tuple[str, ...] = ()
    values: Numbers = ()
    limits: Numbers = ()
    """What each bar may reach, or must where higher is better; empty where there are no limits."""
    before: Numbers = ()
    """The values before a change; empty where there are none."""
    before_name: str = "before"
    """Where these values come from, as in `without the patch`."""
    lower_is_better: bool = True


class Heat(Shown):
    """A value for each pair of a row and a column."""

    kind: Literal["heat"] = "heat"
    _halved, _noun = ("rows", "values"), "rows"
    x: Axis
    y: Axis
    value: Axis
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    values: tuple[Numbers, ...] = ()
    """One tuple for each row; None where the pair is invalid or failed."""
    lower_is_better: bool = True


class Timeline(Shown):
    """Spans of time (or of steps) on lanes."""

    kind: Literal["timeline"] = "timeline"
    _halved, _noun = ("start", "end", "lane", "labels", "states", "lines"), "spans"
    unit: str = "s"
    lanes: tuple[str, ...] = ()
    lane: tuple[NonNegativeInt, ...] = ()
    """For each span the index of its lane."""
    start: Numbers = ()
    end: Numbers = ()
    labels: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    """For each span `ok`, or what went wrong; empty where nothing is known."""
    lines: tuple[int | None, ...] = ()
    """For each span its 1-based line in the source; empty where there is none."""


class Spans(Late):
    """The fields that a grammar finds in a window of bytes, as columns."""

    start: tuple[NonNegativeInt, ...] = ()
    end: tuple[NonNegativeInt, ...] = ()
    """Exclusive."""
    kinds: tuple[str, ...] = ()
    """int, float, string, bytes, unknown or gap."""
    paths: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    invalid: tuple[NonNegativeInt, ...] = ()
    """Indices of spans whose value is invalid."""


class Window(Late):
    """A part of a file, as a grammar reads it, perhaps before and after a change."""

    start: NonNegativeInt
    data: str
    """The bytes as hexadecimal digits."""
    after: Spans
    before: Spans | None = None


class Bytes(Shown):
    """Parts of a file."""

    kind: Literal["bytes"] = "bytes"
    file: str
    size: NonNegativeInt
    windows: tuple[Window, ...] = ()
    names: tuple[str, str] = ("before", "after")
    """What the two readings are called, as in `without the patch` and `with the patch`."""

    def shortened(self) -> Self | None:
        """The first half of the windows, or of the bytes of the only one."""
        total, windows = sum(len(window.data) // 2 for window in self.windows), self.windows
        if not windows or total < 2:
            return None
        windows = windows[: (len(windows) + 1) // 2] if len(windows) > 1 else (_first_half(windows[0]),)
        kept = sum(len(window.data) // 2 for window in windows)
        return self._shorter(total, kept, "bytes", windows=windows)


class Roofline(Shown):
    """Rates of computations against their arithmetic intensity, below the two roofs of a machine."""

    kind: Literal["roofline"] = "roofline"
    _halved, _noun = ("labels", "intensity", "rate"), "points"
    device: str = ""
    peak: float = Field(gt=0, allow_inf_nan=False)
    """TFLOP/s that the device can reach."""
    bandwidth: float = Field(gt=0, allow_inf_nan=False)
    """GB/s that its memory can reach."""
    labels: tuple[str, ...] = ()
    intensity: Numbers = ()
    """FLOP for each byte of memory traffic."""
    rate: Numbers = ()
    """TFLOP/s that were measured."""


class Text(Shown):
    """Lines of text."""

    kind: Literal["text"] = "text"
    _halved, _noun = ("text",), "characters"
    text: str
    language: str = ""
    """A language that Pygments knows, for highlighting; empty for plain text."""


KINDS: tuple[type[Shown], ...] = (Table, Series, Scatter, Bars, Heat, Timeline, Bytes, Roofline, Text)
Value = Table | Series | Scatter | Bars | Heat | Timeline | Bytes | Roofline | Text


def every_other(values: tuple[T, ...]) -> tuple[T, ...]:
    """Every other value, and the last one."""
    return values[::2] if len(values) % 2 else (*values[:-1:2], *values[-1:])


def _first_half(window: Window) -> Window:
    """The first half of a window's bytes, with the spans that begin there."""
    length = len(window.data) // 4
    end = window.start + length
    kept = {name: _before(spans, end) for name in ("before", "after") if (spans := getattr(window, name)) is not None}
    return window.model_copy(update={**kept, "data": window.data[: 2 * length]})


def _before(spans: Spans, end: int) -> Spans:
    kept = [index for index, start in enumerate(spans.start) if start < end]
    columns = ("start", "end", "kinds", "paths", "values")
    values = {
        name: tuple(getattr(spans, name)[at] for at in kept if at < len(getattr(spans, name))) for name in columns
    }
    return Spans(**values, invalid=tuple(new for new, old in enumerate(kept) if old in set(spans.invalid)))
