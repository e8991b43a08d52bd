"""Parser: reads bytes with a grammar; never raises an exception for either, and always ends."""

from __future__ import annotations

import contextlib
import gc
import mmap
from collections.abc import Callable, Iterator
from typing import Any

from harness.grammar.engine.fault import Fault, FaultKind
from harness.grammar.engine.interpreter import Interpreter
from harness.grammar.engine.limits import DEFAULT, Limits
from harness.grammar.engine.node import Buffer, Record, Window
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.plan import Program, TypePlan, program_of
from harness.grammar.engine.recovery import next_start, starts_right
from harness.grammar.engine.state import HaltError, State, StopRecordError
from harness.grammar.language.grammar import Grammar, RecordSwitch

Data = bytes | bytearray | memoryview | mmap.mmap


def parse(
    grammar: Grammar, data: Data, *, start: int = 0, length: int | None = None, limits: Limits = DEFAULT
) -> Parse:
    """Read bytes with a grammar.

    Args:
        start: Start offset; no read goes beyond the file.
        length: Number of bytes to read; a top-level record that crosses that end is left out, which is not an error.
    """
    buffer = Buffer(data if isinstance(data, bytes | bytearray | mmap.mmap) else bytes(data))
    size = len(data)
    begin = max(0, start)
    end = size if length is None else min(size, begin + max(0, length))
    with paused_collection():
        return Reading(program_of(grammar), buffer, limits).read(min(begin, size), end, size)


