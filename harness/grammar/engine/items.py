"""Items: one value of a field: a number, bytes, a string or a record."""

from __future__ import annotations

from typing import Any

from harness.grammar.engine.blob import Extent, decode_text, extent_of, process_bytes
from harness.grammar.engine.cursor import LongError, ShortError, read_number
from harness.grammar.engine.fast_path import end_of
from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.field_plan import FieldPlan, Source
from harness.grammar.engine.field_reader import FieldReader
from harness.grammar.engine.node import Array, Buffer, Leaf, Node, Record, Window
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import StopRecordError
from harness.grammar.language.primitive import Kind, Primitive


def read_item(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window) -> Node | None:
    """Read one value of a field, attach it to its record or array, and check it.

    A record is attached before it is read, so that a partial one is kept. An item of an array is attached after it was
    read, so that the array holds the earlier items while an item is read.
    """
    source, chosen = source_of(run, scope, plan)
    primitive = source.primitive if source is not None else None
    if source is None and plan.field.length is None:
        return None
    if source is not None and primitive is None:
        return _record(run, scope, plan, window, source, chosen=chosen)
    if primitive is not None and primitive.kind not in (Kind.BYTES, Kind.STRING):
        return _number(run, scope, plan, window, primitive)
    extent = extent_of(run, scope, plan, window)
    leaf = Leaf(plan.field, window.buffer, extent.begin, extent.end, None, primitive=primitive)
    leaf.unread = extent.unread
    value: Any = process_bytes(run, scope, plan, leaf, extent) if plan.process else extent.data(run.state)
    leaf.value = value
    if primitive is not None and primitive.kind is Kind.STRING and value is not None:
        decode_text(run.state, scope, plan, leaf)
    run.state.count_items(1, scope.record)
    attach(scope, plan, leaf)
    run.validate(scope, plan, leaf)
    if extent.missing:
        raise StopRecordError
    return leaf


def source_of(run: FieldReader, scope: Scope, plan: FieldPlan) -> tuple[Source | None, bool]:
    """The type of the next item of a field, and whether a case of its switch chose it."""
    switch = plan.field.switch
    if switch is None or plan.switch_by is None:
        return plan.source, False
    value = run.value(plan.switch_by, scope, plan)
    ref = switch.pick(value)
    if ref is not None:
        return plan.sources[id(ref)], True
    if switch.default is not None:
        return plan.sources[id(switch.default)], False
    if not run.state.quiet and plan.field.type is None:
        record = scope.record
        cases = ", ".join(str(case) for case in list(switch.cases)[:4])
        run.state.fault(
            FaultKind.UNMATCHED,
            record.window.pos,
            record,
            plan.field,
            f"one of {cases}",
            repr(value)[:80],
            warning=True,
        )
    return plan.source, False


def _number(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window, primitive: Primitive) -> Leaf:
    record = scope.record
    end = None
    if plan.field.length is not None:
        extent = extent_of(run, scope, plan, window)
        end = window.pos
        window = Window(window.buffer, extent.start, extent.end)
    elif not primitive.bitwise:
        window.align()
    bits_big = plan.field.bits_big if primitive.big is None else primitive.big
    if primitive.bitwise and window.bit and window.big != bits_big:
        window.align()
    start, first = window.pos, window.bit
    try:
        value = read_number(window, primitive, big=run.big(primitive, plan, record), bits_big=bits_big)
    except ShortError as error:
        run.short(record, plan, error, scope.index, window=window)
    except LongError:
        what = "a number of at most 10 bytes"
        run.state.fault(FaultKind.LENGTH, start, record, plan.field, what, "a longer one", index=scope.index)
        raise StopRecordError from None
    read = window.pos + (window.bit > 0)
    leaf = Leaf(plan.field, window.buffer, start, read if end is None else end, value, primitive=primitive)
    leaf.unread = (read, end) if end is not None and read < end else None
    if primitive.bitwise:
        leaf.first_bit, leaf.bits = first, primitive.width
    run.state.count_items(1, record)
    attach(scope, plan, leaf)
    run.validate(scope, plan, leaf)
    return leaf


def _record(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window, source: Source, *, chosen: bool) -> Record:
    type_plan = run.program.plan(source.ref.name)
    arguments = (
        {
            name: run.value(closure, scope, plan)
            for name, closure in zip(type_plan.definition.params, source.arguments, strict=False)
        }
        if source.arguments
        else None
    )
    field = plan.field
    extent: Extent | None = None
    inner = window
    end = end_of(scope, plan, window) if plan.sized else -1
    if end >= 0:
        inner = Window(window.buffer, window.pos, end)
        window.pos = end
    elif field.length is not None or plan.terminator is not None or plan.process:
        extent = extent_of(run, scope, plan, window, partial=True)
        inner = Window(window.buffer, extent.start, extent.stop)
        if not plan.process and (extent.begin < extent.start or extent.stop < extent.end):
            note_frame(scope.record, plan, window, extent.begin, extent.start)
            note_frame(scope.record, plan, window, extent.stop, extent.unread[0] if extent.unread else extent.end)
        if plan.process:
            holder = Leaf(field, window.buffer, extent.begin, extent.end, None)
            holder.unread = extent.unread
            data = process_bytes(run, scope, plan, holder, extent)
            holder.value = data
            inner = Window(Buffer(data if data is not None else b"", holder), 0, len(data or b""))
    record = run.begin(type_plan, scope, plan, inner)
    if arguments:
        record.arguments = arguments
    record.chosen = chosen
    array = scope.record.raw.get(plan.name)
    if not isinstance(array, Array):
        attach(scope, plan, record)
    inherited = scope.record.big if field.big is None else field.big
    try:
        run.fill(record, type_plan, bool(inherited))
    except StopRecordError:
        if inner is window:
            raise
    finally:
        if isinstance(array, Array):
            array.items.append(record)
    if inner is not window:
        record.exact = inner.pos >= inner.end and not inner.bit and record.complete
        if extent is not None and extent.missing:
            raise StopRecordError
    if field.checks is not None:
        run.validate(scope, plan, record)
    return record


def note_frame(record: Record, plan: FieldPlan, window: Window, start: int, end: int) -> None:
    """Keep framing bytes of a record that belong to none of its fields."""
    if end > start:
        data = bytes(window.buffer.data[start : min(end, start + 64)])
        record.frames = (*record.frames, Leaf(plan.field, window.buffer, start, end, data))


def attach(scope: Scope, plan: FieldPlan, node: Node) -> None:
    """Append a node to the array of its field, or make it the node of the field."""
    array = scope.record.raw.get(plan.name)
    if isinstance(array, Array):
        array.items.append(node)
    else:
        scope.record.raw[plan.name] = node
