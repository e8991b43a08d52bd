"""Judging: which records of a file have anything wrong with them, found for all of them at once."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from harness.grammar.checksums import ALGORITHMS
from harness.grammar.engine.columns import Columns, Table, any_of
from harness.grammar.engine.gather import Vector, texts
from harness.grammar.engine.layout import Linear, Part
from harness.grammar.language.encodings import codec
from harness.grammar.language.expression import Literal
from harness.grammar.language.grammar import EnumDef
from harness.grammar.language.primitive import Kind


@dataclass(frozen=True, slots=True)
class ColumnFaults:
    """What is wrong with the records of a file.

    Attributes:
        broken: A mask: records whose parts do not lie where columns would look for them. The reference reads these.
        faults: How many values of each other record the reference would report.
    """

    broken: Vector
    faults: Vector


def judge(columns: Columns) -> ColumnFaults:
    """Judge all records at once."""
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
    """Which confined records have no room for their fields of varying size."""
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
    """How many bytes of each confined record no field explains: behind the last, or too few for a row's next number."""
    over, last = _unused(table), table.frame.parts[-1]
    if table.frame.size is not None:
        return over
    width = last.primitive.width if last.row and last.primitive is not None else 1
    return over % width


def _find_short_faults(table: Table, enums: dict[str, EnumDef], broken: Vector, faults: Vector) -> None:
    """Judge records that end within their fixed first part: one fault for that, and those of the fields before it."""
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
            # A checked text may have two faults, or one, and which is for the reference to say.
            if text and part.field.checks is not None:
                broken |= failed
            else:
                faults += failed
    return broken, faults


def failures(table: Table, part: Part, enums: dict[str, EnumDef]) -> list[Vector]:
    """For each thing that can be wrong with a part: in which records it is."""
    numpy, field, memo = table.file.numpy, part.field, table.file.memo
    found = []
    if field.checks is not None and part.primitive is not None:
        labels = tuple(enums[field.enum].labels) if field.checks.in_enum and field.enum is not None else ()
        numeric = part.primitive.numeric
        how = (part.primitive.name, part.big, None if numeric else codec(field.encoding), field.checks, labels)
        apply = _numbers_fail if numeric else _blobs_fail
        found.append(memo.get((table.extent_key(part), "fails", how), lambda: apply(table, part, labels)))
    elif part.primitive is not None and part.primitive.kind is Kind.STRING:
        bad, _ = decoded(table, part)
        if bad:
            failed = numpy.zeros(len(table), bool)
            failed[bad] = True
            found.append(failed)
    if field.checksum is not None:
        found.append(_sums_fail(table, part))
    return found


def decoded(table: Table, part: Part) -> tuple[list[int], int]:
    """Which texts of a field do not decode, and how many bytes the printable ones have."""
    name = codec(part.field.encoding)
    begin, stop = table.begin(part), table.stop(part)
    key = (table.extent_key(part), "texts", name)
    return table.file.memo.get(key, lambda: texts(table.file.data, begin, stop, name))  # type: ignore[no-any-return]


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
        # The reference looks at a text's bytes in UTF-8, whatever its encoding.
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
