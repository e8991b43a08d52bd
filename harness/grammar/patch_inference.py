"""Patch inference: find the patch that turns one grammar into another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.grammar.change_list import has_unique_names
from harness.grammar.editing import operation as ops
from harness.grammar.editing.frozen import freeze
from harness.grammar.editing.path import ROOTS, Path
from harness.grammar.patch import Patch, PatchError, apply_patch


def patch_between(old: Any, new: Any, *, description: str = "") -> Patch | None:
    """Find a patch with `apply_patch(patch, old).document == new`; None if the documents are equal.

    Raises:
        PatchError: if one of them is not a mapping of JSON values, or has top-level keys that grammars do not have.
    """
    old, new = _checked(old, "old"), _checked(new, "new")
    if same(old, new):
        return None
    made = Patch(tuple(_operations(old, new)), description)
    try:
        if same(apply_patch(made, old).document, new):
            return made
    except PatchError:
        pass
    # The documents are not well-formed grammars (for example a field is not a mapping): replace whole sections.
    coarse = [ops.SetProperty((key,), new[key]) for key in new if key not in old or not same(old[key], new[key])]
    return Patch((*(ops.UnsetProperty((key,)) for key in old if key not in new), *coarse), description)


def _checked(document: Any, which: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise PatchError(f"the {which} grammar is not a mapping")
    if unknown := [key for key in document if key not in ROOTS]:
        raise PatchError(f"the {which} grammar has an unknown key {unknown[0]!r}; known are {', '.join(ROOTS)}")
    try:
        found: dict[str, Any] = freeze(document)
    except ValueError as error:
        raise PatchError(f"the {which} grammar: {error}") from None
    return found


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal, ignoring key order; 1, 1.0 and true are three different values."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a is b or (a.keys() == b.keys() and all(same(a[key], b[key]) for key in a))
    if isinstance(a, list) and isinstance(b, list):
        return a is b or (len(a) == len(b) and all(map(same, a, b)))
    return type(a) is type(b) and bool(a == b)


def _operations(old: dict[str, Any], new: dict[str, Any]) -> Iterator[ops.Operation]:
    for key in old:
        if key not in new:
            yield ops.UnsetProperty((key,))
    for key, value in new.items():
        before = old.get(key)
        if key in old and same(before, value):
            continue
        if key == "types" and isinstance(before, dict) and isinstance(value, dict):
            yield from _types(before, value)
        elif key == "registry" and isinstance(before, dict) and isinstance(value, dict):
            yield from _registry(before, value)
        else:
            yield ops.SetProperty((key,), value)


def _types(old: dict[str, Any], new: dict[str, Any]) -> Iterator[ops.Operation]:
    for name in old:
        if name not in new:
            yield ops.RemoveType(("types", name))
    for name, body in new.items():
        path: Path = ("types", name)
        if name not in old:
            yield ops.AddType(path, body)
        elif not same(old[name], body):
            yield from _type(path, old[name], body)


def _type(path: Path, old: dict[str, Any], new: dict[str, Any]) -> Iterator[ops.Operation]:
    updates = {}
    for key in old:
        if key not in new:
            yield ops.UnsetProperty((*path, key))
    for key, value in new.items():
        if key in old and same(old[key], value):
            continue
        if key == "fields" and has_unique_names(old.get(key)) and has_unique_names(value):
            yield from _fields(path, old[key], value)
        else:
            updates[key] = value
    if updates:
        yield ops.UpdateType(path, updates)


def _fields(path: Path, old: list[Any], new: list[Any]) -> Iterator[ops.Operation]:
    """Edit the list of fields from the front into its new form, then delete the remaining old fields."""
    now = list(old)
    wanted = {field["name"] for field in new}
    for i, field in enumerate(new):
        names = [f["name"] for f in now]
        here: Path = (*path, "fields", i)
        if field["name"] in names:
            j = names.index(field["name"])
            if j != i:
                yield ops.MoveField((*path, "fields", j), i)
                now.insert(i, now.pop(j))
        elif i < len(now) and names[i] not in wanted and now[i].get("type") == field.get("type"):
            pass  # a field of the same type whose name no longer exists was renamed
        else:
            yield ops.InsertField(path, i, field)
            now.insert(i, field)
        yield from _field(here, now[i], field)
        now[i] = field
    for j in range(len(now) - 1, len(new) - 1, -1):
        yield ops.DeleteField((*path, "fields", j))


def _field(path: Path, old: dict[str, Any], new: dict[str, Any]) -> Iterator[ops.Operation]:
    updates = {key: value for key, value in new.items() if key not in old or not same(old[key], value)}
    if updates:
        yield ops.UpdateField(path, updates)
    for key in old:
        if key not in new:
            yield ops.UnsetProperty((*path, key))


def _registry(old: dict[str, Any], new: dict[str, Any]) -> Iterator[ops.Operation]:
    for key, value in old.items():
        if key not in new or not same(value, new[key]):
            yield ops.RemoveRegistryEntry(("registry", key))
    for key, value in new.items():
        if key not in old or not same(old[key], value):
            yield ops.AddRegistryEntry(("registry", key), value)
