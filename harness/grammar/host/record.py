"""Records as the tools give them: plain, frozen views of what the engine found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from harness.grammar.engine.node import Array, Leaf, Node, Record
from harness.grammar.engine.parse import Parse


@dataclass(frozen=True, slots=True)
class ParsedField:
    """A field of a record: where it is and what it holds.

    Attributes:
        name: As the grammar calls it.
        offset: First byte, from the start of the file.
        size: In bytes; 0 for a computed value.
        value: A number, text or bytes; a mapping for a nested record; a list for a repeated field; None if unreadable.
        valid: None where nothing was validated, else whether the value passed.
        node: What the engine found.
    """

    name: str
    offset: int
    size: int
    value: Any
    valid: bool | None
    node: Node


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """A top-level record.

    Attributes:
        type_name: Its type.
        offset: First byte.
        size: In bytes, to where reading it stopped.
        complete: False where an error stopped it; the fields read before are kept.
        node: What the engine found.
    """

    type_name: str
    offset: int
    size: int
    complete: bool
    node: Record

    @property
    def fields(self) -> Mapping[str, ParsedField]:
        """The fields in order. A new mapping at each call: changing it changes nothing."""
        return {name: _field(name, node) for name, node in self.node.nodes.items()}

    def __getitem__(self, name: str) -> Any:
        """The value of a field.

        Raises:
            KeyError: if it was not read.
        """
        return value_of(self.node.nodes[name])


class Records(Sequence[ParsedRecord]):
    """The top-level records of a parse; each view is made when it is looked at."""

    __slots__ = ("_nodes",)

    def __init__(self, nodes: tuple[Record, ...]) -> None:
        self._nodes = nodes

    @overload
    def __getitem__(self, index: int) -> ParsedRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Records: ...
    def __getitem__(self, index: int | slice) -> ParsedRecord | Records:
        """A record, or several."""
        if isinstance(index, slice):
            return Records(self._nodes[index])
        return view(self._nodes[index])

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[ParsedRecord]:
        return map(view, self._nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Records) and list(map(value_of, self._nodes)) == list(map(value_of, other._nodes))

    def __hash__(self) -> int:
        return hash(tuple((node.type.name, node.start, node.end) for node in self._nodes))


def view(node: Record) -> ParsedRecord:
    """An engine's record as the tools give it."""
    return ParsedRecord(node.type.name, node.start, node.end - node.start, node.complete, node)


def value_of(node: Node) -> Any:
    """A node's value in plain builtins: records become mappings, arrays lists."""
    if isinstance(node, Record):
        return {name: value_of(inner) for name, inner in node.nodes.items()}
    if isinstance(node, Array):
        return [value_of(item) for item in node.items]
    value = node.value
    return bytes(value) if isinstance(value, memoryview) else list(value) if isinstance(value, tuple) else value


def _field(name: str, node: Node) -> ParsedField:
    return ParsedField(name, node.start, node.end - node.start, value_of(node), node.valid, node)


def tree(parse: Parse, *, items: int = 100) -> list[dict[str, Any]]:
    """Everything a parse found as JSON values: the type, place and fields of each record, at every level.

    Args:
        parse: What was found.
        items: The most elements shown of each array; what is left out is counted.
    """
    return [_tree(record, items) for record in parse.records]


def _tree(node: Node, items: int) -> Any:
    if isinstance(node, Record):
        return {
            "type": node.type.name,
            "offset": node.start,
            "size": node.end - node.start,
            **({} if node.complete else {"complete": False}),
            "fields": {name: _tree(inner, items) for name, inner in node.nodes.items()},
        }
    if isinstance(node, Array):
        shown = [_tree(item, items) for item in node.items[:items]]
        more = len(node.items) - len(shown)
        return {"offset": node.start, "size": node.end - node.start, "items": shown, **({"more": more} if more else {})}
    made = {"offset": node.start, "size": node.end - node.start, "value": _plain(node.value)}
    return made if node.valid is None else {**made, "valid": node.valid}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return bytes(value[:64]).hex() + ("…" if len(value) > 64 else "")
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def leaf_group(leaf: Leaf) -> str:
    """What sort of value it is: int, float, string, bytes or unknown."""
    match leaf.value:
        case bool() | int():
            return "int"
        case float():
            return "float"
        case str():
            return "string"
        case bytes() | memoryview():
            return "bytes"
        case tuple() as row:
            return "float" if row and isinstance(row[0], float) else "int"
        case _:
            return "unknown"
