"""Messages: the frozen inputs and outputs of the six tools."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.grammar.engine.fault import Fault
from harness.grammar.engine.limits import DEFAULT, Limits
from harness.grammar.engine.node import Record
from harness.grammar.engine.parse import Parse
from harness.grammar.engine.parse import Span as Found
from harness.grammar.host.record import ParsedRecord, Records, leaf_group
from harness.grammar.language.finding import Finding
from harness.grammar.language.grammar import Grammar


@dataclass(frozen=True)
class LintGrammarInput:
    """A grammar's text."""

    yaml_text: str = ""


@dataclass(frozen=True)
class LintGrammarOutput:
    """What lint found.

    Attributes:
        success: Whether there is no error.
        grammar: What the other tools take; None where there is an error.
        errors: All of them, as texts.
        warnings: Likewise.
        findings: Errors and warnings with code, line, column and hint.
    """

    success: bool
    grammar: Grammar | None = None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class ParseBinaryInput:
    """What to read with which grammar.

    Attributes:
        grammar: From `lint_grammar`.
        file_path: The file.
        offset: Where to start.
        limit: Bytes to look at from there; a record that would go beyond is left out, which is no error.
        max_records: Top-level records to read at most.
        limits: All other bounds.
    """

    grammar: Grammar | None = None
    file_path: str | Path = ""
    offset: int = 0
    limit: int | None = None
    max_records: int | None = None
    limits: Limits = DEFAULT


@dataclass(frozen=True)
class ParseResult:
    """What was read.

    Attributes:
        records: Top-level records, partial ones included.
        errors: All errors as texts, with offset, field path, expected and found.
        file_path: The file.
        grammar_format: The grammar's `format`.
        total_bytes_parsed: From the offset to where parsing stopped.
        parse_stopped_at: Behind the last record.
        record_count: How many top-level records there are.
        faults: The errors as data.
        truncated: Whether a record limit or byte limit, not the file, ended it.
        parse: The engine's own result; None where nothing could be read.
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
        """All leaves by start, their starts, and the longest: what a window on a large file is looked up in."""
        if self.parse is None:
            return [], [], 0
        spans = sorted(
            (_span(found) for found in self.parse.leaves()), key=lambda span: (span.offset, span.end, span.path)
        )
        return spans, [span.offset for span in spans], max((span.length for span in spans), default=0)


@dataclass(frozen=True, slots=True)
class Span:
    """A leaf of the file: bytes [offset, end).

    Attributes:
        offset: First byte.
        end: Behind the last.
        path: `Type[0].field`, for people.
        field_path: `Type.nested.leaf`, without places in arrays.
        group: int, float, string, bytes or unknown.
        color: What the grammar asks for, as a name or `#rrggbb`.
        valid: None where nothing was validated.
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
        """In bytes."""
        return self.end - self.offset


@dataclass(frozen=True)
class GenerateSpansInput:
    """A parse, and the bytes [viewport_start, viewport_end) to look at."""

    parse_result: ParseResult = field(default_factory=ParseResult)
    viewport_start: int = 0
    viewport_end: int = 0


@dataclass(frozen=True)
class SpanSet:
    """The leaves that overlap a viewport.

    Attributes:
        spans: By offset.
        start: The viewport.
        end: Likewise.
        record_count: Top-level records of the parse.
    """

    spans: tuple[Span, ...] = ()
    start: int = 0
    end: int = 0
    record_count: int = 0

    def at(self, offset: int) -> Span | None:
        """The innermost (shortest) span that holds a byte, or None."""
        found = [span for span in self.spans if span.offset <= offset < span.end]
        return min(found, key=lambda span: span.length) if found else None


@dataclass(frozen=True)
class AnalyzeCoverageInput:
    """A parse, and the size of the file (None: the size that was read)."""

    parse_result: ParseResult = field(default_factory=ParseResult)
    file_size: int | None = None


@dataclass(frozen=True)
class Coverage:
    """How much of a file is in some field; covered and uncovered bytes always add up to the file's size."""

    bytes_covered: int = 0
    bytes_uncovered: int = 0
    coverage_percentage: float = 0.0
    gaps: tuple[tuple[int, int], ...] = ()
    largest_gap: tuple[int, int] | None = None
    record_count: int = 0


@dataclass(frozen=True)
class DecodeFieldInput:
    """A record, its grammar, and a field's name; without a name the grammar's registry says which and how."""

    record: ParsedRecord | None = None
    grammar: Grammar | None = None
    field_name: str | None = None


@dataclass(frozen=True)
class DecodedField:
    """A value as people read it, or why there is none."""

    success: bool
    value: str | None = None
    decoder_type: str | None = None
    field_path: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class QueryRecordsInput:
    """A parse and a filter: `all`, `type` (a name), `has_field` (a name), `offset_range` (a pair, overlapping)."""

    parse_result: ParseResult = field(default_factory=ParseResult)
    filter_type: str = "all"
    filter_value: Any = None


@dataclass(frozen=True)
class RecordSet:
    """The records that a filter lets through."""

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
    """The field's own colour, or the nearest one of the fields that hold its record."""
    if found.leaf.field.color is not None:
        return found.leaf.field.color
    record: Record | None = found.record
    while record is not None:
        if record.field is not None and record.field.color is not None:
            return record.field.color
        record = record.holder
    return None
