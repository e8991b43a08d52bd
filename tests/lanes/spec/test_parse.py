"""The interpreter is total and its map of a file is exact."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.spec.grammar import Grammar, lint
from harness.lanes.spec.parse import Parse, ParseLimits, SpanKind, parse

ROOT = Path(__file__).parents[3]


def grammar(text: str) -> Grammar:
    found = lint(yaml.safe_load(text))
    assert found.grammar is not None, found.errors
    return found.grammar


PNG = grammar((ROOT / "specs/grammars/png.yaml").read_text())
TLV = grammar("""
endian: little
types:
  Record:
    fields:
      - {name: tag, type: u8}
      - {name: length, type: u8}
      - {name: body, type: bytes, length: length, switch: {by: tag, cases: {1: Pair, 2: Row, "0x03": Loop}}}
  Pair: {fields: [{name: a, type: i16}, {name: b, type: u8, validate: {one_of: [0, 1, 2]}}]}
  Row: {fields: [{name: n, type: u8}, {name: items, type: u16, repeat: n}, {name: s, type: string, length: rest}]}
  Loop: {fields: [{name: again, type: Record, repeat: rest}]}
""")


def partition(found: Parse) -> int:
    at = 0
    for span in found.spans:
        assert at <= span.start < span.end <= found.size
        at = span.end
    return found.covered + sum(end - start for start, end in found.gaps)


@given(data=st.binary(max_size=300))
@pytest.mark.parametrize("which", [PNG, TLV], ids=["png", "tlv"])
def test_spans_and_gaps_partition_any_bytes(which: Grammar, data: bytes) -> None:
    found = parse(which, data)
    assert partition(found) == len(data)
    assert found.grounded <= found.covered <= len(data)
    assert parse(which, data) == found


@given(data=st.data())
def test_a_damaged_png_is_an_error_or_a_png(data: st.DataObject) -> None:
    good = (ROOT / "specs/samples/png/checker.png").read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != good[at]))
    found = parse(PNG, good[:at] + bytes([byte]) + good[at + 1 :])
    assert found.errors  # every byte of a PNG is under the signature, a length or a checksum
    assert partition(found) == len(good)


def test_a_real_png_is_read_to_the_last_byte() -> None:
    data = (ROOT / "specs/samples/png/checker.png").read_bytes()
    found = parse(PNG, data)
    assert found.errors == ()
    assert found.covered == len(data)
    kinds = {s.path.rsplit(".", 1)[1]: s.kind for s in found.spans}
    assert kinds == {
        "signature": SpanKind.CONSTANT, "length": SpanKind.NUMBER, "kind": SpanKind.TEXT,
        "body": SpanKind.OPAQUE, "crc": SpanKind.NUMBER,
    }  # fmt: skip


def test_a_truncated_file_keeps_what_was_read() -> None:
    data = (ROOT / "specs/samples/png/checker.png").read_bytes()[:40]
    found = parse(PNG, data)
    assert [e.offset for e in found.errors] == [37]
    assert "needs 4 bytes, 3 are left" in found.errors[0].message
    assert found.covered == 37
    assert found.gaps == ((37, 40),)


def test_a_width_of_bytes_is_no_knowledge() -> None:
    data = bytes(range(256))
    one = grammar("{endian: big, types: {Byte: {fields: [{name: b, type: u8}]}}}")
    row = grammar("{endian: big, types: {Row: {fields: [{name: b, type: u8, repeat: rest}]}}}")
    for trick in (one, row):
        assert parse(trick, data).covered == 256
        assert parse(trick, data).grounded == 0


def test_a_check_that_accepts_almost_anything_grounds_nothing() -> None:
    loose = grammar(
        "{endian: big, types: {B: {fields: [{name: b, type: u8, validate: {one_of: ["
        + ", ".join(map(str, range(256)))
        + "]}}]}}}"
    )
    tight = grammar("{endian: big, types: {B: {fields: [{name: b, type: u8, validate: {equals: 7}}]}}}")
    assert parse(loose, b"\7\7").grounded == 0
    assert parse(tight, b"\7\7").grounded == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{endian: big, types: {T: {fields: [{name: n, type: bytes, length: 0}]}}}", "does not advance"),
        ("{endian: big, types: {T: {fields: [{name: t, type: T}]}}}", "nested deeper than"),
        ("{endian: big, types: {T: {fields: [{name: n, type: u8}, {name: x, type: bytes, length: n}]}}}", "are left"),
        ("{endian: big, types: {T: {fields: [{name: s, type: string, terminator: 0}]}}}", "no byte 0x00 ends it"),
        ("{endian: big, types: {T: {fields: [{name: s, type: string, encoding: ascii, length: rest}]}}}", "not ascii"),
    ],
)
def test_what_cannot_go_on_stops_with_a_reason(text: str, message: str) -> None:
    found = parse(grammar(text), b"\xff" * 30)
    assert [message in e.message for e in found.errors] == [True]


def test_limits_stop_a_grammar_that_makes_too_much() -> None:
    one = grammar("{endian: big, types: {Byte: {fields: [{name: b, type: u8}]}}}")
    assert "more than 10 records" in parse(one, bytes(50), limits=ParseLimits(records=10)).errors[0].message
    assert "more than 9 fields" in parse(one, bytes(50), limits=ParseLimits(steps=9)).errors[0].message


def test_fields_without_a_byte_are_counted_too() -> None:
    empty = ", ".join(f"{{name: e{i}, type: bytes, length: 0}}" for i in range(99))
    many = grammar(f"{{endian: big, types: {{T: {{fields: [{{name: b, type: u8}}, {empty}]}}}}}}")
    assert parse(many, bytes(50), limits=ParseLimits(steps=1000)).errors[0].offset == 10


def test_a_tag_as_hexadecimal_text_matches_whatever_its_width() -> None:
    found = parse(TLV, bytes([3, 2, 9, 0]))
    assert [s.path for s in found.spans][2:] == ["Record.body.again[0].tag", "Record.body.again[0].length"]
