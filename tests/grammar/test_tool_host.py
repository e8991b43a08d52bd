"""The six tools: their results for valid input, and that they never raise."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.grammar.tool_host import (
    AnalyzeCoverageInput,
    DecodeFieldInput,
    GenerateSpansInput,
    LintGrammarInput,
    ParseBinaryInput,
    ParseResult,
    QueryRecordsInput,
    ToolHost,
)

TEXT = """
types:
  Note:
    fields:
      - {name: id, type: u16, color: red}
      - {name: size, type: u8}
      - {name: text, type: bytes, length: size}
"""
DATA = b"\x00\x01\x05HELLO\x00\x02\x05WORLD"


def grammar(text: str = TEXT) -> Any:
    found = ToolHost.lint_grammar(LintGrammarInput(text))
    assert found.success, found.errors
    return found.grammar


@pytest.fixture
def parse(tmp_path: Path) -> Any:
    def read(data: bytes = DATA, text: str = TEXT, **options: Any) -> ParseResult:
        path = tmp_path / "data.bin"
        path.write_bytes(data)
        return ToolHost.parse_binary(ParseBinaryInput(grammar(text), path, **options))

    return read


def test_lint_finds_everything_at_once_with_places() -> None:
    found = ToolHost.lint_grammar(
        LintGrammarInput("endian: middle\ntypes:\n  T:\n    fields:\n      - {name: a, type: u99}\n      - {name: b}\n")
    )
    assert not found.success
    assert found.grammar is None
    assert any("'u99'" in error for error in found.errors)
    assert len(found.errors) >= 3
    assert all(finding.line > 0 and finding.code for finding in found.findings)


@pytest.mark.parametrize("text", ["", "[]", "a: [", "types: {}", "types: 3", "\0"])
def test_what_is_no_grammar_is_an_error_and_never_an_exception(text: str) -> None:
    found = ToolHost.lint_grammar(LintGrammarInput(text))
    assert not found.success
    assert found.errors


def test_an_assumed_byte_order_is_said() -> None:
    assert any("endian" in warning for warning in ToolHost.lint_grammar(LintGrammarInput(TEXT)).warnings)
    assert not any("endian" in w for w in ToolHost.lint_grammar(LintGrammarInput("endian: big" + TEXT)).warnings)


@pytest.mark.parametrize(
    ("options", "texts", "stopped"),
    [
        ({}, [b"HELLO", b"WORLD"], 16),
        ({"offset": 8}, [b"WORLD"], 16),
        ({"limit": 10}, [b"HELLO"], 8),
        ({"max_records": 1}, [b"HELLO"], 8),
        ({"offset": 99}, [], 16),
    ],
)
def test_what_is_read(parse: Any, options: dict[str, Any], texts: list[bytes], stopped: int) -> None:
    result = parse(**options)
    assert [record["text"] for record in result.records] == texts
    assert result.parse_stopped_at == stopped
    assert result.errors == ()
    assert result.record_count == len(texts)


def test_a_cut_record_is_kept_in_part_with_an_error_that_says_where(parse: Any) -> None:
    result = parse(DATA[:-2])
    assert [record.complete for record in result.records] == [True, False]
    assert result.records[1].fields["id"].value == 2
    [error] = result.errors
    assert "0xb" in error
    assert "Note[1].text" in error
    assert "expected 5 bytes" in error
    assert result.faults[0].offset == 11


def test_reading_the_same_twice_gives_the_same(parse: Any) -> None:
    assert parse() == parse()


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ParseBinaryInput(..., max_records=1), "takes a complete ParseBinaryInput"),  # type: ignore[arg-type]
        (None, "takes a complete ParseBinaryInput"),
        (ParseBinaryInput(grammar(), "/nowhere/at/all"), "Failed to parse binary: File not found"),
        (ParseBinaryInput(grammar(), "/"), "Failed to parse binary: Is a directory"),
        (ParseBinaryInput(grammar(), "a\0b"), "Failed to parse binary"),
        (ParseBinaryInput(grammar(), __file__, offset=-5), "the offset -5 is negative"),
    ],
)
def test_impossible_requests_are_answered(request_: Any, expected: str) -> None:
    result = ToolHost.parse_binary(request_)
    assert expected in result.errors[0]
    assert result.parse is None


def test_every_tool_survives_nonsense() -> None:
    nonsense: Any = object()
    assert not ToolHost.lint_grammar(nonsense).success
    assert ToolHost.generate_spans(nonsense).spans == ()
    assert ToolHost.analyze_coverage(nonsense).bytes_covered == 0
    assert not ToolHost.decode_field(nonsense).success
    assert ToolHost.query_records(nonsense).records == ()


def test_no_descriptor_stays_open(parse: Any) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        parse()
    assert len(os.listdir("/proc/self/fd")) == before


def test_results_are_frozen(parse: Any) -> None:
    result = parse()
    for value, name in ((result, "errors"), (result.records[0], "offset")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, ())
    result.records[0].fields.clear()  # a copy
    assert list(result.records[0].fields) == ["id", "size", "text"]


@pytest.mark.parametrize(
    ("start", "end", "count"), [(0, 16, 6), (0, 8, 3), (3, 4, 1), (7, 9, 2), (16, 99, 0), (5, 5, 0)]
)
def test_spans_of_a_window(parse: Any, start: int, end: int, count: int) -> None:
    found = ToolHost.generate_spans(GenerateSpansInput(parse(), start, end))
    assert len(found.spans) == count
    assert all(span.offset < end and span.end > start for span in found.spans)


def test_a_span_says_what_its_bytes_are(parse: Any) -> None:
    found = ToolHost.generate_spans(GenerateSpansInput(parse(), 0, 16))
    first, _, text = found.spans[:3]
    assert (first.path, first.field_path, first.group, first.color) == ("Note[0].id", "Note.id", "int", "red")
    assert (text.group, text.length) == ("bytes", 5)
    assert found.at(9) == found.spans[3]
    assert found.at(99) is None


@pytest.mark.parametrize(
    ("options", "covered", "gaps"),
    [
        ({}, 16, ()),
        ({"max_records": 1}, 8, ((8, 16),)),
        ({"offset": 8}, 8, ((0, 8),)),
    ],
)
def test_coverage_and_gaps_add_up(parse: Any, options: Any, covered: int, gaps: Any) -> None:
    found = ToolHost.analyze_coverage(AnalyzeCoverageInput(parse(**options)))
    assert (found.bytes_covered, found.gaps) == (covered, gaps)
    assert found.bytes_covered + found.bytes_uncovered == 16
    assert found.coverage_percentage == pytest.approx(100 * covered / 16)


def test_coverage_of_nothing() -> None:
    found = ToolHost.analyze_coverage(AnalyzeCoverageInput(ParseResult(), 100))
    assert (found.gaps, found.coverage_percentage, found.largest_gap) == (((0, 100),), 0.0, (0, 100))
    assert ToolHost.analyze_coverage(AnalyzeCoverageInput(ParseResult(), 0)).coverage_percentage == 0.0


def test_decoding_by_name(parse: Any) -> None:
    record = parse().records[0]
    decoded = [ToolHost.decode_field(DecodeFieldInput(record, grammar(), name)) for name in ("text", "id", "nope")]
    assert [d.value for d in decoded] == ["HELLO", "1", None]
    assert [d.decoder_type for d in decoded] == ["string", "u16", None]
    assert decoded[2].error == "Field 'nope' not found in record"


REGISTRY = """
endian: little
types:
  Header: {fields: [{name: type_raw, type: u16}, {name: size, type: u16}]}
  Entry: {fields: [{name: header, type: Header}, {name: payload, type: bytes, length: header.size}]}
