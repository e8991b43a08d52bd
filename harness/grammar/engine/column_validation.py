"""Column validation: the faulty records of a file, found for all records at once."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from harness.grammar.checksums import ALGORITHMS
from harness.grammar.engine.columns import Columns, Table, any_of
from harness.grammar.engine.gather import Vector, decode_strings
from harness.grammar.engine.layout import Linear, Part
from harness.grammar.language.encodings import codec
from harness.grammar.language.expression import Literal
from harness.grammar.language.grammar import EnumDef
from harness.grammar.language.primitive import Kind


@dataclass(frozen=True, slots=True)
class ColumnFaults:
    """The faults of the records of a file.

    Attributes:
        broken: Mask of records whose parts are not at the offsets of the columns. The reference engine reads these.
        faults: Per other record, the number of values that the reference engine would report.
    """

    broken: Vector
    faults: Vector


def find_faults(columns: Columns) -> ColumnFaults:
    """Find the faults of all records."""
    records, enums = columns.records, columns.layout.grammar.enums
    broken, faults = _find_faults(records, enums)
    for part in columns.layout.record.parts:
        if not (part.bodies or part.single):
            continue
        for table in records.bodies(part, columns.layout.bodies).values():
            wrong = misfits(table)
            fitting = table.take(~wrong)
            if table.rows is None or fitting.rows is None:
                continue
            broken[table.rows[wrong]] = True
            inner, found = _find_faults(fitting, enums)
            broken[fitting.rows] |= inner
            faults[fitting.rows] += found + (left_over(fitting) > 0) * (fitting.frame.size is None)
        for table in records.bodies(part, columns.layout.bodies, short=True).values():
            _find_short_faults(table, enums, broken, faults)
    return ColumnFaults(broken, faults)


def misfits(table: Table) -> Vector:
    """Mask of confined records that are too short for their fields of variable size."""
    numpy, frame = table.file.numpy, table.frame
    wrong = numpy.zeros(len(table), bool)
    if table.limit is None:
        return wrong
    for part in frame.parts:
        if part.size is not None and part.size.terms:
            wrong |= table.amount(part.size) < 0
    return wrong | (_unused(table) < 0)


def _unused(table: Table) -> Vector:
    used = Linear(0)
    for part in table.frame.parts:
        used = used + part.size if part.size is not None else used
    return (table.limit if table.limit is not None else table.base) - table.base - table.amount(used)


def left_over(table: Table) -> Vector:
    """Unexplained bytes of each confined record: after the last field, or too few for the next number of a row."""
    over, last = _unused(table), table.frame.parts[-1]
    if table.frame.size is not None:
        return over
    width = last.primitive.width if last.row and last.primitive is not None else 1
    return over % width


def _find_short_faults(table: Table, enums: dict[str, EnumDef], broken: Vector, faults: Vector) -> None:
    """Find the faults of records that end within their fixed first part: the end, and faults of earlier fields."""
    if table.rows is None or not len(table):
        return
    if table.frame.inner:
        broken[table.rows] = True
        return
    faults[table.rows] += 1
    for part, _, has_room in table.room():
        there = table.take(has_room)
        text = part.primitive is not None and part.primitive.kind is Kind.STRING
        for failed in failures(there, part, enums) if there.rows is not None and len(there) else ():
            if text and part.field.checks is not None:
                broken[there.rows] |= failed
            else:
                faults[there.rows] += failed


def _find_faults(table: Table, enums: dict[str, EnumDef]) -> tuple[Vector, Vector]:
    numpy = table.file.numpy
    broken, faults = numpy.zeros(len(table), bool), numpy.zeros(len(table), numpy.int64)
    for part in table.frame.parts:
        text = part.primitive is not None and part.primitive.kind is Kind.STRING
        for failed in failures(table, part, enums):
            # A checked string has one or two faults; the reference engine decides.
            if text and part.field.checks is not None:
                broken |= failed
            else:
                faults += failed
    return broken, faults


def failures(table: Table, part: Part, enums: dict[str, EnumDef]) -> list[Vector]:
    """For each kind of fault of a part, the mask of the records that have it."""
    numpy, field, memo = table.file.numpy, part.field, table.file.memo
    found = []
    if field.checks is not None and part.primitive is not None:
        labels = tuple(enums[field.enum].labels) if field.checks.in_enum and field.enum is not None else ()
        numeric = part.primitive.numeric
        how = (part.primitive.name, part.big, None if numeric else codec(field.encoding), field.checks, labels)
        apply = _numbers_fail if numeric else _blobs_fail
        found.append(memo.get((table.extent_key(part), "fails", how), lambda: apply(table, part, labels)))
    elif part.primitive is not None and part.primitive.kind is Kind.STRING:
        bad, *_ = decoded(table, part)
        if bad:
            failed = numpy.zeros(len(table), bool)
            failed[bad] = True
            found.append(failed)
    if field.checksum is not None:
        found.append(_sums_fail(table, part))
    return found


def decoded(table: Table, part: Part) -> tuple[list[int], int, Counter[str]]:
    """The indices of undecodable strings of a field, and the bytes and characters of the others as `FieldTally`."""
    name = part.field.encoding
    begin, stop = table.begin(part), table.stop(part)
    key = (table.extent_key(part), "texts", name)
    return table.file.memo.get(key, lambda: decode_strings(table.file.data, begin, stop, name))  # type: ignore[no-any-return]


def _numbers_fail(table: Table, part: Part, labels: tuple[int, ...]) -> Vector:
    numpy, checks = table.file.numpy, part.field.checks
    column = table.number(part.path)
    passed: Vector = numpy.ones(len(table), bool)
    if checks is None:
        return ~passed
    if checks.constants is not None:
        passed &= any_of(column, tuple(c for c in checks.constants if isinstance(c, int | float)))
    for bound, compare in ((checks.low, numpy.greater_equal), (checks.high, numpy.less_equal)):
        if isinstance(bound, Literal):
            passed &= _compared(column, bound.value, compare)
    if isinstance(checks.not_equals, Literal):
        passed &= ~any_of(column, (checks.not_equals.value,))
    if checks.in_enum:
        passed &= any_of(column, labels)
    return ~passed


def _compared(column: Vector, bound: Any, compare: Any) -> Vector:
    import numpy

    return compare(column, bound) if isinstance(bound, int | float) else numpy.zeros(len(column), bool)


def _blobs_fail(table: Table, part: Part, labels: tuple[int, ...]) -> Vector:
    numpy, checks, data = table.file.numpy, part.field.checks, table.file.data
    begin, stop = table.begin(part), table.stop(part)
    pairs = zip(begin.tolist(), stop.tolist(), strict=True)
    text = part.primitive is not None and part.primitive.kind is Kind.STRING
    name = codec(part.field.encoding)

    def passes(blob: bytes) -> bool:
        value: Any = blob
        if text:
            try:
                value = blob.decode(name)
            except UnicodeDecodeError:
                return False
        if checks is None:
            return True
        if checks.constants is not None and value not in checks.constants:
            return False
        if checks.all_bytes is None:
            return True
        # The reference engine compares strings in UTF-8, whatever the encoding of the field.
        shown = value.encode("utf-8", "replace") if text else blob
        return bool(shown.count(checks.all_bytes) == len(shown))

    passed: Vector = numpy.fromiter((passes(bytes(data[i:j])) for i, j in pairs), bool, len(table))
    return ~passed


def _sums_fail(table: Table, part: Part) -> Vector:
    numpy, checksum = table.file.numpy, part.field.checksum
    if checksum is None:
        return numpy.zeros(len(table), bool)
    first, last = table.part((checksum.over[0],)), table.part((checksum.over[-1],))
    algorithm, data = checksum.algorithm, table.file.data

    def make() -> Vector:
        apply = zlib.crc32 if algorithm == "crc32" else ALGORITHMS[algorithm]
        begin, stop = table.begin(first).tolist(), table.stop(last).tolist()
        return numpy.array([apply(data[i:j]) for i, j in zip(begin, stop, strict=True)], numpy.uint64)

    key = (table.extent_key(first), table.extent_key(last), "sums", algorithm)
    return table.file.memo.get(key, make) != table.number(part.path).astype(numpy.uint64)
