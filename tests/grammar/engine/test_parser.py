"""The reference engine: values, faults, and that it always ends."""
# ruff: noqa: E501 - one case a line

import bz2
import lzma
import mmap
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.grammar.engine.fault import FaultKind
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.parse_result import Parse
from harness.grammar.engine.parser import parse
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
        ("{name: a, type: sb4}\n{name: b, type: sb12}\n{name: c, type: sb1}\n{name: d, type: b7}\n{name: e, type: sb64}", "8fff81 8000000000000001", [-8, -1, -1, 1, 1 - (1 << 63)]),
        ("{name: a, type: sb3le}\n{name: b, type: sb13le}\n{name: c, type: sb5le, repeat: 2}", "07f8 4f01", [-1, -256, [15, 10]]),
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


def read(grammar: str, data: bytes) -> tuple[Any, list[tuple[FaultKind, int, str]]]:
    found = parse(linted(grammar), data)
    adds_up(found)
    return [plain(record) for record in found.records], [(f.kind, f.offset, f.path) for f in found.errors]


@pytest.mark.parametrize(
    ("fields", "data", "expected"),
    [
        (
            "{name: a, type: bytes, length: '_index == 0 ? 1 : a[_index - 1].size + 1', repeat: 3}",
            "010203040506",
            [[b"\x01", b"\x02\x03", b"\x04\x05\x06"]],
        ),
        (
            "{name: a, switch: {by: '_index == 0 ? 1 : a.last', cases: {1: u8, 2: u16}}, repeat: 2}",
            "020304",
            [[2, 0x304]],
        ),
        ("{name: a, type: u8, repeat: 3, validate: {expr: a.size == _index + 1}}", "010101", [[1, 1, 1]]),
        ("{name: f, type: u8}\n{name: m, type: u8, validate: {equals: 'f == 1 ? 0 : m'}}", "0005", [0, 5]),
        (
            "{name: a, type: B, repeat: rest}",
            "0102030405",
            [[{"n": 1, "before": b""}, {"n": 2, "before": b"\x03"}, {"n": 4, "before": b"\x05"}]],
        ),
        (
            "{name: a, type: 'C(_index == 0 ? 0 : a[_index - 1].total)', repeat: rest}",
            "010203",
            [[{"n": 1, "total": 1}, {"n": 2, "total": 3}, {"n": 3, "total": 6}]],
        ),
    ],
)
def test_an_item_may_use_the_items_before_it_and_a_check_the_value_itself(
    fields: str, data: str, expected: list[Any]
) -> None:
    more = (
        "  B: {fields: [{name: n, type: u8}, {name: before, type: bytes, length: '_parent.a.size > 1 ? 1 : _parent.a.size'}]}\n"
        "  C: {params: [before], fields: [{name: n, type: u8}, {name: total, compute: before + n}]}\n"
    )
    found = parse(once(fields, more), bytes.fromhex(data))
    assert [plain(value) for value in plain(found.records[0]).values()] == expected
    assert not found.errors


@pytest.mark.parametrize("key", ["if: a.size == 0", "repeat: a.size", "at: a.size", "skip: a.size"])
def test_what_is_decided_before_an_array_begins_may_not_use_it(key: str) -> None:
    repeat = "" if key.startswith("repeat") else ", repeat: 2"
    lint = lint_text(
        f"endian: big\ntypes: {{A: {{fields: [{{name: z, type: u8}}, {{name: a, type: u8, {key}{repeat}}}]}}}}"
    )
    assert [(error.code, error.message) for error in lint.errors] == [("forward-reference", "it refers to itself")]


STREAMS = """endian: big
framing: {repeat: once}
types:
  Top:
    fields:
      - {name: box, type: Box, length: 6}
      - {name: a, type: u8}
    instances:
      other: {type: bytes, at: 1, stream: box._io, %s}
  Box: {fields: [{name: first, type: u8}]}
"""


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("length: _io.size - 5", b"BCDEF"),
        ("length: '_io.pos == 7 ? 2 : 4'", b"BC"),
        ("length: 1, repeat: 3, if: _io.pos == 7", [b"B", b"C", b"D"]),
        ("length: 1, until: _io.pos == 7", [b"B"]),
        ("length: rest, validate: {expr: _io.size == 10}", b"BCDEF"),
        ("length: rest, process: xor(_io.size - 9)", bytes(b ^ 1 for b in b"BCDEF")),
    ],
)
def test_the_stream_of_a_positioned_field_is_not_the_io_of_its_expressions(keys: str, expected: Any) -> None:
    (found,), faults = read(STREAMS % keys, b"ABCDEFghij")
    assert (found["other"], faults) == (expected, [])


