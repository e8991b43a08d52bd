"""Patch: an atomic list of operations on a grammar, as Python values, YAML, JSON or JSON Patch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from harness.core.digest import digest_json
from harness.grammar.editing.edit import Edit
from harness.grammar.editing.frozen import freeze
from harness.grammar.editing.json_patch import from_json_patch
from harness.grammar.editing.operation import (
    KINDS,
    AddRegistryEntry,
    AddType,
    DeleteField,
    ExpectValue,
    InsertField,
    MoveField,
    Operation,
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
)
from harness.grammar.editing.operation_edits import PatchError, apply_operation
from harness.grammar.editing.path import Path, path_from_string, path_to_string, validate_path

__all__ = [
    "AddRegistryEntry", "AddType", "Applied", "DeleteField", "ExpectValue", "InsertField", "MoveField", "Operation",
    "Patch", "PatchError", "Path", "RemoveRegistryEntry", "RemoveType", "RenameType", "SetEndian", "SetFraming",
    "SetProperty", "SetSwitch", "UnsetProperty", "UpdateField", "UpdateRegistryEntry", "UpdateType", "apply_patch",
    "path_from_string", "path_to_string", "read_patch", "validate_path",
]  # fmt: skip

MAX_OPS = 1000


@dataclass(frozen=True)
class Patch:
    """Operations in the order in which they apply; later ones see the changes of earlier ones."""

    ops: tuple[Operation, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ops", tuple(self.ops))

    def validate(self) -> tuple[bool, list[str]]:
        """Check the patch without a grammar; return whether it is valid, and its errors."""
        if not self.ops:
            return False, ["Patch has no operations"]
        wrong = [] if len(self.ops) <= MAX_OPS else [f"a patch has at most {MAX_OPS} operations, not {len(self.ops)}"]
        for i, op in enumerate(self.ops):
            if type(op) not in KINDS.values():
                wrong.append(f"Op {i}: {op!r:.60} is not an operation")
            else:
                wrong.extend(f"Op {i} ({op.op_type}): {error}" for error in op.validate()[1])
        return not wrong, wrong

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON values of a patch file."""
        return {"description": self.description, "ops": [op.to_wire() for op in self.ops]}

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the operations, without the description."""
        return digest_json([op.to_wire() for op in self.ops])


@dataclass(frozen=True, slots=True)
class Applied:
    """A document after a patch, with the primitive edits that were applied."""

    document: Any
    edits: tuple[Edit, ...] = field(default=())


class RejectedOperationError(PatchError):
    """An operation does not fit the grammar; `index` is its 0-based position in the patch."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def apply_patch(patch: Patch, document: Any) -> Applied:
    """Return a patched copy of a document; the original stays unchanged, and unchanged parts are shared with it.

    Raises:
        PatchError: if an operation is malformed or does not fit the document.
    """
    valid, wrong = patch.validate()
    if not valid:
        raise PatchError("; ".join(wrong))
    document = freeze(document)
    edits: list[Edit] = []
    for i, op in enumerate(patch.ops):
        try:
            document, made = apply_operation(op, document)
        except PatchError as error:
            where = path_to_string(op.path)
            raise RejectedOperationError(i, f"Failed to apply op {i} ({op.op_type}) at {where}: {error}") from error
        edits.extend(made)
    return Applied(document, tuple(edits))


def read_patch(value: Any) -> Patch:
    """Read `{description, ops}`, a bare list of operations, or a JSON Patch (RFC 6902), as YAML or JSON values.

    Raises:
        PatchError: listing all malformed operations.
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
        raise PatchError(f"a patch has a string as its description and at most {MAX_OPS} operations")
    if is_json_patch(value):
        return Patch(from_json_patch(value), description)
    ops, wrong = [], []
    for i, raw in enumerate(value):
        name = raw.get("op", "?") if isinstance(raw, dict) else "?"
        try:
            op = operation_from_wire(raw)
        except PatchError as error:
            wrong.append(f"Op {i} ({name}): {error}")
        else:
            ops.append(op)
            wrong.extend(f"Op {i} ({name}): {error}" for error in op.validate()[1])
    if wrong:
        raise PatchError("; ".join(wrong))
    return Patch(tuple(ops), description)


def operation_from_wire(raw: Any) -> Operation:
    """Read one operation of a patch file: `{op, path, ...}`; the path is a list or a string like `types.T.fields[0]`.

    Raises:
        PatchError: if it is malformed.
    """
    name = raw.get("op") if isinstance(raw, dict) else None
    if not isinstance(name, str) or name not in KINDS:
        raise PatchError(f"op must be one of {', '.join(KINDS)}")
    kind = KINDS[name]
    known = {part.name: part for part in fields(kind)}
    unknown = [key for key in raw if key != "op" and key not in known]
    if unknown:
        raise PatchError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    missing = [
        key for key, part in known.items() if part.default is MISSING and key not in raw
    ]  # the path, if it has no default
    if missing:
        raise PatchError(f"it needs {missing[0]}")
    given = {key: inner for key, inner in raw.items() if key != "op"}
    path = given.get("path")
    if isinstance(path, str):
        try:
            given["path"] = path_from_string(path)
        except ValueError as error:
            raise PatchError(str(error)) from error
    elif path is not None and not isinstance(path, list | tuple):
        raise PatchError(f"path must be a list or a string, got {path!r}")
    made: Operation = kind(**given)
    return made


def is_json_patch(value: Iterable[Any]) -> bool:
    """Whether these are operations of RFC 6902, whose paths are JSON Pointers."""
    return all(
        isinstance(op, dict)
        and op.get("op") in ("add", "remove", "replace", "move", "copy", "test")
        and isinstance(op.get("path"), str)
        for op in value
    )
