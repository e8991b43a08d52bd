"""Judging: which records of a file have anything wrong with them, found for all of them at once."""

from __future__ import annotations

import zlib
from typing import Any

from harness.lanes.spec.checksums import ALGORITHMS
from harness.lanes.spec.engine.columns import Columns, Table, any_of
from harness.lanes.spec.engine.gather import Vector, texts
from harness.lanes.spec.engine.layout import Linear, Part
from harness.lanes.spec.language.encodings import codec
from harness.lanes.spec.language.expression import Literal
from harness.lanes.spec.language.grammar import EnumDef
from harness.lanes.spec.language.primitive import Kind


def wrong_records(columns: Columns) -> Vector:
    """A mask: True for every record in which the reference would report an error."""
    records, enums = columns.records, columns.layout.grammar.enums
    numpy = records.file.numpy
    wrong = failing(records, enums)
    for part in columns.layout.record.parts:
        if not (part.bodies or part.single):
            continue
        right = numpy.zeros(len(records), bool)
        right[records.plain(part)] = True
        for table in records.bodies(part, columns.layout.bodies).values():
            fits = ~misfits(table)
            fitting = table.take(fits)
            if fitting.rows is not None:
                right[fitting.rows] = ~failing(fitting, enums)
        wrong |= ~right
    return wrong


def misfits(table: Table) -> Vector:
    """Which confined records do not fill their bytes."""
    numpy, frame = table.file.numpy, table.frame
    wrong = numpy.zeros(len(table), bool)
    if table.limit is None:
        return wrong
    length = table.limit - table.base
    used = Linear(0)
    for part in frame.parts:
        if part.size is not None:
            used = used + part.size
            if part.size.terms:
                wrong |= table.amount(part.size) < 0
    rest = length - table.amount(used)
    if frame.size is not None:
        return wrong | (rest != 0)
    last = frame.parts[-1].primitive
    wrong |= rest < 0
    if frame.parts[-1].row and last is not None:
        wrong |= rest % last.width != 0
    return wrong


def failing(table: Table, enums: dict[str, EnumDef]) -> Vector:
    """Which records hold a value that fails its check, a wrong checksum, or what is no text."""
    numpy = table.file.numpy
    wrong = numpy.zeros(len(table), bool)
    for part in table.frame.parts:
        field = part.field
        if field.checks is not None and part.primitive is not None:
            numeric = part.primitive.numeric
            wrong |= ~(_numbers_pass(table, part, enums) if numeric else _blobs_pass(table, part))
        elif part.primitive is not None and part.primitive.kind is Kind.STRING:
            bad, _ = decoded(table, part)
            if bad:
                wrong[bad] = True
        if field.checksum is not None:
            wrong |= ~_sums_hold(table, part)
    return wrong


def decoded(table: Table, part: Part) -> tuple[list[int], int]:
    """Which texts of a field do not decode, and how many bytes the printable ones have."""
    name = codec(part.field.encoding)
    begin, stop = table.begin(part), table.stop(part)
    key = (table.extent_key(part), "texts", name)
    return table.file.memo.get(key, lambda: texts(table.file.data, begin, stop, name))  # type: ignore[no-any-return]


def _numbers_pass(table: Table, part: Part, enums: dict[str, EnumDef]) -> Vector:
    numpy, checks = table.file.numpy, part.field.checks
    column = table.number(part.path)
    passed = numpy.ones(len(table), bool)
    if checks is None:
        return passed
    if checks.constants is not None:
        passed &= any_of(column, tuple(c for c in checks.constants if isinstance(c, int | float)))
    for bound, compare in ((checks.low, numpy.greater_equal), (checks.high, numpy.less_equal)):
        if isinstance(bound, Literal):
            passed &= _compared(column, bound.value, compare)
    if isinstance(checks.not_equals, Literal):
        passed &= ~any_of(column, (checks.not_equals.value,))
    if checks.in_enum and part.field.enum is not None:
        passed &= any_of(column, tuple(enums[part.field.enum].labels))
    return passed


def _compared(column: Vector, bound: Any, compare: Any) -> Vector:
    import numpy

    return compare(column, bound) if isinstance(bound, int | float) else numpy.zeros(len(column), bool)


def _blobs_pass(table: Table, part: Part) -> Vector:
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

    return numpy.fromiter((passes(bytes(data[i:j])) for i, j in pairs), bool, len(table))


def _sums_hold(table: Table, part: Part) -> Vector:
    numpy, checksum = table.file.numpy, part.field.checksum
    if checksum is None:
        return numpy.ones(len(table), bool)
    first, last = table.part((checksum.over[0],)), table.part((checksum.over[-1],))
    algorithm, data = checksum.algorithm, table.file.data

    def make() -> Vector:
        apply = zlib.crc32 if algorithm == "crc32" else ALGORITHMS[algorithm]
        begin, stop = table.begin(first).tolist(), table.stop(last).tolist()
        return numpy.array([apply(data[i:j]) for i, j in zip(begin, stop, strict=True)], numpy.uint64)

    key = (table.extent_key(first), table.extent_key(last), "sums", algorithm)
    return table.file.memo.get(key, make) == table.number(part.path).astype(numpy.uint64)
