"""Item writer: one value of a field: a number, bytes, a string or a record, of which the size is stated afterwards."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

from harness.grammar.engine.field_plan import FieldPlan, Source
from harness.grammar.engine.items import attach, note_frame, read_item, source_of
from harness.grammar.engine.node import Array, Buffer, Leaf, Node, Record, Window
from harness.grammar.engine.plan import Program
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import StopRecordError
from harness.grammar.explanation.expression_walk import reads_stream_position
from harness.grammar.language.expression import Expr, Literal
from harness.grammar.language.grammar import Field, Word
from harness.grammar.language.operations import NoValueError
from harness.grammar.language.primitive import Kind, Primitive
from harness.grammar.language.printer import print_expression
from harness.grammar.writing.draft import MAX_BYTES, MAX_LEVELS, TRIES
from harness.grammar.writing.encoding import WriteError, encode, is_big, number, resized, unprocess
from harness.grammar.writing.hints import Hints, wanted_by
from harness.grammar.writing.placement import Placement


class ItemWriter(Placement):
    """Writes the items of fields; see `Draft`."""

    def __init__(self, program: Program, hints: Hints, rng: random.Random) -> None:
        super().__init__(program, hints, rng)
        self.wishes: list[tuple[Field | None, int, tuple[str, ...], Any]] = []
        """What the last item of a repetition must have: its field, its index, the names below it, and the value."""

    def _item(self, scope: Scope, plan: FieldPlan, window: Window) -> Node | None:
        """Write one value of a field, read it, and attach it."""
        self._choose_case(scope, plan)
        source, chosen = source_of(self, scope, plan)
        primitive = source.primitive if source is not None else None
        if source is None and plan.field.length is None:
            return None
        if source is not None and primitive is None:
            return self._record(scope, plan, window, source, chosen=chosen)
        if primitive is not None and primitive.numeric:
            return self._number(scope, plan, window, primitive)
        return self._blob(scope, plan, window, primitive)

    def _choose_case(self, scope: Scope, plan: FieldPlan) -> None:
        switch = plan.field.switch
        if switch is None:
            return
        cases = list(switch.cases.items())
        self.rng.shuffle(cases)
        if scope.record.depth >= MAX_LEVELS or len(self.window.buffer.data) > MAX_BYTES:
            cases.sort(key=lambda case: self.hints.nesting.get(case[1].name, 0))
        for value, _ in cases:
            if self._give(switch.by, scope.record, value):
                break
        self._pin(switch.by, scope.record)

    def _number(self, scope: Scope, plan: FieldPlan, window: Window, primitive: Primitive) -> Node | None:
        if plan.field.length is not None:
            end = window.pos + self._size(scope, plan, primitive.width)
        elif primitive.kind is Kind.VARINT:
            window.align()
            end = window.pos + 2  # room for the numbers that are sizes
        elif primitive.bitwise:
            big = plan.field.bits_big if primitive.big is None else primitive.big
            if window.bit and window.big != big:
                window.align()
            end = window.pos + (window.bit + primitive.width + 7) // 8
        else:
            window.align()
            end = window.pos + primitive.width
        start = window.pos
        self._append(window, bytes(max(0, end - window.end)))
        if primitive.kind is Kind.VARINT and plan.field.length is None:
            window.buffer.data = window.buffer.data[:start] + resized(0, primitive, 2)
        node = read_item(self, scope, plan, window)
        if isinstance(node, Leaf):
            self._fit(scope, plan, node)
        return node

    def _fit(self, scope: Scope, plan: FieldPlan, leaf: Leaf) -> None:
        """Give a number a value that its checks accept."""
        wish = self._wished(scope, plan)
        for tried in range(TRIES):
            value = wish if wish is not None and not tried else self._due(scope, plan)
            value = self.values.number(leaf, tried=tried) if value is None else value
            with suppress(WriteError):
                self._put(leaf, scope.record, value)
            if self._accepts(scope, plan, leaf):
                break
        if wish is not None and wish == leaf.value:
            self.decided[id(leaf)] = leaf

    def _due(self, scope: Scope, plan: FieldPlan) -> Any:
        """The value that a check by an expression asks for, if it is known already."""
        checks = plan.field.checks
        if checks is None or checks.equals is None or isinstance(checks.equals, Literal):
            return None
        with suppress(NoValueError):
            return self.inverter.value(checks.equals, scope.record)
        return None

    def _wished(self, scope: Scope, plan: FieldPlan) -> Any:
        """The value that the item of a repetition needs, so that it is the last."""
        for field, index, path, value in self.wishes:
            names, record = [plan.name], scope.record
            if field is plan.field and not path and scope.index == index:
                return value
            while record.field is not field and record.holder is not None and record.field is not None:
                names.append(record.field.name)
                record = record.holder
            if record.field is field and record.index == index and tuple(reversed(names))[-len(path) :] == path:
                return value
        return None

    def _blob(self, scope: Scope, plan: FieldPlan, window: Window, primitive: Primitive | None) -> Node | None:
        field, record = plan.field, scope.record
        window.align()
        start = window.pos
        array = record.raw.get(plan.name)
        wish = self._wished(scope, plan)
        reason = "its value passes no check"
        for tried in range(TRIES):
            size = self._wanted_size(scope, plan, window)
            value = wish if wish is not None and not tried else self._due(scope, plan)
            value = self.values.blob(field, primitive, size, tried=tried) if value is None else value
            try:
                leaf, made = self._encoded(scope, plan, window, primitive, value)
            except WriteError as error:
                reason = str(error)
                continue
            self._append(window, made)
            if reads_stream_position(field.length):  # the bytes after it are not written yet
                window.pos = leaf.end
                attach(scope, plan, leaf)
                return leaf
            try:
                node = read_item(self, scope, plan, window)
            except StopRecordError:
                node = None
            if isinstance(node, Leaf) and self._accepts(scope, plan, node):
                if wish is not None or field.checks is not None:
                    self.decided[id(node)] = node
                return node
            if isinstance(array, Array):
                array.items[:] = [one for one in array.items if one is not node]
            else:
                record.raw.pop(plan.name, None)
            self._cut(window, start)
        raise self._fail(record, field, reason)

    def _wanted_size(self, scope: Scope, plan: FieldPlan, window: Window) -> int | None:
        """The bytes that a field must have by its length, or the check of its size; None if they are free."""
        field, checks = plan.field, plan.field.checks
        if isinstance(field.length, Expr) and not self._is_free(field.length, scope.record):
            if reads_stream_position(field.length) and id(window) not in self.room:
                return None
            return self._stated(scope, plan)
        if checks is not None and checks.holds is not None:
            for chain, other in wanted_by(checks.holds):
                if chain == ("size",):
                    return self._bounded(self.inverter.value(other, scope.record), scope, plan)
        if field.length is Word.REST and id(window) in self.room:
            return max(0, self.room[id(window)] - window.pos)
        if field.length is Word.REST and reads_stream_position(field.condition):
            return self.rng.choice((0, 0, 1, 3))  # what is left over
        return None

    def _encoded(
        self, scope: Scope, plan: FieldPlan, window: Window, primitive: Primitive | None, value: Any
    ) -> tuple[Leaf, bytes]:
        """A leaf for a value, and its bytes; the number that states their length is set."""
        field, record, start = plan.field, scope.record, window.pos
        leaf = Leaf(field, window.buffer, start, start, b"", primitive=primitive)
        if not isinstance(field.length, Expr):
            made = encode(leaf, value, record, plan.terminator or b"")
        else:
            raw = value.encode(plan.codec) if isinstance(value, str) else bytes(value)
            raw = unprocess(field, raw) if field.process else raw
            size = len(raw)
            if not reads_stream_position(field.length) and not self._give(field.length, record, size):
                size = self._stated(scope, plan)
            made = encode(leaf, value, record, bytes(size))
            if len(made) != size:
                raise WriteError(f"it has {len(made)} bytes, {print_expression(field.length)} is {size}")
        leaf.end, leaf.value = start + len(made), value
        return leaf, made

    def _record(self, scope: Scope, plan: FieldPlan, window: Window, source: Source, *, chosen: bool) -> Node | None:
        field, record = plan.field, scope.record
        if field.length is None and plan.terminator is None and not plan.process:
            node = read_item(self, scope, plan, window)
            if isinstance(node, Record) and source.arguments:
                self.called.append((node, scope, source))
            return node
        type_plan = self.program.plan(source.ref.name)
        window.align()
        start = window.pos
        prefix = field.prefix if field.length is Word.PREFIX else None
        if prefix is not None:
            self._append(window, resized(0, prefix, prefix.width or 2))
            window.pos += prefix.width or 2
        holder = Leaf(field, window.buffer, start, start, None)
        inner = Window(window.buffer, window.pos, window.end)
        if plan.process:
            inner = Window(Buffer(b"", holder), 0, 0)
        elif isinstance(field.length, Expr) and not self._is_free(field.length, record):
            if not reads_stream_position(field.length):
                self.room[id(inner)] = window.pos + self._stated(scope, plan)
        elif field.length is Word.REST and id(window) in self.room:
            self.room[id(inner)] = self.room[id(window)]
        made = self.begin(type_plan, scope, plan, inner)
        if source.arguments:
            names = type_plan.definition.params
            made.arguments = {n: self.value(c, scope, plan) for n, c in zip(names, source.arguments, strict=False)}
            self.called.append((made, Scope(record, self), source))
        made.chosen = chosen
        attach(scope, plan, made)
        self.open.append(inner)
        self.fill(made, type_plan, bool(record.big if field.big is None else field.big))
        self._drain(inner)
        self.open.remove(inner)
        self.room.pop(id(inner), None)
        self._close(scope, plan, window, inner, holder)
        if prefix is not None:
            size = window.pos - start - (prefix.width or 2)
            data = number(size, prefix, big=is_big(prefix, field, record)) if prefix.width else resized(size, prefix, 2)
            self._splice(window.buffer, start, data)
            note_frame(record, plan, window, start, start + len(data))
        return made

    def _close(self, scope: Scope, plan: FieldPlan, window: Window, inner: Window, holder: Leaf) -> None:
        """End a record with a size of its own: state the size, or fill what is left of it."""
        field = plan.field
        if plan.process:
            content = bytes(inner.buffer.data)
            raw = unprocess(field, content)
            self._append(window, raw)
            holder.value = content
            size = len(raw)
            begin = window.pos
        else:
            begin, size = inner.start, inner.end - inner.start
        if isinstance(field.length, Expr) and not reads_stream_position(field.length):
            if not self._give(field.length, scope.record, size):
                stated = self._stated(scope, plan)
                if stated < size or (plan.process and stated > size):
                    what = scope.record
                    raise self._fail(what, field, f"it has {size} bytes, {print_expression(field.length)} is {stated}")
                self._append(window, bytes(stated - size))
                size = stated
                inner.end = begin + size if not plan.process else inner.end
        elif field.length is None and plan.terminator is not None:
            self._append(window, plan.terminator)
            size += len(plan.terminator)
        window.pos = holder.end = begin + size
