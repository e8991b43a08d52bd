"""Column tally: the tallies of records in columns, one field at a time."""

from __future__ import annotations

from harness.grammar.engine.byte_weights import Weights
from harness.grammar.engine.column_validation import decoded, failures, left_over
from harness.grammar.engine.columns import Columns, Table
from harness.grammar.engine.gather import Vector, blob_values, bounds_of, values_of
from harness.grammar.engine.layout import Layout, Part
from harness.grammar.engine.tally import FieldTally, Tally, joined
from harness.grammar.language.encodings import codec
from harness.grammar.language.primitive import Kind


class Counter:
    """Adds up the values in columns and the tallies of the reference engine.

    Attributes:
        holes: Ranges within confined records that no field explains: start and end offsets.
    """

    def __init__(self, layout: Layout, weights: Weights | None = None) -> None:
        self.layout, self.weights = layout, weights
        self.holes: list[tuple[Vector, Vector]] = []
        self.records: dict[str, int] = {}
        self.fields: dict[tuple[str, str], FieldTally] = {}

    def add(self, columns: Columns) -> None:
        """Count records, none of which is broken."""
        layout = self.layout
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
                    held.exact += len(table) - self.left_over(table)
                    held.chosen += 0 if part.single else len(table)
                    self.table(table)
            for name, table in columns.records.bodies(part, layout.bodies, short=True).items():
                if len(table):
                    held = self.of(part.owner, part.field.name, name)
                    held.count += len(table)
                    held.chosen += 0 if part.single else len(table)
                    self.short(name, table)

    def left_over(self, table: Table) -> int:
        """Number of confined records that do not fill their bytes; the remaining ranges go to `holes`."""
        if table.limit is None:
            return 0
        over = left_over(table)
        rows = over.nonzero()[0]
        if len(rows):
            stop = table.limit[rows]
            self.holes.append((stop - over[rows], stop))
        return len(rows)

    def short(self, name: str, table: Table) -> None:
        """Count the fields that fit into records that end within their fixed first part."""
        self.records[name] = self.records.get(name, 0) + len(table)
        reached = table.base
        for part, end, has_room in table.room():
            there = table.take(has_room)
            if len(there):
                self.part(there, part)
            reached = table.file.numpy.where(has_room, table.base + end, reached)
        if table.limit is not None:
            self.holes.append((reached, table.limit))

    def of(self, owner: str, field: str, kind: str) -> FieldTally:
        """The tally of the records in a field."""
        key = (f"{owner}.{field}", kind)
        found = self.fields.get(key)
        if found is None:
            found = self.fields[key] = FieldTally(type=kind, values=None)
        return found

    def table(self, table: Table) -> None:
        """Count the fields of records of one type."""
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
        """Count the bytes of a field in the records where its switch chooses no type."""
        rows = table.plain(part)
        if not len(rows):
            return
        memo = table.file.memo
        begin, stop = table.begin(part)[rows], table.stop(part)[rows]
        key = (table.extent_key(part), table.tag_key(part), tuple(sorted(part.bodies)), "plain values")
        values = memo.get(key, lambda: (blob_values(table.file.data, begin, stop, None),))[0]
        made = FieldTally(type="bytes", count=len(rows), bytes=float((stop - begin).sum()), values=values)
        if self.weights is not None:
            of_all = self.weights.of_all
            made.weight = memo.get((*key, "weight"), lambda: (of_all(begin, stop),))[0]
        self.merge((f"{part.owner}.{part.field.name}", made.type), made)

    def part(self, table: Table, part: Part) -> None:
        """Count the values of a part."""
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
            if name is not None:
                _, made.printable, made.characters = decoded(table, part)
        made.weight = self.weigh(table, part)
        failed = failures(table, part, self.layout.grammar.enums)
        for other in failed[1:]:
            failed[0] = failed[0] | other
        made.failed = int(failed[0].sum()) if failed else 0
        if made.failed and self.weights is not None:
            begin, stop = table.begin(part)[failed[0]], table.stop(part)[failed[0]]
            made.failed_weight = self.weights.of_all(begin, stop)
        if part.field.checks is not None or part.field.checksum is not None:
            made.passed = len(table) - made.failed
        self.merge((f"{part.owner}.{part.field.name}", made.type), made)

    def weigh(self, table: Table, part: Part) -> int:
        """Weight of the bytes of a part in all records, in units."""
        if self.weights is None:
            return 0
        of_all = self.weights.of_all

        def make() -> tuple[int]:
            begin, stop = table.begin(part), table.stop(part)
            if part.row and part.primitive is not None:
                stop = begin + (stop - begin) // part.primitive.width * part.primitive.width
            return (of_all(begin, stop),)

        row = part.primitive.width if part.row and part.primitive is not None else 0
        found: int = table.file.memo.get((table.extent_key(part), "weight", row), make)[0]
        return found

    def merge(self, key: tuple[str, str], made: FieldTally) -> None:
        """Add a tally to the tally of its field."""
        known = self.fields.get(key)
        self.fields[key] = made if known is None else joined(known, made)

    def join(self, other: Tally) -> None:
        """Add a tally of the reference engine."""
        for name, count in other.records.items():
            self.records[name] = self.records.get(name, 0) + count
        for key, made in other.fields.items():
            self.merge(key, made)
