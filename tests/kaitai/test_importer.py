"""Small imported `.ksy` files read the values that Kaitai Struct's user guide specifies."""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import SuiteError
from harness.grammar.engine.limits import Limits
from harness.grammar.engine.node import Record
from harness.grammar.engine.parser import parse
from harness.grammar.language.lint import lint_value
from harness.grammar.processing import Processor
from harness.kaitai.importer import import_ksy

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "numbers": (
        "meta: {endian: le}\nseq:\n  - {id: a, type: u2}\n  - {id: b, type: s2be}\n  - {id: c, type: s1}\n"
        "  - {id: d, type: f4}\n",
        "0102 fffe 80 0000003f",
        {"a": 0x0201, "b": -2, "c": -128, "d": 0.5},
    ),
    "bits": (
        "seq:\n  - {id: a, type: b1}\n  - {id: b, type: b3}\n  - {id: c, type: u1}\n  - {id: d, type: b12}\n",
        "d0 05 abcd",
        {"a": True, "b": 5, "c": 5, "d": 0xABC},
    ),
    "bits from the low end": (
        "meta: {bit-endian: le}\nseq:\n  - {id: a, type: b3}\n  - {id: b, type: b5}\n  - {id: f, type: b1}\n",
        "ad 01",
        {"a": 5, "b": 21, "f": True},
    ),
    "a nibble at a time": (
        "seq:\n  - {id: xs, type: t, repeat: expr, repeat-expr: 3}\ntypes:\n  t: {seq: [{id: v, type: b4}]}\n",
        "1234",
        {"xs": [{"v": 1}, {"v": 2}, {"v": 3}]},
    ),
    "texts": (
        "meta: {encoding: ASCII}\nseq:\n  - {id: a, type: strz}\n  - {id: b, type: str, size: 4, pad-right: 0x2e}\n"
        "  - {id: c, type: str, size: 4, terminator: 0x2e, pad-right: 0x2e}\n  - {id: d, type: strz, "
        "encoding: UTF-16LE}\n",
        "6100 62632e2e 64652e66 6100 0002 6200 0000",
        {"a": "a", "b": "bc", "c": "de", "d": "aȀb"},
    ),
    "pad, then terminator": (
        "seq:\n  - {id: a, size: 6, terminator: 0x40, pad-right: 0x2b, include: true}\n  - {id: b, size-eos: true}\n",
        "612b40622b2b ff",
        {"a": b"a+@", "b": b"\xff"},
    ),
    "terminators that stay": (
        "seq:\n  - {id: a, terminator: 1, consume: false}\n  - {id: b, terminator: 1, include: true}\n",
        "0001 01",
        {"a": b"\0", "b": b"\x01"},
    ),
    "switches": (
        "meta: {endian: be}\nseq:\n  - {id: code, type: u1, enum: e}\n"
        "  - {id: a, type: {switch-on: code, cases: {'e::two': u2, _: u1}}}\n"
        "  - {id: b, size: 2, type: {switch-on: a, cases: {1: t}}}\n"
        "  - {id: c, type: {switch-on: 'code.to_i + 1', cases: {a: u1, 'a - 1': u2}}}\n"
        "enums: {e: {2: two}}\ntypes:\n  t: {seq: [{id: v, type: u1}]}\n",
        "02 0004 aabb 0102",
        {"code": 2, "a": 4, "b": b"\xaa\xbb", "c": 258},
    ),
    "instances": (
        "meta: {endian: le}\nseq:\n  - {id: n, type: u1}\n  - {id: body, size: size}\n"
        "instances:\n  size: {value: n - at.x}\n  at: {pos: n, type: t}\n  none: {value: 1, if: n == 0}\n"
        "types:\n  t: {seq: [{id: x, type: u1}]}\n",
        "03 aabb 01",
        {"n": 3, "body": b"\xaa\xbb", "size": 2, "at": {"x": 1}},
    ),
    "streams": (
        "seq:\n  - {id: a, size: 2, type: t}\n  - {id: b, type: 'p(a._io, _io)'}\ntypes:\n  t: {seq: [{id: x, "
        "type: u1}]}\n"
        "  p:\n    params: [{id: i, type: io}, {id: r, type: io}]\n    seq: [{id: z, size: i.size, if: not _io.eof}]\n"
        "    instances: {second: {io: i, pos: 1, type: u1}, whole: {value: r.size}}\n",
        "0102 0304 ff",
        {"a": {"x": 1}, "b": {"z": b"\x03\x04", "second": 2, "whole": 5}},
    ),
    "parents": (
        "seq:\n  - {id: n, type: u1}\n  - {id: m, type: mid}\n  - {id: o, type: leaf, parent: m}\ntypes:\n"
        "  mid: {seq: [{id: k, type: u1}, {id: l, type: leaf}]}\n"
        "  leaf: {seq: [{id: x, type: u1}], instances: {s: {value: x + _parent.k + _root.n}}}\n",
        "01 02 03 04",
        {"n": 1, "m": {"k": 2, "l": {"x": 3, "s": 6}}, "o": {"x": 4, "s": 7}},
    ),
    "repetition": (
        "seq:\n  - {id: a, type: u1, repeat: until, repeat-until: _ == 0 or _index == 2}\n"
        "  - {id: b, size: _index, repeat: expr, repeat-expr: a.size}\n  - {id: c, type: u1, repeat: eos}\n"
        "instances: {low: {value: c.min}, last: {value: c.last}}\n",
        "0500 aa 0907",
        {"a": [5, 0], "b": [b"", b"\xaa"], "c": [9, 7], "low": 7, "last": 7},
    ),
    "operators": (
        "instances:\n  a: {value: -7 / 2}\n  b: {value: -7 % 3}\n  c: {value: 1 << 4 | 3 ^ 1}\n"
        "  d: {value: ~5 & 0xff}\n"
        "  e: {value: (2 > 1).to_i + 3.9.to_i}\n  f: {value: '\"abc\".reverse + 12.to_s'}\n"
        "  g: {value: '\"7f\".to_i(16)'}\n"
        "  i: {value: 'f\"<{1 + 1}>\"'}\n  j: {value: '[1, 2] < [1, 3]'}\n"
        "  k: {value: '[10, 300].max'}\n  l: {value: '[0x41].to_s(\"ASCII\")'}\n"
        "  m: {value: 'true and not false ? 7 / 2.0 : 0.0'}\n"
        "  n: {value: '\"hello\".substring(1, 3).length'}\n",
        "",
        {
            "a": -4,
            "b": 2,
            "c": 18,
            "d": 0xFA,
            "e": 4,
            "f": "cba12",
            "g": 127,
            "i": "<2>",
            "j": True,
            "k": 300,
            "l": "A",
            "m": 3.5,
            "n": 2,
        },
    ),
    "sizes": (
        "seq: [{id: a, type: t}]\ninstances: {s: {value: sizeof<t>}, b: {value: bitsizeof<t>}, "
        "v: {value: a.y._sizeof}, me: {value: _sizeof}}\n"
        "types:\n  t: {seq: [{id: x, type: b4}, {id: y, size: 2}]}\n",
        "100203",
        {"a": {"x": 1, "y": b"\x02\x03"}, "s": 3, "b": 20, "v": 2, "me": 3},
    ),
    "processing": (
        "seq:\n  - {id: a, size: 2, process: xor(1)}\n  - {id: b, size: 2, process: 'rol(4)'}\n"
        "  - {id: c, size: 2, process: twice.over(2), type: t, repeat: expr, repeat-expr: 1}\ntypes:\n"
        "  t: {seq: [{id: x, type: u1}]}\n",
        "0001 1234 0304",
        {"a": b"\x01\0", "b": b"\x21\x43", "c": [{"x": 6}]},
    ),
    "computed byte order": (
        "seq: [{id: mark, type: u1}, {id: b, type: body}]\ntypes:\n  body:\n"
        "    meta: {endian: {switch-on: _root.mark, cases: {1: le, _: be}}}\n"
        "    seq: [{id: x, type: u2}, {id: y, type: inner}, {id: z, type: u2be}]\n    types: {inner: {seq: ["
        "{id: w, type: u2}]}}\n",
        "01 0100 0200 0003",
        {"mark": 1, "b": {"x": 1, "y": {"w": 2}, "z": 3}},
    ),
    "fields without a name, and names of ours": (
        "seq:\n  - {contents: 'AB'}\n  - {type: u1}\n  - {id: rest, type: u1}\n  - {id: len, type: u1}\n"
        "  - {id: body, size: rest}\n"
        "instances: {size: {value: len + rest}}\n",
        "4142 07 01 02 ff",
        {"unnamed_0": b"AB", "unnamed_1": 7, "rest": 1, "len": 2, "body": b"\xff", "size": 3},
    ),
    "recursion": (
        "seq:\n  - {id: v, type: u1}\n  - {id: next, type: demo, if: v != 0}\ninstances: {first: {value: _root.v}}\n",
        "02 01 00",
        {"v": 2, "first": 2, "next": {"v": 1, "first": 2, "next": {"v": 0, "first": 2}}},
    ),
}
CUSTOM = {"twice.over": Processor(lambda data, most, by: bytes(byte * by % 256 for byte in data), 1)}


