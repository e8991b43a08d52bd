"""Arrays: repeated values, and where reading continues after an item that could not be read."""

from __future__ import annotations

from harness.grammar.engine.cursor import ShortError, read_row
from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.field_reader import FieldReader
from harness.grammar.engine.items import read_item
from harness.grammar.engine.node import Array, Leaf, Node, Window
from harness.grammar.engine.recovery import next_start, starts_right
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import StopRecordError
from harness.grammar.language.grammar import Word

_FAR = 1 << 62
_MAX_IDLE_ITEMS = 10_000  # items without bytes after which an array counts as stuck


def read_row_of(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window) -> bool:
    """Read a row of equal numbers at once; False if the field is not such a row.

    Raises:
        StopRecordError: if there are fewer; those that are there are kept.
    """
    record, primitive = scope.record, plan.field.type.primitive  # type: ignore[union-attr]
    if primitive is None:
        return False
    window.align()
    at, width = window.pos, primitive.width
    fits = (window.end - at) // width
    count = fits if plan.field.repeat is Word.REST else run.amount(plan.repeat, scope, plan, "count")
    whole = min(count, fits)
    end = run.state.limits.stop_at
    if end is not None and at < end and window.buffer.origin is None:
        whole = min(whole, -((at - end) // width))
    run.state.count_items(whole, record)
    values = read_row(window, primitive, whole, big=run.big(primitive, plan, record))
    record.raw[plan.name] = Leaf(plan.field, window.buffer, at, window.pos, values, primitive=primitive)
    if whole < min(count, fits):
        run.state.stop(window, at)
    if count > fits or (plan.field.repeat is Word.REST and window.pos < window.end):
        needed = width if plan.field.repeat is Word.REST else (count - whole) * width
        run.short(record, plan, ShortError(needed, window.end - window.pos), whole, window=window)
    return True


def read_array(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window) -> None:
    """Read the items of a repeated field one by one.

    Raises:
        StopRecordError: if the record cannot continue; the items read so far are kept.
    """
    field = plan.field
    endless = field.repeat is Word.REST or plan.until is not None
    count = _FAR if endless else run.amount(plan.repeat, scope, plan, "count")
    array = Array(field, window.buffer, window.pos)
    scope.record.raw[plan.name] = array
    continue_array(run, scope, plan, window, array, index=0, count=count)


def continue_array(
    run: FieldReader, scope: Scope, plan: FieldPlan, window: Window, array: Array, *, index: int, count: int = _FAR
) -> None:
    """Read the items of an array from an index on.

    Raises:
        StopRecordError: as `read_array`.
    """
    record, field = scope.record, plan.field
    to_end = field.repeat is Word.REST
    outer_index, outer_item = scope.index, scope.item
    idle = 0
    try:
        while index < count:
            at, bit = window.pos, window.bit
            if to_end and at >= window.end:
                break
            run.state.stop(window, array.start)
            scope.index = index
            run.state.count_items(1, record)
            node = _next(run, scope, plan, window, to_end=to_end or plan.until is not None)
            if node is None and to_end:
                break
            if node is not None and plan.until is not None:
                scope.item = node.value
                if run.truth_of(plan.until, scope, plan):
                    break
            index += 1
            if window.pos == at and window.bit == bit:
                idle += 1
                if to_end or idle > _MAX_IDLE_ITEMS:
                    what = "an item that takes bytes"
                    run.state.fault(FaultKind.STUCK, at, record, field, what, "none", index=index - 1)
                    break
    finally:
        array.end = window.pos + (window.bit > 0)
        scope.index, scope.item = outer_index, outer_item


def _next(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window, *, to_end: bool) -> Node | None:
    """Read one item of an array; after an error, continue at the next position where an item may begin."""
    source = plan.source
    magic = b""
    if to_end and source is not None and source.primitive is None and plan.switch_by is None and plan.length is None:
        magic = run.program.plan(source.ref.name).magic
    while True:
        start = window.pos
        if magic and not starts_right(window, magic):
            found = bytes(window.buffer.data[start : min(window.end, start + len(magic))])
            what, field = repr(magic), plan.field
            run.state.fault(FaultKind.MISMATCH, start, scope.record, field, what, repr(found), index=scope.index)
        else:
            try:
                node = read_item(run, scope, plan, window)
            except StopRecordError:
                if not magic:
                    raise
            else:
                return node
        again = next_start(window, magic, start + 1)
        if again is None:
            run.skipped.append((start, window.end))
            raise StopRecordError
        run.skipped.append((start, again))
        run.state.tick(scope.record)
        window.pos, window.bit = again, 0
