"""The reference engine: values, faults, and that it always ends."""
# ruff: noqa: E501 - one case a line

import mmap
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import parse, parse_file
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_text


def linted(text: str) -> Grammar:
    lint = lint_text(text)
    assert lint.grammar is not None, [str(e) for e in lint.errors]
    return lint.grammar


def once(fields: str, more: str = "") -> Grammar:
    lines = "".join(f"      - {line.strip()}\n" for line in fields.strip().splitlines())
    return linted(f"endian: big\nframing: {{repeat: once}}\ntypes:\n  A:\n    fields:\n{lines}{more}")


def plain(value: Any) -> Any:
    if hasattr(value, "nodes"):
        return {name: plain(node.value) for name, node in value.nodes.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def adds_up(found: Parse) -> None:
    edges = sorted([*found.covered, *found.gaps])
    assert sum(b - a for a, b in edges) == found.size
    assert all(left[1] == right[0] for left, right in pairwise(edges))


@pytest.mark.parametrize(
    ("fields", "data", "expected"),
    [
        ("{name: a, type: u24}\n{name: b, type: i16le}\n{name: c, type: u40le}", "000102 feff 0100000000", [258, -2, 1]),
        ("{name: a, type: f16}\n{name: b, type: f32le}\n{name: c, type: f64}", "3c00 0000803f 3ff0000000000000", [1, 1, 1]),
        ("{name: a, type: b3}\n{name: b, type: b10}\n{name: c, type: flag}\n{name: d, type: u8}", "b6d4 07", [5, 0x2DA >> 0 & 0x3FF, True, 7]),
        ("{name: a, type: b4le}\n{name: b, type: b6le}\n{name: c, type: u8}", "f501 09", [5, 0x1F, 9]),
        ("{name: a, type: leb128}\n{name: b, type: sleb128}\n{name: c, type: zigzag}\n{name: d, type: vlq}", "e58e26 9bf159 03 8100", [624485, -624485, -2, 128]),
        ("{name: a, type: string, terminator: 0}\n{name: b, type: bytes, terminator: [13, 10], include: true}", "616200 63 0d 0d0a", ["ab", b"c\r\r\n"]),
        ("{name: a, type: string, length: 4, pad: 32}\n{name: b, type: string, length: {prefix: u16}}", "61622020 0002 6364", ["ab", "cd"]),
        ("{name: a, type: string, terminator: 0, encoding: utf-16le}\n{name: b, type: u8}", "6100 0001 0000 07", ["aĀ", 7]),
        ("{name: n, type: u8}\n{name: a, type: u16, repeat: n}\n{name: b, type: u8, repeat: rest}", "02 0001 0002 0304", [2, (1, 2), (3, 4)]),
        ("{name: a, type: u8, until: _ == 0 or a.size == 4}\n{name: b, type: u8}", "0102030009", [[1, 2, 3, 0], 9]),
        ("{name: t, type: u8}\n{name: a, type: u8, if: t > 5}\n{name: b, switch: {by: t, cases: {0x01: u16}, default: u8}}", "010002", [1, 2]),
        ("{name: a, type: u8}\n{name: p, type: u8, at: 3}\n{name: o, type: u8, offset: 2}\n{name: b, type: u8}", "01020304", [1, 4, 3, 2]),
        ("{name: a, type: u8}\n{name: b, type: u8, align: 4}\n{name: c, type: u8, skip: 1}", "01000000 02 ff 03", [1, 2, 3]),
        ("{name: a, type: bytes, length: 2, process: xor(0x20)}\n{name: b, type: bytes, length: 2, process: 'xor([1, 2])'}\n{name: c, type: bytes, length: 1, process: rol(4)}", "4142 0103 1f", [b"ab", b"\x00\x01", b"\xf1"]),
        ("{name: a, type: u8}\n{name: b, compute: a * 2 + 1}\n{name: c, compute: 'sizeof(a) + end_of(a)'}", "05", [5, 11, 2]),
        ("{name: a, type: u8}\n{name: b, type: u8, endian: little, validate: {range: [a, 9], one_of: [7, 8], not_equals: 8}}", "0507", [5, 7]),
    ],
)  # fmt: skip
def test_values(fields: str, data: str, expected: list[Any]) -> None:
    found = parse(once(fields), bytes.fromhex(data))
    assert [str(error) for error in found.errors] == []
    assert list(plain(found.records[0]).values()) == expected
    adds_up(found)


def test_records_within_records() -> None:
    grammar = once(
        "{name: size, type: u8}\n{name: box, type: 'Box(size, 3)', length: size}\n{name: tail, type: Pair, endian: little}",
        """
  Box:
    params: [n, k]
    fields: [{name: x, type: u8}, {name: rest, type: bytes, length: _io.size - _io.pos}]
    instances:
      sum: {compute: n + k + x + _parent.size}
      last: {at: _io.size - 1, type: u8}
      top: {at: 0, stream: _root._io, type: u8}
  Pair: {fields: [{name: v, type: u16}]}
""",
    )
    found = parse(grammar, bytes.fromhex("03 0a0b0c 0100"))
    assert plain(found.records[0]) == {
        "size": 3, "box": {"x": 10, "rest": b"\x0b\x0c", "sum": 19, "last": 12, "top": 3}, "tail": {"v": 1},
    }  # fmt: skip
    assert found.records[0]["box"].exact is True
    adds_up(found)


@pytest.mark.parametrize(
    ("fields", "data", "kind", "offset", "path"),
    [
        ("{name: a, type: u8}\n{name: b, type: u32}", "010203", FaultKind.TRUNCATED, 1, "A[0].b"),
        ("{name: a, type: u8, validate: {equals: 2}}", "01", FaultKind.MISMATCH, 0, "A[0].a"),
        ("{name: a, type: bytes, length: 2, validate: {all_bytes: 0}}", "0001", FaultKind.MISMATCH, 0, "A[0].a"),
        ("{name: a, type: string, length: 2, encoding: ascii}", "41ff", FaultKind.ENCODING, 1, "A[0].a"),
        ("{name: a, type: string, terminator: 0}", "4142", FaultKind.TERMINATOR, 0, "A[0].a"),
        ("{name: a, type: i8}\n{name: b, type: bytes, length: a}", "ff00", FaultKind.LENGTH, 1, "A[0].b"),
        ("{name: a, type: u8}\n{name: b, type: bytes, length: 4 / a}", "0000", FaultKind.EXPRESSION, 1, "A[0].b"),
        ("{name: a, type: u64}\n{name: b, type: bytes, length: a}", "7fffffffffffffff00", FaultKind.LENGTH, 8, "A[0].b"),
        ("{name: a, type: u64}\n{name: b, type: u8, repeat: a}", "0fffffffffffffff00", FaultKind.TRUNCATED, 9, "A[0].b[1]"),
        ("{name: a, type: u8}\n{name: c, type: u32, checksum: {algorithm: crc32, over: [a]}}", "0100000000", FaultKind.CHECKSUM, 1, "A[0].c"),
        ("{name: a, type: bytes, length: rest, process: zlib}", "789c0000", FaultKind.PROCESS, 0, "A[0].a"),
        ("{name: a, type: leb128}", "ff" * 12, FaultKind.LENGTH, 0, "A[0].a"),
        ("{name: a, type: B, repeat: rest}", "00", FaultKind.STUCK, 0, "A[0].a[0]"),
    ],
)  # fmt: skip
def test_every_fault_has_kind_place_expected_and_found(
    fields: str, data: str, kind: FaultKind, offset: int, path: str
) -> None:
    more = "  B: {fields: [{name: x, type: bytes, length: _io.size - 1}]}\n" if "type: B" in fields else ""
    found = parse(once(fields, more), bytes.fromhex(data))
    first = found.errors[0]
    assert (first.kind, first.offset, first.path) == (kind, offset, path)
    assert first.expected
    assert first.found
    adds_up(found)


RECORDS = """
endian: big
types:
  R:
    fields:
      - {name: magic, type: u16, validate: {equals: 0xCAFE}}
      - {name: size, type: u8}
      - {name: body, type: bytes, length: size}
"""


def test_reading_resumes_at_the_next_record_that_begins_right() -> None:
    one, two = bytes.fromhex("cafe 02 0102"), bytes.fromhex("cafe 01 09")
    found = parse(linted(RECORDS), one + b"garbage" + two + bytes.fromhex("beef") + one + bytes.fromhex("cafe ff 00"))
    assert [record.get("body") for record in found.records] == [b"\1\2", b"\x09", b"\1\2", None]
    assert [record.complete for record in found.records] == [True, True, True, False]
    assert found.skipped[:2] == ((5, 12), (16, 18))
    assert [error.kind for error in found.errors] == [FaultKind.MISMATCH, FaultKind.MISMATCH, FaultKind.TRUNCATED]
    adds_up(found)


def test_a_fault_within_a_confined_record_affects_only_that_record() -> None:
    grammar = once(
        "{name: items, type: Item, repeat: rest}",
        "  Item: {fields: [{name: n, type: u8}, {name: box, type: Box, length: n}]}\n"
        "  Box: {fields: [{name: k, type: u8}, {name: data, type: bytes, length: k}]}\n",
    )
    found = parse(grammar, bytes.fromhex("02 0107 02 09ff 02 0108"))
    assert [item["box"].get("data") for item in found.records[0]["items"]] == [b"\7", None, b"\x08"]
    assert [str(e) for e in found.errors] == ["0x5 A[0].items[1].box.data: expected 9 bytes, found 1 bytes to the end"]
    assert found.gaps == ((5, 6),)


def test_seed_files_read_as_they_always_did() -> None:
    grammar = linted(
        """
format: record_stream
endian: little
framing: {repeat: until_eof}
record: {switch: {expr: Header.type_raw, cases: {"0x54EE": Note, "0x0001": Pair}, default: Raw}}
types:
  Header: {fields: [{name: type_raw, type: u16}, {name: length, type: u16}]}
  Note: {fields: [{name: header, type: Header}, {name: payload, type: bytes, length_expr: length - 1, encoding: ascii}, {name: end, type: u8}]}
  Pair: {fields: [{name: header, type: Header}, {name: x, type: u8}, {name: y, type: u8}]}
  Raw: {fields: [{name: header, type: Header}, {name: payload, type: bytes, length: header.length}]}
registry: {"0x54EE": {name: note, decode: {as: string}}}
"""
    )
    found = parse(grammar, bytes.fromhex("ee54 0300 4142 00 0100 0000 0708 3412 0100 ff"))
    assert [record.type.name for record in found.records] == ["Note", "Pair", "Raw"]
    assert found.records[0]["payload"] == "AB"
    assert not found.errors
    adds_up(found)


def test_a_part_of_a_file() -> None:
    grammar = linted("endian: big\ntypes: {A: {fields: [{name: x, type: u32}]}}")
    data = bytes(range(16))
    found = parse(grammar, data, start=4, length=7)
    assert ([r["x"] for r in found.records], found.stopped_at, found.error_count) == ([0x04050607], 8, 0)
    assert parse(grammar, data, start=99).records == ()
    assert len(parse(grammar, data, limits=Limits(max_records=2)).records) == 2


@pytest.mark.parametrize(
    ("limit", "limits"),
    [("records", Limits(records=50)), ("items", Limits(items=50)), ("seconds", Limits(seconds=0))],
)
def test_each_limit_is_a_named_anomaly_and_keeps_what_was_read(limit: str, limits: Limits) -> None:
    grammar = linted("endian: big\ntypes: {A: {fields: [{name: x, type: u8, validate: {max: 255}}]}}")
    found = parse(grammar, bytes(5000), limits=limits)
    assert [(error.kind, error.limit) for error in found.errors] == [(FaultKind.LIMIT, limit)]
    assert 0 < len(found.records) < 5000
    adds_up(found)


def test_errors_beyond_the_limit_are_counted() -> None:
    grammar = linted("endian: big\ntypes: {A: {fields: [{name: x, type: u8, validate: {max: 1}}]}}")
    found = parse(grammar, b"\x07" * 500, limits=Limits(errors=10))
    assert (len(found.errors), found.error_count) == (10, 500)


def test_depth_is_bounded() -> None:
    grammar = once("{name: x, type: u8}\n{name: next, type: A, if: x == 1}")
    found = parse(grammar, b"\x01" * 100_000)
    assert [error.limit for error in found.errors] == ["depth"]
    deep = parse(grammar, b"\x01" * 100_000, limits=Limits(depth=10**9))
    assert [error.limit for error in deep.errors] == ["depth"]


def test_instances_that_lead_back_are_followed_once() -> None:
    grammar = once(
        "{name: x, type: u8}", "    instances: {a: {at: 1, type: A}, b: {at: 2, type: A}, c: {at: x, type: A}}\n"
    )
    assert len(list(parse(grammar, bytes(range(200))).walk())) < 2_000


def test_a_zip_bomb_is_a_limit() -> None:
    bomb = zlib.compress(zlib.compress(bytes(50_000_000)))
    grammar = once("{name: x, type: bytes, length: rest, process: [zlib, zlib]}")
    found = parse(grammar, bomb, limits=Limits(inflated=1 << 20))
    assert [error.limit for error in found.errors] == ["inflated"]


def test_four_sparse_gigabytes_are_mapped_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.write(b"\x01")
        file.truncate(1 << 32)
    found = parse_file(once("{name: a, type: u8}\n{name: b, type: bytes, length: rest}"), path)
    assert (found.size, found.errors, found.gaps) == (1 << 32, (), ())
    assert len(found.records[0]["b"]) == (1 << 32) - 1


def test_any_kind_of_bytes_will_do(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\x01\x02ab")
    grammar = once("{name: a, type: u16}\n{name: b, type: string, terminator: 0, require_terminator: false}")
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    for data in (path.read_bytes(), bytearray(path.read_bytes()), memoryview(path.read_bytes()), mapped):
        assert plain(parse(grammar, data).records[0]) == {"a": 0x0102, "b": "ab"}
    (tmp_path / "empty").write_bytes(b"")
    assert parse_file(grammar, tmp_path / "empty").size == 0