def plain(node: Any) -> Any:
    if isinstance(node, Record):
        return {name: plain(inner.value) for name, inner in node.nodes.items()}
    return [plain(each) for each in node] if isinstance(node, list | tuple) else node


def read(folder, text, data, *, name="demo"):
    path = folder / f"{name}.ksy"
    if "meta: {" in text.partition("\n")[0]:
        text = text.replace("meta: {", f"meta: {{id: {name}, ", 1)
    else:
        text = f"meta: {{id: {name}}}\n{text}"
    path.write_text(text, "utf-8")
    imported = import_ksy(path, processes=CUSTOM)
    assert imported.grammar is not None, imported.findings
    return parse(imported.grammar, data)


@pytest.mark.parametrize("name", CASES)
def test_values_are_what_kaitai_promises(name, tmp_path):
    text, data, expected = CASES[name]
    found = read(tmp_path, text, bytes.fromhex(data))
    assert not found.errors, found.errors
    assert plain(found.records[0]) == expected


@pytest.mark.parametrize(
    ("valid", "kind"),
    [
        ("5", "u1"),
        ("{min: 6}", "u1"),
        ("{max: 3}", "u1"),
        ("{any-of: [1, 2]}", "u1"),
        ("{expr: _ > 4 and _ < 4}", "u1"),
        ("'[5]'", None),
    ],
)
def test_what_is_not_valid_is_an_error(valid, kind, tmp_path):
    size = f"type: {kind}" if kind else "size: 1"
    text = f"seq: [{{id: a, {size}, valid: {valid}}}]\n"
    assert [fault.kind for fault in read(tmp_path, text, b"\x04").errors] == ["mismatch"]


