"""Lint reports every error of a grammar with its position."""
# ruff: noqa: E501 - one case a line

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.grammar.language.constructs import FIELD, GRAMMAR, TYPE, VALIDATE, json_schema
from harness.grammar.language.lint import Lint, lint_text, lint_value


def grammar(fields: str, more: str = "", endian: str = "endian: big\n") -> str:
    return f"{endian}types:\n  A:\n    fields:\n{fields}{more}"


def codes(lint: Lint) -> set[str]:
    return {finding.code for finding in lint.errors}


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("{name: x, type: NonExistentType}", "unknown-type"),
        ("{name: x, type: u9}", "unknown-type"),
        ("{name: x, type: b65}", "unknown-type"),
        ("{name: x, type: bytes}", "missing-length"),
        ("{name: x, type: string, encoding: klingon, length: 1}", "unknown-encoding"),
        ("{name: x, type: u8, lenght: 1}", "unknown-key"),
        ("{name: x}", "missing-type"),
        ("{type: u8}", "bad-name"),
        ('{name: "a\\nb", type: u8}', "bad-name"),
        ("{name: x, type: bytes, length: y}", "unknown-name"),
        ("{name: x, type: bytes, length: x}", "forward-reference"),
        ("{name: x, type: bytes, length: 1 +}", "bad-expression"),
        ("{name: x, type: bytes, length: '\"text\"'}", "type-mismatch"),
        ("{name: x, type: bytes, length: -1}", "wrong-value"),
        ("{name: x, type: u8, length: 3}", "conflict"),
        ("{name: x, type: u8, repeat: 2, until: _ == 0}", "conflict"),
        ("{name: x, type: u8, enum: Nope}", "unknown-enum"),
        ("{name: x, type: u8, validate: {in_enum: true}}", "conflict"),
        ("{name: x, type: u8, validate: {equals: abc}}", "unknown-name"),
        ("{name: x, type: u8, validate: {min: 5, max: 2}}", "wrong-value"),
        ("{name: x, type: u8, validate: {equal: 2}}", "unknown-key"),
        ("{name: x, type: u32, checksum: {algorithm: md5, over: [x]}}", "unknown-algorithm"),
        ("{name: x, type: u32, checksum: {algorithm: crc32, over: [y]}}", "unknown-name"),
        ("{name: x, type: bytes, length: 1, process: rot13}", "unknown-process"),
        ("{name: x, type: bytes, length: 1, process: zlib(1)}", "wrong-arguments"),
        ("{name: x, type: u8, decode: nope}", "unknown-decoder"),
        ("{name: x, type: u8, color: pinkish}", "bad-color"),
        ("{name: x, switch: {by: 1, cases: {1: u8, 0x01: u16}}}", "unreachable-case"),
        ("{name: x, type: A}", "endless"),
        ("{name: x, type: u8, terminator: 0}", "conflict"),
        ("{name: x, compute: _root.nope}", "unknown-name"),
        ("{name: x, compute: 'A::b'}", "unknown-enum"),
        ("{name: x, compute: frobnicate(1)}", "unknown-name"),
    ],
)
def test_each_mistake_is_found_where_it_is(field: str, code: str) -> None:
    lint = lint_text(grammar(f"      - {field}\n      - {{name: last, type: u8}}\n"))
    assert lint.grammar is None
    assert codes(lint) == {code}, [str(e) for e in lint.errors]
    assert all(finding.line == 5 or code == "endless" for finding in lint.errors), lint.errors[0]


def test_all_mistakes_are_found_at_once() -> None:
    text = grammar(
        "      - {name: a, type: Nope}\n      - {name: b, type: bytes}\n      - {name: c, type: u8, enum: X}\n"
        "      - {name: d, type: bytes, length: later}\n      - {name: later, type: u8}\n      - {name: b, type: u8}\n"
    )
    lint = lint_text(text)
    assert [e.code for e in lint.errors] == [
        "unknown-type", "missing-length", "unknown-enum", "forward-reference", "duplicate",
    ]  # fmt: skip
    assert [e.line for e in lint.errors] == [5, 6, 7, 8, 10]


@pytest.mark.parametrize("value", [[], {}, [1], 5, 1.5])
@pytest.mark.parametrize(
    "key", ["enum", "checksum", "decode", "type", "encoding", "process", "switch", "module", "root"]
)
def test_a_name_of_another_kind_is_an_error_not_an_exception(key: str, value: object) -> None:
    field = {"name": "a", "type": "u8", key: {"algorithm": value} if key == "checksum" else value}
    if key == "decode":
        field["decode"] = {"as": value}
    top = {"fields": [{"name": "a", "type": "u8"}], "module": value} if key == "module" else {"fields": [field]}
    document = {"endian": "big", "types": {"A": top}, **({"root": value} if key == "root" else {})}
    found = lint_value(document)
    assert found.errors or (key, value) == ("process", [])


