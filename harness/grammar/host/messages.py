"""Messages: the frozen inputs and outputs of the six tools."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.grammar.engine.fault import Fault
from harness.grammar.engine.limits import DEFAULT, Limits
from harness.grammar.engine.node import Record
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parse_result import Span as Found
from harness.grammar.host.record import ParsedRecord, Records, leaf_group
from harness.grammar.language.finding import Finding
from harness.grammar.language.grammar import Grammar


@dataclass(frozen=True)
class LintGrammarInput:
    """The YAML text of a grammar."""

    yaml_text: str = ""


@dataclass(frozen=True)
class LintGrammarOutput:
    """The result of lint.

    Attributes:
        grammar: The grammar that the other tools take; None if there are errors.
        findings: Errors and warnings with code, line, column and hint.
    """

    success: bool
    grammar: Grammar | None = None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class ParseBinaryInput:
    """A file, a grammar, and the part of the file to parse.

    Attributes:
        offset: Start offset in bytes.
        limit: Number of bytes to parse; a record that ends later is left out without an error.
    """

    grammar: Grammar | None = None
    file_path: str | Path = ""
    offset: int = 0
    limit: int | None = None
    max_records: int | None = None
    limits: Limits = DEFAULT


@dataclass(frozen=True)
class ParseResult:
    """The result of parsing a file.

    Attributes:
        records: Top-level records, including incomplete ones.
        errors: Messages of all errors, with offset, field path, expected and found.
        total_bytes_parsed: Bytes from the start offset to where parsing stopped.
        parse_stopped_at: End offset (exclusive) of the last record.
        faults: The errors as data.
        truncated: Whether a limit, not the end of the file, ended the parse.
        parse: The engine's result; None if the file could not be read.
    """

    records: Records = field(default_factory=lambda: Records(()))
    errors: tuple[str, ...] = ()
    file_path: str = ""
    grammar_format: str = ""
    total_bytes_parsed: int = 0
    parse_stopped_at: int = 0
    record_count: int = 0
    faults: tuple[Fault, ...] = ()
    truncated: bool = False
    parse: Parse | None = field(default=None, repr=False, compare=False)

    @cached_property
    def _spans(self) -> tuple[list[Span], list[int], int]:
        """All leaves by start offset, their start offsets, and the longest length, for lookup by byte range."""
        if self.parse is None:
            return [], [], 0
        spans = sorted(
            (_span(found) for found in self.parse.leaves()), key=lambda span: (span.offset, span.end, span.path)
        )
        return spans, [span.offset for span in spans], max((span.length for span in spans), default=0)


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes [offset, end) of one leaf.

    Attributes:
        end: End offset (exclusive).
        path: `Type[0].field`.
        field_path: `Type.nested.leaf`, without array indices.
        group: int, float, string, bytes or unknown.
        color: The field's colour, as a name or `#rrggbb`.
        valid: Whether the value is valid; None if nothing was validated.
    """

    offset: int
    end: int
    path: str
    field_path: str
    group: str
    color: str | None = None
    valid: bool | None = None

    @property
    def length(self) -> int:
        """Length in bytes, from start to end offset."""
        return self.end - self.offset


@dataclass(frozen=True)
class GenerateSpansInput:
    """A parse result and the byte range [viewport_start, viewport_end)."""

    parse_result: ParseResult = field(default_factory=ParseResult)
    viewport_start: int = 0
    viewport_end: int = 0


@dataclass(frozen=True)
class SpanSet:
    """The leaves that overlap a byte range.

    Attributes:
        end: End of the byte range (exclusive).
        record_count: Number of top-level records of the parse.
    """

    spans: tuple[Span, ...] = ()
    start: int = 0
    end: int = 0
    record_count: int = 0

    def at(self, offset: int) -> Span | None:
        """Find the shortest span that holds a byte, or None."""
        found = [span for span in self.spans if span.offset <= offset < span.end]
        return min(found, key=lambda span: span.length) if found else None


@dataclass(frozen=True)
class AnalyzeCoverageInput:
    """A parse result and the size of the file; None for the size that was parsed."""

    parse_result: ParseResult = field(default_factory=ParseResult)
    file_size: int | None = None


@dataclass(frozen=True)
class Coverage:
    """How much of a file is in a field; covered and uncovered bytes add up to the file's size."""

    bytes_covered: int = 0
    bytes_uncovered: int = 0
    coverage_percentage: float = 0.0
    gaps: tuple[tuple[int, int], ...] = ()
    largest_gap: tuple[int, int] | None = None
    record_count: int = 0


@dataclass(frozen=True)
class DecodeFieldInput:
    """A record, its grammar, and a field name; without a name the grammar's registry selects field and decoder."""

    record: ParsedRecord | None = None
    grammar: Grammar | None = None
    field_name: str | None = None


@dataclass(frozen=True)
class DecodedField:
    """A value as a readable string, or the error."""

    success: bool
    value: str | None = None
    decoder_type: str | None = None
    field_path: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class QueryRecordsInput:
    """A parse result and a filter: `all`, `type` or `has_field` (a name), `offset_range` (a pair, overlapping)."""

    parse_result: ParseResult = field(default_factory=ParseResult)
    filter_type: str = "all"
    filter_value: Any = None


@dataclass(frozen=True)
class RecordSet:
    """The selected records and a description of the filter."""

    records: tuple[ParsedRecord, ...] = ()
    filter_applied: str = ""
    record_count: int = 0


def _span(found: Found) -> Span:
    field_path = found.path.partition(".")[2]
    plain = "".join(part.partition("]")[2] if i else part for i, part in enumerate(field_path.split("[")))
    root = found.path.partition(".")[0].partition("[")[0]
    return Span(
        offset=found.start,
        end=found.end,
        path=found.path,
        field_path=f"{root}.{plain}",
        group=leaf_group(found.leaf),
        color=_color(found),
        valid=found.leaf.valid,
    )


def _color(found: Found) -> str | None:
    """Find the colour of the field, or of the nearest enclosing field that has one."""
    if found.leaf.field.color is not None:
        return found.leaf.field.color
    record: Record | None = found.record
    while record is not None:
        if record.field is not None and record.field.color is not None:
            return record.field.color
        record = record.holder
    return None
