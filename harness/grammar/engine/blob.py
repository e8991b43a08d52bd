"""Blob: the end of a value of bytes, its content after trimming and processing, and its decoded string."""

from __future__ import annotations

from typing import Any

from harness.grammar.engine.cursor import LongError, ShortError, find_terminator, read_number
from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.field_reader import FieldReader
from harness.grammar.engine.node import Leaf, Window
from harness.grammar.engine.scope import Scope
from harness.grammar.engine.state import State, StopRecordError
from harness.grammar.language.grammar import Word
from harness.grammar.processing import Inflated, ProcessError


class Extent:
    """The range of a value in the file.

    Attributes:
        begin: Offset of the value, with its length prefix.
        start: Offset of the content.
        stop: End offset of the content (exclusive), without terminator and padding.
        end: End offset of the value (exclusive), with terminator and padding.
        missing: Number of bytes beyond the end of the data.
        unread: The bytes after the terminator, unless they are padding; None without such bytes.
    """

    __slots__ = ("begin", "end", "missing", "start", "stop", "unread", "window")

    def __init__(self, window: Window, start: int, stop: int, end: int, missing: int) -> None:
        self.window, self.start, self.stop, self.end, self.missing = window, start, stop, end, missing
        self.begin = start
        self.unread: tuple[int, int] | None = None

    def data(self, state: State) -> Any:
        """The content: bytes, or a memoryview of a large value."""
        return state.bytes_of(self.window.buffer.data, self.start, self.stop)


def extent_of(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window, *, partial: bool = False) -> Extent:
    """The range of the value at the position of the window; the position moves to its end.

    With `partial`, a value whose bytes are partly missing is accepted.

    Raises:
        StopRecordError: if the range is unknown or bytes are missing; a fault is recorded.
    """
    window.align()
    field, record, begin = plan.field, scope.record, window.pos
    if field.length is None:
        if plan.terminator is None:
            window.pos = window.end
            return Extent(window, begin, window.end, window.end, 0)
        return _terminated(run, scope, plan, window)
    if field.length is Word.REST:
        length = max(0, window.end - begin)
    elif field.length is Word.PREFIX and field.prefix is not None:
        big = bool(record.big if field.big is None else field.big) if field.prefix.big is None else field.prefix.big
        try:
            length = read_number(window, field.prefix, big=big, bits_big=True)
        except ShortError as error:
            run.short(record, plan, error, scope.index, window=window)
        except LongError:
            run.state.fault(FaultKind.LENGTH, begin, record, field, "a length", "a number of more than 10 bytes")
            raise StopRecordError from None
        if length < 0:
            run.state.fault(FaultKind.LENGTH, begin, record, field, "a length", str(length), index=scope.index)
            raise StopRecordError
    else:
        length = run.amount(plan.length, scope, plan, "length")
    start, missing = window.pos, 0
    end = start + length
    if end > window.end:
        missing = end - max(start, window.end)
        left = f"{max(0, window.end - start)} bytes to the end"
        run.state.fault(FaultKind.TRUNCATED, start, record, field, f"{length} bytes", left, index=scope.index)
        if not partial:
            window.pos = begin
            raise StopRecordError
        end = window.end
    window.pos = end
    found = Extent(window, start, end, end, missing)
    found.begin = begin
    if plan.pad is not None or plan.terminator is not None:
        _trim(plan, window, found)
    return found


def _trim(plan: FieldPlan, window: Window, extent: Extent) -> None:
    """End the content at the padding, and at a terminator before that."""
    data, delimiter, start, end = window.buffer.data, plan.field.delimiter, extent.start, extent.end
    if plan.pad is not None:
        pad = bytes([plan.pad])
        while end > start:
            chunk = bytes(data[max(start, end - 4096) : end])
            kept = len(chunk.rstrip(pad))
            end -= len(chunk) - kept
            if kept:
                break
    if plan.terminator is not None:
        found = find_terminator(data, plan.terminator, start, end)
        if found >= 0:
            after = found + len(plan.terminator)
            if bytes(data[after:end]).strip(plan.terminator):  # more terminators are padding
                extent.unread = (after, end)
            end = after if delimiter is not None and delimiter.include else found
    extent.stop = end


