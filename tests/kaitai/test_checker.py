"""Errors of a `.ksy` file are found at their positions, and valid files have no findings."""

from __future__ import annotations

import pytest

from harness.core.errors import SuiteError
from harness.kaitai.checker import check
from harness.kaitai.loader import load

HEAD = "meta: {id: wrong, endian: le, encoding: UTF-8}\n"
SEQ = HEAD + "seq:\n  - {id: a, type: u1}\n  - {id: s, type: str, size: 2}\n  - {id: raw, size: 2}\n"

WRONG = {
    # structure
    "/": "just text\n",
    "/meta": "meta: 12\n",
    "/meta/id": "meta: {id: Wrong}\n",
    "/meta/endian": "meta: {id: wrong, endian: middle}\n",
    "/meta/bit-endian": "meta: {id: wrong, bit-endian: middle}\n",
    "/meta/colour": "meta: {id: wrong, colour: red}\n",
    "/meta/imports/0": "meta: {id: wrong, imports: [nowhere]}\n",
    "/meta/ks-version": "meta: {id: wrong, ks-version: 99.9}\n",
    "/seq": HEAD + "seq: {id: a}\n",
    "/seq/0": HEAD + "seq: [a]\n",
    "/seq/0/id": HEAD + "seq: [{id: A, type: u1}]\n",
    "/seq/0/colour": HEAD + "seq: [{id: a, type: u1, colour: red}]\n",
    "/types/2x": HEAD + "types: {2x: {}}\n",
    "/types/x": HEAD + "types: {x: 5}\n",
    "/instances/_x": HEAD + "instances: {_x: {value: 1}}\n",
    # types
    "/seq/0/type": HEAD + "seq: [{id: a, type: nothing_such}]\n",
    "/seq/1/type": "meta: {id: wrong}\nseq: [{id: a, type: u1}, {id: b, type: u2}]\n",
    "/seq/2/type": "meta: {id: wrong}\nseq: [{id: a, type: u1}, {id: b, type: u1}, {id: c, type: b65}]\n",
    "/seq/3/type/cases/IntNum(5)": SEQ + "  - {id: c, type: {switch-on: a, cases: {5: nothing_such}}}\n",
    "/seq/3/type/cases/Name(identifier(Bad))": SEQ + "  - {id: c, type: {switch-on: a, cases: {Bad: u1}}}\n",
    "/seq/3/type/cases/a +": SEQ + "  - {id: c, type: {switch-on: a, cases: {a +: u1}}}\n",
    "/seq/3/type/cases/UnaryOp(Minus,IntNum(1))": SEQ + "  - {id: c, type: {switch-on: a, cases: {-1: nope}}}\n",
    "/seq/3/type/cases/Bool(true)": SEQ + "  - {id: c, type: {switch-on: a, cases: {true: u1}}}\n",
    "/seq/3/type/cases/Name(identifier(_))": SEQ + "  - {id: c, type: {switch-on: a, cases: {_: nope}}}\n",
    "/seq/3/type/cases/Str(x)": SEQ + "  - {id: c, type: {switch-on: a, cases: {\"'x'\": u1}}}\n",
    "/seq/3/type": SEQ + "  - {id: c, type: {switch-on: a}}\n",
    "/seq/3": SEQ + "  - {id: c}\n",
    "/seq/3/terminator": SEQ + "  - {id: c, terminator: 256}\n",
    "/seq/3/size": SEQ + "  - {id: c, size: s}\n",
    "/seq/3/repeat": SEQ + "  - {id: c, type: u1, repeat: often}\n",
    "/seq/3/repeat-expr": SEQ + "  - {id: c, type: u1, repeat: expr, repeat-expr: s}\n",
    "/seq/3/repeat-until": SEQ + "  - {id: c, type: u1, repeat: until, repeat-until: _ + 1}\n",
    "/seq/3/if": SEQ + "  - {id: c, type: u1, if: a}\n",
    "/seq/3/enum": SEQ + "  - {id: c, type: u1, enum: nothing_such}\n",
    "/seq/3/process": SEQ + "  - {id: c, size: 1, process: xor(s)}\n",
    "/seq/3/contents/0": SEQ + "  - {id: c, contents: [256]}\n",
    "/seq/3/valid": SEQ + "  - {id: c, type: u1, valid: nothing_such}\n",
    "/seq/3/valid/nope": SEQ + "  - {id: c, type: u1, valid: {eq: 1, nope: 1}}\n",
    "/seq/3/valid/max": SEQ + "  - {id: c, type: u1, valid: {eq: 1, max: 1}}\n",
    "/seq/3/valid/min": SEQ + "  - {id: c, type: u1, valid: {min: s}}\n",
    "/seq/3/valid/any-of/1": SEQ + "  - {id: c, type: u1, valid: {any-of: [1, raw]}}\n",
    "/seq/3/valid/expr": SEQ + "  - {id: c, type: u1, valid: {expr: _ + 1}}\n",
    "/seq/3/valid/in-enum": SEQ + "  - {id: c, type: u1, valid: {in-enum: true}}\n",
    "/enums/e/x": HEAD + "enums: {e: {x: one}}\n",
    "/enums/e/1": HEAD + "enums: {e: {1: One}}\n",
    "/enums/e/2": HEAD + "enums: {e: {1: one, 2: one}}\n",
    # expressions
    "/instances/i/value": SEQ + "instances: {i: {value: a + s}}\n",
    "/instances/j/value": SEQ + "instances: {j: {value: a.frobnicate}}\n",
    "/instances/k/value": SEQ + "instances: {k: {value: nothing_such}}\n",
    "/instances/l/value": SEQ + "instances: {l: {value: raw.to_s(1)}}\n",
    "/instances/m/value": SEQ + "instances: {m: {value: 'a[0]'}}\n",
    "/instances/n/value": SEQ + "instances: {n: {value: 'a == s'}}\n",
    "/instances/o/value": SEQ + "instances: {o: {value: 'true > false'}}\n",
    "/instances/p/value": SEQ + "instances: {p: {value: '1 ? 2 : 3'}}\n",
    "/instances/q/value": SEQ + "instances: {q: {value: 'true ? 2 : s'}}\n",
    "/instances/r/value": SEQ + "instances: {r: {value: 'a.as<nothing_such>'}}\n",
    "/instances/t/value": SEQ + "instances: {t: {value: e::two}}\nenums: {e: {1: one}}\n",
    "/instances/u/value": SEQ + "instances: {u: {value: 'e::one < e::one'}}\nenums: {e: {1: one}}\n",
    "/instances/v/value": SEQ + "instances: {v: {value: e::one == 1}}\nenums: {e: {1: one}}\n",
    "/instances/w/enum": SEQ + "instances: {w: {value: 1.5, enum: e}}\nenums: {e: {1: one}}\n",
    "/instances/x/pos": SEQ + "instances: {x: {pos: s, type: u1}}\n",
    "/instances/y/io": SEQ + "instances: {y: {io: a, pos: 0, type: u1}}\n",
    "/instances/z/value": HEAD + "seq: [{id: n, type: u1}, {id: c, size: n}]\ninstances: {z: {value: c._sizeof}}\n",
    "/instances/a": SEQ + "instances: {a: {value: 1}}\n",
    "/to-string": SEQ + "to-string: a + 1\n",
    "/types/t/seq/0/size": HEAD
    + "seq: [{id: n, type: u1}, {id: c, type: t}]\ntypes:\n  t: {seq: [{id: x, size: _parent.m}]}\n",
}


