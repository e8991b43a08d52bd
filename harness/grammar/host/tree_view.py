"""Tree view: the records of a parse as an indented tree with labels, dates and offsets, and paths into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.core.clip import visible
from harness.core.nearest import did_you_mean
from harness.grammar.engine.node import Array, Leaf, Node, Record
from harness.grammar.engine.parse_result import Parse, root_path
from harness.grammar.host.record import decoded, label_of, leaf_group
from harness.grammar.language.grammar import Grammar

MAX_ITEMS = 20  # items of an array, and top-level records, that a tree shows
MAX_DEPTH = 100
_BYTES = 16  # bytes of a value that are shown in hexadecimal
_STEP = re.compile(r"\[(-?\d+)\]|\.?([A-Za-z_]\w*)")
# Numbers that a reader compares with a hex dump.
_HEX = re.compile(
    r"(?:^|_)(?:offset|off|address|addr|vaddr|paddr|pos|position|crc|crc32|checksum|flags|magic|signature|mask|"
    r"pointer|ptr|rva)(?:_|\d|$)"
)

_NAME = re.compile(r"(?:^|_)(?:name|tag|id|title|path|key|kind)$")
_INNER = 4  # records in a record that may tell its name


class PathError(ValueError):
    """A path that leads to no value; `fix` says what there is."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a tree.

    Attributes:
        depth: Number of enclosing values.
        name: Name of the field, `[3]` for an item, or `Png[0]` for a top-level record.
        kind: `record`, `array`, `int`, `float`, `string`, `bytes`, `boolean`, `none` or `more`.
        value: The value as text; the name of the type for a record.
        start: Start offset; None where the value has no place in the file.
        size: Bytes.
        valid: Whether the value passed its checks; None without any. False for a record that an error stopped.
    """

    depth: int
    name: str
    kind: str
    value: str
    start: int | None
    size: int
    valid: bool | None = None


def rows(found: Parse, *, path: str = "", depth: int = MAX_DEPTH, items: int = MAX_ITEMS) -> Iterator[Row]:
    """The lines of a tree, parents first.

    Args:
        path: Show only what is there: `sections[3].name`, `Chunk[2]`; negative indices count from the end.
        depth: Levels to show.
        items: Items of each array, and top-level records, to show.

    Raises:
        PathError: if the path leads nowhere.
    """
    if path:
        name, node = resolve(found, path)
        yield from _node(found.grammar, name, node, 0, depth=depth, items=items)
        return
    for record in found.records[:items]:
        yield from _node(found.grammar, root_path(record), record, 0, depth=depth, items=items)
    yield from _more(len(found.records) - items, "record", 0)


def resolve(found: Parse, path: str) -> tuple[str, Node]:
    """Return the name and the node of a path; it starts at a top-level record, or in the only one.

    Raises:
        PathError: if the path leads nowhere.
    """
    steps = _steps(path)
    if not found.records:
        raise PathError("the file has no records", "see the errors of the parse")
    here: Any = found.records[0]
    names = {record.type.name for record in found.records}
    if steps and steps[0] in names and (here.get(steps[0]) is None or (len(steps) > 1 and isinstance(steps[1], int))):
        here = [record for record in found.records if record.type.name == steps[0]]
        steps = steps[1:] if len(steps) > 1 and isinstance(steps[1], int) else [0, *steps[1:]]
        if isinstance(steps[0], int):
            wanted = steps[0]
            exact = [record for record in here if record.index == wanted]
            here, steps = (exact, [0, *steps[1:]]) if exact else (here, steps)
    elif steps and isinstance(steps[0], int):
        here = list(found.records)
    return path, _follow(here, steps)


def walk_path(record: Record, path: str) -> Node:
    """Return the node at a path from a record.

    Raises:
        PathError: if the path leads nowhere.
    """
    node: Node = _follow(record, _steps(path))
    return node


def _steps(path: str) -> list[int | str]:
    steps: list[int | str] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise PathError(f"{path[at:]!r} is not a part of a path", "write a path such as sections[3].name")
        steps.append(int(match[1]) if match[1] is not None else str(match[2]))
        at = match.end()
    return steps


def _follow(here: Any, steps: list[int | str]) -> Any:
    done = ""
    for step in steps:
        here = _step(here, step, done)
        done += f"[{step}]" if isinstance(step, int) else f".{step}" if done else step
    return here


def _step(here: Any, step: int | str, done: str) -> Any:
    what = done or "the file"
    if isinstance(step, int):
        listed = here if isinstance(here, list) else here.items if isinstance(here, Array) else None
        if listed is None and isinstance(here, Leaf) and isinstance(here.value, tuple):
            listed = [_element(here, i) for i in range(len(here.value))] if -len(here.value) <= step else []
        if listed is None:
            raise PathError(f"{what} is not an array", f"it is {_kind(here)}")
        if not -len(listed) <= step < len(listed):
            raise PathError(f"{what} has {len(listed)} items: [{step}] does not exist", "indices start at 0")
        return listed[step]
    if isinstance(here, list):
        here = here[0]
    if not isinstance(here, Record):
        fix = f"name an item: {done}[0].{step}" if isinstance(here, Array) else f"it is {_kind(here)}"
        raise PathError(f"{what} has no field {step!r}: it is not a record", fix)
    node = here.nodes.get(step)
    if node is None:
        there = list(here.nodes)
        fix = did_you_mean(step, there) or f"fields are {', '.join(there[:12])}"
        raise PathError(f"{here.type.name} has no field {step!r} here", fix)
    return node


def _element(row: Leaf, index: int) -> Leaf:
    width = (row.end - row.start) // max(1, len(row.value))
    start = row.start + width * index
    return Leaf(row.field, row.buffer, start, start + width, row.value[index], primitive=row.primitive)


def _node(grammar: Grammar, name: str, node: Node, level: int, *, depth: int, items: int) -> Iterator[Row]:
    start = node.start if node.buffer.origin is None else None
    size = node.end - node.start
    if isinstance(node, Leaf):
        yield Row(level, name, _kind(node), show(grammar, node), start, size, node.valid)
        return
    if isinstance(node, Record):
        valid = False if not node.complete else node.valid
        shown = node.type.name if level < depth else " ".join([node.type.name, *caption(grammar, node)])
        yield Row(level, name, "record", shown, start, size, valid)
        if level < depth:
            for inner, below in node.parts():
                yield from _node(grammar, inner, below, level + 1, depth=depth, items=items)
        return
    count = len(node.items)
    yield Row(level, name, "array", f"{count} item{'' if count == 1 else 's'}", start, size, node.valid)
    if level < depth:
        for i, item in enumerate(node.items[:items]):
            yield from _node(grammar, f"[{i}]", item, level + 1, depth=depth, items=items)
        yield from _more(count - items, "item", level + 1)


def caption(grammar: Grammar, record: Record) -> list[str]:
    """The first label, and the first name, in a record, otherwise in the records in it."""
    label, name, waiting = "", "", [record]
    while waiting and not name:
        here = waiting.pop(0)
        for field, node in here.parts():
            if isinstance(node, Leaf):
                label = label or label_of(grammar, node) or ""
                if not name and isinstance(node.value, str | bytes) and node.value and _NAME.search(field):
                    name = plain(node.value)
            elif isinstance(node, Record) and len(waiting) < _INNER and node.buffer is record.buffer:
                waiting.append(node)
    return [word for word in (label, name) if word]


def _more(count: int, noun: str, level: int) -> Iterator[Row]:
    if count > 0:
        yield Row(level, "…", "more", f"{count} more {noun}{'' if count == 1 else 's'}", None, 0)


def _kind(node: Any) -> str:
    if isinstance(node, Record):
        return "record"
    if isinstance(node, Array | list):
        return "array"
    if isinstance(node.value, bool | tuple):
        return "boolean" if isinstance(node.value, bool) else "array"
    group = leaf_group(node)
    return "none" if group == "unknown" else group


def show(grammar: Grammar, leaf: Leaf) -> str:
    """Return the value of a leaf as text: with its label or date, in hexadecimal where that is meant."""
    value = leaf.value
    shown, label, date = plain(value), label_of(grammar, leaf), decoded(leaf)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 9:
        is_signed = leaf.primitive is not None and leaf.primitive.signed  # a difference, not a place
        is_hex = not is_signed and (leaf.field.checksum is not None or _HEX.search(leaf.field.name) is not None)
        shown = f"{value:#x}" if is_hex else shown
    if label is not None:
        return f"{label} ({shown})"
    if date is not None and not isinstance(value, str):
        return f"{date} ({shown})" if isinstance(value, int) else date
    return shown


def plain(value: Any) -> str:
    """Return a value as text; of long bytes and rows, the beginning and the size."""
    if isinstance(value, bytes | memoryview):
        head = bytes(value[:_BYTES])
        shown = head.hex(" ")
        if head and all(0x20 <= byte < 0x7F for byte in head):
            shown = f'"{head.decode("ascii")}"'
        if len(value) > _BYTES:
            return f"{shown} … {len(value)} bytes"
        return shown or "(no bytes)"
    if isinstance(value, tuple):
        shown = ", ".join(str(v) for v in value[:8])
        return f"[{shown}]" if len(value) <= 8 else f"[{shown}, … {len(value)} values]"
    if isinstance(value, str):
        return f'"{visible(value)}"'
    return "(unreadable)" if value is None else str(value)
