"""Words of other languages get a hint, and constants that no value can be are errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.grammar.language.lint import lint_text


def lint(field: str) -> dict[str, str]:
    text = f"endian: big\ntypes:\n  T:\n    fields:\n      - {field}\n"
    return {finding.code: f"{finding.message} {finding.hint}" for finding in lint_text(text).errors}


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ("{name: a, type: u4}", "u32"), ("{name: a, type: s2le}", "i16le"), ("{name: a, type: f8be}", "f64be"),
        ("{name: a, type: strz}", "terminator"), ("{name: a, type: bytes, size: 4}", "length"),
        ("{id: a, type: u8}", "name"),
        ("{name: a, type: u8, contents: [1]}", "equals"), ("{name: a, type: u8, repeat: eos}", "repeat: rest"),
        ("{name: a, type: u8, repeat-expr: 3}", "repeat: COUNT"), ("{name: a, type: u8, valid: 3}", "validate"),
        ("{name: a, pos: 3, type: u8}", "at"), ("{name: a, type: DWORD}", "u32"),
    ],
)  # fmt: skip
def test_a_habit_gets_a_hint(field: str, hint: str) -> None:
    assert hint in " ".join(lint(field).values())


@pytest.mark.parametrize("key", ["seq", "meta"])
def test_a_document_of_kaitai_gets_a_hint(key: str) -> None:
    found = lint_text(f"{key}: []\nendian: le\ntypes: {{T: {{seq: []}}}}")
    hints = " ".join(finding.hint for finding in found.errors)
    assert "fields" in hints
    assert "endian: little" in hints


@pytest.mark.parametrize(
    "field",
    [
        "{name: a, type: u8, validate: {equals: 300}}", "{name: a, type: i8, validate: {one_of: [1, 200]}}",
        "{name: a, type: b3, validate: {equals: 8}}", "{name: a, type: u16, validate: {min: 65536}}",
        "{name: a, type: u8, validate: {max: -1}}", '{name: a, type: bytes, length: 4, validate: {equals: "abc"}}',
        "{name: a, type: bytes, length: 2, validate: {one_of: [[1, 2], [1]]}}",
        "{name: a, type: string, length: 2, validate: {equals: abc}}", "{name: a, type: u8, validate: {equals: -1}}",
    ],
)  # fmt: skip
def test_a_constant_that_no_value_can_be_is_an_error(field: str) -> None:
    assert "impossible-value" in lint(field)


@pytest.mark.parametrize(
    "field",
    [
        "{name: a, type: u8, validate: {equals: 255}}", "{name: a, type: u8, validate: {max: 300}}",
        "{name: a, type: i8, validate: {one_of: [-128, 127]}}", "{name: a, type: leb128, validate: {equals: 100000}}",
        '{name: a, type: bytes, length: 4, pad: 0, validate: {equals: "abc"}}',
        '{name: a, type: string, length: 4, terminator: 0, validate: {equals: "abc"}}',
        '{name: a, type: string, length: 4, encoding: utf-16le, validate: {equals: "ab"}}',
        "{name: a, type: f32, validate: {equals: 3000000000}}", "{name: a, type: flag, validate: {equals: true}}",
    ],
)  # fmt: skip
def test_other_constants_are_accepted(field: str) -> None:
    assert lint(field) == {}


@given(st.sampled_from(["u8", "i8", "u16", "i16", "u24", "b1", "b7", "sb5"]), st.integers(-70_000, 1 << 25))
def test_a_constant_is_accepted_exactly_if_it_can_be_encoded(name: str, value: int) -> None:
    signed, bits = name.lstrip("usb") != name[1:] and name[0] in "is", int(name.lstrip("uisb"))
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    assert ("impossible-value" in lint(f"{{name: a, type: {name}, validate: {{equals: {value}}}}}")) == (
        not low <= value <= high
    )


def test_an_unquoted_expression_in_a_flow_mapping_is_explained() -> None:
    found = lint_text("endian: big\ntypes:\n  T:\n    fields:\n      - {name: a, type: u8, if: x ? 1 : 2}\n")
    assert "in quotes" in found.errors[0].hint
