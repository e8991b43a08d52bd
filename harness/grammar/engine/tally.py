"""Tally: counts of the fields, bytes and faults that a grammar finds in a file; the same from each engine."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from harness.grammar.engine.byte_weights import Weights
from harness.grammar.engine.fault import Fault
from harness.grammar.engine.node import Array, Leaf, Record
from harness.grammar.engine.parse_result import Parse
from harness.grammar.language.encodings import accepts_random_bytes, count_text

MAX_VALUES = 256
MAX_GAPS = 10_000
_MAX_COMPARED = 64  # longer strings and blobs are not compared with each other


T = TypeVar("T")
_NOT_ADDED = ("type", "values", "low", "high")


@dataclass(slots=True, kw_only=True)
class FieldTally:
    """All values of one field of one type.

    Attributes:
        type: Name of the primitive or type of the values (one tally per type of a switch), or `computed`.
        bytes: Bytes of the file they cover; bit fields count bits / 8, records 0 (their fields count).
        passed: Number of values that passed `validate` or a checksum.
        failed: Number of values that failed, or did not decode.
        printable: Bytes of the characters of strings that occur in text; none of strings that fail a check.
        values: The distinct values if there are at most 256; None if there are more, or if they are not compared (rows,
            blobs of more than 64 bytes, records).
        low: The minimum; None for values that are not numbers.
        exact: Number of confined records that fill their bytes exactly.
        chosen: Number of records whose type a switch chose.
        invisible: Number of values in processed bytes, which have no bytes in the file.
        weight: Weight of the bytes, in units of `byte_weights.UNIT`; of records only those in processed bytes, whose
            fields have no bytes in the file. 0 without weights.
        unread: Bytes among `bytes` that no value comes from: after a terminator or the end of a compressed stream.
        processed: Bytes that processing made from them.
        characters: Number of occurrences of each character of the strings, in an encoding that accepts random bytes.
    """

    type: str
    count: int = 0
    bytes: float = 0.0
    passed: int = 0
    failed: int = 0
    printable: int = 0
    values: frozenset[Any] | None = None
    low: float | int | None = None
    high: float | int | None = None
    exact: int = 0
    chosen: int = 0
    invisible: int = 0
    weight: int = 0
    failed_weight: int = 0
    unread: int = 0
    unread_weight: int = 0
    processed: int = 0
    characters: Counter[str] = field(default_factory=Counter)

    def to_wire(self) -> list[Any]:
        """A list of numbers; `values` becomes their number."""
        return [
            self.count, self.bytes, self.passed, self.failed, self.printable,
            None if self.values is None else len(self.values),
            self.low, self.high, self.exact, self.chosen, self.invisible, self.weight,
            self.failed_weight, self.unread, self.unread_weight, self.processed, len(self.characters),
        ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts of one reading of a file.

    Attributes:
        size: Bytes of the file.
        covered: Bytes that leaves cover.
        framed: Bytes among them that belong to a record, but to no field: terminators of records, alignment.
        gaps: Ranges that no leaf covers (the first 10,000); their sum is `size - covered`.
        records: Number of records of each type, at all levels.
        fields: Tally of each field by (`Type.field`, type of the value).
        errors, warnings, error_count, stopped_at: As in `Parse`.
        engine: The engine that counted: `columns` or `records`.
        weight: Weight of the file, in units of `byte_weights.UNIT`; 0 without weights.
        covered_weight: Weight of the covered bytes.
    """

    size: int
    covered: int
    gaps: tuple[tuple[int, int], ...]
    records: dict[str, int]
    top_records: int
    fields: dict[tuple[str, str], FieldTally]
    errors: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    error_count: int
    stopped_at: int
    engine: str
    weight: int = 0
    covered_weight: int = 0
    framed: int = 0

    def to_wire(self) -> dict[str, Any]:
        """JSON values in a fixed order: the same for the same file and grammar, from each engine."""
        return {
            "size": self.size,
            "covered": self.covered,
            "gaps": [list(gap) for gap in self.gaps],
            "records": dict(sorted(self.records.items())),
            "top_records": self.top_records,
            "fields": {f"{path}:{kind}": t.to_wire() for (path, kind), t in sorted(self.fields.items())},
            "errors": [str(error) for error in self.errors],
            "error_count": self.error_count,
            "stopped_at": self.stopped_at,
            "weight": self.weight,
            "covered_weight": self.covered_weight,
        }


def tally(parse: Parse, *, weights: Weights | None = None) -> Tally:
    """Count the fields, bytes and faults of a parse.

    Args:
        weights: Weights of the bytes of the file, to count weight too.
    """
    counter = _Counter(weights)
    for _, record in parse.walk():
        counter.record(record)
    covered = sum(end - start for start, end in parse.covered)
    for key, values in counter.values.items():
        counter.fields[key].values = frozenset(values) if values is not None else None
    return Tally(
        size=parse.size,
        covered=covered,
        gaps=parse.gaps[:MAX_GAPS],
        records=counter.records,
        top_records=len(parse.records),
        fields=counter.fields,
        errors=parse.errors,
        warnings=parse.warnings,
        error_count=parse.error_count,
        stopped_at=parse.stopped_at,
        engine="records",
        weight=weights.of(0, parse.size) if weights is not None else 0,
        covered_weight=sum(weights.of(*fixed_run) for fixed_run in parse.covered) if weights is not None else 0,
        framed=counter.framed,
    )


