"""Placement: fields with a position, written after the other bytes of their stream."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.node import Leaf, Record, Window
from harness.grammar.engine.plan import Program
from harness.grammar.engine.scope import Scope
from harness.grammar.language.expression import Expr, Literal
from harness.grammar.language.grammar import Field
from harness.grammar.language.operations import NoValueError, as_boolean
from harness.grammar.writing.draft import MAX_STATED, Draft
from harness.grammar.writing.encoding import WriteError
from harness.grammar.writing.hints import TRUE, Hints

_ALIGNMENT = 8  # bytes; where a format pads what it points to, the padding is there


class Placement(Draft):
    """A draft that gives positions; see `Draft`."""

    def __init__(self, program: Program, hints: Hints, rng: random.Random) -> None:
        super().__init__(program, hints, rng)
        self.waiting: list[tuple[Window, Record, FieldPlan]] = []
        self.peeks: list[Leaf] = []  # leaves that may be read again as the start of a longer value

    def _later(self, scope: Scope, plan: FieldPlan) -> None:
        record, window = scope.record, scope.record.window
        if plan.stream is not None:
            found = self.value(plan.stream, scope, plan)
            if not isinstance(found, Window):
                raise self._fail(record, plan.field, "its stream is not known")
            window = found
        if window in self.open:
            self.waiting.append((window, record, plan))
        elif self._is_present(scope, plan):
            self._within(scope, plan)

    def _within(self, scope: Scope, plan: FieldPlan) -> None:
        """Read a field whose stream is complete: empty, at its start, if it may be."""
        record, field = scope.record, plan.field
        expr = field.at if field.at is not None else field.offset
        if isinstance(field.length, Expr):
            self._give(field.length, record, 0)
        if expr is not None:
            self._give(expr, record, 0)
        self._read(lambda: self._positioned(scope, plan))

    def _point_now(self, begun: int) -> None:
        """Give the positions of fields without bytes in the records from an index on: they point to what is written."""
        for record in self.records[begun:]:
            for name, field in list(record.pending.items()):
                if (field.at is not None or field.offset is not None) and _is_empty(field):
                    del record.pending[name]
                    self._place(Scope(record, self), self.program.plan(record.type.name).instances[name], record.window)

    def _drain(self, window: Window) -> None:
        """Write the fields that have a position in a stream, after its other bytes."""
        while True:
            found = next((one for one in self.waiting if one[0] is window), None)
            if found is None:
                return
            self.waiting.remove(found)
            _, record, plan = found
            self._place(Scope(record, self), plan, window)

    def _place(self, scope: Scope, plan: FieldPlan, window: Window) -> None:
        record, field = scope.record, plan.field
        expr = field.at if field.at is not None else field.offset
        base = window.start if field.at is not None else record.start
        size = len(window.buffer.data)
        if expr is None or not self._is_present(scope, plan):
            return
        if _is_empty(field) and self._point(expr, record, plan, base):
            self._read(lambda: self._positioned(scope, plan))
            return
        before, window.bit = (window.pos, window.bit, window.big), 0
        aligned = size + -size % _ALIGNMENT
        if self._give(expr, record, aligned - base):
            at = aligned
            self._append(window, bytes(aligned - size))
        else:
            at = base + self.amount(plan.at if field.at is not None else plan.offset, scope, plan, "position")
            peek = next((leaf for leaf in self.peeks if leaf.start == at and leaf.end == size), None)
            if peek is not None:  # another reading of the same bytes, as of a signature
                self._cut(window, at)
            elif at < size:
                self._read(lambda: self._positioned(scope, plan))
                return
            elif at - size > MAX_STATED:
                raise self._fail(record, field, f"its position {at} is given by values that are fixed")
            self._append(window, bytes(at - len(window.buffer.data)))
        window.pos = at
        try:
            self._sequential(scope, plan, window)
        finally:
            window.pos, window.bit, window.big = before
        node = record.raw.get(plan.name)
        if isinstance(node, Leaf):
            self.peeks.append(node)

    def _point(self, expr: Expr, record: Record, plan: FieldPlan, base: int) -> bool:
        """Let a field without bytes point to the start of a record with which the checks of its own record can hold."""
        buffer = record.window.buffer
        starts = sorted({one.start for one in self.records if one.window.buffer is buffer and one is not record})
        self.rng.shuffle(starts)
        for start in starts:
            try:
                leaf, holder, value = self.inverter.solve(expr, record, start - base)
                if id(leaf) in self.decided:
                    return False
                self._put(leaf, holder, value)
            except (WriteError, NoValueError):
                return False
            if self._may_hold(record):
                self.decided[id(leaf)] = leaf
                return True
        raise self._fail(record, plan.field, "no record is where it may point to")

    def _may_hold(self, record: Record) -> bool:
        """Whether all checks of a record can hold; the values for that are set where they have room."""
        fixed: list[Expr] = []
        before: list[tuple[Leaf, Record, Any]] = []
        try:
            for field in record.type.instances:
                if field.compute is None or field.checks is None or field.checks.equals != TRUE:
                    continue
                if field.condition is not None and not as_boolean(self.inverter.value(field.condition, record)):
                    continue
                is_set = True
                for leaf, holder, value in self.inverter.conclude(field.compute, record):
                    before.append((leaf, holder, leaf.value))
                    with suppress(WriteError):
                        self._put(leaf, holder, value)
                    is_set = is_set and bool(leaf.value == value)
                if is_set:
                    fixed.append(field.compute)
            if all(as_boolean(self.inverter.value(expr, record)) for expr in fixed):
                return True
        except (WriteError, NoValueError):
            pass
        for leaf, holder, value in reversed(before):
            self._put(leaf, holder, value)
        return False


def _is_empty(field: Field) -> bool:
    return isinstance(field.length, Literal) and field.length.value == 0
