"""Patch: structured edits to a grammar, applied to a copy, all of them or none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.lanes.spec.grammar import path_to_string
from harness.suite import Key

MAX_OPS = 1000


class PatchError(Exception):
    """A patch that is no patch, or does not fit the grammar; the message says which operation and why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One edit.

    Attributes:
        op: insert_field, update_field, delete_field, add_type or update_type.
        path: What it edits: `(types, T)` or `(types, T, fields, i)`.
        value: The field, the type or the keys to change; None to delete.
        index: Where an inserted field goes; -1 appends.
    """

    op: str
    path: Key
    value: Any = None
    index: int = -1


@dataclass(frozen=True, slots=True)
class Patch:
    """Operations in the order they apply; later ones see what earlier ones did."""

    ops: tuple[Operation, ...]
    description: str = ""


# op -> length of its path, and the key its value is under
_SHAPES: dict[str, tuple[int, str | None]] = {
    "insert_field": (2, "field_def"),
    "update_field": (4, "updates"),
    "delete_field": (4, None),
    "add_type": (2, "type_def"),
    "update_type": (2, "updates"),
}


def read_patch(value: Any) -> Patch:
    """Read `{description, ops}`, or a bare list of operations.

    Raises:
        PatchError: with everything that is wrong with it.
    """
    description = ""
    if isinstance(value, dict):
        unknown = [key for key in value if key not in ("description", "ops")]
        if unknown:
            raise PatchError(f"unknown key {unknown[0]!r}; a patch has description and ops")
        description = value.get("description", "")
        value = value.get("ops")
    if not isinstance(value, list) or not value:
        raise PatchError("Patch has no operations")
    if len(value) > MAX_OPS or not isinstance(description, str):
        raise PatchError(f"a patch is a text and at most {MAX_OPS} operations")
    ops, wrong = [], []
    for i, raw in enumerate(value):
        try:
            ops.append(_operation(raw))
        except PatchError as error:
            name = raw.get("op", "?") if isinstance(raw, dict) else "?"
            wrong.append(f"Op {i} ({name}): {error}")
    if wrong:
        raise PatchError("; ".join(wrong))
    return Patch(tuple(ops), description)


def _operation(raw: Any) -> Operation:
    if not isinstance(raw, dict) or not isinstance(raw.get("op"), str) or raw["op"] not in _SHAPES:
        raise PatchError(f"op must be one of {', '.join(_SHAPES)}")
    op = raw["op"]
    length, under = _SHAPES[op]
    known = {"op", "path"} | ({under} if under else set()) | ({"index"} if op == "insert_field" else set())
    unknown = [key for key in raw if key not in known]
    if unknown:
        raise PatchError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    path = raw.get("path")
    if not isinstance(path, list) or len(path) != length or path[0] != "types" or not isinstance(path[1], str):
        shape = "[types, TypeName]" if length == 2 else "[types, TypeName, fields, index]"
        raise PatchError(f"path must be {shape}, got {path!r}")
    if length == 4 and (path[2] != "fields" or not _index(path[3])):
        raise PatchError(f"path must be [types, TypeName, fields, index], got {path!r}")
    index = raw.get("index", -1)
    if isinstance(index, bool) or not isinstance(index, int) or index < -1:
        raise PatchError("index is -1 (append) or a position")
    value = raw.get(under) if under else None
    if under and (not isinstance(value, dict) or not value):
        raise PatchError(f"{under} is empty")
    return Operation(op, tuple(path), value, index)


def _index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def apply_patch(patch: Patch, grammar: Any) -> Any:
    """A patched copy of a grammar's document; the original is never touched.

    Raises:
        PatchError: at the first operation that does not fit; then nothing is changed at all.
    """
    made = copy.deepcopy(grammar)
    if not isinstance(made.get("types"), dict):
        raise PatchError("the grammar has no types")
    for i, op in enumerate(patch.ops):
        try:
            _APPLY[op.op](made, op)
        except PatchError as error:
            raise PatchError(f"Failed to apply op {i} ({op.op}) at {path_to_string(op.path)}: {error}") from error
    return made


def _type(made: Any, op: Operation) -> Any:
    name = op.path[1]
    if not isinstance(made["types"].get(name), dict):
        raise PatchError(f"Type {name} not found")
    return made["types"][name]


def _fields(made: Any, op: Operation) -> list[Any]:
    fields = _type(made, op).get("fields")
    if not isinstance(fields, list):
        raise PatchError(f"Type {op.path[1]} has no fields")
    if len(op.path) == 4 and int(op.path[3]) >= len(fields):
        raise PatchError(f"Field index {op.path[3]} out of range")
    return fields


def _insert_field(made: Any, op: Operation) -> None:
    fields = _fields(made, op)
    if op.index > len(fields):
        raise PatchError(f"index {op.index} is beyond the end ({len(fields)})")
    fields.insert(len(fields) if op.index == -1 else op.index, copy.deepcopy(op.value))


def _update_field(made: Any, op: Operation) -> None:
    field = _fields(made, op)[int(op.path[3])]
    if not isinstance(field, dict):
        raise PatchError("the field is no mapping")
    field.update(copy.deepcopy(op.value))


def _delete_field(made: Any, op: Operation) -> None:
    del _fields(made, op)[int(op.path[3])]


def _add_type(made: Any, op: Operation) -> None:
    if op.path[1] in made["types"]:
        raise PatchError(f"Type {op.path[1]} already exists")
    made["types"][op.path[1]] = copy.deepcopy(op.value)


def _update_type(made: Any, op: Operation) -> None:
    _type(made, op).update(copy.deepcopy(op.value))


_APPLY: dict[str, Callable[[Any, Operation], None]] = {
    "insert_field": _insert_field,
    "update_field": _update_field,
    "delete_field": _delete_field,
    "add_type": _add_type,
    "update_type": _update_type,
}