def _terminated(run: FieldReader, scope: Scope, plan: FieldPlan, window: Window) -> Extent:
    delimiter, terminator, start = plan.field.delimiter, plan.terminator, window.pos
    if terminator is None or delimiter is None:
        return Extent(window, start, window.end, window.end, 0)
    found = find_terminator(window.buffer.data, terminator, start, window.end)
    if found < 0:
        if delimiter.required:
            what = " ".join(f"{byte:02x}" for byte in terminator)
            at, left = scope.record, f"{max(0, window.end - start)} bytes without it"
            run.state.fault(
                FaultKind.TERMINATOR, start, at, plan.field, f"a terminator {what}", left, index=scope.index
            )
            raise StopRecordError
        window.pos = window.end
        return Extent(window, start, window.end, window.end, 0)
    after = found + len(terminator)
    window.pos = after if delimiter.consume else found
    return Extent(window, start, after if delimiter.include else found, window.pos, 0)


def process_bytes(run: FieldReader, scope: Scope, plan: FieldPlan, leaf: Leaf, extent: Extent) -> bytes | None:
    """The processed bytes; None, and a fault, if they cannot be processed. Notes where a compressed stream ends.

    A field without a length and a terminator ends where its stream ends. `extent.missing` is set if that is unknown.

    Raises:
        HaltError: if the output exceeds `Limits.inflated`.
    """
    state, window = run.state, extent.window
    processors = run.program.grammar.processes
    first = processors[plan.process[0][0]]
    open_end = first.ends and plan.field.length is None and plan.terminator is None
    data: Any = memoryview(window.buffer.data)[extent.start : extent.stop] if first.ends else extent.data(state)
    size = len(data)
    for name, closures in plan.process:
        arguments = [run.value(closure, scope, plan) for closure in closures]
        most = max(0, state.limits.inflated - state.inflated)
        if name in ("xor", "rol", "ror") and len(data) > most:
            state.halt("inflated", scope.record, f"at most {state.limits.inflated} processed bytes")
        failed = False
        try:
            processor = processors[name]
            ready = isinstance(data, bytes) or processor.ends
            made = processor.apply(data if ready else bytes(data), most, *arguments)
            if isinstance(made, Inflated):
                if made.used < len(data) == size:  # only steps that keep the size came before
                    leaf.unread = (extent.start + made.used, leaf.end)
                made = made.data
            data = made
        except ProcessError as error:
            if error.limit:
                state.halt("inflated", scope.record, f"at most {state.limits.inflated} processed bytes")
            state.fault(FaultKind.PROCESS, leaf.start, scope.record, plan.field, name, str(error), index=scope.index)
            data, failed = error.partial, True
        except Exception as error:  # a processor that the host registered
            found = f"{type(error).__name__}: {error}"[:200]
            state.fault(FaultKind.PROCESS, leaf.start, scope.record, plan.field, name, found, index=scope.index)
            data, failed = b"", True
        state.inflated += len(data)
        if failed:
            leaf.valid = False
            extent.missing += open_end
            return data or None
    if open_end and leaf.unread is not None:
        window.pos = leaf.end = extent.stop = extent.end = leaf.unread[0]
        leaf.unread = None
    return data if isinstance(data, bytes) else bytes(data)


def decode_text(state: State, scope: Scope, plan: FieldPlan, leaf: Leaf) -> None:
    """Decode the bytes of a leaf; undecodable bytes are replaced, and a fault is recorded."""
    raw = leaf.value if isinstance(leaf.value, bytes) else bytes(leaf.value)
    try:
        leaf.value = raw.decode(plan.codec)
    except UnicodeDecodeError as error:
        leaf.value = raw.decode(plan.codec, "replace")
        leaf.valid = False
        found = (
            f"byte 0x{raw[error.start]:02x} at {error.start}" if error.start < len(raw) else "an incomplete character"
        )
        at = leaf.start + (error.start if not plan.process else 0)
        state.fault(FaultKind.ENCODING, at, scope.record, plan.field, plan.field.encoding, found, index=scope.index)
