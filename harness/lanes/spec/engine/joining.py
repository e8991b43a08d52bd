"""Joining: columns count the records that are right, the reference reads all others, and both make one tally."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.lanes.spec.engine.arrays import continue_array
from harness.lanes.spec.engine.columns import Columns, Table
from harness.lanes.spec.engine.gather import blob_values, bounds_of, values_of
from harness.lanes.spec.engine.items import read_item
from harness.lanes.spec.engine.judging import decoded, wrong_records
from harness.lanes.spec.engine.limits import Limits
from harness.lanes.spec.engine.node import Array, Buffer, Window
from harness.lanes.spec.engine.parse import Parse
from harness.lanes.spec.engine.parser import Reading
from harness.lanes.spec.engine.plan import program_of
from harness.lanes.spec.engine.scope import Scope
from harness.lanes.spec.engine.state import StopRecordError
from harness.lanes.spec.engine.tally import MAX_GAPS, MAX_VALUES, FieldTally, Tally, tally
from harness.lanes.spec.language.encodings import codec
from harness.lanes.spec.language.primitive import Kind

if TYPE_CHECKING:
    from harness.lanes.spec.engine.gather import Vector
    from harness.lanes.spec.engine.layout import Part

_MOST_WRONG = 0.2
_MANY = 1_000


def tally_columns(columns: Columns, header: Parse | None, data: Any, limits: Limits) -> Tally | None:
    """The tally of a file whose records are in columns; None where the reference does better alone."""
    count = len(columns)
    wrong = wrong_records(columns)
    lost = int(wrong.sum())
    if lost > max(_MANY, count * _MOST_WRONG):
        return None
    rows = columns.records.file.numpy.flatnonzero(wrong)
    starts = columns.records.base
    found = _replay(columns, [int(i) for i in rows], data, limits)
    right = columns.take(~wrong) if lost else columns
    counter = _Counter(columns)
    counter.add(right)
    partial = tally(found)
    counter.join(partial)
    covered = _covered(found, starts, wrong, columns.end)
    gaps = _gaps(covered, found.size)
    return Tally(
        size=found.size,
        covered=sum(end - start for start, end in covered),
        gaps=gaps[:MAX_GAPS],
        records=counter.records,
        top_records=1 if columns.layout.array is not None else len(right) + len(found.records),
        fields=counter.fields,
        errors=found.errors,
        warnings=found.warnings,
        error_count=found.error_count,
        stopped_at=found.stopped_at,
        engine="columns",
    )


def _replay(columns: Columns, rows: list[int], data: Any, limits: Limits) -> Parse:
    """The header, some records and all that follows the last complete one, read by the reference."""
    layout, starts = columns.layout, columns.records.base
    reading = Reading(program_of(layout.grammar), Buffer(data), limits)
    size = len(data)
    window = Window(reading.buffer, 0, size)
    run = reading.run
    if layout.array is None:

        def stream() -> None:
            for row in rows:
                window.pos = int(starts[row])
                reading.one(window, row)
            window.pos = columns.end
            reading.stream(window, size, before=len(columns) - len(reading.records))

        return reading.guarded(window, stream)
    name, array_field = layout.grammar.root, layout.array
    plan = run.program.plan(name)
    last = plan.fields[-1]

    def once() -> None:
        record = run.begin(plan, None, None, window)
        reading.records.append(record)
        try:
            scope = Scope(record, run)
            run.fill(record, plan, layout.grammar.big, last=len(plan.fields) - 1)
            array = Array(array_field, window.buffer, window.pos)
            record.nodes[last.name] = array
            for row in rows:
                scope.index, window.pos = row, int(starts[row])
                read_item(run, scope, last, window)
            window.pos = columns.end
            scope.index = None
            continue_array(run, scope, last, window, array, index=len(columns))
        except StopRecordError:
            record.complete = False
        finally:
            record.end = window.pos

    return reading.guarded(window, once)


class _Counter:
    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.records: dict[str, int] = {}
        self.fields: dict[tuple[str, str], FieldTally] = {}

    def add(self, columns: Columns) -> None:
        layout = columns.layout
        if layout.array is not None and len(columns):
            self.of(layout.grammar.root, layout.array.name, layout.record.type.name).count += len(columns)
        self.table(columns.records)
        for part in layout.record.parts:
            if not (part.bodies or part.single):
                continue
            for name, table in columns.records.bodies(part, layout.bodies).items():
                if len(table):
                    held = self.of(part.owner, part.field.name, name)
                    held.count += len(table)
                    held.exact += len(table)
                    held.chosen += 0 if part.single else len(table)
                    self.table(table)

    def of(self, owner: str, field: str, kind: str) -> FieldTally:
        key = (f"{owner}.{field}", kind)
        found = self.fields.get(key)
        if found is None:
            found = self.fields[key] = FieldTally(type=kind, values=None)
        return found

    def table(self, table: Table) -> None:
        if not len(table):
            return
        name = table.frame.type.name
        self.records[name] = self.records.get(name, 0) + len(table)
        for owner, field, inner in table.frame.inner:
            self.records[inner] = self.records.get(inner, 0) + len(table)
            self.of(owner, field, inner).count += len(table)
        for part in table.frame.parts:
            if part.bodies or part.single:
                self.plain(table, part)
            else:
                self.part(table, part)

    def plain(self, table: Table, part: Part) -> None:
        rows = table.plain(part)
        if not len(rows):
            return
        memo = table.file.memo
        begin, stop = table.begin(part)[rows], table.stop(part)[rows]
        key = (table.extent_key(part), table.tag_key(part), tuple(sorted(part.bodies)), "plain values")
        values = memo.get(key, lambda: (blob_values(table.file.data, begin, stop, None),))[0]
        made = FieldTally(type="bytes", count=len(rows), bytes=float((stop - begin).sum()), values=values)
        self.merge(part, made)

    def part(self, table: Table, part: Part) -> None:
        primitive, memo = part.primitive, table.file.memo
        if primitive is None:
            return
        made = FieldTally(type=primitive.name, count=len(table))
        if part.row:
            _, column = table.row(part.path)
            made.count, made.bytes = len(column), float(len(column) * primitive.width)
            key = (table.extent_key(part), "row bounds", primitive.name, part.big)
            made.low, made.high = memo.get(key, lambda: bounds_of(column, primitive))
        elif primitive.numeric:
            made.bytes = float(len(table) * primitive.width)
            column = table.number(part.path)
            key = (table.extent_key(part), "bounds", primitive.name, part.big)
            made.low, made.high = memo.get(key, lambda: bounds_of(column, primitive))
            key = (table.extent_key(part), "values", primitive.name, part.big)
            made.values = memo.get(key, lambda: (values_of(column, primitive),))[0]
        else:
            begin, stop = table.begin(part), table.stop(part)
            name = codec(part.field.encoding) if primitive.kind is Kind.STRING else None
            made.bytes = float((stop - begin).sum())
            blobs = (table.extent_key(part), "blobs", name)
            made.values = memo.get(blobs, lambda: (blob_values(table.file.data, begin, stop, name),))[0]
            made.printable = decoded(table, part)[1] if name is not None else 0
        if part.field.checks is not None or part.field.checksum is not None:
            made.passed = len(table)
        self.merge(part, made)

    def merge(self, part: Part, made: FieldTally) -> None:
        key = (f"{part.owner}.{part.field.name}", made.type)
        known = self.fields.get(key)
        self.fields[key] = made if known is None else joined(known, made)

    def join(self, other: Tally) -> None:
        """Add what the reference counted."""
        for name, count in other.records.items():
            self.records[name] = self.records.get(name, 0) + count
        for key, made in other.fields.items():
            known = self.fields.get(key)
            self.fields[key] = made if known is None else joined(known, made)


def joined(a: FieldTally, b: FieldTally) -> FieldTally:
    """The tally of the values of both."""
    values = None if a.values is None or b.values is None else a.values | b.values
    lows = [low for low in (a.low, b.low) if low is not None]
    highs = [high for high in (a.high, b.high) if high is not None]
    return FieldTally(
        type=a.type,
        count=a.count + b.count,
        bytes=a.bytes + b.bytes,
        passed=a.passed + b.passed,
        failed=a.failed + b.failed,
        printable=a.printable + b.printable,
        values=values if values is not None and len(values) <= MAX_VALUES else None,
        low=min(lows) if lows else None,
        high=max(highs) if highs else None,
        exact=a.exact + b.exact,
        chosen=a.chosen + b.chosen,
        invisible=a.invisible + b.invisible,
    )


def _covered(found: Parse, starts: Vector, wrong: Vector, end: int) -> list[tuple[int, int]]:
    """The stretches that records which are right, and what the reference read, explain together."""
    import numpy

    stretches = list(found.covered)
    if len(starts):
        edges = numpy.flatnonzero(numpy.diff(numpy.concatenate(([True], wrong, [True])).astype("i1")))
        places: Vector = numpy.append(starts, end)
        stretches += [(int(places[a]), int(places[b])) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        elif stop > start:
            merged.append((start, stop))
    return merged


def _gaps(covered: list[tuple[int, int]], size: int) -> tuple[tuple[int, int], ...]:
    gaps, at = [], 0
    for start, end in covered:
        if start > at:
            gaps.append((at, start))
        at = end
    if at < size:
        gaps.append((at, size))
    return tuple(gaps)