root: Entry
registry:
  0x0001: {name: Text, decode: {as: string}}
  "0x0002": {name: Number, decode: {as: u16}}
  0x0003: {name: Blob}
  0x0004: {name: Day, decode: {as: ftm_packed_date}}
"""


def entry(kind: int, payload: bytes) -> bytes:
    return kind.to_bytes(2, "little") + len(payload).to_bytes(2, "little") + payload


@pytest.mark.parametrize(
    ("kind", "payload", "value", "error"),
    [
        (1, b"hi", "hi", None),
        (2, b"\x2a\x00", "42", None),
        (3, b"\xde\xad\xbe\xef", "deadbeef", None),
        (4, bytes([15 << 3, 3 << 1, 0xE8, 0x07]), "2024-03-15", None),
        (2, b"\x2a", None, "Insufficient bytes for u16 (need 2, got 1)"),
        (4, b"\0\0\0\0", None, "Invalid FTM date values"),
        (9, b"", None, "Type discriminator 0x0009 not found in registry"),
    ],
)
def test_decoding_by_registry(parse: Any, kind: int, payload: bytes, value: str | None, error: str | None) -> None:
    result = parse(entry(kind, payload), REGISTRY)
    found = ToolHost.decode_field(DecodeFieldInput(result.records[0], grammar(REGISTRY)))
    assert (found.value, found.error) == (value, error)


@pytest.mark.parametrize(
    ("kind", "value", "count", "shown"),
    [
        ("all", None, 2, "all records"),
        ("type", "Note", 2, "type=Note"),
        ("type", "Other", 0, "type=Other"),
        ("has_field", "text", 2, "has_field=text"),
        ("offset_range", (0, 8), 1, "offset_range=(0x0, 0x8)"),
        ("offset_range", (7, 9), 2, "offset_range=(0x7, 0x9)"),
        ("offset_range", "x", 0, "offset_range (invalid: expected tuple)"),
        ("type", 3, 0, "type (invalid: expected string)"),
        ("x", None, 0, "x (unknown filter type)"),
    ],
)
def test_queries(parse: Any, kind: str, value: Any, count: int, shown: str) -> None:
    found = ToolHost.query_records(QueryRecordsInput(parse(), kind, value))
    assert (found.record_count, found.filter_applied) == (count, shown)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200), start=st.integers(0, 220), length=st.integers(1, 60))
def test_windows_agree_with_all_spans(tmp_path_factory: Any, data: bytes, start: int, length: int) -> None:
    path = tmp_path_factory.getbasetemp() / "window.bin"
    path.write_bytes(data)
    result = ToolHost.parse_binary(ParseBinaryInput(grammar(), path))
    every = ToolHost.generate_spans(GenerateSpansInput(result, 0, len(data))).spans
    window = ToolHost.generate_spans(GenerateSpansInput(result, start, start + length)).spans
    assert window == tuple(s for s in every if s.offset < start + length and s.end > start)
    found = ToolHost.analyze_coverage(AnalyzeCoverageInput(result))
    assert found.bytes_covered + sum(b - a for a, b in found.gaps) == len(data)
