"""Patches apply atomically, in order, to a copy; all malformed operations are reported at once."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.grammar.editing.frozen import freeze, unfreeze
from harness.grammar.patch import (
    AddRegistryEntry,
    AddType,
    DeleteField,
    ExpectValue,
    InsertField,
    MoveField,
    Operation,
    Patch,
    PatchError,
    RemoveRegistryEntry,
    RemoveType,
    RenameType,
    SetEndian,
    SetFraming,
    SetProperty,
    SetSwitch,
    UnsetProperty,
    UpdateField,
    UpdateRegistryEntry,
    UpdateType,
    apply_patch,
    path_from_string,
    path_to_string,
    read_patch,
    validate_path,
)
from harness.grammar.patch_inference import patch_between, same

BASE: dict[str, Any] = {
    "endian": "big",
    "root": "T",
    "types": {
        "T": {"fields": [{"name": "a", "type": "u8"}, {"name": "b", "type": "u16"}, {"name": "c", "type": "U"}]},
        "U": {"fields": [{"name": "x", "type": "u8"}]},
    },
    "registry": {"0x4E54": {"name": "Note"}},
}
FIELD = {"name": "x", "type": "u8"}
T = ("types", "T")


def patched(*ops: Operation) -> Any:
    return apply_patch(Patch(ops), BASE).document


def names(value: Any) -> list[str]:
    return [f["name"] for f in value["types"]["T"]["fields"]]


def test_operations_see_what_earlier_ones_did() -> None:
    before = copy.deepcopy(BASE)
    made = patched(
        InsertField(T, 0, FIELD),
        InsertField(T, -1, {"name": "end", "type": "u8"}),
        UpdateField((*T, "fields", 0), {"name": "first"}),
        DeleteField((*T, "fields", 1)),
        AddType(("types", "V"), {"fields": [FIELD]}),
        UpdateType(("types", "V"), {"doc": "new"}),
    )
    assert names(made) == ["first", "b", "c", "end"]
    assert made["types"]["V"] == {"fields": [FIELD], "doc": "new"}
    assert before == BASE


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (InsertField(T, 0, FIELD), ["x", "a", "b", "c"]),
        (InsertField(T, field_def=FIELD), ["x", "a", "b", "c"]),
        (InsertField(T, -1, FIELD), ["a", "b", "c", "x"]),
        (InsertField(T, 99, FIELD), ["a", "b", "c", "x"]),
        (DeleteField((*T, "fields", -1)), ["a", "b"]),
        (MoveField((*T, "fields", 0), 1), ["b", "a", "c"]),
        (MoveField((*T, "fields", 2), 0), ["c", "a", "b"]),
        (MoveField((*T, "fields", 0), -1), ["b", "c", "a"]),
    ],
)
def test_where_fields_go(op: Operation, expected: list[str]) -> None:
    assert names(patched(op)) == expected


def test_each_of_the_other_operations() -> None:
    assert "b" not in [f["name"] for f in patched(DeleteField((*T, "fields", 1)))["types"]["T"]["fields"]]
    assert "U" not in patched(RemoveType(("types", "U")))["types"]
    assert patched(UnsetProperty(("endian",))).get("endian") is None
    assert patched(SetEndian(endian="little"))["endian"] == "little"
    assert patched(SetEndian((*T, "fields", 1), "little"))["types"]["T"]["fields"][1]["endian"] == "little"
    assert patched(SetEndian(T, "little"))["types"]["T"]["endian"] == "little"
    assert patched(SetFraming(framing={"repeat": "once"}))["framing"] == {"repeat": "once"}
    switch = {"expr": "T.a", "cases": {"0x01": "U"}}
    assert patched(SetSwitch(switch=switch))["record"] == {"switch": switch}
    by = {"by": "a", "cases": {"1": "U"}}
    assert patched(SetSwitch((*T, "fields", 2), by))["types"]["T"]["fields"][2]["switch"] == by
    assert patched(AddRegistryEntry(("registry", "0x01"), {"name": "N"}))["registry"]["0x01"] == {"name": "N"}
    updated = patched(UpdateRegistryEntry(("registry", "0x4E54"), {"decode": {"as": "hex"}}))
    assert updated["registry"]["0x4E54"] == {"name": "Note", "decode": {"as": "hex"}}
    assert patched(RemoveRegistryEntry(("registry", "0x4E54")))["registry"] == {}
    assert patched(SetProperty(("enums", "E", "1"), "one"))["enums"] == {"E": {"1": "one"}}
    assert patched(ExpectValue(("root",), "T")) == BASE


def test_renaming_a_type_renames_what_names_it() -> None:
    made = patched(
        SetSwitch((*T, "fields", 0), {"by": "a", "cases": {"1": "U", "2": "U(a, 1)"}, "default": "U"}),
        SetProperty(("record",), {"switch": {"expr": "U.x", "cases": {"1": "U"}, "default": "U"}}),
        RenameType(("types", "U"), "Unit"),
        RenameType(("types", "T"), "Top"),
    )
    top = made["types"]["Top"]["fields"]
    assert made["root"] == "Top"
    assert list(made["types"]) == ["Top", "Unit"]
    assert top[2]["type"] == "Unit"
    assert top[0]["switch"] == {"by": "a", "cases": {"1": "Unit", "2": "Unit(a, 1)"}, "default": "Unit"}
    assert made["record"]["switch"] == {"expr": "Unit.x", "cases": {"1": "Unit"}, "default": "Unit"}


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (DeleteField((*T, "fields", 9)), "Field index 9 out of range"),
        (DeleteField((*T, "fields", -9)), "Field index -9 out of range"),
        (UpdateType(("types", "Z"), {"doc": "x"}), "Type Z not found"),
        (AddType(T, {"fields": []}), "Type T already exists"),
        (RenameType(T, "U"), "Type U already exists"),
        (AddRegistryEntry(("registry", "0x4E54"), {"name": "again"}), "Registry entry 0x4E54 already exists"),
        (RemoveRegistryEntry(("registry", "0x1")), "Registry entry 0x1 not found"),
        (UnsetProperty((*T, "doc")), "types.T has no 'doc'"),
        (ExpectValue(("root",), "U"), "expected 'U', found 'T'"),
    ],
)
def test_what_does_not_fit_changes_nothing(op: Operation, expected: str) -> None:
    before = copy.deepcopy(BASE)
    with pytest.raises(PatchError, match=r"Failed to apply op 1 .* at ") as caught:
        patched(DeleteField((*T, "fields", 0)), op)
    assert expected in str(caught.value)
    assert before == BASE


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (InsertField(("nowhere", "T"), 0, FIELD), "Invalid path: ('nowhere', 'T')"),
        (InsertField(..., 0, FIELD), "Invalid path: Ellipsis"),  # type: ignore[arg-type]
        (InsertField((*T, "fields"), 0, FIELD), "Path must be ('types', 'TypeName'), got ('types', 'T', 'fields')"),
        (InsertField(T, True, FIELD), "index must be int, got True"),
        (InsertField(T, 0, {}), "field_def is empty"),
        (InsertField(T, 0, {"type": "u8"}), "field_def missing 'name'"),
        (InsertField(T, 0, {"name": "x"}), "field_def missing 'type'"),
        (InsertField(T, 0, {"name": {1, 2}}), "{1, 2} is not a JSON value"),
        (UpdateField(T, {"type": "u8"}), "Path too short for field: ('types', 'T')"),
        (UpdateField((*T, "fields", 0), {}), "updates is empty"),
        (UpdateField((*T, "fields", "0"), {"a": 1}), "Field index must be int, got <class 'str'>"),
        (UpdateField((*T, "fields", True), {"a": 1}), "Invalid path: ('types', 'T', 'fields', True)"),
        (UpdateField((*T, "fields", 0, "name"), {"a": 1}), "Path must be ('types', name, 'fields', index)"),
        (AddType(T, {"doc": "x"}), "type_def missing 'fields'"),
        (AddType(T, {"fields": 3}), "type_def['fields'] must be a list"),
        (UpdateType(T, {"fields": {}}), "updates['fields'] must be a list"),
        (AddRegistryEntry(("registry",), {"name": "x"}), "Path must be ('registry', 'discriminator')"),
        (AddRegistryEntry(("registry", "1"), {"x": 1}), "entry missing 'name'"),
        (SetEndian(endian="middle"), "endian must be big or little, got 'middle'"),
    ],
)
def test_what_is_malformed_is_said_before_anything_happens(op: Operation, expected: str) -> None:
    valid, errors = Patch((op,)).validate()
    assert not valid
    assert errors[0].startswith(f"Op 0 ({op.op_type}): ")
    assert expected in errors[0]
    with pytest.raises(PatchError):
        patched(op)


def test_a_patch_without_operations_is_none() -> None:
    assert Patch().validate() == (False, ["Patch has no operations"])
    with pytest.raises(PatchError, match="no operations"):
        read_patch([])


def test_nobody_can_change_a_patch_afterwards() -> None:
    definition = {"name": "x", "type": "u8", "validate": {"one_of": [1, 2]}}
    op = InsertField(T, 0, definition)
    definition["validate"]["one_of"].append(3)
    assert op.field_def["validate"]["one_of"] == [1, 2]
    for attack in (
        lambda: op.field_def.update(name="y"),
        lambda: op.field_def["validate"]["one_of"].append(3),
        lambda: setattr(op, "index", 3),
        lambda: setattr(Patch((op,)), "description", "Changed"),
    ):
        with pytest.raises((TypeError, AttributeError)):
            attack()


def test_paths_are_written_and_read() -> None:
    assert path_to_string(("types", "Header", "fields", 0)) == "types.Header.fields[0]"
    assert path_to_string(("registry", "0x4E54")) == "registry.0x4E54"
    assert path_to_string(("types", "a.b c")) == "types['a.b c']"
    for path in (("types", "Header", "fields", 0, "name"), ("types", "a.b c"), ("record",)):
        assert path_from_string(path_to_string(path)) == path
    assert validate_path(("types", "Header"))
    for bad in ((), ("nope",), ("types", 1.5), ["types"], ("types", True), (0,), ("types", None)):
        assert not validate_path(bad)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"ops": [], "x": 1}, "unknown key 'x'"),
        ([{"op": "explode"}], "op must be one of"),
        ([{"op": "delete_field"}], "it needs path"),
        ([{"op": "delete_field", "path": "types.T.fields[0]", "index": 1}], "unknown key 'index'"),
        ([{"op": "delete_field", "path": 7}], "path must be a list or a string"),
        ([{"op": "delete_field", "path": "types..T"}], "is not a path"),
        ([{"op": "add", "path": "/types/T/fields/x", "value": 1}], "'x' is not an index"),
        ([{"op": "copy", "path": "/types/T", "from": "/types/U"}], "copy is not supported"),
        ([{"op": "add", "path": "/nowhere/T", "value": 1}], "outside of a grammar"),
    ],
)
def test_files_that_hold_no_patch_say_why(value: Any, expected: str) -> None:
    with pytest.raises(PatchError) as caught:
        read_patch(value)
    assert expected in str(caught.value)


def test_a_patch_file_says_what_its_operations_say() -> None:
    patch = Patch(
        (InsertField(T, -1, FIELD), UnsetProperty(("endian",)), SetFraming(framing={"repeat": "once"})), "why"
    )
    assert read_patch(patch.to_wire()) == patch


def test_json_patch_is_understood() -> None:
    made = read_patch(
        [
            {"op": "test", "path": "/root", "value": "T"},
            {"op": "add", "path": "/types/T/fields/-", "value": FIELD},
            {"op": "add", "path": "/types/T/fields/0", "value": {"name": "first", "type": "u8"}},
            {"op": "replace", "path": "/types/T/fields/1/type", "value": "u32"},
            {"op": "remove", "path": "/types/T/fields/2"},
            {"op": "move", "from": "/types/U", "path": "/types/V"},
            {"op": "add", "path": "/types/V/doc", "value": "~1"},
            {"op": "replace", "path": "/registry/0x4E54", "value": {"name": "N"}},
            {"op": "replace", "path": "/endian", "value": "little"},
            {"op": "add", "path": "/enums", "value": {"E": {"0": "a"}}},
            {"op": "remove", "path": "/enums/E/0"},
        ]
    )
    after = apply_patch(made, BASE).document
    assert [(f["name"], f["type"]) for f in after["types"]["T"]["fields"]] == [
        ("first", "u8"), ("a", "u32"), ("c", "V"), ("x", "u8"),
    ]  # fmt: skip
    assert after["types"]["V"]["doc"] == "~1"
    assert after["registry"] == {"0x4E54": {"name": "N"}}
    assert (after["endian"], after["enums"]) == ("little", {"E": {}})


NAMES = st.sampled_from("abcdefg")
FIELDS = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES, "type": st.sampled_from(["u8", "u16", "bytes", "T1"])},
        optional={"length": st.one_of(st.integers(0, 9), NAMES), "validate": st.dictionaries(NAMES, st.booleans())},
    ),
    max_size=6,
    unique_by=lambda field: field["name"],
)
GRAMMARS = st.fixed_dictionaries(
    {"types": st.dictionaries(st.sampled_from(["T1", "T2", "T3"]), st.fixed_dictionaries({"fields": FIELDS}))},
    optional={
        "endian": st.sampled_from(["big", "little"]),
        "registry": st.dictionaries(NAMES, st.fixed_dictionaries({"name": NAMES})),
        "record": st.dictionaries(NAMES, NAMES),
    },
)


@settings(max_examples=80, deadline=None)
@given(old=GRAMMARS, new=GRAMMARS)
def test_a_difference_is_a_patch_that_leads_there(old: Any, new: Any) -> None:
    patch = patch_between(old, new)
    if patch is None:
        assert same(old, new)
    else:
        assert patch.validate() == (True, [])
        assert unfreeze(apply_patch(patch, old).document) == new
        assert read_patch(patch.to_wire()) == patch


def test_a_difference_is_small() -> None:
    new = copy.deepcopy(BASE)
    new["types"]["T"]["fields"][1]["type"] = "u32"
    new["types"]["T"]["fields"].insert(0, {"name": "m", "type": "u8"})
    patch = patch_between(freeze(BASE), new)
    assert patch is not None
    assert [op.op_type for op in patch.ops] == ["insert_field", "update_field"]
