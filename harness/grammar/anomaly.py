"""Anomalies: suspicious findings in a parse, at every level of nesting, each with its byte offset."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.grammar.engine.fault import Fault, FaultKind
from harness.grammar.engine.node import Array, Leaf, Node, Record
from harness.grammar.engine.parse_result import Parse
from harness.grammar.explanation.usage import FieldKey, uses
from harness.grammar.host.messages import ParseResult
from harness.grammar.language.decoders import DecodeError, decode
from harness.grammar.language.encodings import count_text
from harness.grammar.language.reach import unused_types

MAX_ANOMALIES = 10_000
_MIB = 1 << 20
MIN_ENTROPY_BYTES = 1024  # the entropy of fewer bytes is not estimated
HIGH_ENTROPY = 7.8  # bits per byte, reached by compressed and encrypted bytes
_MAX_SHOWN = 80
_ELSEWHERE = ("memory", "uncompressed", "unpacked", "original", "virtual")  # sizes of what is not in the file


class Severity(StrEnum):
    """How much an anomaly matters."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class AnomalyKind(StrEnum):
    """What kind of anomaly; the first six come from the seed guide."""

    PARSE_ERROR = "parse_error"
    RECORD_ERROR = "record_error"
    ABSURD_LENGTH = "absurd_length"
    LARGE_LENGTH = "large_length"
    FIELD_OVERFLOW = "field_overflow"
    ZERO_COUNT = "zero_count"
    BAD_CHECKSUM = "bad_checksum"
    OVERLAP = "overlap"
    IMPLAUSIBLE_VALUE = "implausible_value"
    HIGH_ENTROPY = "high_entropy"
    UNREACHABLE_RECORD = "unreachable_record"
    LIMIT_HIT = "limit_hit"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One suspicious finding.

    Attributes:
        record_offset: Offset of the record that holds it; its own offset if no record does.
        field_name: `Chunk[3].body.width`; None if no field is at fault.
        value: The value at fault, or None.
        offset: Its byte offset in the file.
    """

    type: AnomalyKind
    severity: Severity
    record_offset: int
    field_name: str | None
    message: str
    value: Any = None
    offset: int = 0

    def __str__(self) -> str:
        return f"0x{self.offset:x} {self.severity} {self.type}: {self.message}"


def anomalies(result: ParseResult) -> tuple[Anomaly, ...]:
    """List the anomalies of a parse by offset: one for each error of the parse, then those found in values."""
    found: list[Anomaly] = [_of_fault(fault, result) for fault in result.faults]
    if result.parse is None:
        return tuple(Anomaly(AnomalyKind.PARSE_ERROR, Severity.HIGH, 0, None, error) for error in result.errors)
    for anomaly in _of_values(result.parse):
        if len(found) >= MAX_ANOMALIES:
            break
        found.append(anomaly)
    return tuple(sorted(found, key=lambda a: (a.offset, a.type, a.field_name or "")))


def _of_fault(fault: Fault, result: ParseResult) -> Anomaly:
    kind, severity = AnomalyKind.PARSE_ERROR, Severity.HIGH
    match fault.kind:
        case FaultKind.LIMIT:
            kind = AnomalyKind.LIMIT_HIT
        case FaultKind.CHECKSUM:
            kind, severity = AnomalyKind.BAD_CHECKSUM, Severity.MEDIUM
        case FaultKind.TRUNCATED if fault.overflow:
            kind = AnomalyKind.FIELD_OVERFLOW
        case FaultKind.TRUNCATED | FaultKind.TERMINATOR if result.records and fault.offset >= result.records[-1].offset:
            severity = Severity.MEDIUM  # a truncated file loses the bytes of its last record
        case FaultKind.MISMATCH | FaultKind.ENCODING:
            severity = Severity.MEDIUM
        case FaultKind.UNMATCHED | FaultKind.PROCESS:
            severity = Severity.LOW
        case _:
            pass
    record = _record_start(fault, result)
    return Anomaly(
        kind, severity, record, fault.path, f"expected {fault.expected}, found {fault.found}", None, fault.offset
    )


def _record_start(fault: Fault, result: ParseResult) -> int:
    head = fault.path.partition("]")[0].rpartition("[")[2]
    if head.isdigit() and int(head) < len(result.records):
        return result.records[int(head)].offset
    return fault.offset


def _of_values(parse: Parse) -> Iterator[Anomaly]:
    known = uses(parse.grammar)
    for path, record in parse.walk():
        if not record.complete:
            message = f"{record.type.name} is incomplete: {len(record.nodes)} of its fields were read"
            yield Anomaly(AnomalyKind.RECORD_ERROR, Severity.MEDIUM, record.start, path, message, None, record.start)
        for name, node in record.nodes.items():
            yield from _of_node(f"{path}.{name}", name, node, record, known)
    yield from _overlaps(parse)
    yield from _dense(parse)
    yield from _unreached(parse)


def _of_node(path: str, name: str, node: Node, record: Record, known: dict[FieldKey, Any]) -> Iterator[Anomaly]:
    start = record.start
    if isinstance(node, Leaf):
        yield from _of_value(path, name, node, start, known.get((record.type.name, name)))
    elif isinstance(node, Array):
        leaves = [item for item in node.items if isinstance(item, Leaf)]
        for i, leaf in enumerate(leaves[:MAX_ANOMALIES]):
            yield from _implausible(f"{path}[{i}]", leaf, start)


def _of_value(path: str, name: str, leaf: Leaf, start: int, use: Any) -> Iterator[Anomaly]:
    value, lower = leaf.value, name.lower()
    if isinstance(value, int) and not isinstance(value, bool):
        lengthy = any(word in lower for word in ("length", "size", "_len")) or lower == "len"
        counting = "count" in lower or lower.startswith("num_")
        if lengthy or (use is not None and use.sizes and not counting):
            if value > max(10 * _MIB, len(leaf.buffer.data)) and not any(word in lower for word in _ELSEWHERE):
                message = f"Length field {value} exceeds 10MB"
                yield Anomaly(AnomalyKind.ABSURD_LENGTH, Severity.HIGH, start, path, message, value, leaf.start)
            elif value > _MIB:
                message = f"Length field {value} exceeds 1MB"
                yield Anomaly(AnomalyKind.LARGE_LENGTH, Severity.MEDIUM, start, path, message, value, leaf.start)
        if counting and value == 0:
            yield Anomaly(AnomalyKind.ZERO_COUNT, Severity.LOW, start, path, "Count field is zero", 0, leaf.start)
    yield from _implausible(path, leaf, start)


def _implausible(path: str, leaf: Leaf, start: int) -> Iterator[Anomaly]:
    value, why = leaf.value, ""
    if isinstance(value, float) and (not math.isfinite(value) or (value and not 1e-30 < abs(value) < 1e30)):
        why = f"{value!r} is not a plausible measurement"
    elif isinstance(value, str) and (odd := len(value) - count_text(value)):
        why = f"a string with {odd} control characters"
    elif leaf.field.decode is not None and isinstance(value, int | bytes):
        how = leaf.field.decode
        try:
            decode(value, how.decoder, big=how.big is not False, encoding=how.encoding)
        except DecodeError as error:
            why = str(error)
    if why:
        shown = value if isinstance(value, int | str) else repr(value)
        clipped = shown[:_MAX_SHOWN] if isinstance(shown, str) else shown
        yield Anomaly(AnomalyKind.IMPLAUSIBLE_VALUE, Severity.LOW, start, path, why, clipped, leaf.start)


def _overlaps(parse: Parse) -> Iterator[Anomaly]:
    """Find bytes that belong to two fields; bit fields share bytes by design."""
    last = None
    for span in sorted(parse.leaves(), key=lambda s: (s.start, s.end)):
        if last is not None and span.start < last.end and not (span.leaf.bits or last.leaf.bits):
            message = f"{span.path} overlaps {last.path} by {min(span.end, last.end) - span.start} bytes"
            start = span.record.start
            yield Anomaly(AnomalyKind.OVERLAP, Severity.LOW, start, span.path, message, None, span.start)
        if last is None or span.end > last.end:
            last = span


def _dense(parse: Parse) -> Iterator[Anomaly]:
    """Find fields whose bytes look compressed or encrypted, though the grammar declares numbers or strings."""
    counts: dict[str, Counter[int]] = {}
    first: dict[str, Any] = {}
    for span in parse.leaves():
        if isinstance(span.leaf.value, bytes | memoryview) or span.leaf.field.type is None:
            continue
        name = f"{span.record.type.name}.{span.leaf.field.name}"
        first.setdefault(name, span)
        data = span.leaf.buffer.data[span.start : min(span.end, span.start + (64 << 10))]
        counts.setdefault(name, Counter()).update(bytes(data))
    for name, found in counts.items():
        total = found.total()
        entropy = -sum(n / total * math.log2(n / total) for n in found.values())
        if total >= MIN_ENTROPY_BYTES and entropy > HIGH_ENTROPY:
            span = first[name]
            message = f"{total} bytes of {name} have {entropy:.2f} bits of entropy each: numbers and strings have less"
            where = span.record.start
            yield Anomaly(AnomalyKind.HIGH_ENTROPY, Severity.LOW, where, span.path, message, None, span.start)


def _unreached(parse: Parse) -> Iterator[Anomaly]:
    seen = {record.type.name for _, record in parse.walk()}
    unused = set(unused_types(parse.grammar))
    for name in parse.grammar.types:
        if name not in seen and name not in unused:
            message = f"no record of type {name} occurs in this file"
            yield Anomaly(AnomalyKind.UNREACHABLE_RECORD, Severity.LOW, 0, name, message, None, 0)
