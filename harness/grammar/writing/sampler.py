"""Sampler: a random file of a grammar, written in the order in which the engine reads.

The sampler is an interpreter that writes the bytes of a field before it reads them. What a field states about others
(a length, a count, a position, the case of a switch) is set once the others are written, by inversion of the
expression. A value that other bytes rely on is not changed again. Fields with a position are written after the bytes
of their stream. Checksums and values that must equal an expression come last, as for a changed file.
"""

from __future__ import annotations

from contextlib import suppress

from harness.grammar.engine.alignment import advance
from harness.grammar.engine.arrays import read_row_of
from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.node import Array, Window
from harness.grammar.engine.plan import TypePlan
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import StopRecordError
from harness.grammar.explanation.expression_walk import reads_stream_position
from harness.grammar.language.expression import Binary, Expr, walk
from harness.grammar.language.grammar import EndianSwitch, Field, Word
from harness.grammar.language.operations import NoValueError
from harness.grammar.writing.draft import MAX_BYTES, MAX_LEVELS, MAX_STATED
from harness.grammar.writing.encoding import WriteError
from harness.grammar.writing.hints import wanted_by
from harness.grammar.writing.item_writer import ItemWriter

MAX_ITEMS = 4  # items of a repetition whose count is free


class Sampler(ItemWriter):
    """Writes one random file; see `Draft`."""

    def write(self) -> bytes:
        """The bytes of one file; checksums are not set.

        Raises:
            WriteError: if a field cannot be written; the message names it.
        """
        grammar, records = self.program.grammar, []
        try:
            for index in range(1 if grammar.once else self.rng.randint(1, MAX_ITEMS)):
                plan = self.program.plan(self._root_type(index))
                record = self.begin(plan, None, None, self.window)
                record.index = index
                records.append(record)
                self.fill(record, plan, grammar.big)
                self.window.align()
            while self.lazy or self.waiting:
                self._drain(self.window)
                self.finish()
        except StopRecordError:
            last = self.state.errors[-1] if self.state.errors else None
            raise WriteError(str(last) if last is not None else "a record could not be read") from None
        return bytes(self.window.buffer.data)

    def _root_type(self, index: int) -> str:
        select = self.program.grammar.select
        if select is None:
            return self.program.grammar.root
        case, name = self.rng.choice(sorted(select.cases.items(), key=repr))
        self.wishes.append((None, index, select.path, case))
        return name

    def field(self, scope: Scope, plan: FieldPlan) -> None:
        """Write one field and read it."""
        if self.plain:
            super().field(scope, plan)
            return
        if plan.positioned:
            self._later(scope, plan)
        elif not self._is_present(scope, plan):
            return
        elif plan.compute is not None:
            self._compute(scope, plan)
            if plan.name in scope.record.raw:
                self.computed.append((scope.record, plan.field))
        else:
            self._sequential(scope, plan, scope.record.window)

    def _endian(self, scope: Scope, plan: TypePlan, endian: EndianSwitch) -> bool:
        if self.plain:
            return super()._endian(scope, plan, endian)
        with suppress(NoValueError):
            value = plan.endian_by(scope) if plan.endian_by is not None else None
            if value in endian.cases:
                self._pin(endian.by, scope.record)
                return endian.cases[value]
        chosen = self.rng.choice(list(endian.cases))
        self._give(endian.by, scope.record, chosen)
        return endian.cases[chosen]

    def _sequential(self, scope: Scope, plan: FieldPlan, window: Window) -> None:
        if self.plain:
            super()._sequential(scope, plan, window)
            return
        if plan.skip is not None or plan.align is not None:
            self._pad(scope, plan, window)
        if plan.repeat is None and plan.until is None and plan.field.repeat is None:
            self._item(scope, plan, window)
        else:
            self._array(scope, plan, window)

    def _pad(self, scope: Scope, plan: FieldPlan, window: Window) -> None:
        window.align()
        skipped = self.amount(plan.skip, scope, plan, "number of bytes") if plan.skip is not None else 0
        to = self.amount(plan.align, scope, plan, "alignment") if plan.align is not None else 1
        end = window.pos + skipped
        end += -(end - window.start) % to if to > 1 else 0
        if end - window.pos > MAX_STATED:
            raise self._fail(scope.record, plan.field, f"{end - window.pos} bytes lie before it")
        self._append(window, bytes(max(0, end - window.end)))
        advance(self, scope, plan, window)

    def _array(self, scope: Scope, plan: FieldPlan, window: Window) -> None:
        field, record = plan.field, scope.record
        is_full = record.depth >= MAX_LEVELS or len(self.window.buffer.data) > MAX_BYTES
        count = self._count(scope, plan, is_full=is_full)
        room = self.room.get(id(window))
        if plan.packed and field.type is not None and field.type.primitive is not None:
            width = field.type.primitive.width
            window.align()
            if field.repeat is Word.REST and room is not None:
                count = max(0, room - window.pos) // width
            self._append(window, self.values.rng.randbytes(count * width))
            read_row_of(self, scope, plan, window)
            return
        array = Array(field, window.buffer, window.pos)
        record.raw[plan.name] = array
        outer = scope.index, scope.item
        for index in range(MAX_STATED):
            if field.repeat is Word.REST and room is not None:
                if window.pos >= room:
                    break
            elif index >= count and plan.until is None:
                break
            scope.index = index
            if self._possible_item(scope, plan, window, array, is_last=index >= count - 1):
                break
        array.end = window.pos + (window.bit > 0)
        scope.index, scope.item = outer

    def _possible_item(self, scope: Scope, plan: FieldPlan, window: Window, array: Array, *, is_last: bool) -> bool:
        """Write one item; whether it ends the repetition.

        An item that asks for something that is not there, or that ends a repetition too early, is written again.
        """
        index, wishes = len(array.items), len(self.wishes)
        while True:
            restore, waiting = self._save(), list(self.waiting)
            place, begun = (window.pos, window.bit, len(window.buffer.data)), len(self.records)
            if plan.until is not None and is_last:
                self._wish(scope, plan.field, index)
            try:
                node = self._item(scope, plan, window)
                self._point_now(begun)
                scope.item = None if node is None else node.value
                ends = node is not None and plan.until is not None and self._ends(scope, plan, window, is_last=is_last)
                if is_last or not ends or self.retries <= 0:
                    return ends
            except (WriteError, StopRecordError):
                if self.retries <= 0:
                    raise
            finally:
                del self.wishes[wishes:]
            self.retries -= 1
            restore()
            del array.items[index:]
            self._cut(window, place[2])
            window.pos, window.bit, self.waiting = place[0], place[1], waiting

    def _count(self, scope: Scope, plan: FieldPlan, *, is_full: bool) -> int:
        repeat = plan.field.repeat
        if not isinstance(repeat, Expr):
            return 1 if is_full else self.rng.randint(plan.until is not None, MAX_ITEMS)
        if self._is_free(repeat, scope.record):
            counts = list(range(MAX_ITEMS + 1))
            if not is_full:
                self.rng.shuffle(counts)
            for count in counts:
                if self._give(repeat, scope.record, count):
                    break
        self._pin(repeat, scope.record)
        count = self.amount(plan.repeat, scope, plan, "count")
        if count > MAX_STATED:
            raise self._fail(scope.record, plan.field, f"{count} items are asked for by values that are fixed")
        return count

    def _wish(self, scope: Scope, field: Field, index: int) -> None:
        if field.until is not None:
            for chain, other in wanted_by(field.until):
                with suppress(NoValueError):
                    self.wishes.append((field, index, chain, self.inverter.value(other, scope.record)))

    def _ends(self, scope: Scope, plan: FieldPlan, window: Window, *, is_last: bool) -> bool:
        """Whether an item is the last."""
        until = plan.field.until
        if until is None:
            return False
        ends = [
            part
            for part in walk(until)
            if isinstance(part, Binary) and part.operator in (">=", "==") and reads_stream_position(part.left)
        ]
        if is_last and reads_stream_position(until):
            for part in ends:
                with suppress(NoValueError):
                    self._give(part.right, scope.record, self.inverter.value(part.left, scope.record))
            return self.truth_of(plan.until, scope, plan)
        if any(self._is_free(part.right, scope.record) for part in ends):
            return False  # the end is not stated yet
        return self._ahead(plan.until, scope, plan)