def findings(folder, text):
    path = folder / "wrong.ksy"
    path.write_text(text)
    library = load(path)
    check(library)
    return library.findings


@pytest.mark.parametrize("place", WRONG)
def test_a_mistake_is_an_error_at_its_place(place, tmp_path):
    errors = [each for each in findings(tmp_path, WRONG[place]) if each.severity == "error"]
    assert place in [each.path for each in errors], errors
    assert all(each.where.startswith(str(tmp_path / "wrong.ksy") + ":") for each in errors)


def test_params_must_match_what_is_passed(tmp_path):
    types = "types:\n  t: {params: [{id: n, type: u4}, {id: f, type: bool}]}\n"
    for arguments in ("(1)", "(1, 2.5)", "(1, true, 3)", ""):
        text = HEAD + f"seq: [{{id: a, type: 't{arguments}'}}]\n" + types
        assert [each.path for each in findings(tmp_path, text)] == ["/seq/0/type"], arguments
    assert not findings(tmp_path, HEAD + "seq: [{id: a, type: 't(1, true)'}]\n" + types)


def test_a_parent_of_two_types_has_no_fields_of_its_own(tmp_path):
    inner = "  t: {seq: [{id: x, size: _parent.n}]}\n"
    one = (
        HEAD + "seq: [{id: n, type: u1}, {id: c, type: m}]\ntypes:\n  m: {seq: [{id: n, type: u1}, {id: x, type: t}]}\n"
    )
    assert not [each for each in findings(tmp_path, one + inner) if each.severity == "error"]
    two = one + "  k: {seq: [{id: x, type: t}]}\n" + inner
    wrong = [each.path for each in findings(tmp_path, two) if each.severity == "error"]
    assert wrong == ["/types/t/seq/0/size"]


