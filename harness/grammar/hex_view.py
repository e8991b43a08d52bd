"""Hex view: spans, gaps and anomalies of a byte range, also before and after a patch, and its rendering as text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.grammar.anomaly import anomalies
from harness.grammar.tool_host import GenerateSpansInput, ParseResult, Span, ToolHost

WIDTH = 16
MAX_BYTES = 1 << 20
_COLOURS = {"int": 36, "float": 35, "string": 32, "bytes": 34, "unknown": 37, "gap": 90}
_VALUE = 60  # characters


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes [start, end) of one kind: int, float, string, bytes, unknown, or gap."""

    start: int
    end: int
    kind: str
    path: str = ""
    value: str = ""
    color: str | None = None
    valid: bool | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """An anomaly at a byte offset."""

    offset: int
    severity: str
    type: str
    message: str


@dataclass(frozen=True, slots=True)
class HexView:
    """A part of a file; every byte is in exactly one stretch.

    Attributes:
        start: Offset of the first byte.
        size: Bytes of the whole file.
        data: The bytes as hexadecimal digits.
        stretches: The kinds of the bytes, in order.
    """

    start: int
    size: int
    data: str
    stretches: tuple[Stretch, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same bytes before and after a patch, and the ranges [start, end) in which the two views differ."""

    before: HexView
    after: HexView
    changed: tuple[tuple[int, int], ...]


def hex_view(result: ParseResult, *, start: int = 0, length: int = 4096) -> HexView:
    """Build the view of a part of a file.

    Args:
        start: Offset of the first byte.
        length: Number of bytes; at most `MAX_BYTES`.
    """
    found = result.parse
    if found is None or not found.records:
        return HexView(start=0, size=found.size if found else 0, data="", stretches=(), marks=())
    start = min(max(0, start), found.size)
    end = min(found.size, start + min(max(0, length), MAX_BYTES))
    spans = ToolHost.generate_spans(GenerateSpansInput(result, start, end)).spans
    leaves = {(s.start, s.end, s.path): s.leaf.value for s in found.leaves()} if spans else {}
    data = found.records[0].buffer.data
    return HexView(
        start=start,
        size=found.size,
        data=bytes(data[start:end]).hex(),
        stretches=tuple(_partition(spans, leaves, start, end)),
        marks=tuple(
            Mark(offset=a.offset, severity=a.severity.value, type=a.type.value, message=a.message)
            for a in anomalies(result)
            if start <= a.offset < max(end, start + 1)
        ),
    )


def compare(before: ParseResult, after: ParseResult, *, start: int = 0, length: int = 4096) -> Comparison:
    """Build the views of the same part of a file, parsed before and after a patch."""
    views = [hex_view(result, start=start, length=length) for result in (before, after)]
    ends = sorted({edge for view in views for s in view.stretches for edge in (s.start, s.end)})
    changed: list[tuple[int, int]] = []
    for a, b in itertools.pairwise(ends):
        stretches_at = [next((s for s in view.stretches if s.start <= a < s.end), None) for view in views]
        if stretches_at[0] != stretches_at[1]:
            if changed and changed[-1][1] == a:
                changed[-1] = (changed[-1][0], b)
            else:
                changed.append((a, b))
    return Comparison(before=views[0], after=views[1], changed=tuple(changed))


def _partition(spans: tuple[Span, ...], leaves: dict[Any, Any], start: int, end: int) -> Iterator[Stretch]:
    """Cut spans to the window. Where spans overlap the first one wins; bytes outside of all spans become gaps."""
    at = start
    for span in spans:
        a, b = max(span.offset, at), min(span.end, end)
        if b <= a:
            continue
        if a > at:
            yield Stretch(start=at, end=a, kind="gap")
        value = leaves.get((span.offset, span.end, span.path))
        shown = value.hex() if isinstance(value, bytes) else "" if value is None else repr(value)
        yield Stretch(
            start=a,
            end=b,
            kind=span.group,
            path=span.path,
            value=shown if len(shown) <= _VALUE else f"{shown[: _VALUE - 1]}…",
            color=span.color,
            valid=span.valid,
        )
        at = b
    if at < end:
        yield Stretch(start=at, end=end, kind="gap")


def render(view: HexView, *, colour: bool) -> Iterator[str]:
    """Render lines for a terminal: offset, bytes, characters, and the fields that begin in the line.

    Args:
        colour: Whether the terminal shows colours; without them invalid bytes are followed by `!` and gaps by `.`.
    """
    data = bytes.fromhex(view.data)
    kinds: dict[int, Stretch] = {k: s for s in view.stretches for k in range(s.start - view.start, s.end - view.start)}
    marked = {mark.offset for mark in view.marks if mark.severity != "low"}
    for line in range(0, len(data), WIDTH):
        cells, characters, names = [], [], []
        for k in range(line, min(line + WIDTH, len(data))):
            stretch, byte = kinds.get(k), data[k]
            wrong = (stretch is not None and stretch.valid is False) or view.start + k in marked
            kind = stretch.kind if stretch is not None else "gap"
            sign = "!" if wrong else "." if kind == "gap" else " "
            shown = chr(byte) if 0x20 <= byte < 0x7F else "·"
            if colour:
                code = 31 if wrong else _COLOURS[kind]
                cells.append(f"\x1b[{code}m{byte:02x}\x1b[0m ")
                characters.append(f"\x1b[{code}m{shown}\x1b[0m")
            else:
                cells.append(f"{byte:02x}{sign}")
                characters.append(shown)
            if stretch is not None and stretch.start == view.start + k and stretch.path:
                names.append(stretch.path.rpartition(".")[2])
        pad = "   " * (WIDTH - len(cells))
        about = ", ".join(names[:4]) + (f" +{len(names) - 4}" if len(names) > 4 else "")
        yield f"{view.start + line:08x}  {''.join(cells)}{pad} {''.join(characters):<{WIDTH}}  {about}".rstrip()
    for mark in view.marks[:20]:
        yield f"0x{mark.offset:x}: {mark.severity} {mark.type}: {mark.message}"
