"""Tool Host: six tools that inspect files through a grammar; they report errors in their results and never raise."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.grammar.engine.node import Leaf, Node, Record
from harness.grammar.host.file_reader import failed_result, load, parse_bytes
from harness.grammar.host.messages import (
    AnalyzeCoverageInput,
    Coverage,
    DecodedField,
    DecodeFieldInput,
    GenerateSpansInput,
    LintGrammarInput,
    LintGrammarOutput,
    ParseBinaryInput,
    ParseResult,
    QueryRecordsInput,
    RecordSet,
    Span,
    SpanSet,
)
from harness.grammar.host.record import ParsedField, ParsedRecord
from harness.grammar.host.tree_view import PathError, walk_path
from harness.grammar.language.decoders import DecodeError, decode
from harness.grammar.language.grammar import Decode, Grammar
from harness.grammar.language.lint import lint_text

__all__ = [
    "AnalyzeCoverageInput", "Coverage", "DecodeFieldInput", "DecodedField", "GenerateSpansInput", "LintGrammarInput",
    "LintGrammarOutput", "ParseBinaryInput", "ParseResult", "ParsedField", "ParsedRecord", "QueryRecordsInput",
    "RecordSet", "Span", "SpanSet", "ToolHost",
]  # fmt: skip


class ToolHost:
    """The six tools. Each takes one frozen input and returns one frozen output; equal inputs give equal outputs."""

    @staticmethod
    def lint_grammar(request: LintGrammarInput) -> LintGrammarOutput:
        """Check a grammar and report all errors and warnings."""
        text = getattr(request, "yaml_text", None)
        if not isinstance(text, str):
            return LintGrammarOutput(False, errors=(_wrong_input("lint_grammar", LintGrammarInput, request),))
        found = lint_text(text)
        return LintGrammarOutput(
            success=found.grammar is not None,
            grammar=found.grammar,
            errors=tuple(finding.message for finding in found.errors),
            warnings=tuple(finding.message for finding in found.warnings),
            findings=(*found.errors, *found.warnings),
        )

    @staticmethod
    def parse_binary(request: ParseBinaryInput) -> ParseResult:
        """Parse a file; errors, also of opening it, are in the result."""
        if not isinstance(request, ParseBinaryInput) or not isinstance(request.grammar, Grammar):
            return ParseResult(errors=(_wrong_input("parse_binary", ParseBinaryInput, request),))
        try:
            data = load(Path(request.file_path))
        except FileNotFoundError:
            return failed_result(request, f"File not found: {request.file_path}")
        except (OSError, ValueError) as error:
            return failed_result(request, f"{getattr(error, 'strerror', None) or error}: {request.file_path}")
        return parse_bytes(request, data)

    @staticmethod
    def generate_spans(request: GenerateSpansInput) -> SpanSet:
        """Find the leaves that overlap a byte range, in O(log n) after the first call."""
        if not _is_complete(request, GenerateSpansInput):
            return SpanSet()
        spans, starts, longest = request.parse_result._spans
        start, end = request.viewport_start, request.viewport_end
        first = bisect.bisect_right(starts, start - longest)
        last = bisect.bisect_left(starts, end)
        inside = tuple(span for span in spans[first:last] if span.end > start) if end > start else ()
        return SpanSet(inside, start, end, request.parse_result.record_count)

    @staticmethod
    def analyze_coverage(request: AnalyzeCoverageInput) -> Coverage:
        """Compute how many bytes of the file are in a field, and the gaps."""
        if not _is_complete(request, AnalyzeCoverageInput):
            return Coverage()
        found = request.parse_result.parse
        size = request.file_size if request.file_size is not None else found.size if found else 0
        covered, gaps, at = 0, [], 0
        for start, end in found.covered if found else ():
            stop = min(end, size)
            if start > at and start <= size:
                gaps.append((at, min(start, size)))
            covered += max(0, stop - start)
            at = max(at, stop)
        if at < size:
            gaps.append((at, size))
        return Coverage(
            bytes_covered=covered,
            bytes_uncovered=max(0, size - covered),
            coverage_percentage=100.0 * covered / size if size > 0 else 0.0,
            gaps=tuple(gaps),
            largest_gap=max(gaps, key=lambda gap: gap[1] - gap[0], default=None),
            record_count=request.parse_result.record_count,
        )

    @staticmethod
    def decode_field(request: DecodeFieldInput) -> DecodedField:
        """Decode a field's value to a readable string."""
        record, name = getattr(request, "record", None), getattr(request, "field_name", None)
        if not isinstance(record, ParsedRecord):
            return DecodedField(False, error=_wrong_input("decode_field", DecodeFieldInput, request))
        if name is None:
            return _decode_by_registry(record.node, request.grammar)
        leaf = _find(record.node, str(name))
        path = f"{record.type_name}.{name}"
        if leaf is None:
            return DecodedField(False, field_path=path, error=f"Field {name!r} not found in record")
        if not isinstance(leaf, Leaf):
            return DecodedField(False, field_path=path, error=f"Unsupported field type: {type(leaf).__name__.lower()}")
        if leaf.field.decode is not None:
            return _decode(leaf.value, leaf.field.decode, path, big=leaf.field.big is not False)
        kind = leaf.field.type.name if leaf.field.type is not None else "computed"
        if isinstance(leaf.value, bytes | memoryview):
            return DecodedField(True, bytes(leaf.value).decode("utf-8", "replace"), "string", path)
        if leaf.value is None:
            return DecodedField(False, field_path=path, error=f"Field {name!r} could not be read")
        return DecodedField(True, str(leaf.value), kind, path)

    @staticmethod
    def query_records(request: QueryRecordsInput) -> RecordSet:
        """Select records with a filter."""
        if not _is_complete(request, QueryRecordsInput):
            return RecordSet(filter_applied="nothing (invalid input)")
        kind, value = request.filter_type, request.filter_value
        keep: Callable[[ParsedRecord], bool]
        if kind == "all":
            return _select(request, lambda record: True, "all records")
        if kind in ("type", "has_field"):
            if not isinstance(value, str):
                return RecordSet(filter_applied=f"{kind} (invalid: expected string)")
            keep = (lambda r: r.type_name == value) if kind == "type" else (lambda r: value in r.node.nodes)
            return _select(request, keep, f"{kind}={value}")
        if kind == "offset_range":
            if not (isinstance(value, tuple | list) and len(value) == 2 and all(isinstance(v, int) for v in value)):
                return RecordSet(filter_applied="offset_range (invalid: expected tuple)")
            start, end = value
            shown = f"offset_range=({start:#x}, {end:#x})"
            return _select(request, lambda r: r.offset < end and r.offset + r.size > start, shown)
        return RecordSet(filter_applied=f"{kind} (unknown filter type)")


