"""YAML text edits: change one part of a YAML text and keep all other bytes, with comments, order and spelling."""

from __future__ import annotations

from typing import Any

from harness.grammar.editing import yaml_writer
from harness.grammar.editing.edit import Edit, Insert, Put, Remove, Rename
from harness.grammar.editing.yaml_tree import Entry, Node, UnwritableError, locate, read_tree

Splice = tuple[int, int, str]
"""Start, end (exclusive) and the replacement of a part of a YAML text."""


def rewrite(text: str, edits: list[Edit]) -> str:
    """Apply edits to a YAML text in order.

    Args:
        edits: Edits whose paths exist in its value.

    Raises:
        UnwritableError: if the text cannot be edited in place.
    """
    for edit in edits:
        start, end, new = _Place(text, read_tree(text)).splice(edit)
        text = text[:start] + new + text[end:]
    return text


class _Place:
    """Computes the splice of one edit."""

    def __init__(self, text: str, root: Node) -> None:
        self.text, self.root = text, root
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def splice(self, edit: Edit) -> Splice:
        start, end, new = self.choose(edit)
        return start, end, new.replace("\n", self.newline) if self.newline != "\n" else new

    def choose(self, edit: Edit) -> Splice:
        if not edit.path:
            raise UnwritableError("the whole document")
        parent, entry, _ = locate(self.root, edit.path[:-1])
        key = edit.path[-1]
        match edit:
            case Put():
                if any(e.key == key for e in parent.entries):
                    return self.replace(parent, parent.entries[parent.find(key)], edit.value)
                if parent.kind != "map":
                    raise UnwritableError("no such element")
                return self.add_key(parent, entry, str(key), edit.value)
            case Insert():
                return self.insert(parent, entry, int(key), edit.value)
            case Remove():
                return self.remove(parent, entry, parent.find(key))
            case Rename():
                found = parent.entries[parent.find(key)]
                return found.start, found.key_end, yaml_writer.scalar(edit.name)

    def replace(self, parent: Node, entry: Entry, value: Any) -> Splice:
        node, column = entry.node, self.column(entry.start)
        flat = not (node.kind == "map" and not node.flow)
        if parent.flow or (yaml_writer.fits(value, column + len(str(entry.key)) + 2, flat=flat) and node.flow):
            lead = " " if node.start == node.end and self.text[node.start - 1 : node.start] in (":", "-") else ""
            return node.start, node.end, lead + yaml_writer.flow(value)
        end = self.trimmed(max(node.end, entry.key_end))
        if isinstance(entry.key, int):
            return entry.start, end, yaml_writer.item(value, column, flat=flat)
        rest = yaml_writer.entry("k", value, column, flat=flat)[1:]
        return entry.key_end, end, rest

    def add_key(self, parent: Node, entry: Entry | None, key: str, value: Any) -> Splice:
        if parent.flow:
            new = f"{yaml_writer.scalar(key)}: {yaml_writer.flow(value)}"
            if not parent.entries:
                if entry is not None and not isinstance(entry.key, int) and not self.within_flow(entry):
                    column = self.column(entry.start)
                    rest = yaml_writer.entry("k", {key: value}, column, flat=False)[1:]
                    return entry.key_end, parent.end, rest
                return (parent.start, parent.end, yaml_writer.entry(key, value, 0)) if entry is None else (
                    parent.start + 1, parent.end - 1, new)  # fmt: skip
            last = max(parent.entries[-1].node.end, parent.entries[-1].key_end)
            return last, last, f", {new}"
        column = self.column(parent.entries[0].start)
        flat = not any(e.node.kind == "map" and not e.node.flow for e in parent.entries)
        return self.below(
            parent.end, " " * column + yaml_writer.entry(key, value, column, flat=flat or key not in ("fields",))
        )

    def insert(self, parent: Node, entry: Entry | None, index: int, value: Any) -> Splice:
        if parent.flow:
            new = yaml_writer.flow(value)
            if not parent.entries:
                if entry is not None and isinstance(value, dict) and not self.within_flow(entry):
                    opened = Node("seq", parent.start, parent.end, flow=False)
                    outer = Node("map", 0, 0, flow=False)
                    return self.replace(outer, Entry(entry.key, entry.start, entry.key_end, opened), [value])
                return parent.start + 1, parent.end - 1, new
            if index < len(parent.entries):
                at = parent.entries[index].start
                return at, at, f"{new}, "
            end = parent.entries[-1].node.end
            return end, end, f", {new}"
        column = self.column(parent.entries[0].start)
        flat = not any(e.node.kind == "map" and not e.node.flow for e in parent.entries)
        new = yaml_writer.item(value, column, flat=flat)
        if index == 0:
            at = parent.entries[0].start
            return at, at, f"{new}\n{' ' * column}"
        return self.below(parent.entries[index - 1].node.end, " " * column + new)

    def remove(self, parent: Node, entry: Entry | None, at: int) -> Splice:
        found = parent.entries[at]
        end = max(found.node.end, found.key_end)
        following = parent.entries[at + 1].start if at + 1 < len(parent.entries) else None
        if parent.flow:
            if following is not None:
                return found.start, following, ""
            before = parent.entries[at - 1] if at else None
            return max(before.node.end, before.key_end) if before else found.start, end, ""
        if len(parent.entries) == 1:
            empty = "{}" if parent.kind == "map" else "[]"
            if entry is None:
                return parent.start, self.trimmed(parent.end), empty
            gap = ":" if isinstance(entry.key, str) else ""
            return entry.key_end, self.trimmed(parent.end), f"{gap} {empty}"
        line = self.text.rfind("\n", 0, found.start) + 1
        if not self.text[line : found.start].strip(" "):
            return line, self.after_line(end), ""
        if following is None:
            raise UnwritableError("the last element shares its line")
        return found.start, following, ""

    def below(self, end: int, new: str) -> Splice:
        """Insert lines after the line that holds a position."""
        at = self.after_line(end)
        if at and self.text[at - 1] != "\n":
            return at, at, f"\n{new}"
        return at, at, f"{new}\n"

    def after_line(self, end: int) -> int:
        if end and self.text[end - 1] == "\n":
            return end
        found = self.text.find("\n", end)
        return len(self.text) if found < 0 else found + 1

    def trimmed(self, end: int) -> int:
        """Exclude trailing line breaks: a block scalar includes its last line break, which a replacement must keep."""
        while end and self.text[end - 1] in "\r\n":
            end -= 1
        return end

    def column(self, position: int) -> int:
        return position - (self.text.rfind("\n", 0, position) + 1)

    def within_flow(self, entry: Entry) -> bool:
        node = self.root
        while node.entries:
            inside = [e for e in node.entries if e.start <= entry.start <= max(e.node.end, e.key_end)]
            if node.flow:
                return True
            if not inside or inside[0] is entry:
                return False
            node = inside[0].node
        return False
