"""Interpreter: reads records field by field; the reference engine, which defines the meaning of a grammar."""

from __future__ import annotations

from typing import Any, NoReturn

from harness.grammar.engine.alignment import advance
from harness.grammar.engine.arrays import read_array, read_row_of
from harness.grammar.engine.cursor import ShortError, read_number
from harness.grammar.engine.fast_path import fill_flat, read_blob, read_fixed_run
from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.items import read_item
from harness.grammar.engine.node import NOTHING, Leaf, Node, Record, Window
from harness.grammar.engine.plan import Program, TypePlan
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import HaltError, State, StopRecordError
from harness.grammar.engine.validation import validate, verify
from harness.grammar.language.grammar import EndianSwitch
from harness.grammar.language.operations import NoValueError, as_boolean
from harness.grammar.language.primitive import Primitive

_FAR = 1 << 62


class Interpreter:
    """One reading of one file."""

    def __init__(self, program: Program, state: State) -> None:
        self.program, self.state = program, state
        self.labels = {name: enum.labels for name, enum in program.grammar.enums.items()}
        constants: list[Any] = [program.compiler.compile(argument, None) for argument in program.grammar.arguments]
        params = program.grammar.types[program.grammar.root].params
        self.given = {name: constant(None) for name, constant in zip(params, constants, strict=False)} or NOTHING
        self.lazy: list[Record] = []  # records with instances that are not read yet
        self.skipped: list[tuple[int, int]] = []
        self._busy: set[tuple[int, str]] = set()
        self._followed: set[tuple[Any, ...]] = set()

    def begin(self, plan: TypePlan, holder: Scope | None, field: FieldPlan | None, window: Window) -> Record:
        """A new record without fields."""
        at = window.pos + (window.bit > 0)
        if holder is None or field is None:
            record = Record(plan.definition, None, None, window, at)
            record.arguments = self.given
        else:
            record = Record(plan.definition, field.field, holder.record, window, at)
            record.index = holder.index or 0
            if plan.definition.module != holder.record.type.module:
                record.parent = None
            elif field.field.parent is not None:
                found = self.evaluate(field.field.parent, holder, field)
                record.parent = found if isinstance(found, Record) else None
        if plan.instances:
            record.pending = {name: p.field for name, p in plan.instances.items()}
        return record

    def fill(self, record: Record, plan: TypePlan, inherited: bool, *, last: int | None = None) -> None:
        """Read the fields of a record in order, all or the first `last`; fields read before an error are kept.

        Raises:
            StopRecordError: if an error makes the next position unknown.
            HaltError: if a limit is hit.
        """
        if plan.flat is not None and last is None and fill_flat(self, record, plan, plan.flat, inherited=inherited):
            return
        state, window = self.state, record.window
        scope = Scope(record, self)
        try:
            state.count_record(record)
            if record.pending and not state.quiet:
                self._remember(record)
            endian = plan.definition.endian
            record.big = inherited if endian is None else endian if isinstance(endian, bool) else None
            if plan.endian_by is not None and isinstance(endian, EndianSwitch):
                record.big = self._endian(scope, plan, endian)
            for step in plan.steps if last is None else plan.fields[:last]:
                if isinstance(step, FieldPlan):
                    if step.blob is None or not read_blob(self, scope, step, window):
                        self.field(scope, step)
                elif not read_fixed_run(self, record, plan, step):
                    for field in step.plans:  # one by one, so that the fault names the field
                        self.field(scope, field)
        except (StopRecordError, HaltError):
            record.complete = False
            raise
        finally:
            record.end = window.pos + (window.bit > 0)
        if plan.checksums:
            verify(state, scope, plan)

    def _remember(self, record: Record) -> None:
        """Keep a record whose instances are read at the end.

        Instances may refer to themselves, or reach one position on many paths: each position is followed once. An
        instance that is not followed is still read when an expression uses it.
        """
        holder, window = record.holder, record.window
        above = None if holder is None else (holder.type.name, holder.start, holder.index)
        given = tuple(v if isinstance(v, int | str | bytes | float) else id(v) for v in record.arguments.values())
        place = (id(record.buffer), record.start, window.start, window.end)
        key = (record.type.name, record.field and record.field.name, record.index, place, above, given)
        if key not in self._followed:
            self._followed.add(key)
            self.lazy.append(record)

    def _simple(self, record: Record, plan: FieldPlan, primitive: Primitive) -> None:
        field, window = plan.field, record.window
        big = self.big(primitive, plan, record)
        try:
            value = read_number(window, primitive, big=big, bits_big=True)
        except ShortError as error:
            self.short(record, plan, error, None, window=window)
        end = window.pos
        record.raw[plan.name] = Leaf(field, window.buffer, end - primitive.width, end, value, primitive=primitive)
        self.state.count_items(1, record)

    def _endian(self, scope: Scope, plan: TypePlan, endian: EndianSwitch) -> bool:
        record = scope.record
        try:
            value = plan.endian_by(scope) if plan.endian_by is not None else None
        except NoValueError as error:
            value = str(error)
        key = value.decode("latin-1") if isinstance(value, bytes) and value not in endian.cases else value
        found = endian.cases.get(key, endian.default) if isinstance(key, int | str | bytes | float) else endian.default
        if found is None:
            cases = ", ".join(repr(case) for case in list(endian.cases)[:4])
            self.state.fault(FaultKind.ENDIAN, record.start, record, None, f"one of {cases}", repr(value)[:80])
            raise StopRecordError
        return found

    def short(
        self, record: Record, plan: FieldPlan, error: ShortError, index: int | None, *, window: Window
    ) -> NoReturn:
        """Record a fault: bytes are missing.

        Raises:
            StopRecordError: always.
        """
        needed, found = f"{error.needed} bytes", f"{error.left} bytes to the end"
        self.state.fault(FaultKind.TRUNCATED, window.pos, record, plan.field, needed, found, index=index)
        raise StopRecordError

    def evaluate(self, expr: Any, scope: Scope, plan: FieldPlan) -> Any:
        """The value of a rare expression, which is compiled at use."""
        closure = self.program.compiler.compile(expr, scope.record.type)
        return self.value(closure, scope, plan)

    def value(self, closure: Any, scope: Scope, plan: FieldPlan) -> Any:
        """The value of an expression.

        Raises:
            StopRecordError: if it has no value; a fault is recorded.
        """
        try:
            return closure(scope)
        except NoValueError as error:
            record = scope.record
            self.state.fault(
                FaultKind.EXPRESSION, record.window.pos, record, plan.field, "a value", str(error), index=scope.index
            )
            raise StopRecordError from None

    def amount(self, closure: Any, scope: Scope, plan: FieldPlan, what: str) -> int:
        """A length, count or position: a non-negative integer.

        Raises:
            StopRecordError: if the value is not one; a fault is recorded.
        """
        value = self.value(closure, scope, plan)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and 0 <= value < _FAR:
            return value
        record = scope.record
        found = str(value)[:80]
        self.state.fault(FaultKind.LENGTH, record.window.pos, record, plan.field, f"a {what}", found, index=scope.index)
        raise StopRecordError

    def charge(self, steps: int) -> None:
        """Count steps of an expression whose work grows with the data."""
        self.state.steps += steps
        if self.state.steps > self.state.limits.steps:
            raise NoValueError("too many steps")

    def value_of(self, record: Record, name: str) -> Any:
        """The value of an instance; None if the field is absent."""
        node = self.node_of(record, name)
        return None if node is None else node.value

    def node_of(self, record: Record, name: str) -> Node | None:
        """The node of a field or instance; an instance is read at its first use."""
        node = record.nodes.get(name)
        if node is not None:
            return node
        if name in record.pending:
            self.instance(record, name)
            return record.nodes.get(name)
        if (id(record), name) in self._busy:
            raise NoValueError(f"{name!r} is needed for its own value")
        plan = self.program.plan(record.type.name)
        if name in plan.instances or any(f.name == name for f in plan.fields):
            return None
        raise NoValueError(f"{record.type.name!r} has no {name!r}")

    def instance(self, record: Record, name: str) -> None:
        """Read an instance; its faults do not stop the record.

        Raises:
            HaltError: if a limit is hit.
        """
        field = record.pending.pop(name)
        plan = self.program.plan(record.type.name).instances[name]
        key = (id(record), name)
        self._busy.add(key)
        window = record.window
        before = window.pos, window.bit, window.big
        try:
            self.field(Scope(record, self), plan)
        except StopRecordError:
            if field.name not in record.raw and not self.state.quiet and not self.state.unasked:
                record.complete = False
        finally:
            self._busy.discard(key)
            window.pos, window.bit, window.big = before

    def finish(self) -> None:
        """Read all instances that are not read yet, also those of records read on the way.

        Raises:
            HaltError: if a limit is hit.
        """
        at, self.state.unasked = 0, True
        while at < len(self.lazy):
            record = self.lazy[at]
            at += 1
            # The fault of a stopped record is recorded once; its instances would repeat it.
            partial = not record.complete
            self.state.quiet += partial
            try:
                while record.pending:
                    self.instance(record, next(iter(record.pending)))
            finally:
                self.state.quiet -= partial
        self.lazy.clear()

    def field(self, scope: Scope, plan: FieldPlan) -> None:
        """Read one field of a record.

        Raises:
            StopRecordError: if the record cannot continue.
            HaltError: if a limit is hit.
        """
        if plan.condition is not None and not self.truth_of(plan.condition, scope, plan):
            return
        if plan.compute is not None:
            self._compute(scope, plan)
        elif plan.positioned:
            self._positioned(scope, plan)
        elif plan.simple is not None:
            self._simple(scope.record, plan, plan.simple)
        else:
            self._sequential(scope, plan, scope.record.window)

    def truth_of(self, closure: Any, scope: Scope, plan: FieldPlan) -> bool:
        """The value of a condition.

        Raises:
            StopRecordError: if it has no value; a fault is recorded.
        """
        value = self.value(closure, scope, plan)
        try:
            return as_boolean(value)
        except NoValueError as error:
            record = scope.record
            self.state.fault(FaultKind.EXPRESSION, record.window.pos, record, plan.field, "a condition", str(error))
            raise StopRecordError from None

    def _compute(self, scope: Scope, plan: FieldPlan) -> None:
        record, value = scope.record, self.value(plan.compute, scope, plan)
        at = record.window.pos
        leaf = Leaf(plan.field, record.window.buffer, at, at, value)
        if value is not None:
            record.raw[plan.name] = leaf
            self.state.count_items(1, record)
            self.validate(scope, plan, leaf)

    def _positioned(self, scope: Scope, plan: FieldPlan) -> None:
        record, window = scope.record, scope.record.window
        if plan.stream is not None:
            found = self.value(plan.stream, scope, plan)
            if not isinstance(found, Window):
                self.state.fault(
                    FaultKind.EXPRESSION, window.pos, record, plan.field, "a stream", repr(type(found).__name__)
                )
                return
            window = found
        before = window.pos, window.bit, window.big
        try:
            if plan.at is not None:
                position = window.start + self.amount(plan.at, scope, plan, "position")
            else:
                position = record.start + self.amount(plan.offset, scope, plan, "position")
            if position > window.end:
                what = f"a position within {window.end - window.start} bytes"
                self.state.fault(
                    FaultKind.TRUNCATED, window.pos, record, plan.field, what, str(position - window.start)
                )
                return
            window.pos, window.bit = position, 0
            self._sequential(scope, plan, window)
        except StopRecordError:
            pass  # the record continues at its own position
        finally:
            window.pos, window.bit, window.big = before

    def _sequential(self, scope: Scope, plan: FieldPlan, window: Window) -> None:
        if plan.skip is not None or plan.align is not None:
            advance(self, scope, plan, window)
        if plan.repeat is None and plan.until is None and plan.field.repeat is None:
            read_item(self, scope, plan, window)
            return
        if plan.packed and read_row_of(self, scope, plan, window):
            return
        read_array(self, scope, plan, window)

    @staticmethod
    def big(primitive: Primitive, plan: FieldPlan, record: Record) -> bool:
        """Whether a number is big-endian: by its type, else its field, else its record."""
        if primitive.big is not None:
            return primitive.big
        return bool(record.big if plan.field.big is None else plan.field.big)

    def validate(self, scope: Scope, plan: FieldPlan, node: Node) -> None:
        """Check a value if the field has checks."""
        if plan.field.checks is not None:
            validate(self.state, scope, plan, node, self.labels.get(plan.field.enum or ""))