def _is_complete(request: object, wanted: type[Any]) -> bool:
    """Whether a request has the right type; checked at run time because tools do not raise."""
    return isinstance(request, wanted) and isinstance(getattr(request, "parse_result", None), ParseResult)


def _wrong_input(tool: str, wanted: type[Any], given: object) -> str:
    return f"{tool} takes a complete {wanted.__name__}, got {type(given).__name__}"


def _select(request: QueryRecordsInput, keep: Callable[[ParsedRecord], bool], shown: str) -> RecordSet:
    found = tuple(record for record in request.parse_result.records if keep(record))
    return RecordSet(found, shown, len(found))


def _find(record: Record, name: str) -> Node | None:
    """Find a field by name, or by a path through nested records and arrays: `header.entries[2].name`."""
    try:
        return walk_path(record, name)
    except PathError:
        return None


def _decode_by_registry(record: Record, grammar: Any) -> DecodedField:
    header = record.nodes.get("header")
    value = header.nodes.get("type_raw") if isinstance(header, Record) else None
    if not isinstance(value, Leaf) or not isinstance(value.value, int):
        return DecodedField(False, error="Could not extract type discriminator from header.type_raw")
    if not isinstance(grammar, Grammar):
        return DecodedField(False, error="no grammar was given")
    entry = grammar.registry.get(value.value)
    if entry is None:
        return DecodedField(False, error=f"Type discriminator 0x{value.value:04X} not found in registry")
    target = _find(record, entry.decode.field)
    path = f"{record.type.name}.{entry.decode.field}"
    if not isinstance(target, Leaf):
        return DecodedField(False, field_path=path, error="Target field not found in record")
    big = entry.decode.big if entry.decode.big is not None else grammar.big
    return _decode(target.value, entry.decode, path, big=big)


def _decode(value: Any, how: Decode, path: str, *, big: bool) -> DecodedField:
    raw = bytes(value) if isinstance(value, memoryview) else value
    try:
        shown = decode(raw, how.decoder, big=big if how.big is None else how.big, encoding=how.encoding)
    except DecodeError as error:
        return DecodedField(False, decoder_type=how.decoder, field_path=path, error=str(error))
    return DecodedField(True, shown, how.decoder, path)