def test_missing_bytes_keep_what_was_read(tmp_path):
    found = read(
        tmp_path,
        "seq: [{id: xs, type: t, repeat: expr, repeat-expr: 2}]\ntypes:\n  t: {seq: [{id: a, type: u1}, {id: b, "
        "type: u1}]}\n",
        b"\x01\x02\x03",
    )
    assert plain(found.records[0]) == {"xs": [{"a": 1, "b": 2}, {"a": 3}]}
    assert [fault.kind for fault in found.errors] == ["truncated"]


def test_imports_bring_their_types_and_keep_their_own_root(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "box.ksy").write_text(
        "meta: {id: box, endian: le}\nseq: [{id: n, type: u2}, {id: i, type: inner}]\n"
        "types:\n  inner: {seq: [{id: x, type: u1}], instances: {r: {value: _root.n}}}\n"
    )
    found = read(
        tmp_path,
        "meta: {endian: be, imports: [shared/box]}\nseq: [{id: n, type: u2}, {id: b, type: box}]\n",
        bytes.fromhex("0102 0304 05"),
    )
    assert plain(found.records[0]) == {"n": 0x0102, "b": {"n": 0x0403, "i": {"x": 5, "r": 0x0403}}}


@pytest.mark.parametrize(
    ("process", "compress"), [("zlib", zlib.compress), ("bz2", bz2.compress), ("lzma", lzma.compress)]
)
def test_a_process_of_the_grammar_language_needs_no_custom_class(tmp_path, process, compress):
    text = f"seq: [{{id: a, size: {len(compress(b'hello'))}, process: {process}}}, {{id: b, type: u1}}]\n"
    found = read(tmp_path, text, compress(b"hello") + b"\x07")
    assert (plain(found.records[0]), found.errors) == ({"a": b"hello", "b": 7}, ())


def test_parameters_of_the_top_type_have_no_values_until_the_grammar_gives_them(tmp_path):
    path = tmp_path / "top.ksy"
    path.write_text(
        "meta: {id: top}\nparams: [{id: n, type: u4}]\nseq: [{id: a, type: u1, repeat: expr, repeat-expr: n}]\n"
    )
    imported = import_ksy(path)
    assert imported.errors == ()
    assert [fault.found for fault in parse(imported.grammar, b"\1\2").errors] == [
        "the parameter 'n' of 'Top' has no value"
    ]
    given = lint_value({**imported.document, "root": "Top(2)"}).grammar
    assert plain(parse(given, b"\1\2").records[0]) == {"a": [1, 2]}


