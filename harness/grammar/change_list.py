"""Change list: the differences between two grammars as typed changes, in a fixed order."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.grammar.editing.path import Path, path_to_string
from harness.grammar.editing.yaml_writer import flow

MAX_SHOWN = 60  # characters of a value


class ChangeKind(StrEnum):
    """The kind of a change; `COUNT` reports a changed number of fields."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    MOVED = "moved"
    RETYPED = "retyped"
    CHANGED = "changed"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two grammars.

    Attributes:
        path: Path in the new grammar; for a removal, path in the old one.
        old: The value before; None if it is new.
        new: The value after; None if it was removed.
    """

    kind: ChangeKind
    path: Path
    old: Any
    new: Any
    message: str

    def __str__(self) -> str:
        return self.message

    def to_wire(self) -> dict[str, Any]:
        """Return kind, path, old, new and message as JSON values."""
        return {
            "kind": self.kind.value,
            "path": path_to_string(self.path),
            "old": self.old,
            "new": self.new,
            "message": self.message,
        }


def changes(old: Any, new: Any) -> tuple[Change, ...]:
    """List the differences between two grammar documents; key order and the spelling of numbers do not count."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return () if old == new else (Change(ChangeKind.CHANGED, (), old, new, "The document changed"),)
    found: list[Change] = []
    for key in _keys(old, new):
        if key == "types" and all(isinstance(side.get(key, {}), dict) for side in (old, new)):
            found.extend(_types(old.get(key, {}), new.get(key, {})))
        elif key == "registry" and all(isinstance(side.get(key, {}), dict) for side in (old, new)):
            found.extend(_registry(old.get(key, {}), new.get(key, {})))
        else:
            found.extend(_property((key,), old, new, key, str(key).capitalize()))
    return tuple(found)


