"""Records as the tools return them: frozen views of the engine's nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from harness.grammar.engine.node import Array, Leaf, Node, Record
from harness.grammar.engine.parse_result import Parse
from harness.grammar.language.decoders import DecodeError, decode
from harness.grammar.language.grammar import Grammar


@dataclass(frozen=True, slots=True)
class ParsedField:
    """A field of a record: its position and its value.

    Attributes:
        size: Bytes; 0 for a computed value.
        value: Number, string, bytes, mapping (nested record) or list (repeated field); None if unreadable.
        valid: Whether the value is valid; None if nothing was validated.
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
        size: Bytes up to where reading it stopped.
        complete: False if an error stopped it; the fields read before the error are kept.
    """

    type_name: str
    offset: int
    size: int
    complete: bool
    node: Record

    @property
    def fields(self) -> Mapping[str, ParsedField]:
        """The fields in order, as a new mapping at each access."""
        return {name: _field(name, node) for name, node in self.node.nodes.items()}

    def __getitem__(self, name: str) -> Any:
        """Return the value of a field.

        Raises:
            KeyError: if the field was not read.
        """
        return value_of(self.node.nodes[name])


class Records(Sequence[ParsedRecord]):
    """The top-level records of a parse; a view of a record is made at each access."""

    __slots__ = ("_nodes",)

    def __init__(self, nodes: tuple[Record, ...]) -> None:
        self._nodes = nodes

    @overload
    def __getitem__(self, index: int) -> ParsedRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Records: ...
    def __getitem__(self, index: int | slice) -> ParsedRecord | Records:
        """Return the view of one record, or a `Records` for a slice."""
        return Records(self._nodes[index]) if isinstance(index, slice) else view(self._nodes[index])

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[ParsedRecord]:
        return map(view, self._nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Records) and list(map(value_of, self._nodes)) == list(map(value_of, other._nodes))

    def __hash__(self) -> int:
        return hash(tuple((node.type.name, node.start, node.end) for node in self._nodes))


def view(node: Record) -> ParsedRecord:
    """Return the view of an engine's record."""
    return ParsedRecord(node.type.name, node.start, node.end - node.start, node.complete, node)


def value_of(node: Node) -> Any:
    """Return a node's value as builtins: records become mappings, arrays lists."""
    if isinstance(node, Record):
        return {name: value_of(inner) for name, inner in node.nodes.items()}
    if isinstance(node, Array):
        return [value_of(item) for item in node.items]
    value = node.value
    return bytes(value) if isinstance(value, memoryview) else list(value) if isinstance(value, tuple) else value


def _field(name: str, node: Node) -> ParsedField:
    return ParsedField(name, node.start, node.end - node.start, value_of(node), node.valid, node)


def tree(parse: Parse, *, items: int) -> list[dict[str, Any]]:
    """Return a parse as JSON values: type, offset, size and fields of each record, at every level.

    A number with a label has `label`, a value with a decoder `decoded`.

    Args:
        items: Maximum number of elements per array; the number of omitted elements is included.
    """
    return [json_of(parse.grammar, record, items=items) for record in parse.records]


def json_of(grammar: Grammar, node: Node, *, items: int) -> Any:
    """Return one node as JSON values; see `tree`."""
    if isinstance(node, Record):
        return {
            "type": node.type.name,
            "offset": node.start,
            "size": node.end - node.start,
            **({} if node.complete else {"complete": False}),
            "fields": {name: json_of(grammar, inner, items=items) for name, inner in node.nodes.items()},
        }
    if isinstance(node, Array):
        shown = [json_of(grammar, item, items=items) for item in node.items[:items]]
        more = len(node.items) - len(shown)
        return {"offset": node.start, "size": node.end - node.start, "items": shown, **({"more": more} if more else {})}
    made = {"offset": node.start, "size": node.end - node.start, "value": _plain(node.value)}
    label, date = label_of(grammar, node), decoded(node)
    made |= {} if label is None else {"label": label}
    made |= {} if date is None else {"decoded": date}
    return made if node.valid is None else {**made, "valid": node.valid}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return bytes(value[:64]).hex() + ("…" if len(value) > 64 else "")
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def leaf_group(leaf: Leaf) -> str:
    """Return the group of a leaf's value: int, float, string, bytes or unknown."""
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


def label_of(grammar: Grammar, leaf: Leaf) -> str | None:
    """The label of a number in the enum of its field, or None."""
    enum = grammar.enums.get(leaf.field.enum) if leaf.field.enum is not None else None
    return enum.labels.get(leaf.value) if enum is not None and isinstance(leaf.value, int) else None


def decoded(leaf: Leaf) -> str | None:
    """The value as the decoder of its field shows it, or None without a decoder or a valid value."""
    how = leaf.field.decode
    if how is None or leaf.value is None:
        return None
    big = leaf.field.big is not False if how.big is None else how.big
    raw = bytes(leaf.value) if isinstance(leaf.value, memoryview) else leaf.value
    try:
        return decode(raw, how.decoder, big=big, encoding=how.encoding)
    except DecodeError:
        return None
