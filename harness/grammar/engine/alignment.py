"""Alignment: bytes skipped in front of a field by `skip` and `align`."""

from __future__ import annotations

from harness.grammar.engine.cursor import ShortError
from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.field_reader import FieldReader
from harness.grammar.engine.items import note_frame
from harness.grammar.engine.node import Window
from harness.grammar.engine.scope import Scope


def advance(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window) -> None:
    """Move the position to the start of a field. Skipped bytes stay unexplained; alignment bytes belong to the record.

    Raises:
        StopRecordError: if there are too few bytes; a fault is recorded.
    """
    window.align()
    if plan.skip is not None:
        _skip_bytes(run, scope, plan, window, run.amount(plan.skip, scope, plan, "number of bytes"))
    if plan.align is not None:
        to = run.amount(plan.align, scope, plan, "alignment")
        if to > 1:
            at = window.pos
            _skip_bytes(run, scope, plan, window, -(at - window.start) % to)
            note_frame(scope.record, plan, window, at, window.pos)


def _skip_bytes(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window, count: int) -> None:
    if window.pos + count > window.end:
        run.short(scope.record, plan, ShortError(count, window.end - window.pos), None, window=window)
    window.pos += count
