"""Interpreter: reads records field by field; the reference whose meaning the faster engines share."""

from __future__ import annotations

from typing import Any

from harness.lanes.spec.engine.blob import Extent, decode_text, extent_of, process_bytes
from harness.lanes.spec.engine.cursor import LongError, ShortError, read_number, read_row
from harness.lanes.spec.engine.fault import FaultKind
from harness.lanes.spec.engine.node import Array, Buffer, Leaf, Node, Record, Window
from harness.lanes.spec.engine.plan import FieldPlan, Program, Source, TypePlan
from harness.lanes.spec.engine.recovery import next_start, starts_right
from harness.lanes.spec.engine.scope import Scope
from harness.lanes.spec.engine.state import HaltError, State, StopRecordError
from harness.lanes.spec.engine.validation import validate, verify
from harness.lanes.spec.language.grammar import EndianSwitch, Word
from harness.lanes.spec.language.operations import NoValueError, truth
from harness.lanes.spec.language.primitive import Kind, Primitive

_FAR = 1 << 62
_IDLE = 10_000  # items of an array that take no bytes, before it counts as stuck


class Interpreter:
    """One reading of one file.

    Args:
        program: The grammar, ready to read.
        state: Limits and faults.
    """

    def __init__(self, program: Program, state: State) -> None:
        self.program, self.state = program, state
        self.labels = {name: enum.labels for name, enum in program.grammar.enums.items()}
        self.lazy: list[Record] = []
        """Records with instances that nobody asked for yet."""
        self.skipped: list[tuple[int, int]] = []
        self._busy: set[tuple[int, str]] = set()
        self._keep: list[Record] = []

    # ---- records

    def begin(self, plan: TypePlan, holder: Scope | None, field: FieldPlan | None, window: Window) -> Record:
        """A record with nothing read yet."""
        parent = holder.record if holder is not None else None
        record = Record(plan.definition, field.field if field else None, parent, window, window.pos + (window.bit > 0))
        if plan.instances:
            record.pending = {name: p.field for name, p in plan.instances.items()}
            self.lazy.append(record)
        if holder is not None and field is not None:
            record.index = holder.index or 0
            if field.field.parent is not None:
                found = self.evaluate(field.field.parent, holder, field)
                record.parent = found if isinstance(found, Record) else None
        return record

    def fill(self, record: Record, plan: TypePlan, inherited: bool) -> None:
        """Read a record's fields in order.

        Raises:
            StopRecordError: if an error makes the position unknowable; what was read is kept.
            HaltError: if a limit is hit.
        """
        state, window = self.state, record.window
        scope = Scope(record, self)
        try:
            state.count_record(record)
            endian = plan.definition.endian
            record.big = inherited if endian is None else endian if isinstance(endian, bool) else None
            if plan.endian_by is not None and isinstance(endian, EndianSwitch):
                record.big = self._endian(scope, plan, endian)
            for field in plan.fields:
                if field.simple:
                    self._simple(record, field)
                else:
                    self.field(scope, field)
        except (StopRecordError, HaltError):
            record.complete = False
            raise
        finally:
            record.end = window.pos + (window.bit > 0)
        if plan.checksums:
            verify(state, scope, plan)

    def _simple(self, record: Record, plan: FieldPlan) -> None:
        field = plan.field
        primitive = field.type.primitive  # type: ignore[union-attr]
        big = primitive.big  # type: ignore[union-attr]
        if big is None:
            big = record.big if field.big is None else field.big
        window = record.window
        try:
            value = read_number(window, primitive, big=bool(big), bits_big=True)  # type: ignore[arg-type]
        except ShortError as error:
            self.short(record, plan, error, None)
        record.nodes[plan.name] = Leaf(field, window.buffer, window.pos - primitive.width, window.pos, value, primitive)  # type: ignore[union-attr]
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

    def short(self, record: Record, plan: FieldPlan, error: ShortError, index: int | None) -> None:
        """Note that bytes are missing.

        Raises:
            StopRecordError: always.
        """
        window = record.window
        found = f"{error.left} bytes to the end"
        at = window.pos
        self.state.fault(FaultKind.TRUNCATED, at, record, plan.field, f"{error.needed} bytes", found, index=index)
        raise StopRecordError

    # ---- expressions

    def evaluate(self, expr: Any, scope: Scope, plan: FieldPlan) -> Any:
        """The value of an expression that is not compiled beforehand, since it is rare."""
        closure = self.program.compiler.compile(expr, scope.record.type)
        return self.value(closure, scope, plan)

    def value(self, closure: Any, scope: Scope, plan: FieldPlan) -> Any:
        """The value of an expression.

        Raises:
            StopRecordError: if it has none, which is noted.
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
        """A length, count or position: a whole number that is not negative.

        Raises:
            StopRecordError: if it is none, which is noted.
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
        """Account for an expression's work that grows with the data."""
        self.state.steps += steps
        if self.state.steps > self.state.limits.steps:
            raise NoValueError("too many steps")

    def value_of(self, record: Record, name: str) -> Any:
        """The value of an instance, or None where a field is absent."""
        node = self.node_of(record, name)
        return None if node is None else node.value

    def node_of(self, record: Record, name: str) -> Node | None:
        """The node of a field or instance; instances are read now if they were not yet."""
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

    def peek(self, record: Record, position: Any, width: int) -> int:
        """An unsigned number at a position of the record's stream."""
        window = record.window
        if not isinstance(position, int) or position < 0 or window.start + position + width > window.end:
            raise NoValueError(f"there are no {width} bytes at {position}")
        at = window.start + position
        return int.from_bytes(window.buffer.data[at : at + width], "big" if record.big else "little")

    # ---- instances

    def instance(self, record: Record, name: str) -> None:
        """Read an instance; what is wrong with it stops nothing else.

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
            if field.name not in record.nodes and self.state.quiet == 0:
                record.complete = False
        finally:
            self._busy.discard(key)
            window.pos, window.bit, window.big = before

    def finish(self) -> None:
        """Read all instances that nobody asked for; those of records found on the way too.

        Raises:
            HaltError: if a limit is hit.
        """
        at = 0
        while at < len(self.lazy):
            record = self.lazy[at]
            at += 1
            while record.pending:
                self.instance(record, next(iter(record.pending)))
        self.lazy.clear()

    # ---- fields

    def field(self, scope: Scope, plan: FieldPlan) -> None:
        """Read one field of a record.

        Raises:
            StopRecordError: if the record cannot go on.
            HaltError: if a limit is hit.
        """
        if plan.condition is not None and not self._truth(plan.condition, scope, plan):
            return
        if plan.compute is not None:
            self._compute(scope, plan)
        elif plan.positioned:
            self._positioned(scope, plan)
        else:
            self._sequential(scope, plan, scope.record.window)

    def _truth(self, closure: Any, scope: Scope, plan: FieldPlan) -> bool:
        value = self.value(closure, scope, plan)
        try:
            return truth(value)
        except NoValueError as error:
            record = scope.record
            self.state.fault(FaultKind.EXPRESSION, record.window.pos, record, plan.field, "a condition", str(error))
            raise StopRecordError from None

    def _compute(self, scope: Scope, plan: FieldPlan) -> None:
        record = scope.record
        value = self.value(plan.compute, scope, plan)
        at = record.window.pos
        leaf = Leaf(plan.field, record.window.buffer, at, at, value)
        if value is not None:
            record.nodes[plan.name] = leaf
            self.state.count_items(1, record)
            self._validate(scope, plan, leaf)

    def _positioned(self, scope: Scope, plan: FieldPlan) -> None:
        record = scope.record
        window = record.window
        if plan.stream is not None:
            found = self.value(plan.stream, scope, plan)
            if not isinstance(found, Window):
                self.state.fault(FaultKind.EXPRESSION, window.pos, record, plan.field, "a stream", repr(type(found).__name__))
                return
            window = found
        before = window.pos, window.bit, window.big
        own = record.window
        try:
            if plan.at is not None:
                position = window.start + self.amount(plan.at, scope, plan, "position")
            else:
                position = record.start + self.amount(plan.offset, scope, plan, "position")
            if position > window.end:
                what = f"a position within {window.end - window.start} bytes"
                self.state.fault(FaultKind.TRUNCATED, window.pos, record, plan.field, what, str(position - window.start))
                return
            window.pos, window.bit = position, 0
            # Whatever is read now, `_io` included, is the other stream.
            record.window = window
            self._sequential(scope, plan, window)
        except StopRecordError:
            pass  # the record itself goes on where it was
        finally:
            record.window = own
            window.pos, window.bit, window.big = before

    def _sequential(self, scope: Scope, plan: FieldPlan, window: Window) -> None:
        if plan.skip is not None:
            window.align()
            self._pass(window, self.amount(plan.skip, scope, plan, "number of bytes"), scope, plan)
        if plan.align is not None:
            window.align()
            to = self.amount(plan.align, scope, plan, "alignment")
            if to > 1:
                at = window.pos
                self._pass(window, -(at - window.start) % to, scope, plan)
                self._frame(scope.record, plan, window, at, window.pos)
        if plan.repeat is None and plan.until is None and plan.field.repeat is None:
            node = self.item(scope, plan, window)
            if node is not None and not isinstance(node, Record):
                scope.record.nodes[plan.name] = node
            return
        if plan.packed and self._row(scope, plan, window):
            return
        self._array(scope, plan, window)

    def _pass(self, window: Window, count: int, scope: Scope, plan: FieldPlan) -> None:
        if window.pos + count > window.end:
            self.short(scope.record, plan, ShortError(count, window.end - window.pos), None)
        window.pos += count

    def _row(self, scope: Scope, plan: FieldPlan, window: Window) -> bool:
        record, primitive = scope.record, plan.field.type.primitive  # type: ignore[union-attr]
        if primitive is None:
            return False
        window.align()
        at, width = window.pos, primitive.width
        fits = (window.end - at) // width
        if plan.field.repeat is Word.REST:
            count = fits
        else:
            count = self.amount(plan.repeat, scope, plan, "count")
        if count > fits:
            self.short(record, plan, ShortError(count * width, window.end - at), fits)
        self.state.count_items(count, record)
        values = read_row(window, primitive, count, big=self._big(primitive, plan, record))
        record.nodes[plan.name] = Leaf(plan.field, window.buffer, at, window.pos, values, primitive)
        if plan.field.repeat is Word.REST and window.pos < window.end:
            self.short(record, plan, ShortError(width, window.end - window.pos), count)
        return True

    def _array(self, scope: Scope, plan: FieldPlan, window: Window) -> None:
        record, field = scope.record, plan.field
        to_end = field.repeat is Word.REST
        count = _FAR if to_end or plan.until is not None else self.amount(plan.repeat, scope, plan, "count")
        array = Array(field, window.buffer, window.pos)
        record.nodes[plan.name] = array
        outer_index, outer_item = scope.index, scope.item
        idle = index = 0
        try:
            while index < count:
                at, bit = window.pos, window.bit
                if to_end and at >= window.end:
                    break
                scope.index = index
                self.state.count_items(1, record)
                node = self._next(scope, plan, window, array, to_end=to_end or plan.until is not None)
                if node is None and to_end:
                    break
                if node is not None and plan.until is not None:
                    scope.item = node.value
                    if self._truth(plan.until, scope, plan):
                        break
                index += 1
                if window.pos == at and window.bit == bit:
                    idle += 1
                    if to_end or idle > _IDLE:
                        what = "an item that takes bytes"
                        self.state.fault(FaultKind.STUCK, at, record, field, what, "none", index=index - 1)
                        break
        finally:
            array.end = window.pos + (window.bit > 0)
            scope.index, scope.item = outer_index, outer_item

    def _next(self, scope: Scope, plan: FieldPlan, window: Window, array: Array, *, to_end: bool) -> Node | None:
        """One item of an array; after an error, the next place where an item may begin is looked for."""
        source = plan.source
        magic = b""
        if to_end and source is not None and source.primitive is None and plan.switch_by is None and plan.length is None:
            magic = self.program.plan(source.ref.name).magic
        start = window.pos
        lost = bool(magic) and not starts_right(window, magic)
        if lost:
            self._wrong_start(scope, plan, window, magic)
        else:
            before = len(array.items)
            try:
                node = self.item(scope, plan, window)
                if node is not None and not isinstance(node, Record):
                    array.items.append(node)
                return node
            except StopRecordError:
                if not magic:
                    raise
                start = max(start, array.items[-1].start if len(array.items) > before else start)
        found = next_start(window, magic, start + 1)
        if found is None:
            self.skipped.append((window.pos, window.end))
            raise StopRecordError
        self.skipped.append((start, found))
        window.pos, window.bit = found, 0
        return self._next(scope, plan, window, array, to_end=to_end)

    def _wrong_start(self, scope: Scope, plan: FieldPlan, window: Window, magic: bytes) -> None:
        found = bytes(window.buffer.data[window.pos : min(window.end, window.pos + len(magic))])
        self.state.fault(FaultKind.MISMATCH, window.pos, scope.record, plan.field, repr(magic), repr(found), index=scope.index)

    def _big(self, primitive: Primitive, plan: FieldPlan, record: Record) -> bool:
        if primitive.big is not None:
            return primitive.big
        return bool(record.big if plan.field.big is None else plan.field.big)

    # ---- items

    def item(self, scope: Scope, plan: FieldPlan, window: Window) -> Node | None:
        """Read one value of a field; records attach themselves, so that what is read of them stays."""
        source, chosen = self._source(scope, plan)
        primitive = source.primitive if source is not None else None
        if source is None and plan.field.length is None:
            return None
        if source is not None and primitive is None:
            return self._record(scope, plan, window, source, chosen)
        if primitive is not None and primitive.kind not in (Kind.BYTES, Kind.STRING):
            return self._number(scope, plan, window, primitive)
        extent = extent_of(self, scope, plan, window)
        leaf = Leaf(plan.field, window.buffer, extent.begin, extent.end, None, primitive)
        value: Any = extent.data()
        if plan.process:
            value = process_bytes(self, scope, plan, leaf, value)
        leaf.value = value
        if primitive is not None and primitive.kind is Kind.STRING and value is not None:
            decode_text(self.state, scope, plan, leaf)
        self.state.count_items(1, scope.record)
        self._validate(scope, plan, leaf)
        return leaf

    def _source(self, scope: Scope, plan: FieldPlan) -> tuple[Source | None, bool]:
        switch = plan.field.switch
        if switch is None or plan.switch_by is None:
            return plan.source, False
        value = self.value(plan.switch_by, scope, plan)
        ref = switch.pick(value)
        if ref is not None:
            return plan.sources[id(ref)], True
        if switch.default is not None:
            return plan.sources[id(switch.default)], False
        if not self.state.quiet and plan.field.type is None:
            record = scope.record
            cases = ", ".join(str(case) for case in list(switch.cases)[:4])
            self.state.fault(
                FaultKind.UNMATCHED, record.window.pos, record, plan.field, f"one of {cases}", repr(value)[:80], warning=True
            )
        return plan.source, False

    def _number(self, scope: Scope, plan: FieldPlan, window: Window, primitive: Primitive) -> Leaf:
        record = scope.record
        end = None
        if plan.field.length is not None:
            extent = extent_of(self, scope, plan, window)
            end = window.pos
            window = Window(window.buffer, extent.start, extent.end)
        else:
            if not primitive.bitwise:
                window.align()
        bits_big = plan.field.bits_big if primitive.big is None else primitive.big
        if primitive.bitwise and window.bit and window.big != bits_big:
            window.align()
        start, first = window.pos, window.bit
        try:
            value = read_number(window, primitive, big=self._big(primitive, plan, record), bits_big=bits_big)
        except ShortError as error:
            self.short(record, plan, error, scope.index)
        except LongError:
            what = "a number of at most 10 bytes"
            self.state.fault(FaultKind.LENGTH, start, record, plan.field, what, "a longer one", index=scope.index)
            raise StopRecordError from None
        stop = window.pos + (window.bit > 0) if end is None else end
        leaf = Leaf(plan.field, window.buffer, start, stop, value, primitive)
        if primitive.bitwise:
            leaf.first_bit, leaf.bits = first, primitive.width
        self.state.count_items(1, record)
        self._validate(scope, plan, leaf)
        return leaf

    def _validate(self, scope: Scope, plan: FieldPlan, node: Node) -> None:
        if plan.field.checks is not None:
            validate(self.state, scope, plan, node, self.labels.get(plan.field.enum or ""))

    def _record(self, scope: Scope, plan: FieldPlan, window: Window, source: Source, chosen: bool) -> Record:
        type_plan = self.program.plan(source.ref.name)
        arguments = {
            name: self.value(closure, scope, plan)
            for name, closure in zip(type_plan.definition.params, source.arguments, strict=False)
        }
        field = plan.field
        extent: Extent | None = None
        inner = window
        if plan.aligns:
            window.align()
        if field.length is not None or plan.terminator is not None or plan.process:
            extent = extent_of(self, scope, plan, window, partial=True)
            inner = Window(window.buffer, extent.start, extent.stop)
            if not plan.process and (extent.begin < extent.start or extent.stop < extent.end):
                self._frame(scope.record, plan, window, extent.begin, extent.start)
                self._frame(scope.record, plan, window, extent.stop, extent.end)
            if plan.process:
                holder = Leaf(field, window.buffer, extent.begin, extent.end, None)
                data = process_bytes(self, scope, plan, holder, extent.data())
                holder.value = data
                inner = Window(Buffer(data if data is not None else b"", holder), 0, len(data or b""))
        record = self.begin(type_plan, scope, plan, inner)
        record.arguments, record.chosen = arguments, chosen
        self._attach(scope, plan, record)
        inherited = scope.record.big if field.big is None else field.big
        try:
            self.fill(record, type_plan, bool(inherited))
        except StopRecordError:
            if extent is None:
                raise
        if extent is not None:
            record.exact = inner.pos >= inner.end and not inner.bit and record.complete
            if extent.missing:
                raise StopRecordError
        self._validate(scope, plan, record)
        return record

    @staticmethod
    def _frame(record: Record, plan: FieldPlan, window: Window, start: int, end: int) -> None:
        """Note bytes that shape a record and belong to none of its fields."""
        if end > start:
            data = bytes(window.buffer.data[start : min(end, start + 64)])
            record.frames = (*record.frames, Leaf(plan.field, window.buffer, start, end, data))

    def _attach(self, scope: Scope, plan: FieldPlan, record: Record) -> None:
        node = scope.record.nodes.get(plan.name)
        if isinstance(node, Array):
            node.items.append(record)
        else:
            scope.record.nodes[plan.name] = record
