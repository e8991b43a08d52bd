"""Operation edits: the primitive edits that an operation makes in one grammar."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from harness.grammar.editing import operation as ops
from harness.grammar.editing.edit import Edit, Insert, Put, Remove, Rename, apply_edit, get
from harness.grammar.editing.frozen import FrozenDict, FrozenList
from harness.grammar.editing.path import Path, path_to_string


class PatchError(Exception):
    """A patch is malformed or does not fit the grammar; the message names the operation and the reason."""


def edits_of(operation: ops.Operation, document: Any) -> list[Edit]:
    """Return the edits of an operation, to be applied to a document in order.

    Raises:
        PatchError: if the operation does not fit the document.
    """
    if not isinstance(document, dict):
        raise PatchError("the grammar is not a mapping")
    return list(_EDITS[type(operation)](operation, document))


def _insert_field(op: ops.InsertField, document: Any) -> Iterator[Edit]:
    fields = _fields(document, op.path)
    at = len(fields) if op.index < 0 else min(op.index, len(fields))
    yield Insert((*op.path, "fields", at), op.field_def)


def _move_field(op: ops.MoveField, document: Any) -> Iterator[Edit]:
    path = _field(document, op.path)
    fields = get(document, path[:-1])
    to = len(fields) - 1 if op.index < 0 else min(op.index, len(fields) - 1)
    if to != path[-1]:
        yield Remove(path)
        yield Insert((*path[:-1], to), fields[path[-1]])


def _add_type(op: ops.AddType, document: Any) -> Iterator[Edit]:
    if op.path[1] in _section(document, "types"):
        raise PatchError(f"Type {op.path[1]} already exists")
    yield from _put(document, op.path, op.type_def)


def _update_type(op: ops.UpdateType, document: Any) -> Iterator[Edit]:
    _type(document, op.path)
    yield from _merge(document, op.path, op.updates)


def _remove_type(op: ops.RemoveType, document: Any) -> Iterator[Edit]:
    _type(document, op.path)
    yield Remove(op.path)


def _rename_type(op: ops.RenameType, document: Any) -> Iterator[Edit]:
    _type(document, op.path)
    if op.new_name in _section(document, "types"):
        raise PatchError(f"Type {op.new_name} already exists")
    old = str(op.path[1])
    yield from _references(document, (), old, op.new_name)
    yield Rename(op.path, op.new_name)


# keys whose value is the name of a type, alone or with arguments
_TYPE_KEYS = ("type", "root", "default")
_EXPRESSIONS = ("compute", "by", "length", "repeat", "until", "if", "expr", "at", "of")


def _references(value: Any, path: Path, old: str, new: str) -> Iterator[Edit]:
    if isinstance(value, dict):
        for key, inner in value.items():
            here = (*path, key)
            if isinstance(inner, str):
                named = key in _TYPE_KEYS or (len(path) > 1 and path[-1] == "cases")
                header = here == ("record", "switch", "expr") and inner.startswith(f"{old}.")
                if header or (named and _names(inner, old)):
                    yield Put(here, new + inner[len(old) :])
                elif key in _EXPRESSIONS and old in inner:
                    renamed = re.sub(rf"(\.as\(\s*){re.escape(old)}(\s*\))", rf"\g<1>{new}\g<2>", inner)
                    if renamed != inner:
                        yield Put(here, renamed)
            else:
                yield from _references(inner, here, old, new)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _references(inner, (*path, i), old, new)


def _names(text: str, name: str) -> bool:
    return text == name or (text.startswith(name) and text[len(name) :].lstrip().startswith("("))


def _unset_property(op: ops.UnsetProperty, document: Any) -> Iterator[Edit]:
    path = _resolve(document, op.path)
    yield Remove(path)


def _set_property(op: ops.SetProperty, document: Any) -> Iterator[Edit]:
    if op.path[0] not in document and all(isinstance(part, str) for part in op.path):
        yield from _put(document, op.path, op.value)
        return
    parent = _resolve(document, op.path[:-1])
    last = op.path[-1]
    if isinstance(get(document, parent), list):
        last = _resolve(document, op.path)[-1]
    elif not isinstance(last, str):
        raise PatchError(f"{path_to_string(parent)} is a mapping: {last!r} is not a key")
    yield from _put(document, (*parent, last), op.value)


def _add_registry_entry(op: ops.AddRegistryEntry, document: Any) -> Iterator[Edit]:
    if op.path[1] in _section(document, "registry", missing=FrozenDict()):
        raise PatchError(f"Registry entry {op.path[1]} already exists")
    yield from _put(document, op.path, op.entry)


def _set_endian(op: ops.SetEndian, document: Any) -> Iterator[Edit]:
    path = op.path
    if len(path) == 2:
        _type(document, path)
    elif len(path) == 4:
        path = _field(document, path)
    yield from _put(document, ("endian",) if path == ("endian",) else (*path, "endian"), op.endian)


def _set_switch(op: ops.SetSwitch, document: Any) -> Iterator[Edit]:
    path = op.path if op.path == ("record",) else _field(document, op.path)
    yield from _put(document, (*path, "switch"), op.switch)


def _expect_value(op: ops.ExpectValue, document: Any) -> Iterator[Edit]:
    found = get(document, _resolve(document, op.path))
    if found != op.value or isinstance(found, bool) is not isinstance(op.value, bool):
        raise PatchError(f"expected {op.value!r:.80}, found {found!r:.80}")
    yield from ()


_EDITS: dict[type[Any], Callable[[Any, Any], Iterator[Edit]]] = {
    ops.InsertField: _insert_field,
    ops.UpdateField: lambda op, document: _merge(document, _field(document, op.path), op.updates),
    ops.DeleteField: lambda op, document: iter((Remove(_field(document, op.path)),)),
    ops.MoveField: _move_field,
    ops.AddType: _add_type,
    ops.UpdateType: _update_type,
    ops.RemoveType: _remove_type,
    ops.RenameType: _rename_type,
    ops.UnsetProperty: _unset_property,
    ops.SetProperty: _set_property,
    ops.AddRegistryEntry: _add_registry_entry,
    ops.UpdateRegistryEntry: lambda op, document: _merge(document, _entry(document, op.path), op.updates),
    ops.RemoveRegistryEntry: lambda op, document: iter((Remove(_entry(document, op.path)),)),
    ops.SetEndian: _set_endian,
    ops.SetFraming: lambda op, document: _put(document, ("framing",), op.framing),
    ops.SetSwitch: _set_switch,
    ops.ExpectValue: _expect_value,
}


def _put(document: Any, path: Path, value: Any) -> Iterator[Edit]:
    """Set a value; its top-level section is created if it does not exist."""
    if len(path) > 1 and path[0] not in document:
        for part in reversed(path[1:]):
            value = FrozenDict({str(part): value})
        yield Put(path[:1], value)
        return
    if not isinstance(get(document, path[:-1]), dict if isinstance(path[-1], str) else list):
        raise PatchError(f"{path_to_string(path[:-1]) or 'the grammar'} has no place for {path[-1]!r}")
    yield Put(path, value)


def _merge(document: Any, path: Path, updates: dict[str, Any]) -> Iterator[Edit]:
    target = get(document, path)
    if not isinstance(target, dict):
        raise PatchError(f"{path_to_string(path)} is not a mapping")
    for key, value in updates.items():
        if key not in target or target[key] != value or type(target[key]) is not type(value):
            yield Put((*path, key), value)


def _section(document: Any, name: str, *, missing: Any = None) -> dict[str, Any]:
    section = document.get(name, missing)
    if not isinstance(section, dict):
        raise PatchError(f"the grammar has no {name}")
    return section


def _type(document: Any, path: Path) -> dict[str, Any]:
    found = _section(document, "types").get(str(path[1]))
    if not isinstance(found, dict):
        raise PatchError(f"Type {path[1]} not found")
    return found


def _fields(document: Any, path: Path, *, key: str = "fields") -> list[Any]:
    fields = _type(document, path).get(key)
    if not isinstance(fields, list):
        raise PatchError(f"Type {path[1]} has no {key}")
    return fields


def _field(document: Any, path: Path) -> Path:
    """Return the path of a field with a non-negative index."""
    fields = _fields(document, path, key=str(path[2]))
    index = int(path[3])
    if not -len(fields) <= index < len(fields):
        raise PatchError(f"Field index {index} out of range")
    return (*path[:3], index % len(fields))


def _entry(document: Any, path: Path) -> Path:
    if path[1] not in _section(document, "registry", missing=FrozenDict()):
        raise PatchError(f"Registry entry {path[1]} not found")
    return path


def _resolve(document: Any, path: Path) -> Path:
    """Check that a path exists and return it with non-negative indices."""
    done: list[str | int] = []
    for part in path:
        if isinstance(document, FrozenList) and isinstance(part, int) and -len(document) <= part < len(document):
            part = part % len(document)  # noqa: PLW2901
        elif not (isinstance(document, dict) and isinstance(part, str) and part in document):
            where = path_to_string(tuple(done)) or "the grammar"
            raise PatchError(f"{path_to_string((*done, part))} not found: {where} has no {part!r}")
        done.append(part)
        document = document[part]
    return tuple(done)


def apply_operation(operation: ops.Operation, document: Any) -> tuple[Any, list[Edit]]:
    """Apply one operation to a document; return the new document and the edits.

    Raises:
        PatchError: if the operation does not fit the document.
    """
    edits = edits_of(operation, document)
    for edit in edits:
        document = apply_edit(document, edit)
    return document, edits
