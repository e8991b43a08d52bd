"""Columns: the records of a whole file as numpy arrays, one per field; numpy is imported at first use."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from hashlib import blake2b
from typing import Any

from harness.grammar.engine.gather import Bytes, Vector
from harness.grammar.engine.layout import Frame, Layout, Linear, Part, Path

Token = tuple[Hashable, ...]


class Table:
    """Records of one type at many offsets.

    Attributes:
        limit: End offset of the bytes that confine each record; None for records that contain their own size.
        rows: For records in a field of other records, the indices of the holding records.
        token: Key of the memoised arrays: everything that decided `base`.
    """

    def __init__(
        self,
        frame: Frame,
        file: Bytes,
        base: Vector,
        *,
        token: Token,
        limit: Vector | None = None,
        rows: Vector | None = None,
        stride: int = 0,
    ) -> None:
        self.frame, self.file, self.base, self.limit, self.rows = frame, file, base, limit, rows
        self.token, self.stride = token, stride
        self._parts = {part.path: part for part in frame.parts}
        self._offsets: dict[Path, Linear] = {}
        offset = Linear(0)
        for part in frame.parts:
            self._offsets[part.path] = offset
            offset = offset + part.size if part.size is not None else offset

    def __len__(self) -> int:
        return len(self.base)

    def part(self, path: Path | str) -> Part:
        """The part at a path: `"header.tag"` or `("header", "tag")`.

        Raises:
            KeyError: if there is no such part.
        """
        return self._parts[tuple(path.split(".")) if isinstance(path, str) else path]

    def key(self, size: Linear) -> Token:
        """Memo key of a size."""
        numbers = self.frame.numbers
        return (size.constant, *((numbers[p][0], numbers[p][1].name, numbers[p][2], f) for p, f in size.terms))

    def number(self, path: Path | str) -> Vector:
        """The numbers of a field, one per record.

        Raises:
            KeyError: if the path does not name a number.
        """
        part = self.part(path)
        primitive = part.primitive
        if primitive is None or part.row or not primitive.numeric:
            raise KeyError(path)
        offset = self._offsets[part.path]

        def make() -> Vector:
            if self.stride and len(self.base) and not offset.terms:
                first = int(self.base[0]) + offset.constant
                return self.file.regular(primitive, first=first, stride=self.stride, count=len(self.base), big=part.big)
            return self.file.at(self.begin(part), primitive, big=part.big)

        return self.file.memo.get((self.token, "number", self.key(offset), primitive.name, part.big), make)

    def begin(self, part: Part) -> Vector:
        """Start offset of a part in each record."""
        offset = self._offsets[part.path]
        if not offset.terms:
            return self.base + offset.constant if offset.constant else self.base
        return self.file.memo.get((self.token, "place", self.key(offset)), lambda: self.base + self.amount(offset))

    def stop(self, part: Part) -> Vector:
        """End offset (exclusive) of a part in each record.

        Raises:
            KeyError: if the part takes the rest of a record without a known end.
        """
        if part.size is None:
            if self.limit is None:
                raise KeyError(part.path)
            return self.limit
        offset = self._offsets[part.path] + part.size
        if not offset.terms:
            return self.base + offset.constant
        return self.file.memo.get((self.token, "place", self.key(offset)), lambda: self.base + self.amount(offset))

    def extent_key(self, part: Part) -> Token:
        """Memo key of the range of a part."""
        offset = self._offsets[part.path]
        return (self.token, self.key(offset), None if part.size is None else self.key(part.size))

    def amount(self, size: Linear) -> Any:
        """A size in each record: an integer if it is constant, else an array."""
        if not size.terms:
            return size.constant
        columns = [self.number(path).astype("i8") * factor for path, factor in size.terms]
        total = columns[0]
        for column in columns[1:]:
            total += column
        total += size.constant
        return total

    def extent(self, path: Path | str) -> tuple[Vector, Vector]:
        """Start and end offsets of a field in each record."""
        part = self.part(path)
        return self.begin(part), self.stop(part)

    def row(self, path: Path | str) -> tuple[Vector, Vector]:
        """A row of numbers: the start index of each record in the second array (n + 1 indices), and all numbers.

        Raises:
            KeyError: if the path does not name a row.
        """
        numpy = self.file.numpy
        part = self.part(path)
        primitive = part.primitive
        if primitive is None or not part.row:
            raise KeyError(path)

        def make() -> tuple[Vector, Vector]:
            begin, width = self.begin(part), primitive.width
            counts = (self.stop(part) - begin) // width
            offsets = numpy.zeros(len(begin) + 1, numpy.int64)
            numpy.cumsum(counts, out=offsets[1:])
            places = numpy.repeat(begin - offsets[:-1] * width, counts)
            places += numpy.arange(0, int(offsets[-1]) * width, width)
            return offsets, self.file.at(places, primitive, big=part.big)

        return self.file.memo.get((self.extent_key(part), "row", primitive.name, part.big), make)  # type: ignore[no-any-return]

    def body(self, part: Part, shape: Frame, values: tuple[int, ...] | None, *, short: bool = False) -> Table:
        """The records of one type that a field holds and that have room for the fixed first part of the type.

        Args:
            values: The tags that choose the type; None if the field always holds it.
            short: Return the other records instead, in which only some fields have room.
        """
        numpy = self.file.numpy
        tag = () if values is None else (*self.tag_key(part), *sorted(values))
        token = (self.extent_key(part), tag, shape.fixed, short)

        def make() -> tuple[Vector, Vector, Vector]:
            begin, stop = self.begin(part), self.stop(part)
            if values is None:
                rows = numpy.arange(len(self), dtype=numpy.int64)
                base, limit = begin, stop
            else:
                rows = numpy.flatnonzero(any_of(self.number(part.tag), values))
                base, limit = begin[rows], stop[rows]
            fits = (limit - base < shape.fixed) if short else (limit - base >= shape.fixed)
            return (rows, base, limit) if fits.all() else (rows[fits], base[fits], limit[fits])

        rows, base, limit = self.file.memo.get((token, "body"), make)
        return Table(shape, self.file, base, token=token, limit=limit, rows=rows)

    def tag_key(self, part: Part) -> Token:
        """Memo key of the tag of a field."""
        offset, primitive, big = self.frame.numbers[part.tag]
        return (offset, primitive.name, big)

    def bodies(self, part: Part, shapes: dict[str, Frame], *, short: bool = False) -> dict[str, Table]:
        """All records that a field holds, by type; see `body`."""
        if part.single:
            return {part.single: self.body(part, shapes[part.single], None, short=short)}
        by_type: dict[str, list[int]] = {}
        for value, name in part.bodies:
            by_type.setdefault(name, []).append(value)
        return {name: self.body(part, shapes[name], tuple(values), short=short) for name, values in by_type.items()}

    def room(self) -> Iterator[tuple[Part, int, Vector]]:
        """For each part of the fixed first part, in order: its end within the record, and which records it fits."""
        if self.limit is None:
            return
        length, end = self.limit - self.base, 0
        for part in self.frame.parts:
            if part.size is None or part.size.terms or end >= self.frame.fixed:
                return
            end += part.size.constant
            yield part, end, length >= end

    def plain(self, part: Part) -> Vector:
        """Indices of the records that hold plain bytes in a field that may hold records."""
        numpy = self.file.numpy
        if part.single:
            return numpy.zeros(0, numpy.int64)
        values = tuple(sorted(value for value, _ in part.bodies))
        key = (self.token, "plain", self.tag_key(part), values)
        return self.file.memo.get(key, lambda: numpy.flatnonzero(~any_of(self.number(part.tag), values)))

    def take(self, mask: Vector) -> Table:
        """Some of the records, with a memo key of their own."""
        if bool(mask.all()):
            return self
        limit = None if self.limit is None else self.limit[mask]
        rows = None if self.rows is None else self.rows[mask]
        return Table(
            self.frame,
            self.file,
            self.base[mask],
            token=(self.token, blake2b(mask.tobytes()).digest()),
            limit=limit,
            rows=rows,
        )


def any_of(column: Vector, values: tuple[Any, ...]) -> Vector:
    """Mask of the items of a column that equal one of some values."""
    import numpy

    if len(values) > 8 and column.dtype.itemsize == 1 and column.dtype.kind == "u":
        table: Vector = numpy.zeros(256, bool)
        table[[v for v in values if isinstance(v, int) and 0 <= v <= 255]] = True
        return table[column]
    found: Vector = numpy.zeros(len(column), bool)
    for value in values:
        found |= column == value
    return found


class Columns:
    """The complete records of a file.

    Attributes:
        end: End offset (exclusive) of the last complete record.
    """

    def __init__(self, layout: Layout, records: Table, end: int) -> None:
        self.layout, self.records, self.end = layout, records, end

    def __len__(self) -> int:
        return len(self.records)

    def tables(self) -> dict[str, Table]:
        """All records by type: the repeated type, and the types in its fields."""
        found = {self.layout.record.type.name: self.records}
        for part in self.layout.record.parts:
            if part.bodies or part.single:
                found.update(self.records.bodies(part, self.layout.bodies))
        return found

    def take(self, mask: Vector) -> Columns:
        """The records that a mask selects."""
        return Columns(self.layout, self.records.take(mask), self.end)