@contextlib.contextmanager
def paused_collection() -> Iterator[None]:
    """Pause garbage collection: records refer to their parents, and collection would double the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Reading:
    """One reading of one file; see `parse`."""

    def __init__(self, program: Program, buffer: Buffer, limits: Limits) -> None:
        self.program, self.buffer = program, buffer
        self.state = State(limits)
        self.run = Interpreter(program, self.state)
        self.records: list[Record] = []

    def read(self, start: int, end: int, size: int) -> Parse:
        """Read all top-level records between two positions."""
        window = Window(self.buffer, 0, size)
        window.pos = start
        if self.program.grammar.once:
            return self.guarded(window, lambda: self._once(window), start=start)
        return self.guarded(window, lambda: self.stream(window, end), start=start)

    def guarded(self, window: Window, read: Callable[[], None], *, start: int = 0) -> Parse:
        """The result of `read`, also if a limit ended it."""
        state, stopped, size = self.state, start, window.end
        try:
            read()
            stopped = window.pos + (window.bit > 0)
            self.run.finish()
        except HaltError:
            last = self.records[-1].end if self.records else start
            stopped = max(stopped, last, window.pos if state.stopped else start)
        except RecursionError:
            self._too_deep()
        return Parse(
            grammar=self.program.grammar,
            records=tuple(self.records),
            errors=tuple(state.errors),
            warnings=tuple(state.warnings),
            error_count=state.error_count,
            start=start,
            stopped_at=min(stopped, size),
            size=size,
            skipped=tuple(self.run.skipped),
            stopped=state.stopped,
        )

    def _too_deep(self) -> None:
        state = self.state
        state.error_count += 1
        at = self.records[-1] if self.records else None
        path = f"{at.type.name}[{at.index}]" if at is not None else self.program.grammar.root
        state.errors.append(
            Fault(
                kind=FaultKind.LIMIT,
                offset=at.start if at is not None else 0,
                path=path,
                expected="fewer levels of records and expressions",
                found="more",
                limit="depth",
                field=path,
            )
        )

    def _once(self, window: Window) -> None:
        plan = self._choose(window)
        if plan is None:
            return
        record = self.run.begin(plan, None, None, window)
        self.records.append(record)
        with contextlib.suppress(StopRecordError):
            self.run.fill(record, plan, self.program.grammar.big)

    def one(self, window: Window, index: int) -> None:
        """Read the top-level record at the position of the window, which is known to be intact."""
        plan = self.program.plan(self.program.grammar.root)
        record = self.run.begin(plan, None, None, window)
        record.index = index
        self.records.append(record)
        with contextlib.suppress(StopRecordError):
            self.run.fill(record, plan, self.program.grammar.big)

    def stream(self, window: Window, end: int, *, before: int = 0) -> None:
        """Read top-level records up to an end offset; `before` of them were read by another engine."""
        most = self.state.limits.max_records
        start, size = window.pos, window.end
        while window.pos < end and (most is None or before + len(self.records) < most):
            at = window.pos
            self.state.stop(window, start)
            marks = len(self.state.errors), self.state.error_count, len(self.run.lazy)
            plan = self._choose(window)
            if plan is None:
                return
            record = self.run.begin(plan, None, None, window)
            record.index = before + len(self.records)
            magic = plan.magic if self.program.grammar.select is None else b""
            if magic and not starts_right(window, magic):
                found = bytes(self.buffer.data[at : at + len(magic)])
                first = plan.definition.fields[0]
                self.state.fault(FaultKind.MISMATCH, at, record, first, repr(magic), repr(found))
                self.run.lazy[marks[2] :] = []
                if not self._resume(window, magic, at):
                    return
                continue
            self.records.append(record)
            try:
                self.run.fill(record, plan, self.program.grammar.big)
                window.align()
            except StopRecordError:
                if end < size and window.end == size and record.end >= end:
                    self._drop(marks, window, at)
                    return
                if not self._resume(window, magic, at):
                    return
                continue
            if window.pos > end:
                self._drop(marks, window, at)
                return
            if window.pos <= at:
                what = "a record that takes bytes"
                self.state.fault(FaultKind.STUCK, at, record, None, what, "none")
                return

    def _drop(self, marks: tuple[int, int, int], window: Window, at: int) -> None:
        """Discard a record that crosses the requested end."""
        self.records.pop()
        del self.state.errors[marks[0] :]
        self.state.error_count = marks[1]
        del self.run.lazy[marks[2] :]
        window.pos, window.bit = at, 0

    def _resume(self, window: Window, magic: bytes, at: int) -> bool:
        found = next_start(window, magic, at + 1)
        if found is None:
            self.run.skipped.append((window.pos, window.end))
            return False
        self.run.skipped.append((at, found))
        window.pos, window.bit = found, 0
        return True

    def _choose(self, window: Window) -> TypePlan | None:
        """The type of the record at the position of the window."""
        grammar = self.program.grammar
        select = grammar.select
        if select is None:
            return self.program.plan(grammar.root)
        value = self._discriminator(select, window)
        name = select.cases.get(value) if isinstance(value, int | str | bytes | float) else None
        name = name or select.default
        if name is not None:
            return self.program.plan(name)
        plan = self.program.plan(select.header)
        record = Record(plan.definition, None, None, window, window.pos)
        record.index = len(self.records)
        cases = ", ".join(str(case) for case in list(select.cases)[:4])
        kind = FaultKind.TRUNCATED if value is None else FaultKind.UNMATCHED
        found = "too few bytes" if value is None else repr(value)[:80]
        self.state.fault(kind, window.pos, record, None, f"a record type: one of {cases}", found)
        return None

    def _discriminator(self, select: RecordSwitch, window: Window) -> Any:
        """The value that chooses the type: the header is read ahead, without moving the position."""
        plan = self.program.plan(select.header)
        before = window.pos
        lazy = len(self.run.lazy)
        record = self.run.begin(plan, None, None, window)
        self.state.quiet += 1
        try:
            self.run.fill(record, plan, self.program.grammar.big)
        except StopRecordError:
            pass
        finally:
            self.state.quiet -= 1
            self.state.records -= 1
            window.pos, window.bit = before, 0
            del self.run.lazy[lazy:]
        value: Any = record
        for name in select.path:
            value = value.get(name) if isinstance(value, Record) else None
        return value