def joined(a: T, b: T) -> T:
    """The counts of two sets of values together, of two `FieldTally` or two `Column`: sums, and one range."""
    pairs = {one.name: (getattr(a, one.name), getattr(b, one.name)) for one in fields(a)}  # type: ignore[arg-type]
    made: dict[str, Any] = {name: x + y for name, (x, y) in pairs.items() if name not in _NOT_ADDED}
    for name, choose in (("low", min), ("high", max)):
        made[name] = choose((limit for limit in pairs[name] if limit is not None), default=None)
    x, y = pairs["values"]
    values = None if x is None or y is None else x | y
    made["values"] = values if values is not None and len(values) <= MAX_VALUES else None
    return replace(a, **made)  # type: ignore[type-var]


def printable_bytes(text: str, size: int) -> int:
    """Number of the bytes of a string whose characters occur in text, of `size` bytes in all."""
    good = count_text(text)
    return size if good == len(text) else size * good // len(text)


class _Counter:
    def __init__(self, weights: Weights | None) -> None:
        self.weights = weights
        self.framed = 0
        self.records: dict[str, int] = {}
        self.fields: dict[tuple[str, str], FieldTally] = {}
        self.values: dict[tuple[str, str], set[Any] | None] = {}

    def record(self, record: Record) -> None:
        name = record.type.name
        self.records[name] = self.records.get(name, 0) + 1
        for frame in record.frames:
            self.framed += frame.end - frame.start if frame.buffer.origin is None else 0
        for part, node in record.parts():
            path = f"{name}.{part}"
            for item in node.items if isinstance(node, Array) else (node,):
                if isinstance(item, Record):
                    self.inner(path, item, record)
                elif isinstance(item, Leaf):
                    self.leaf(path, item)

    def of(self, path: str, kind: str) -> FieldTally:
        found = self.fields.get((path, kind))
        if found is None:
            found = self.fields[path, kind] = FieldTally(type=kind)
        return found

    def inner(self, path: str, record: Record, holder: Record) -> None:
        found = self.of(path, record.type.name)
        found.count += 1
        found.exact += bool(record.exact)
        found.chosen += record.chosen
        origin = record.buffer.origin
        if origin is not None:
            found.invisible += 1
            if record.buffer is not holder.buffer and origin.buffer.origin is None:
                found.bytes += origin.end - origin.start
                found.weight += self.weigh(origin)
                self.processing(found, origin, len(record.buffer.data))
        self.count_validity(found, record.valid)

    def weigh(self, leaf: Leaf) -> int:
        if self.weights is None:
            return 0
        weight = self.weights.of(leaf.start, leaf.end)
        return weight * leaf.bits // (8 * (leaf.end - leaf.start)) if leaf.bits else weight

    def processing(self, found: FieldTally, leaf: Leaf, made: int) -> None:
        """Count the bytes that processing made, and those that no value comes from."""
        if leaf.field.process:
            found.processed += made
        if leaf.unread is not None:
            start, end = leaf.unread
            found.unread += end - start
            found.unread_weight += self.weights.of(start, end) if self.weights is not None else 0

    @staticmethod
    def count_validity(found: FieldTally, valid: bool | None) -> None:
        if valid is not None:
            found.passed += valid
            found.failed += not valid

    def leaf(self, path: str, leaf: Leaf) -> None:
        kind = leaf.primitive.name if leaf.primitive is not None else "bytes" if leaf.end > leaf.start else "computed"
        found = self.of(path, kind)
        value = leaf.value
        found.count += len(value) if isinstance(value, tuple) else 1
        visible = leaf.buffer.origin is None
        size = leaf.end - leaf.start
        if visible:
            found.bytes += leaf.bits / 8 if leaf.bits else size
            weight = self.weigh(leaf)
            found.weight += weight
            found.failed_weight += weight if leaf.valid is False else 0
            self.processing(found, leaf, len(value) if isinstance(value, str | bytes | memoryview) else 0)
        else:
            found.invisible += 1
        self.count_validity(found, leaf.valid)
        if isinstance(value, str):
            if visible and leaf.valid is not False:
                read = size if leaf.unread is None else size - (leaf.unread[1] - leaf.unread[0])
                found.printable += printable_bytes(value, read)
                if accepts_random_bytes(leaf.field.encoding):
                    found.characters.update(value)
        elif isinstance(value, int | float):
            if not math.isnan(value):  # NaN is neither minimum nor maximum
                found.low = value if found.low is None or value < found.low else found.low
                found.high = value if found.high is None or value > found.high else found.high
        elif isinstance(value, tuple) and value:
            kept = [v for v in value if not math.isnan(v)]
            if kept:
                low, high = min(kept), max(kept)
                found.low = low if found.low is None or low < found.low else found.low
                found.high = high if found.high is None or high > found.high else found.high
        key = (path, kind)
        if not isinstance(value, str | bytes | int | float) or size > _MAX_COMPARED:
            self.values[key] = None
            return
        seen = self.values.setdefault(key, set())
        if seen is not None and not (isinstance(value, float) and math.isnan(value)):
            seen.add(value)
            if len(seen) > MAX_VALUES:
                self.values[key] = None