def test_the_message_of_an_unknown_type_is_the_promised_one() -> None:
    lint = lint_text(grammar("      - {name: bad, type: NonExistentType}\n"))
    assert lint.errors[0].message == "Unknown type 'NonExistentType'"
    assert lint_text(grammar("      - {name: x, type: u61}\n")).errors[0].hint == (
        "did you mean 'u64'? a bit field of that width is b61"
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (grammar("      - {name: x, type: u8}\n", endian=""), "assumed-endian"),
        (grammar("      - {name: x, type: u8}\n", "  B: {fields: [{name: y, type: u8}]}\n"), "unused-types"),
        (
            grammar("      - {name: t, type: u8}\n      - {name: x, switch: {by: t, cases: {300: u8}, default: u8}}\n"),
            "unreachable-case",
        ),
        (grammar("      - {name: t, type: u8}\n      - {name: x, switch: {by: t, cases: {3: u8}}}\n"), "no-default"),
    ],
)
def test_what_is_allowed_and_odd_is_a_warning(text: str, code: str) -> None:
    lint = lint_text(text)
    assert lint.grammar is not None, lint.errors
    assert code in {w.code for w in lint.warnings}


def test_repeating_nothing_is_an_error() -> None:
    assert codes(lint_text("endian: big\ntypes: {A: {fields: []}}")) == {"zero-size"}
    inner = "endian: big\nframing: {repeat: once}\ntypes: {A: {fields: [{name: x, type: B, repeat: rest}]}, B: {fields: []}}"
    assert "zero-size" in codes(lint_text(inner))


def test_values_of_a_switch_are_compared_and_not_spelt() -> None:
    for key in ("1", "0x01", "'0x1'", "0b1", "E::one"):
        text = grammar(
            f"      - {{name: t, type: u8}}\n      - {{name: x, switch: {{by: t, cases: {{{key}: u16}}, default: u8}}}}\n"
        )
        lint = lint_text(text + "enums: {E: {1: one}}\n")
        assert lint.grammar is not None, lint.errors
        switch = lint.grammar.types["A"].fields[1].switch
        assert switch is not None
        assert list(switch.cases) == [1]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "1", "a: [", "types: {}", "types: 3", "types: {A: 3}", "types: {A: {fields: 3}}", "\x00", "a: &a [*a]"],
)
def test_what_is_no_grammar_is_an_error_and_never_an_exception(text: str) -> None:
    lint = lint_text(text)
    assert lint.grammar is None
    assert lint.errors


json = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 300), st.text(max_size=8), st.sampled_from(["u8", "A", "rest", "big"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from([*GRAMMAR, *TYPE, *FIELD, *VALIDATE, "A", "__class__", "a\nb"]), inner, max_size=5
        ),
    ),
    max_leaves=20,
)
field = st.dictionaries(st.sampled_from(sorted(FIELD)), json, max_size=5)
documents = st.one_of(
    json,
    st.fixed_dictionaries(
        {
            "types": st.dictionaries(
                st.sampled_from(["A", "B"]), st.fixed_dictionaries({"fields": st.lists(field, max_size=4)})
            )
        }
    ),
)


@given(documents)
@settings(max_examples=150, deadline=None)
def test_any_document_is_linted_without_an_exception(document: object) -> None:
    lint = lint_value(document)
    assert (lint.grammar is None) == bool(lint.errors)
    assert lint == lint_value(document)


def test_the_schema_knows_every_key_that_lint_knows() -> None:
    schema = json_schema()
    assert set(schema["$defs"]["field"]["properties"]) == set(FIELD)
    assert all(key.doc for table in (GRAMMAR, TYPE, FIELD, VALIDATE) for key in table.values())


def test_a_million_fields_are_refused_or_linted_in_bounded_time() -> None:
    fields = [{"name": f"f{i}", "type": "u8"} for i in range(20_000)]
    started = time.process_time()
    lint = lint_value({"endian": "big", "types": {"A": {"fields": fields}}})
    assert lint.grammar is not None
    wrong = [{"name": "x", "type": f"t{i}"} for i in range(20_000)]
    assert len(lint_value({"endian": "big", "types": {"A": {"fields": wrong}}}).errors) == 1000
    assert time.process_time() - started < 120  # a bound against exponential growth, not a measurement
    text = yaml.safe_dump({"types": {"A": {"fields": fields[:2000]}}})
    assert lint_text(text).grammar is not None
