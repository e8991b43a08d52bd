"""YAML tree: where each value of a YAML text starts and ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from harness.grammar.editing.frozen import MAX_DEPTH
from harness.grammar.editing.path import Path

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnwritableError(Exception):
    """A YAML text cannot be edited in place (aliases, merge keys, several documents)."""


@dataclass(slots=True)
class Entry:
    """An entry of a mapping or an element of a list.

    Attributes:
        key: The key, or the index.
        start: Start of its key, its dash or (in a flow list) its value, in characters.
        key_end: End (exclusive) of its key or its dash.
    """

    key: str | int
    start: int
    key_end: int
    node: Node


@dataclass(slots=True)
class Node:
    """A value in a text from `start` to `end` (exclusive), without comments after it."""

    kind: str
    """One of scalar, map, seq."""
    start: int
    end: int
    flow: bool = True
    """False for a block mapping, a block list, or a block scalar."""
    entries: list[Entry] = field(default_factory=list)

    def find(self, key: str | int) -> int:
        """Return the position of an entry in `entries`."""
        if self.kind == "seq":
            return int(key)
        return next(i for i, entry in enumerate(self.entries) if entry.key == key)


def read_tree(text: str) -> Node:
    """Parse a YAML text to its tree.

    Raises:
        UnwritableError: if it is not YAML, or uses anchors, aliases or several documents.
    """
    try:
        events = [
            e
            for e in yaml.parse(text, Loader=_LOADER)
            if not isinstance(e, yaml.StreamStartEvent | yaml.StreamEndEvent)
        ]
    except yaml.YAMLError as error:
        raise UnwritableError(str(error)) from error
    if len(events) < 3 or sum(isinstance(e, yaml.DocumentStartEvent) for e in events) != 1:
        raise UnwritableError("not one document")
    return _Builder(text, events[1:-1]).node(0)


class _Builder:
    def __init__(self, text: str, events: list[Any]) -> None:
        self.text, self.events, self.at = text, events, 0

    def node(self, depth: int) -> Node:
        event = self.events[self.at]
        self.at += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None or depth > MAX_DEPTH:
            raise UnwritableError("anchors and aliases")
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.ScalarEvent):
            return Node("scalar", start, end, event.style not in ("|", ">"))
        flow = bool(event.flow_style)
        made = Node("map" if isinstance(event, yaml.MappingStartEvent) else "seq", start, end, flow)
        ending = yaml.MappingEndEvent if made.kind == "map" else yaml.SequenceEndEvent
        while not isinstance(self.events[self.at], ending):
            made.entries.append(self.pair(depth) if made.kind == "map" else self.element(made, depth))
        if flow:
            made.end = self.events[self.at].end_mark.index
        elif made.entries:
            last = made.entries[-1]
            made.end = max(last.node.end, last.key_end)
        self.at += 1
        return made

    def pair(self, depth: int) -> Entry:
        key = self.events[self.at]
        if not isinstance(key, yaml.ScalarEvent) or key.anchor is not None or key.value == "<<":
            raise UnwritableError("a key that is not a scalar")
        self.at += 1
        marks: tuple[Any, Any] = key.start_mark, key.end_mark
        start, end = (mark.index for mark in marks)
        value = self.node(depth + 1)
        if value.start == value.end:  # `key:` without a value
            value.start = value.end = self.colon(end)
        return Entry(key.value, start, end, value)

    def colon(self, end: int) -> int:
        found = end
        while found < len(self.text) and self.text[found] in " \t":
            found += 1
        return found + 1 if self.text[found : found + 1] == ":" else end

    def element(self, parent: Node, depth: int) -> Entry:
        value = self.node(depth + 1)
        if parent.flow:
            return Entry(len(parent.entries), value.start, value.start, value)
        dash = self.text.rfind("-", 0, value.start + (value.start == value.end))
        if dash < 0 or self.text[dash + 1 : value.start].strip(" "):
            raise UnwritableError("an element that does not follow its dash")
        return Entry(len(parent.entries), dash, dash + 1, value)


def locate(root: Node, path: Path) -> tuple[Node, Entry | None, Node]:
    """Find the node at a path, its entry in its parent (None for the root), and that parent."""
    node, entry, parent = root, None, root
    for part in path:
        parent = node
        entry = node.entries[node.find(part)]
        node = entry.node
    return node, entry, parent