@pytest.mark.parametrize("kind", ["u8", "u24", "R"])
def test_items_that_are_there_are_kept(kind: str) -> None:
    width = 3 if kind == "u24" else 1
    grammar = once(
        f"{{name: n, type: u8}}\n{{name: a, type: {kind}, repeat: n}}", "  R: {fields: [{name: x, type: u8}]}\n"
    )
    found = parse(grammar, b"\x20" + bytes(range(2 * width)))
    assert len(found.records[0]["a"][:2]) == 2
    assert [(f.kind, f.offset) for f in found.errors] == [(FaultKind.TRUNCATED, 1 + 2 * width)]


PACKED = {"zlib": zlib.compress(b"hello"), "bz2": bz2.compress(b"hello"), "lzma": lzma.compress(b"hello")}


@pytest.mark.parametrize("name", PACKED)
def test_a_compressed_field_without_a_length_ends_where_its_stream_ends(name: str) -> None:
    packed = PACKED[name]
    data = packed + packed + b"\x07" + packed + packed + b"\x08"
    grammar = once(
        f"{{name: a, type: string, process: {name}}}\n{{name: b, type: B, process: {name}}}\n{{name: c, type: u8}}\n"
        f"{{name: d, switch: {{by: c, cases: {{7: string}}}}, process: {name}, repeat: 2}}\n{{name: e, type: u8}}",
        "  B: {fields: [{name: x, type: string, length: rest}]}\n",
    )
    found = parse(grammar, data)
    assert plain(found.records[0]) == {"a": "hello", "b": {"x": "hello"}, "c": 7, "d": ["hello", "hello"], "e": 8}
    size = len(packed)
    assert [(span.start, span.end) for span in found.leaves()][:3] == [
        (0, size),
        (size, 2 * size),
        (2 * size, 2 * size + 1),
    ]
    assert not found.errors
    assert not found.gaps


@pytest.mark.parametrize("data", [zlib.compress(b"hello")[:-2], b"no stream"])
def test_a_stream_that_does_not_end_stops_its_record(data: bytes) -> None:
    for kind in ("string", "B"):
        grammar = once(
            f"{{name: a, type: {kind}, process: zlib}}\n{{name: b, type: u8}}",
            "  B: {fields: [{name: x, type: string, length: rest}]}\n",
        )
        found = parse(grammar, data)
        assert [(f.kind, f.offset, f.path) for f in found.errors] == [(FaultKind.PROCESS, 0, "A[0].a")]
        assert "b" not in found.records[0].nodes
        adds_up(found)


PARAMETERS = """endian: big
root: %s
framing: {repeat: once}
types:
  Top:
    params: [n, s]
    fields:
      - {name: a, type: u8, repeat: n}
      - {name: b, type: B}
  B: {fields: [{name: x, compute: _root.s + _parent.s}]}
"""


def test_the_root_may_have_parameters() -> None:
    (found,), faults = read(PARAMETERS % "'Top(2, \"s\")'", b"\x01\x02")
    assert (found, faults) == ({"a": (1, 2), "b": {"x": "ss"}}, [])
    parsed = parse(linted(PARAMETERS % "Top"), b"\x01")
    assert [(f.kind, f.found) for f in parsed.errors] == [
        (FaultKind.EXPRESSION, "the parameter 'n' of 'Top' has no value")
    ]
    for wrong, what in (
        ("Top(1)", "Top takes 2 arguments, not 1"),
        ("Top(1, _io.size)", "_io.size is not a constant"),
        ("u8", "u8 is not a type of the grammar"),
    ):
        lint = lint_text(PARAMETERS % f"'{wrong}'")
        assert what in [error.message for error in lint.errors]
        assert {(error.line, error.column) for error in lint.errors} == {(2, 1)}


