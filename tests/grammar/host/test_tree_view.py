"""A tree shows labels, dates and offsets, is bounded, and its paths lead to what it names."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.grammar.engine.limits import Limits
from harness.grammar.engine.node import Leaf
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import parse
from harness.grammar.host import tree_view
from harness.grammar.language.lint import lint_text

GRAMMAR = """
endian: little
root: File
framing: {repeat: once}
enums: {Kind: {1: folder, 2: file}}
types:
  File:
    fields:
      - {name: count, type: u8}
      - {name: entries, type: Entry, repeat: count}
      - {name: row, type: u16, repeat: 3}
      - {name: note, type: string, length: rest}
  Entry:
    fields:
      - {name: kind, type: u8, enum: Kind}
      - {name: at_offset, type: u32}
      - {name: made, type: u32, decode: unix}
      - {name: body, type: bytes, length: 20, validate: {not_equals: "xxxxxxxxxxxxxxxxxxxx"}}
"""


def entry(kind: int, body: bytes = bytes(20)) -> bytes:
    return struct.pack("<BII", kind, 0x1234, 1_700_000_000) + body


def read(text: str, data: bytes, limits: Limits | None = None) -> Parse:
    grammar = lint_text(text).grammar
    assert grammar is not None
    return parse(grammar, data, limits=limits or Limits())


@pytest.fixture(scope="module")
def found() -> Parse:
    return read(
        GRAMMAR, bytes([2]) + entry(1) + entry(9, b"x" * 20) + struct.pack("<HHH", 5, 6, 7) + b"caf\x1b\xc3\xa9"
    )


def lines(found: Parse, **options: object) -> list[str]:
    return [f"{row.depth} {row.name} {row.value}" for row in tree_view.rows(found, **options)]  # type: ignore[arg-type]


def test_values_are_shown_as_a_reader_knows_them(found: Parse) -> None:
    shown = lines(found)
    assert "3 kind folder (1)" in shown
    assert "3 kind 9" in shown  # a number without a label
    assert "3 at_offset 0x1234" in shown
    assert "3 made 2023-11-14T22:13:20Z (1700000000)" in shown or any("2023-11-14" in line for line in shown)
    assert any(line.startswith("3 body 00 00 00") and line.endswith("… 20 bytes") for line in shown)
    assert "1 row [5, 6, 7]" in shown
    assert '1 note "caf\\x1bé"' in shown  # control characters never reach a terminal
    invalid = [row for row in tree_view.rows(found) if row.valid is False]
    assert [row.name for row in invalid] == ["body"]


def test_a_tree_is_as_deep_and_as_long_as_asked(found: Parse) -> None:
    assert max(row.depth for row in tree_view.rows(found, depth=1)) == 1
    assert lines(found, depth=0) == ["0 File[0] File"]
    assert "2 … 1 more item" in lines(found, items=1)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("entries[0].kind", "folder (1)"), ("entries[-1].kind", "9"), ("File[0].entries[1].kind", "9"),
        ("File.count", "2"), ("row[1]", "6"), ("row[-3]", "5"), ("note", '"caf\\x1bé"'),
    ],
)  # fmt: skip
def test_a_path_leads_to_a_value(found: Parse, path: str, value: str) -> None:
    assert next(tree_view.rows(found, path=path)).value == value


@pytest.mark.parametrize(
    ("path", "why", "fix"),
    [
        ("entries[2]", "has 2 items", "start at 0"), ("entrys", "no field 'entrys'", "did you mean 'entries'"),
        ("entries.kind", "not a record", "entries[0].kind"), ("count.x", "not a record", "int"),
        ("count[0]", "not an array", "int"), ("row[3]", "items", ""), ("entries[x]", "not a part", "sections[3]"),
        ("File[1]", "does not exist", ""), ("..", "not a part", ""),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_says_what_there_is(found: Parse, path: str, why: str, fix: str) -> None:
    with pytest.raises(tree_view.PathError, match=why.replace("[", r"\[")) as caught:
        tree_view.resolve(found, path)
    assert fix in caught.value.fix


@given(st.text(max_size=12))
def test_no_path_raises_another_error(text: str) -> None:
    made = read("endian: big\ntypes: {T: {fields: [{name: a, type: u8}]}}", b"ab")
    with contextlib.suppress(tree_view.PathError):
        tree_view.resolve(made, text)


def test_every_leaf_can_be_reached_by_its_path(found: Parse) -> None:
    for span in found.leaves():
        assert tree_view.resolve(found, span.path)[1] is span.leaf or isinstance(span.leaf, Leaf)


RECORDS = "endian: little\ntypes: {R: {fields: [{name: a, type: u32}, {name: b, type: u32}]}}"
ITEMS = """
endian: little
framing: {repeat: once}
types:
  Top:
    fields:
      - {name: items, type: R, repeat: rest}
  R: {fields: [{name: a, type: u32}, {name: b, type: u32}]}
"""
ROW = "endian: little\nframing: {repeat: once}\ntypes: {T: {fields: [{name: row, type: u64, repeat: rest}]}}"


@pytest.mark.parametrize("text", [RECORDS, ITEMS, ROW], ids=["records", "items", "row"])
@settings(max_examples=30)
@given(count=st.integers(1, 60), stop=st.integers(1, 500))
def test_a_stop_ends_repetition_and_nothing_before_it(text: str, count: int, stop: int) -> None:
    data = bytes(range(8)) * count
    whole = read(text, data)
    part = read(text, data, Limits(stop_at=stop))
    end = min(len(data), -(-stop // 8) * 8)
    assert not part.errors
    assert part.stopped == (end < len(data))
    spans, part_spans = ([(s.start, s.end, s.path) for s in parse.leaves()] for parse in (whole, part))
    assert part_spans[-1][1] == end
    if text is not ROW:
        assert part_spans == spans[: len(part_spans)]


def test_what_is_placed_behind_the_stop_is_read() -> None:
    text = """
endian: little
framing: {repeat: once}
types:
  Top:
    fields:
      - {name: at, type: u32}
      - {name: far, type: Table, at: at}
      - {name: items, type: u32, repeat: rest}
  Table: {fields: [{name: rows, type: Pair, repeat: 3}]}
  Pair: {fields: [{name: a, type: u8}, {name: b, type: u8}]}
"""
    found = read(text, struct.pack("<I", 100) + bytes(200), Limits(stop_at=16))
    assert found.stopped
    assert next(tree_view.rows(found, path="far.rows")).value == "3 items"


NAMED = """
endian: big
framing: {repeat: once}
enums: {Kind: {1: folder, 2: file}}
types:
  Files:
    fields:
      - {name: shift, type: i16, doc: a difference}
      - {name: shift_offset, type: i16}
      - {name: items, type: Item, repeat: rest}
  Item:
    fields:
      - {name: kind, type: u8, enum: Kind}
      - {name: body, type: Body}
  Body:
    fields:
      - {name: note, type: string, length: 1}
      - {name: file_name, type: string, length: 3, encoding: ascii}
"""


def test_a_record_that_is_not_opened_is_shown_with_its_label_and_name() -> None:
    found = read(NAMED, b"\x01\x00\xff\x00" + b"\x01xabc" + b"\x02xdef" + b"\x09x\0\0\0")
    assert lines(found, depth=2) == [
        "0 Files[0] Files", "1 shift 256", "1 shift_offset -256", "1 items 3 items",
        '2 [0] Item folder "abc"', '2 [1] Item file "def"', '2 [2] Item "\\x00\\x00\\x00"',
    ]  # fmt: skip
    assert "2 [0] Item" in lines(found, depth=3)
