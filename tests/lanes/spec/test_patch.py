"""Patches apply as a whole, in order, to a copy."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.lanes.spec.patch import PatchError, apply_patch, read_patch

BASE = {"endian": "big", "types": {"T": {"fields": [{"name": "a", "type": "u8"}, {"name": "b", "type": "u16"}]}}}
FIELD = {"name": "x", "type": "u8"}


def patched(*ops: dict[str, Any]) -> Any:
    return apply_patch(read_patch(list(ops)), BASE)


def names(value: Any) -> list[str]:
    return [f["name"] for f in value["types"]["T"]["fields"]]


def test_operations_see_what_earlier_ones_did() -> None:
    before = copy.deepcopy(BASE)
    made = patched(
        {"op": "insert_field", "path": ["types", "T"], "index": 0, "field_def": FIELD},
        {"op": "insert_field", "path": ["types", "T"], "field_def": {"name": "end", "type": "u8"}},
        {"op": "update_field", "path": ["types", "T", "fields", 0], "updates": {"name": "first"}},
        {"op": "delete_field", "path": ["types", "T", "fields", 1]},
        {"op": "add_type", "path": ["types", "U"], "type_def": {"fields": [FIELD]}},
        {"op": "update_type", "path": ["types", "U"], "updates": {"doc": "new"}},
    )
    assert names(made) == ["first", "b", "end"]
    assert made["types"]["U"] == {"fields": [FIELD], "doc": "new"}
    assert before == BASE


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ({"op": "delete_field", "path": ["types", "T", "fields", 9]}, "Field index 9 out of range"),
        ({"op": "update_type", "path": ["types", "Z"], "updates": {"doc": "x"}}, "Type Z not found"),
        ({"op": "add_type", "path": ["types", "T"], "type_def": {"fields": []}}, "Type T already exists"),
        ({"op": "insert_field", "path": ["types", "T"], "index": 7, "field_def": FIELD}, "beyond the end"),
    ],
)
def test_what_does_not_fit_changes_nothing(op: dict[str, Any], expected: str) -> None:
    before = copy.deepcopy(BASE)
    good = {"op": "delete_field", "path": ["types", "T", "fields", 0]}
    with pytest.raises(PatchError, match=r"Failed to apply op 1 .* at types\.") as caught:
        patched(good, op)
    assert expected in str(caught.value)
    assert before == BASE


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], "Patch has no operations"),
        ("text", "Patch has no operations"),
        ({"ops": [{"op": "add_type", "path": ["types", "U"], "type_def": {}}]}, "Op 0 (add_type): type_def is empty"),
        ([{"op": "rename"}], "op must be one of insert_field"),
        ([{"op": "delete_field", "path": ["types", "T"]}], "path must be [types, TypeName, fields, index]"),
        ([{"op": "delete_field", "path": ["types", "T", "fields", True]}], "path must be"),
        ([{"op": "insert_field", "path": ["types", "T"], "index": -2, "field_def": FIELD}], "index is -1"),
        ([{"op": "insert_field", "path": ["types", "T"], "field_def": FIELD, "at": 1}], "unknown key 'at'"),
        ({"operations": []}, "unknown key 'operations'"),
    ],
)
def test_what_is_no_patch(value: Any, expected: str) -> None:
    with pytest.raises(PatchError) as caught:
        read_patch(value)
    assert expected in str(caught.value)


def test_every_wrong_operation_is_named() -> None:
    with pytest.raises(PatchError, match=r"Op 0 .*; Op 1 "):
        read_patch([{"op": "x"}, {"op": "y"}])
