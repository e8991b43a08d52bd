"""Draft: a file that grows while it is read, and the values of it that other bytes rely on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from harness.grammar.engine.field_plan import FieldPlan, Source
from harness.grammar.engine.interpreter import Interpreter
from harness.grammar.engine.limits import DEFAULT
from harness.grammar.engine.node import Buffer, Leaf, Node, Record, Window
from harness.grammar.engine.plan import Program, TypePlan
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import State, path_of
from harness.grammar.language.expression import Attribute, Expr, Item, Name, walk
from harness.grammar.language.grammar import Field
from harness.grammar.language.operations import NoValueError, as_boolean
from harness.grammar.language.primitive import Kind
from harness.grammar.writing.encoding import WriteError, encode, resized
from harness.grammar.writing.hints import Hints
from harness.grammar.writing.inversion import Inverter
from harness.grammar.writing.values import Values

MAX_BYTES = 1 << 16  # of one file; beyond it, repetitions end and the smallest types are chosen
MAX_LEVELS = 6  # levels of records with a free choice of types
MAX_STATED = 4096  # items or bytes that a value which is fixed may ask for
MAX_RETRIES = 100  # items that are written again in one file, because nothing could be what they ask for
TRIES = 24  # values tried for one field with checks
_AHEAD = 64  # bytes that conditions on the end of the stream find after what is written


class Draft(Interpreter):
    """A file that is written and read at once."""

    def __init__(self, program: Program, hints: Hints, rng: random.Random) -> None:
        super().__init__(program, State(DEFAULT))
        self.hints, self.rng = hints, rng
        self.values = Values(program.grammar, hints, rng)
        self.inverter = Inverter(self)
        self.window = Window(Buffer(b""), 0, 0)
        self.open: list[Window] = [self.window]  # windows that still grow
        self.room: dict[int, int] = {}  # end offset of a window whose size is given, by the window
        self.decided: dict[int, Leaf] = {}  # leaves whose value other bytes rely on
        self.held: dict[int, list[tuple[Leaf, Expr, Record, bool]]] = {}  # conditions that a leaf has decided
        self.records: list[Record] = []
        self.computed: list[tuple[Record, Field]] = []
        self.called: list[tuple[Record, Scope, Source]] = []  # records with arguments, and where they were evaluated
        self.retries = MAX_RETRIES
        self.undo: list[tuple[Leaf, Record, Any]] = []  # leaves that were given another value, with the one before
        self.plain = False
        """Whether bytes are read that are already there."""

    def begin(self, plan: TypePlan, holder: Scope | None, field: FieldPlan | None, window: Window) -> Record:
        """A new record without fields."""
        record = super().begin(plan, holder, field, window)
        self.records.append(record)
        return record

    def _fail(self, record: Record, field: Field, why: str) -> WriteError:
        return WriteError(f"{path_of(record)}.{field.name}: {why}")

    def _read(self, reading: Callable[[], None]) -> None:
        self.plain = True
        try:
            reading()
        finally:
            self.plain = False

    def _is_present(self, scope: Scope, plan: FieldPlan) -> bool:
        if plan.condition is None:
            return True
        condition, record = plan.field.condition, scope.record
        present = self._ahead(plan.condition, scope, plan)
        if condition is not None:
            for leaf in self._leaves(condition, record):
                self.held.setdefault(id(leaf), []).append((leaf, condition, record, present))
        return present

    def _ahead(self, closure: Any, scope: Scope, plan: FieldPlan) -> bool:
        """The value of a condition; the end of what is written so far is not the end of the stream."""
        buffer = scope.record.window.buffer
        data = buffer.data
        self._append(scope.record.window, bytes(_AHEAD))
        try:
            return self.truth_of(closure, scope, plan)
        finally:
            buffer.data = data
            self._extend(buffer)

    def _accepts(self, scope: Scope, plan: FieldPlan, node: Node) -> bool:
        """Whether a value passes the checks of its field, and those of computed fields that it decides."""
        for expr in self.hints.checks.get((scope.record.type.name, plan.name), ()):
            with suppress(NoValueError):
                if not as_boolean(self.inverter.value(expr, scope.record)):
                    return False
        if plan.field.checks is None:
            return True
        node.valid = None
        self.state.quiet += 1
        try:
            self.validate(scope, plan, node)
        finally:
            self.state.quiet -= 1
        return node.valid is not False

    def _size(self, scope: Scope, plan: FieldPlan, size: int) -> int:
        length = plan.field.length
        if isinstance(length, Expr) and not self._give(length, scope.record, size):
            return self._stated(scope, plan)
        return size

    def _stated(self, scope: Scope, plan: FieldPlan) -> int:
        return self._bounded(self.amount(plan.length, scope, plan, "length"), scope, plan)

    def _bounded(self, size: Any, scope: Scope, plan: FieldPlan) -> int:
        if not isinstance(size, int) or not 0 <= size <= MAX_STATED:
            raise self._fail(scope.record, plan.field, f"{size} bytes are asked for by values that are fixed")
        return size

    def _is_free(self, expr: Expr, record: Record) -> bool:
        """Whether the value of an expression can still be chosen."""
        try:
            leaf, _, _ = self.inverter.solve(expr, record, 1)
        except (WriteError, NoValueError):
            return False
        return id(leaf) not in self.decided

    def _give(self, expr: Expr, record: Record, target: Any) -> bool:
        """Set the leaf from which the value of an expression follows, unless other bytes rely on it."""
        try:
            leaf, holder, value = self.inverter.solve(expr, record, target)
        except (WriteError, NoValueError):
            with suppress(NoValueError):
                return bool(self.inverter.value(expr, record) == target)
            return False
        if id(leaf) in self.decided:
            return bool(leaf.value == value)
        before = leaf.value
        try:
            self._put(leaf, holder, value)
            given = bool(self.inverter.value(expr, record) == target) and all(
                as_boolean(self.inverter.value(condition, within)) is present
                for _, condition, within, present in self.held.get(id(leaf), ())
            )
        except (WriteError, NoValueError):
            given = False
        if not given or not self._accepts(Scope(holder, self), self._plan_of(leaf, holder), leaf):
            with suppress(WriteError):
                self._put(leaf, holder, before)
            return False
        self.decided[id(leaf)] = leaf
        return True

    def _plan_of(self, leaf: Leaf, record: Record) -> FieldPlan:
        plan = self.program.plan(record.type.name)
        fields = plan.instances if leaf.field.lazy else {one.name: one for one in plan.fields}
        return fields[leaf.field.name]

    def _put(self, leaf: Leaf, record: Record, value: Any) -> None:
        """Write a value in the place of a leaf."""
        if leaf.buffer is not self.window.buffer and not any(one.buffer is leaf.buffer for one in self.open):
            raise WriteError("it is within processed bytes")
        old = bytes(leaf.buffer.data[leaf.start : leaf.end])
        kind = leaf.primitive
        if kind is not None and kind.kind is Kind.VARINT and leaf.field.length is None:
            made = resized(int(value), kind, len(old))
        else:
            made = encode(leaf, value, record, old)
        if len(made) != len(old):
            raise WriteError(f"it has {len(made)} bytes, not {len(old)}")
        self._splice(leaf.buffer, leaf.start, made)
        self.undo.append((leaf, record, leaf.value))
        leaf.value = value
        for holder, field in self.computed:
            if field.lazy:
                if holder.raw.pop(field.name, None) is not None:
                    holder.pending[field.name] = field
            elif isinstance(node := holder.raw.get(field.name), Leaf) and field.compute is not None:
                with suppress(NoValueError):
                    node.value = self.inverter.value(field.compute, holder)
        self.computed = [one for one in self.computed if not one[1].lazy]
        for called, scope, source in self.called:
            with suppress(NoValueError):
                names = called.type.params
                called.arguments = {n: c(scope) for n, c in zip(names, source.arguments, strict=False)}

    def _pin(self, expr: Expr, record: Record) -> None:
        """Keep the values that an expression has used."""
        for leaf in self._leaves(expr, record):
            self.decided[id(leaf)] = leaf

    def _leaves(self, expr: Expr, record: Record, depth: int = 0) -> Iterator[Leaf]:
        """The stored values from which the value of an expression comes."""
        for part in walk(expr) if depth <= MAX_LEVELS else ():
            if not isinstance(part, Name | Attribute | Item):
                continue
            try:
                yield self.inverter.solve(part, record, 0)[0]
            except (WriteError, NoValueError):
                with suppress(WriteError, NoValueError):
                    holder, node = self.inverter.find(part, record)
                    if isinstance(node, Leaf) and node.field.compute is not None:
                        yield from self._leaves(node.field.compute, holder, depth + 1)

    def _save(self) -> Callable[[], None]:
        """Return what makes the file as it is now again; bytes that were appended are cut by the caller."""
        puts, records, lazy = len(self.undo), len(self.records), len(self.lazy)
        decided, held = dict(self.decided), {key: list(found) for key, found in self.held.items()}
        computed, called, followed = list(self.computed), list(self.called), set(self._followed)

        def restore() -> None:
            for leaf, record, value in reversed(self.undo[puts:]):
                with suppress(WriteError):  # it is within processed bytes that are cut
                    self._put(leaf, record, value)
            del self.undo[puts:], self.records[records:], self.lazy[lazy:]
            self.decided, self.held, self.computed, self.called = decided, held, computed, called
            self._followed = followed

        return restore

    def _splice(self, buffer: Buffer, at: int, made: bytes) -> None:
        buffer.data = buffer.data[:at] + made + buffer.data[at + len(made) :]

    def _append(self, window: Window, data: bytes) -> None:
        window.buffer.data += data
        self._extend(window.buffer)

    def _cut(self, window: Window, at: int) -> None:
        window.buffer.data = window.buffer.data[:at]
        window.pos, window.bit = at, 0
        self._extend(window.buffer)

    def _extend(self, buffer: Buffer) -> None:
        for window in self.open:
            if window.buffer is buffer:
                window.end = len(buffer.data)
