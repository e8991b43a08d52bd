"""JSON Patch (RFC 6902) converted to operations, so that tools which write JSON Patch can propose changes."""

from __future__ import annotations

from typing import Any

from harness.grammar.editing import operation as ops
from harness.grammar.editing.operation_edits import PatchError
from harness.grammar.editing.path import Path, validate_path

LISTS = frozenset({"fields", "instances", "one_of", "params", "over", "process", "range"})
"""Keys whose values are lists; a pointer token after one of these is an index, any other token is a key."""
_FIELD, _PROPERTY = 4, 5


def from_json_patch(value: list[dict[str, Any]]) -> tuple[ops.Operation, ...]:
    """Convert a JSON Patch to operations.

    Raises:
        PatchError: for `copy`, changes of whole sections, and moves other than of a field within its type or of a
            type to another name.
    """
    made: list[ops.Operation] = []
    for i, raw in enumerate(value):
        try:
            made.extend(_operations(raw))
        except PatchError as error:
            raise PatchError(f"Op {i} ({raw['op']} {raw['path']!r}): {error}") from error
    return tuple(made)


def pointer_to_path(pointer: str) -> Path:
    """Convert a JSON Pointer (RFC 6901) to a path; the list index `-` becomes -1.

    Raises:
        PatchError: if it is not a pointer into a grammar.
    """
    if not pointer.startswith("/"):
        raise PatchError(f"{pointer!r} is not a JSON Pointer: it must start with '/'")
    parts: list[str | int] = []
    for token in pointer[1:].split("/"):
        text = token.replace("~1", "/").replace("~0", "~")
        if parts and parts[-1] in LISTS and len(parts) > 1:
            if text != "-" and not (text.isascii() and text.isdigit() and (text == "0" or text[0] != "0")):
                raise PatchError(f"{text!r} is not an index")
            parts.append(-1 if text == "-" else int(text))
        else:
            parts.append(text)
    path = tuple(parts)
    if not validate_path(path):
        raise PatchError(f"{pointer!r} is outside of a grammar")
    return path


def _operations(raw: dict[str, Any]) -> list[ops.Operation]:
    path = pointer_to_path(raw["path"])
    match raw["op"]:
        case "add" | "replace" | "test" if "value" not in raw:
            raise PatchError("it has no value")
        case "add":
            return _add(path, raw["value"])
        case "replace":
            return _replace(path, raw["value"])
        case "remove":
            return [_remove(path)]
        case "move":
            return [_move(pointer_to_path(str(raw.get("from", ""))), path)]
        case "test":
            return [ops.ExpectValue(path, raw["value"])]
        case _:
            raise PatchError("copy is not supported: add the value instead")


def _add(path: Path, value: Any) -> list[ops.Operation]:
    if _is_field(path):
        if path[2] != "fields":
            raise PatchError("an instance cannot be changed alone: set the property instances of its type")
        return [ops.InsertField(path[:2], int(path[3]), value)]
    if len(path) == 2 and path[0] == "types":
        return [ops.AddType(path, value)]
    if len(path) == 2 and path[0] == "registry":
        return [ops.AddRegistryEntry(path, value)]
    return [_set(path, value)]


def _replace(path: Path, value: Any) -> list[ops.Operation]:
    if _is_field(path):
        return [ops.DeleteField(path), ops.InsertField(path[:2], int(path[3]), value)]
    if len(path) == 2 and path[0] == "types":
        return [ops.RemoveType(path), ops.AddType(path, value)]
    if len(path) == 2 and path[0] == "registry":
        return [ops.RemoveRegistryEntry(path), ops.AddRegistryEntry(path, value)]
    return [_set(path, value)]


def _set(path: Path, value: Any) -> ops.Operation:
    key = path[-1]
    if path == ("endian",):
        return ops.SetEndian(path, value)
    if path == ("framing",):
        return ops.SetFraming(path, value)
    if path == ("record", "switch"):
        return ops.SetSwitch(("record",), value)
    if len(path) == _PROPERTY and _is_field(path[:_FIELD]):
        return ops.UpdateField(path[:_FIELD], {str(key): value})
    if len(path) == 3 and path[0] == "types":
        return ops.UpdateType(path[:2], {str(key): value})
    if len(path) == 3 and path[0] == "registry":
        return ops.UpdateRegistryEntry(path[:2], {str(key): value})
    if path in (("types",), ("registry",)):
        raise PatchError("a whole section cannot be replaced: change its entries")
    return ops.SetProperty(path, value)


def _remove(path: Path) -> ops.Operation:
    if _is_field(path):
        return ops.DeleteField(path)
    if len(path) == 2 and path[0] == "types":
        return ops.RemoveType(path)
    if len(path) == 2 and path[0] == "registry":
        return ops.RemoveRegistryEntry(path)
    return ops.UnsetProperty(path)


def _move(source: Path, target: Path) -> ops.Operation:
    if _is_field(source) and _is_field(target) and source[:3] == target[:3]:
        return ops.MoveField(source, int(target[3]))
    if len(source) == len(target) == 2 and source[0] == target[0] == "types":
        return ops.RenameType(source, str(target[1]))
    raise PatchError("only a field within its type, or a type to another name, can be moved")


def _is_field(path: Path) -> bool:
    return len(path) == _FIELD and path[0] == "types" and path[2] in ("fields", "instances")
