"""Fast path: intact values without checks are read here; other values take the general path, which reports faults.

Each function reads all of its part and returns True (or an end offset), or changes nothing and returns False (or -1).
"""

from __future__ import annotations

from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.field_reader import FieldReader
from harness.grammar.engine.fixed_run import FixedRun
from harness.grammar.engine.node import NOTHING, Leaf, Record, Window
from harness.grammar.engine.plan import TypePlan
from harness.grammar.engine.scope import Scope
from harness.grammar.language.operations import NoValueError


def read_fixed_run(run: FieldReader, record: Record, plan: TypePlan, fixed_run: FixedRun) -> bool:
    """Read adjacent numbers at once.

    Raises:
        HaltError: if a limit is hit.
    """
    window, state = record.window, run.state
    if window.bit:
        window.align()
    at = window.pos
    end = at + fixed_run.size
    if end > window.end or state.items + fixed_run.count > state.max_items:
        return False
    record.raw[fixed_run] = (at, fixed_run.codecs[bool(record.big)].unpack_from(window.buffer.data, at))
    record.packed = plan.places
    window.pos = end
    state.count_items(fixed_run.count, record)
    return True


def fill_flat(run: FieldReader, record: Record, plan: TypePlan, fixed_run: FixedRun, *, inherited: bool) -> bool:
    """Read a record that is a single fixed-width run.

    Raises:
        HaltError: if a limit is hit.
    """
    window, state = record.window, run.state
    at = window.pos
    end = at + fixed_run.size
    if (
        end > window.end
        or window.bit
        or state.records >= state.max_records
        or record.depth >= state.limits.depth
        or state.items + fixed_run.count > state.max_items
    ):
        return False
    state.records += 1
    endian = plan.definition.endian
    record.big = big = endian if endian.__class__ is bool else inherited
    record.head = fixed_run.codecs[bool(big)].unpack_from(window.buffer.data, at)
    record.packed, record.raw = plan.places, NOTHING
    record.end = window.pos = end
    state.count_items(fixed_run.count, record)
    return True


def end_of(scope: Scope, plan: FieldPlan, window: Window) -> int:
    """End offset of a value with a length; -1 if bytes are missing or the length is invalid."""
    if window.bit:
        return -1
    if plan.length is None:
        return window.end if window.pos <= window.end else -1
    try:
        length = plan.length(scope)
    except NoValueError:
        return -1
    if length.__class__ is not int or length < 0:
        return -1
    end: int = window.pos + length
    return end if end <= window.end else -1


def read_blob(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window) -> bool:
    """Read bytes or a string with a length and without checks.

    Raises:
        HaltError: if a limit is hit.
    """
    at = window.pos
    end = end_of(scope, plan, window)
    if end < 0 or run.state.items >= run.state.max_items:
        return False
    value = run.state.bytes_of(window.buffer.data, at, end)
    if plan.is_string:
        if not isinstance(value, bytes):
            return False
        try:
            value = value.decode(plan.codec)
        except UnicodeDecodeError:
            return False
    scope.record.raw[plan.name] = Leaf(plan.field, window.buffer, at, end, value, primitive=plan.blob)
    window.pos = end
    run.state.count_items(1, scope.record)
    return True
