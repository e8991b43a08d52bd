"""Parse: a grammar read over bytes by a total interpreter, which never raises and always ends."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn

from harness.lanes.spec.grammar import INTEGERS, REST, Constant, Field, Grammar

_FEW = 1 / 16  # a check that accepts a larger share of all values says too little to ground a record


class SpanKind(StrEnum):
    """What a leaf turned out to be."""

    NUMBER = "number"
    TEXT = "text"
    CONSTANT = "constant"
    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True)
class Span:
    """A leaf: bytes `start:end` and the name they have."""

    start: int
    end: int
    path: str
    kind: SpanKind
    grounded: bool
    """Whether something about its record was checked against the file; a name alone proves nothing."""


@dataclass(frozen=True, slots=True)
class ParseError:
    """Where and why parsing stopped."""

    offset: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path} at 0x{self.offset:x}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseLimits:
    """What a grammar nobody trusts may use."""

    records: int = 100_000
    steps: int = 400_000
    """Fields visited, those without a byte too."""
    depth: int = 32


@dataclass(frozen=True, slots=True)
class Parse:
    """All that came of it: leaves in order of the file, never overlapping."""

    size: int
    spans: tuple[Span, ...]
    errors: tuple[ParseError, ...]
    records: int

    @property
    def covered(self) -> int:
        """Bytes that lie in a leaf."""
        return sum(span.end - span.start for span in self.spans)

    @property
    def grounded(self) -> int:
        """Bytes in a number, text or constant of a record that the file confirmed."""
        return sum(s.end - s.start for s in self.spans if s.grounded and s.kind is not SpanKind.OPAQUE)

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Half-open ranges no leaf explains."""
        found, at = [], 0
        for span in self.spans:
            if span.start > at:
                found.append((at, span.start))
            at = span.end
        if at < self.size:
            found.append((at, self.size))
        return tuple(found)


def parse(grammar: Grammar, data: bytes, *, limits: ParseLimits | None = None) -> Parse:
    """Read `data` by `grammar`; what does not fit is an error in the result, and what was read before it is kept."""
    run = _Run(grammar, data, limits or ParseLimits())
    try:
        at = 0
        while at < len(data):
            end = run.record(grammar.root, at, len(data), grammar.root, 0)
            if end == at:
                run.stop(at, grammar.root, "does not advance")
            at = end
            if grammar.once:
                break
    except _StopError as stop:
        run.errors.append(stop.error)
    return Parse(len(data), run.finished(), tuple(run.errors), run.records)


class _StopError(Exception):
    def __init__(self, error: ParseError) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass(slots=True)