def test_the_parent_of_a_type_that_only_other_files_use_is_unknown(tmp_path):
    (tmp_path / "inner.ksy").write_text(
        "meta: {id: inner}\nseq: [{id: x, type: u1}]\ninstances: {q: {value: _parent.a}}\n"
    )
    path = tmp_path / "outer.ksy"
    path.write_text("meta: {id: outer, imports: [inner]}\nseq: [{id: a, type: u1}, {id: i, type: inner}]\n")
    (error,) = import_ksy(path).errors
    assert (error.path, error.where) == ("/instances/q/value", f"{tmp_path}/inner.ksy:3:17")


def test_types_with_one_name_in_two_places_stay_two(tmp_path):
    text = (
        "seq: [{id: a, type: x}, {id: b, type: y}]\ntypes:\n  x: {seq: [{id: t, type: t}], types: {t: {seq: ["
        "{id: v, type: u1}]}}}\n"
        "  y: {seq: [{id: t, type: t}], types: {t: {seq: [{id: w, size: 2}]}}}\n"
    )
    assert plain(read(tmp_path, text, b"\x01\x02\x03").records[0]) == {
        "a": {"t": {"v": 1}},
        "b": {"t": {"w": b"\x02\x03"}},
    }


def test_what_cannot_be_carried_over_is_named_with_its_line(tmp_path):
    path = tmp_path / "odd.ksy"
    path.write_text(
        "meta:\n  id: odd\nseq:\n  - id: a\n    size: 2\n    process: mystery(1)\n  - id: b\n    size: 1\n"
        '    repeat: until\n    repeat-until: \'"x".to_b("ASCII") == a\'\n'
    )
    found = import_ksy(path)
    assert [each.where for each in found.errors] == [f"{path}:6:5", f"{path}:10:5"]
    assert "mystery" in found.errors[0].message
    assert "to_b" in found.errors[1].message


@pytest.mark.parametrize(
    ("line", "what", "place"),
    [
        ("{id: a, size: 2, process: mystery(1)}", "the custom process 'mystery'", "3:22"),
        ("{id: a, type: u1, valid: {max: '1.5e400'}}", "a number that is too large", "3:23"),
        (
            "{id: a, type: {switch-on: 1, cases: {1: str, 2: strz}}, size: 3}",
            "strings that end in different ways",
            "3:13",
        ),
        ("{id: a, type: str, size: 3, encoding: klingon}", "the encoding 'klingon'", "3:33"),
        ('{id: a, size: \'"x".to_b("ASCII").size\'}', "`to_b`", "3:13"),
    ],
)
def test_a_construct_outside_of_the_grammar_language_is_refused_at_its_place(tmp_path, line, what, place):
    path = tmp_path / "odd.ksy"
    path.write_text(f"meta: {{id: odd, encoding: ASCII}}\nseq:\n  - {line}\n")
    (error,) = import_ksy(path).errors
    assert what in error.message
    assert error.where == f"{path}:{place}"


def test_what_our_lint_refuses_is_named_where_the_ksy_says_it(tmp_path):
    path = tmp_path / "endless.ksy"
    path.write_text(
        "meta: {id: endless}\nseq:\n  - {id: a, type: u1}\n  - {id: b, type: t, repeat: eos}\ntypes: {t: {}}\n"
    )
    (error,) = import_ksy(path).errors
    assert error.where == f"{path}:4:5"
    assert "zero-size" in error.message


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_file_is_read_or_refused_and_never_crashes(tmp_path, data):
    text = CASES[data.draw(st.sampled_from(sorted(CASES)))][0]
    pieces = re.split(r"(\W)", text)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(pieces) - 1))
        pieces[at] = data.draw(
            st.sampled_from(["", "x", "-1", "_", "type", "[1]", "u4", "{", ":", "1 +", "_root", *pieces])
        )
    path = tmp_path / "changed.ksy"
    path.write_text("meta: {id: changed}\n" + "".join(pieces), "utf-8")
    try:
        imported = import_ksy(path, processes=CUSTOM)
    except SuiteError:
        return
    assert (imported.grammar is None) == bool(imported.errors)
    if imported.grammar is not None:
        found = parse(imported.grammar, bytes(range(40)), limits=Limits(records=2_000, seconds=5))
        assert sum(b - a for a, b in found.covered) + sum(b - a for a, b in found.gaps) == 40
