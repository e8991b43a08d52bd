"""Lint finds every error, each at its place, in any value whatever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.spec.grammar import lint, path_to_string

FIELD = {"name": "a", "type": "u8"}


def messages(**field: object) -> list[str]:
    value = {"endian": "big", "types": {"T": {"fields": [FIELD, {"name": "f", "type": "bytes", **field}]}}}
    return [f"{path_to_string(e.where)}: {e.message}" for e in lint(value).errors]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"type": "NonExistentType"}, "Unknown type 'NonExistentType'"),
        ({}, "bytes needs a length"),
        ({"length": -1}, "neither a number"),
        ({"length": "later"}, "neither a number"),
        ({"length": 1, "size": 2}, "unknown key 'size'"),
        ({"length": 1, "name": "f(x)"}, "is no name for a field"),
        ({"length": 1, "name": "a"}, "duplicate field 'a'"),
        ({"length": 1, "switch": {"by": "zz", "cases": {}}}, "no earlier number or string"),
        ({"length": 1, "switch": {"by": "a", "cases": {1: "Nope"}}}, "Unknown type 'Nope'"),
        ({"length": 1, "switch": {"by": "a", "cases": {1: "T", "0x01": "T"}}}, "is there twice"),
        ({"length": 1, "validate": {"equals": 5}}, "5 is no bytes"),
        ({"type": "u8", "validate": {"one_of": [1] * 257}}, "at most 256 values"),
        ({"type": "u32", "validate": {"crc32_of": ["b"]}}, "consecutive earlier fields"),
        ({"type": "u8", "repeat": "rest", "validate": {"equals": 1}}, "a repeated field cannot be validated"),
    ],
)
def test_errors(field: dict[str, object], expected: str) -> None:
    assert any(expected in m for m in messages(**field)), messages(**field)


def test_a_good_field_has_no_error() -> None:
    assert messages(length="a", validate={"equals": "\x89PNG"}) == []


def test_all_errors_are_reported_at_their_places() -> None:
    found = lint({"types": {"T": {"fields": [{"name": "x", "type": "A"}, {"name": "y", "type": "B"}]}}})
    assert [path_to_string(e.where) for e in found.errors] == ["types.T.fields[0].type", "types.T.fields[1].type"]
    assert found.grammar is None
    assert [w.message for w in found.warnings] == ["no endian is given; big is assumed"]


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["T", "u8", "bytes", "rest"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["types", "T", "fields", "name", "type", "length", "switch", "by", "cases",
                                       "validate", "one_of", "repeat", "root", "framing"]), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(json_like)
def test_lint_judges_any_value(value: object) -> None:
    found = lint(value)
    assert (found.grammar is None) == bool(found.errors)
