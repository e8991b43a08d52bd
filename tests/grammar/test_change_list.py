"""Every kind of change between two grammars has its sentence, in a fixed order."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from harness.grammar.change_list import ChangeKind, changes
from harness.grammar.editing.path import path_to_string

OLD: dict[str, Any] = {
    "endian": "big",
    "types": {
        "T": {"fields": [{"name": n, "type": "u8"} for n in "abcd"]},
        "U": {"fields": [{"name": "x", "type": "u16"}]},
    },
    "record": {"switch": {"expr": "T.a", "cases": {"0x01": "U"}}},
    "enums": {"E": {"0": "zero"}},
    "registry": {"0x4E54": {"name": "Note"}},
}


def after(edit: Callable[[Any], object]) -> list[str]:
    new = copy.deepcopy(OLD)
    edit(new)
    return [str(change) for change in changes(OLD, new)]


def fields(new: Any) -> Any:
    return new["types"]["T"]["fields"]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda g: g["types"].update(V={"fields": []}), ["Added type: V"]),
        (lambda g: g["types"].pop("U"), ["Removed type: U"]),
        (lambda g: g["types"].update(V=g["types"].pop("U")), ["Renamed type: U → V"]),
        (lambda g: fields(g)[1].update(type="u32"), ["Type T: retyped b from u8 to u32"]),
        (lambda g: fields(g)[1].update(name="z"), ["Type T: renamed field b → z"]),
        (lambda g: fields(g).append(fields(g).pop(0)), ["Type T: moved field a from 0 to 3"]),
        (lambda g: fields(g)[1].update(length="a"), ["Field T.b: length set to a"]),
        (lambda g: fields(g).pop(), ["Type T: field count 4 → 3", "Type T: removed field d (u8)"]),
        (
            lambda g: fields(g)[0].update(name="q", type="u64"),
            ["Type T: added field q (u64)", "Type T: removed field a (u8)"],
        ),
        (lambda g: g.update(endian="little"), ["Endian: big → little"]),
        (lambda g: g["record"]["switch"]["cases"].update({"0x02": "T"}), ["Record.switch.cases.0x02 set to T"]),
        (lambda g: g["enums"]["E"].update({"0": "nil"}), ["Enums.E.0: zero → nil"]),
        (lambda g: g["registry"].update({"0x1": {"name": "A"}}), ["Added registry entry: 0x1"]),
        (lambda g: g["registry"].clear(), ["Removed registry entry: 0x4E54"]),
        (lambda g: g["registry"]["0x4E54"].update(name="Nice"), ["Registry entry 0x4E54.name: Note → Nice"]),
        (lambda g: None, []),
    ],
)
def test_each_change_is_told(edit: Callable[[Any], object], expected: list[str]) -> None:
    assert after(edit) == expected


def test_a_change_is_data_too() -> None:
    new = copy.deepcopy(OLD)
    new["types"]["T"]["fields"][1]["type"] = "u32"
    [change] = changes(OLD, new)
    assert (change.kind, path_to_string(change.path), change.old, change.new) == (
        ChangeKind.RETYPED, "types.T.fields[1].type", "u8", "u32",
    )  # fmt: skip
    assert change.to_wire()["kind"] == "retyped"


def test_a_long_reordering_is_told_quickly_and_minimally() -> None:
    names = [f"f{i}" for i in range(5000)]
    old = {"types": {"T": {"fields": [{"name": n, "type": "u8"} for n in names]}}}
    new = {"types": {"T": {"fields": [{"name": n, "type": "u8"} for n in [*names[1:], names[0]]]}}}
    assert [str(change) for change in changes(old, new)] == ["Type T: moved field f0 from 0 to 4999"]