def _keys(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    # The order of the new document, then the keys that only the old one has, so the result is deterministic.
    return [*new, *(key for key in old if key not in new)]


def _types(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    gone, come = [n for n in old if n not in new], [n for n in new if n not in old]
    renamed: dict[str, str] = {}
    for name in come:
        same = next((g for g in gone if g not in renamed.values() and old[g] == new[name]), None)
        if same is not None:
            renamed[name] = same
    for name, body in new.items():
        if name in renamed:
            path: Path = ("types", name)
            yield Change(ChangeKind.RENAMED, path, renamed[name], name, f"Renamed type: {renamed[name]} → {name}")
        elif name not in old:
            yield Change(ChangeKind.ADDED, ("types", name), None, body, f"Added type: {name}")
        elif old[name] != body:
            yield from _type(name, old[name], body)
    for name in gone:
        if name not in renamed.values():
            yield Change(ChangeKind.REMOVED, ("types", name), old[name], None, f"Removed type: {name}")


def _type(name: str, old: Any, new: Any) -> Iterator[Change]:
    if not isinstance(old, dict) or not isinstance(new, dict):
        yield Change(ChangeKind.CHANGED, ("types", name), old, new, f"Type {name} changed")
        return
    for key in _keys(old, new):
        if key in ("fields", "instances") and all(has_unique_names(side.get(key, [])) for side in (old, new)):
            yield from _fields(name, key, old.get(key, []), new.get(key, []))
        else:
            yield from _property(("types", name, key), old, new, key, f"Type {name}: {key}")


def has_unique_names(fields: Any) -> bool:
    """Whether a value is a list of fields with different names."""
    if not isinstance(fields, list) or not all(isinstance(f, dict) and isinstance(f.get("name"), str) for f in fields):
        return False
    return len({field["name"] for field in fields}) == len(fields)


def _fields(owner: str, key: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    path: Path = ("types", owner, key)
    if len(old) != len(new):
        message = f"Type {owner}: field count {len(old)} → {len(new)}"
        yield Change(ChangeKind.COUNT, path, len(old), len(new), message)
    before = {field["name"]: (i, field) for i, field in enumerate(old)}
    after = {field["name"]: (i, field) for i, field in enumerate(new)}
    renamed = _renamed(before, after)
    stay = [renamed.get(name, name) for name in after if renamed.get(name, name) in before]
    moved = _moved([name for name in before if name in stay], stay)
    for name, (i, field) in after.items():
        here = (*path, i)
        origin = renamed.get(name, name)
        if origin not in before:
            yield Change(ChangeKind.ADDED, here, None, field, f"Type {owner}: added field {name} ({_kind(field)})")
            continue
        j, was = before[origin]
        if origin != name:
            yield Change(ChangeKind.RENAMED, here, origin, name, f"Type {owner}: renamed field {origin} → {name}")
        if origin in moved:
            yield Change(ChangeKind.MOVED, here, j, i, f"Type {owner}: moved field {name} from {j} to {i}")
        for part in _keys(was, field):
            if part == "name" or was.get(part) == field.get(part):
                continue
            if part == "type":
                message = f"Type {owner}: retyped {name} from {_kind(was)} to {_kind(field)}"
                yield Change(ChangeKind.RETYPED, (*here, "type"), was.get("type"), field.get("type"), message)
            else:
                yield from _property((*here, part), was, field, part, f"Field {owner}.{name}: {part}")
    for name, (j, field) in before.items():
        if name not in after and name not in renamed.values():
            message = f"Type {owner}: removed field {name} ({_kind(field)})"
            yield Change(ChangeKind.REMOVED, (*path, j), field, None, message)


def _renamed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Map new names to old names for fields that differ only in their name, nearest positions first."""
    found: dict[str, str] = {}
    for name, (i, field) in after.items():
        if name in before:
            continue
        rest = {k: v for k, v in field.items() if k != "name"}
        same = [
            (abs(i - j), old)
            for old, (j, was) in before.items()
            if old not in after and old not in found.values() and {k: v for k, v in was.items() if k != "name"} == rest
        ]
        if same:
            found[name] = min(same)[1]
    return found


def _moved(old: list[str], new: list[str]) -> set[str]:
    """Find the fewest names whose removal leaves both lists in one order (longest increasing subsequence, patience)."""
    place = {name: i for i, name in enumerate(old)}
    tops: list[int] = []
    names: list[str] = []  # name on top of each pile
    before: dict[str, str | None] = {}
    for name in new:
        pile = bisect.bisect_left(tops, place[name])
        before[name] = names[pile - 1] if pile else None
        tops[pile : pile + 1], names[pile : pile + 1] = [place[name]], [name]
    stay: set[str] = set()
    last = names[-1] if names else None
    while last is not None:
        stay.add(last)
        last = before[last]
    return set(new) - stay


def _registry(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for key in _keys(old, new):
        path: Path = ("registry", key)
        if key not in old:
            yield Change(ChangeKind.ADDED, path, None, new[key], f"Added registry entry: {key}")
        elif key not in new:
            yield Change(ChangeKind.REMOVED, path, old[key], None, f"Removed registry entry: {key}")
        else:
            yield from _property(path, old, new, key, f"Registry entry {key}")


def _property(path: Path, old: dict[str, Any], new: dict[str, Any], key: str, what: str) -> Iterator[Change]:
    was, now = old.get(key), new.get(key)
    if key in old and key in new and was == now and isinstance(was, bool) is isinstance(now, bool):
        return
    if isinstance(was, dict) and isinstance(now, dict):
        for part in _keys(was, now):
            yield from _property((*path, part), was, now, part, f"{what}.{part}")
    elif key not in old:
        yield Change(ChangeKind.ADDED, path, None, now, f"{what} set to {_show(now)}")
    elif key not in new:
        yield Change(ChangeKind.REMOVED, path, was, None, f"{what} unset (was {_show(was)})")
    else:
        yield Change(ChangeKind.CHANGED, path, was, now, f"{what}: {_show(was)} → {_show(now)}")


def _kind(field: dict[str, Any]) -> str:
    return str(field.get("type", "computed" if "compute" in field else "switch"))


def _show(value: Any) -> str:
    text = flow(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
