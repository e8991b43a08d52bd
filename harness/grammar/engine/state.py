"""State: counters and faults of one reading, and the two exceptions that end it early."""

from __future__ import annotations

import time
from typing import Any

from harness.grammar.engine.fault import ASKED, Fault, FaultKind
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.node import Record, Window
from harness.grammar.language.grammar import Field

_CLOCK_EVERY = 1024
MAX_COPIED = 64 << 20  # bytes of one value above which the value is a memoryview of the file
# The same for all values of a reading together, so that memory is bounded for each file size.
MAX_COPIED_IN_ALL = 512 << 20


class StopRecordError(Exception):
    """The next position is unknown: this record cannot continue."""


class HaltError(Exception):
    """A limit was exceeded: the reading ends."""


class State:
    """Limits and faults of one reading."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.max_records, self.max_items = limits.records, limits.items
        self.errors: list[Fault] = []
        self.warnings: list[Fault] = []
        self.error_count = 0
        self.records = self.items = self.steps = self.inflated = self.copied = 0
        self.deadline = time.monotonic() + limits.seconds
        self.quiet = 0
        """While positive, faults are not recorded: bytes are read ahead."""
        self.stopped = False
        """Whether `Limits.stop_at` ended the reading."""
        self.unasked = False
        """Whether instances are read that nothing has used: what cannot be read of them is a warning."""
        self._ticks = 0

    def fault(  # noqa: PLR0917 - the parts of each fault, in the order of its message
        self,
        kind: FaultKind,
        offset: int,
        record: Record,
        field: Field | None,
        expected: str,
        found: str,
        *,
        index: int | None = None,
        limit: str = "",
        warning: bool = False,
    ) -> None:
        """Record a fault, unless bytes are only read ahead."""
        if self.quiet:
            return
        warning = warning or (self.unasked and kind not in ASKED)
        kept = self.warnings if warning else self.errors
        if not warning:
            self.error_count += 1
        if len(kept) >= self.limits.errors:
            return
        path, name = path_of(record), record.type.name
        if field is not None:
            path, name = f"{path}.{field.name}", f"{name}.{field.name}"
        if index is not None:
            path = f"{path}[{index}]"
        kept.append(
            Fault(
                kind=kind,
                offset=file_offset(record, offset),
                path=path,
                expected=expected,
                found=found,
                limit=limit,
                warning=warning,
                field=name,
                overflow=kind is FaultKind.TRUNCATED and record.window.end < len(record.window.buffer.data),
            )
        )

    def bytes_of(self, data: Any, start: int, stop: int) -> Any:
        """Bytes of a buffer: a copy, or a memoryview above `MAX_COPIED` and `MAX_COPIED_IN_ALL`."""
        size = stop - start
        if size > MAX_COPIED or self.copied + size > MAX_COPIED_IN_ALL:
            return memoryview(data)[start:stop]
        self.copied += size
        found = data[start:stop]
        return found if isinstance(found, bytes) else bytes(found)

    def count_record(self, record: Record) -> None:
        """Count a record.

        Raises:
            HaltError: if there are too many, or the time is over.
            StopRecordError: if it is nested too deep.
        """
        self.records += 1
        if self.records > self.max_records:
            self.halt("records", record, f"at most {self.limits.records} records")
        if record.depth >= self.limits.depth:
            what = f"at most {self.limits.depth} levels of records"
            self.fault(FaultKind.LIMIT, record.start, record, None, what, "more", limit="depth")
            raise StopRecordError
        self.tick(record)

    def count_items(self, count: int, record: Record) -> None:
        """Count fields and array items.

        Raises:
            HaltError: if there are too many, or the time is over.
        """
        self.items += count
        if self.items > self.max_items:
            self.halt("items", record, f"at most {self.limits.items} items")
        self._ticks += 1
        if self._ticks % _CLOCK_EVERY == 0:
            self._look(record)

    def tick(self, record: Record) -> None:
        """Check the time limit every `_CLOCK_EVERY` calls.

        Raises:
            HaltError: if the time is over.
        """
        self._ticks += 1
        if self._ticks % _CLOCK_EVERY == 0:
            self._look(record)

    def _look(self, record: Record) -> None:
        if time.monotonic() > self.deadline:
            self.halt("seconds", record, f"at most {self.limits.seconds:g} seconds")
        if self.limits.progress is not None:
            self.limits.progress(file_offset(record, record.window.pos))

    def charge(self, steps: int, record: Record) -> None:
        """Count steps of work that grows with the data.

        Raises:
            HaltError: if there are too many.
        """
        self.steps += steps
        if self.steps > self.limits.steps:
            self.halt("steps", record, f"at most {self.limits.steps} steps of expressions and checksums")

    def stop(self, window: Window, begun: int) -> None:
        """End the reading if a repetition that began at offset `begun` has reached `Limits.stop_at`.

        Raises:
            HaltError: if it has.
        """
        end = self.limits.stop_at
        if end is not None and begun < end <= window.pos and window.buffer.origin is None and not self.quiet:
            self.stopped = True
            raise HaltError

    def halt(self, limit: str, record: Record, expected: str) -> None:
        """Record the limit that was exceeded and end the reading.

        Raises:
            HaltError: always.
        """
        self.quiet = 0
        self.fault(FaultKind.LIMIT, record.window.pos, record, None, expected, "more", limit=limit)
        raise HaltError


def path_of(record: Record) -> str:
    """`Png[0].chunks[3].body`."""
    parts: list[str] = []
    here: Record | None = record
    while here is not None and here.field is not None and here.holder is not None:
        repeated = here.field.repeat is not None or here.field.until is not None
        parts.append(f"{here.field.name}[{here.index}]" if repeated else here.field.name)
        here = here.holder
    if here is not None:
        parts.append(f"{here.type.name}[{here.index}]")
    return ".".join(reversed(parts))


def file_offset(record: Record, offset: int) -> int:
    """The offset in the file; within processed bytes, the offset of the field that holds them."""
    origin = record.buffer.origin
    if origin is None:
        return offset
    while origin.buffer.origin is not None:
        origin = origin.buffer.origin
    return origin.start
