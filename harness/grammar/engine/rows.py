"""Rows: the records of a whole file as plain tuples, read by code generated for the grammar."""

from __future__ import annotations

import gc
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.grammar.engine.boundary_scan import framing_of
from harness.grammar.engine.layout import Frame, Layout, Part
from harness.grammar.engine.row_codegen import RowWriter, Shape, order_of_parts, wide_order
from harness.grammar.language.primitive import Kind

Reader = Callable[..., int]
SPAN = 256 << 10
"""Bytes of the file in one batch of rows."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The complete records of a file.

    Attributes:
        names: What the items of a tuple are: paths of fields, nested records laid out flat.
        bodies: The same for tuples that stand in a field that holds records, by their type.
        records: One tuple a record. A blob is bytes, a text str, a row of numbers a tuple.
        doubtful: Rows in which a text does not decode or a held record does not fit; there the bytes stand.
        end: Where the first record would begin that is not complete.
    """

    names: tuple[str, ...]
    bodies: dict[str, tuple[str, ...]]
    records: list[tuple[Any, ...]]
    doubtful: list[int]
    end: int


def read_rows(layout: Layout, data: Any, begin: int, *, until: int | None = None) -> Rows:
    """Read the records that begin at a position and follow each other to another one, which is the end of the file.

    Raises:
        NoLayoutError: if the records hold other records of varying size.
    """
    frame = layout.record
    records: list[tuple[Any, ...]] = []
    doubtful: list[int] = []
    collecting = gc.isenabled()
    gc.disable()  # tuples of numbers and bytes hold no garbage; looking for some takes as long as reading
    try:
        stop = len(data) if until is None else until
        end = _fixed(frame, data, begin, stop, records)
        if end is None:
            reader = _reader(Shape(frame, tuple(sorted(layout.bodies.items()))))
            end = reader(data, begin, stop, records, doubtful)
            while doubtful and doubtful[-1] >= len(records):
                doubtful.pop()  # of a record that turned out not to fit
    finally:
        if collecting:
            gc.enable()
    names = {name: tuple(".".join(p.path) for p in body.parts) for name, body in layout.bodies.items()}
    return Rows(tuple(".".join(p.path) for p in frame.parts), names, records, doubtful, end)


def read_batches(layout: Layout, data: Any, begin: int, *, span: int = SPAN) -> Iterator[Rows]:
    """The same rows, some at a time: whoever drops them keeps the memory of one batch.

    A batch covers `span` bytes of the file, or one record where that is longer.

    Raises:
        NoLayoutError: as `read_rows`, by the first batch.
    """
    at, size, wide = begin, len(data), span
    while at < size:
        found = read_rows(layout, data, at, until=min(size, at + wide))
        if found.records:
            yield found
            at, wide = found.end, span
        elif at + wide >= size:
            return
        else:
            wide *= 2


def _fixed(frame: Frame, data: Any, begin: int, stop: int, records: list[tuple[Any, ...]]) -> int | None:
    """Read records of nothing but numbers and blobs of constant size, without any loop of ours."""
    if framing_of(frame).sizes or not all(_packs(part) for part in frame.parts):
        return None
    if len({wide_order(part) for part in frame.parts} - {None}) > 1:
        return None
    whole = struct.Struct(order_of_parts(frame.parts) + "".join(_code(part) for part in frame.parts))
    count = max(0, stop - begin) // whole.size
    records.extend(whole.iter_unpack(memoryview(data)[begin : begin + count * whole.size]))
    return begin + count * whole.size


def _packs(part: Part) -> bool:
    primitive = part.primitive
    if primitive is None or part.row or part.bodies or part.single:
        return False
    return bool(primitive.code) or primitive.kind is Kind.BYTES


def _code(part: Part) -> str:
    if part.primitive is not None and part.primitive.code:
        return part.primitive.code
    return f"{part.size.constant if part.size is not None else 0}s"


@lru_cache(maxsize=256)
def _reader(shape: Shape) -> Reader:
    made: Reader = RowWriter(shape).write()
    return made