def test_every_error_is_reported_at_once(tmp_path):
    text = HEAD + "seq:\n  - {id: A, type: u1}\n  - {id: b, type: nope}\n  - {id: c, size: '1 +'}\n"
    assert len(findings(tmp_path, text)) >= 3


@pytest.mark.parametrize("text", ["", "meta: {id: a\n", "meta: {id: a, id: b}\n", "{" * 200])
def test_what_is_no_yaml_is_a_suite_error_or_a_finding(text, tmp_path):
    try:
        assert findings(tmp_path, text)
    except SuiteError as error:
        assert "wrong.ksy" in str(error)  # noqa: PT017 - either way it is reported


def test_names_that_hide_what_they_measure_are_warnings(tmp_path):
    text = (
        HEAD + "seq: [{id: n, type: u1}, {id: body, size: n}, {id: k, type: u1}, {id: xs, type: u1, repeat: expr, "
        "repeat-expr: k}]\n"
    )
    found = findings(tmp_path, text)
    assert {each.severity for each in found} == {"warning"}
    assert [word for each in found for word in each.message.split() if word.startswith("`len_")] == ["`len_body`"]
    assert any("num_xs" in each.message for each in found)
    assert not findings(
        tmp_path, text.replace("id: n,", "id: len_body,").replace("size: n", "size: len_body").replace("k", "num_xs")
    )


def test_an_unknown_encoding_is_a_warning(tmp_path):
    found = findings(tmp_path, "meta: {id: wrong, encoding: klingon}\n")
    assert [(each.severity, each.path) for each in found] == [("warning", "/meta/encoding")]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("meta: {id: wrong, encoding: utf8}\n", "'UTF-8'"),
        (HEAD + "instances: {a: {value: '[0x41].to_s(\"klingon\")'}}\n", "klingon"),
        (HEAD + "seq: [{id: at, type: u1}]\ninstances: {x: {pos: at, type: u1}}\n", "`ofs_x`"),
        (HEAD + "seq: [{id: h, type: h}, {id: x, size: h.n}]\ntypes: {h: {seq: [{id: n, type: u1}]}}\n", "`len_x`"),
    ],
)
def test_style_is_a_matter_of_warnings(text, what, tmp_path):
    (found,) = findings(tmp_path, text)
    assert found.severity == "warning"
    assert what in found.message


def test_one_number_has_one_name(tmp_path):
    (found,) = findings(tmp_path, HEAD + "enums: {e: {1: one, 0x1: uno}}\n")
    assert found.path == "/enums/e/0x1"


def test_keys_that_begin_with_a_dash_are_the_users_own(tmp_path):
    assert not findings(tmp_path, "meta: {id: wrong, -mine: 1}\nseq: [{id: a, type: u1, -orig: x}]\n-note: 5\n")