class _Record:
    """One instance of a type while it is read."""

    number: int
    path: str
    depth: int
    values: dict[str, Constant] = field(default_factory=dict)
    bounds: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    grammar: Grammar
    data: bytes
    limits: ParseLimits
    records: int = 0
    steps: int = 0
    errors: list[ParseError] = field(default_factory=list)
    leaves: list[tuple[int, int, str, SpanKind, int]] = field(default_factory=list)
    confirmed: set[int] = field(default_factory=set)
    """Numbers of the records that a check, a length in use or a matching tag confirmed."""

    def finished(self) -> tuple[Span, ...]:
        return tuple(Span(s, e, path, kind, owner in self.confirmed) for s, e, path, kind, owner in self.leaves)

    def stop(self, at: int, path: str, message: str) -> NoReturn:
        raise _StopError(ParseError(at, path, message))

    def record(self, name: str, at: int, limit: int, path: str, depth: int) -> int:
        if self.records >= self.limits.records:
            self.stop(at, path, f"more than {self.limits.records} records")
        if depth >= self.limits.depth:
            self.stop(at, path, f"nested deeper than {self.limits.depth}")
        self.records += 1
        record = _Record(self.records, path, depth)
        for part in self.grammar.types[name]:
            start = at
            at = self.field(part, record, at, limit)
            record.bounds[part.name] = (start, at)
        return at

    def field(self, part: Field, record: _Record, at: int, limit: int) -> int:
        kind, chosen, path = part.type, False, f"{record.path}.{part.name}"
        self.steps += 1
        if self.steps > self.limits.steps:
            self.stop(at, path, f"more than {self.limits.steps} fields")
        if part.switch is not None:
            tag = record.values[part.switch.by]
            target = part.switch.cases.get(tag) if isinstance(tag, int | str) else None
            if target is not None:
                kind, chosen = target, True
                self.confirmed.add(record.number)
        if part.repeat is not None:
            return self.repeated(part, kind, record, at, limit)
        end = limit
        if part.length is not None:
            end = at + self.amount(part.length, record, limit - at)
            if end > limit:
                self.stop(at, path, f"needs {end - at} bytes, {limit - at} are left")
        if kind in INTEGERS or kind in ("bytes", "string"):
            reached = self.leaf(part, kind, record, at, end)
            return end if part.length is not None else reached
        before = self.records + 1
        reached = self.record(kind, at, end, path, record.depth + 1)
        if chosen and reached == end:
            self.confirmed.add(before)  # chosen by the file's own tag, and it fits to the byte
        # A confined type that leaves bytes over leaves a gap: the coverage says so.
        return end if part.length is not None else reached

    def repeated(self, part: Field, kind: str, record: _Record, at: int, limit: int) -> int:
        path = f"{record.path}.{part.name}"
        times = None if part.repeat == REST else self.amount(part.repeat or 0, record, 0)
        if kind in INTEGERS:
            # One leaf for a row of bare numbers: naming their width explains no more of them than a blob does.
            width = INTEGERS[kind][0]
            end = limit - (limit - at) % width if times is None else at + times * width
            if end > limit:
                self.stop(at, path, f"needs {end - at} bytes, {limit - at} are left")
            return self.add(at, end, path, SpanKind.OPAQUE, record)
        done = 0
        while at < limit if times is None else done < times:
            reached = self.record(kind, at, limit, f"{path}[{done}]", record.depth + 1)
            if reached == at:
                self.stop(at, path, "does not advance")
            at, done = reached, done + 1
        return at

    def leaf(self, part: Field, kind: str, record: _Record, at: int, end: int) -> int:
        value: Constant
        path = f"{record.path}.{part.name}"
        if kind in INTEGERS:
            width, signed = INTEGERS[kind]
            if at + width > end:
                self.stop(at, path, f"needs {width} bytes, {end - at} are left")
            end = at + width
            value = int.from_bytes(self.data[at:end], "big" if part.big_endian else "little", signed=signed)
            shape, possible = SpanKind.NUMBER, 256.0**width
        else:
            if part.terminator is not None:
                found = self.data.find(part.terminator, at, end)
                if found < 0:
                    self.stop(at, path, f"no byte 0x{part.terminator:02x} ends it")
                end, body = found + 1, self.data[at:found]
            else:
                body = self.data[at:end]
            value, shape = body, SpanKind.OPAQUE
            possible = 256.0 ** min(len(body), 16)
            if kind == "string":
                try:
                    value = body.decode(part.encoding)
                except UnicodeDecodeError as error:
                    self.stop(at + error.start, path, f"not {part.encoding}")
                else:
                    shape = SpanKind.TEXT if all(c.isprintable() or c in "\t\r\n" for c in value) else SpanKind.OPAQUE
        if part.accepts:
            if value not in part.accepts:
                self.stop(at, path, f"{_show(value)} is none of {', '.join(map(_show, part.accepts[:4]))}")
            if len(part.accepts) <= possible * _FEW:
                self.confirmed.add(record.number)
                shape = SpanKind.CONSTANT
        if part.crc32_of:
            first, last = record.bounds[part.crc32_of[0]][0], record.bounds[part.crc32_of[-1]][1]
            computed = zlib.crc32(self.data[first:last])
            if value != computed:
                self.stop(at, path, f"checksum {_show(value)}, computed {_show(computed)}")
            self.confirmed.add(record.number)
        record.values[part.name] = value
        return self.add(at, end, path, shape, record)

    def amount(self, wanted: int | str, record: _Record, rest: int) -> int:
        if isinstance(wanted, int):
            return wanted
        if wanted == REST:
            return rest
        value = record.values[wanted]
        self.confirmed.add(record.number)
        return max(0, value) if isinstance(value, int) else 0

    def add(self, at: int, end: int, path: str, kind: SpanKind, record: _Record) -> int:
        if end > at:
            self.leaves.append((at, end, path, kind, record.number))
        return end


def _show(value: Constant) -> str:
    return f"0x{value:x}" if isinstance(value, int) else repr(value[:24])