MODULES = """endian: big
framing: {repeat: once}
types:
  Top:
    fields:
      - {name: n, type: u8}
      - {name: box, type: Box}
      - {name: item, type: Item}
  Box:
    module: box
    fields:
      - {name: n, type: u8}
      - {name: item, type: Item}
      - {name: more, type: Box, if: n == 2}
    instances: {up: {compute: _parent.n, if: n == 3}}
  Item:
    module: box
    fields: [{name: x, type: u8}]
    instances: {r: {compute: _root.n}}
"""


def test_records_of_another_module_have_their_own_root_and_no_parent() -> None:
    (found,), faults = read(MODULES, bytes([1, 2, 3, 3, 4, 5]))
    inner = {"n": 3, "item": {"x": 4, "r": 2}, "up": 2}
    assert found == {"n": 1, "box": {"n": 2, "item": {"x": 3, "r": 2}, "more": inner}, "item": {"x": 5}}
    assert not faults
    (warning,) = parse(linted(MODULES), bytes([1, 2, 3, 3, 4, 5])).warnings
    assert (warning.path, warning.found) == ("Top[0].item.r", "'Item' has no 'n'")


@pytest.mark.parametrize(("name", "hint"), [("i12", "is sb12"), ("u12le", "is b12le"), ("u65", "?"), ("i99", "")])
def test_an_odd_width_is_a_bit_field(name: str, hint: str) -> None:
    lint = lint_text(f"endian: big\ntypes: {{T: {{fields: [{{name: a, type: {name}}}]}}}}")
    assert [(e.code, e.line, e.column) for e in lint.errors] == [("unknown-type", 2, 32)]
    assert (lint.errors[0].hint or "").endswith(hint)


LAZY = """endian: big
framing: {repeat: once}
types:
  Top:
    fields:
      - {name: n, type: u8}
      - {name: m, type: u8, if: %s}
    instances:
      far: {type: u8, at: 99}
      nothing: {compute: 1 / 0}
      via: {compute: far}
      box: {type: Box, at: 1}
      fine: {type: u8, at: 1}
  Box: {fields: [{name: x, type: u16}, {name: y, type: u8}]}
"""


def test_an_instance_that_nothing_uses_is_read_but_its_faults_are_warnings() -> None:
    found = parse(linted(LAZY % "n == 5"), b"\x01\x02")
    assert (found.errors, found.error_count, found.records[0].complete) == ((), 0, True)
    assert plain(found.records[0]) == {"n": 1, "fine": 2, "box": {}}
    assert {(w.kind, w.path.split(".")[1], w.warning) for w in found.warnings} == {
        (FaultKind.TRUNCATED, "far", True),
        (FaultKind.EXPRESSION, "nothing", True),
        (FaultKind.TRUNCATED, "box", True),
    }


@pytest.mark.parametrize(
    ("use", "kinds"),
    [
        ("far == 1", ["truncated", "expression"]),
        ("via == 1", ["truncated", "expression"]),
        ("nothing == 1", ["expression", "expression"]),
    ],
)
def test_a_fault_of_an_instance_that_a_field_uses_is_an_error(use: str, kinds: list[str]) -> None:
    assert [fault.kind for fault in parse(linted(LAZY % use), b"\x01\x02").errors] == kinds


def test_a_check_of_an_instance_is_asked_for_by_the_grammar() -> None:
    grammar = linted(
        "endian: big\nframing: {repeat: once}\ntypes: {T: {fields: [{name: a, type: u8}], instances: {b: {type: u8, at: 0, validate: {equals: 2}}}}}"
    )
    assert [(f.kind, f.path) for f in parse(grammar, b"\x01").errors] == [(FaultKind.MISMATCH, "T[0].b")]


def test_a_label_may_be_any_word() -> None:
    (found,), faults = read(
        "endian: big\nframing: {repeat: once}\nenums: {E: {0: 'false', 1: 'true', 2: 'not'}}\ntypes:\n  T:\n    fields: [{name: k, type: u8, enum: E}, {name: t, compute: 'k == E::true'}, {name: n, compute: 'E::not + E::false'}]\n",
        b"\x01",
    )
    assert (found, faults) == ({"k": 1, "t": True, "n": 2}, [])


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
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    found = parse(once("{name: a, type: u8}\n{name: b, type: bytes, length: rest}"), mapped)
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
    assert parse(grammar, b"").size == 0
