"""Document: a YAML text of people or machines, read strictly and with the position of every part."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import yaml

Key = tuple[str | int, ...]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 24


class DocumentError(Exception):
    """The text is not a document we read. Whose fault that is, the caller knows.

    Args:
        message: What is wrong.
        line: 1-based, if known.
        column: 1-based, if known.
    """

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        self.message, self.line, self.column = message, line, column
        super().__init__(message if line is None else f"line {line}, column {column}: {message}")


@dataclass(frozen=True, slots=True)
class Document:
    """A value made of dict, list, str, int, float, bool and None only, and where its parts stand."""

    value: Any
    positions: dict[Key, tuple[int, int]] = field(default_factory=dict)

    def position(self, key: Key) -> tuple[int, int] | None:
        """1-based (line, column) of a part, or of its nearest parent."""
        for end in range(len(key), -1, -1):
            if key[:end] in self.positions:
                return self.positions[key[:end]]
        return None


def read_document(data: bytes) -> Document:
    """Read one YAML document.

    Aliases are refused, for they make a small text a huge value; so are duplicate keys, keys that are not text or
    whole numbers, deep nesting, and values JSON has no name for (dates, sets, NaN).

    Raises:
        DocumentError: if the text is not such a document.
    """
    if len(data) > MAX_BYTES:
        raise DocumentError(f"{len(data)} bytes of YAML, at most {MAX_BYTES} are read")
    try:
        loader = yaml.SafeLoader(data.decode("utf-8"))
        try:
            _refuse_aliases_and_depth(data.decode("utf-8"))
            root = loader.get_single_node()
            positions: dict[Key, tuple[int, int]] = {}
            value = None if root is None else _build(loader, root, (), positions)
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        raise DocumentError(f"not UTF-8: {error.reason} at byte {error.start}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        what = error.problem or "not YAML"
        raise DocumentError(
            what, line=mark.line + 1 if mark else None, column=mark.column + 1 if mark else None
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise DocumentError(" ".join(str(error).split())) from error
    return Document(value, positions)


def _refuse_aliases_and_depth(text: str) -> None:
    # Events come one by one and without recursion, so this pass is safe on any text; composing is not.
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.AliasEvent):
            raise DocumentError(f"alias *{event.anchor}: write the value out", line=line, column=column)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if not event.implicit:
                raise DocumentError(f"tag {event.tag} has no place here", line=line, column=column)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise DocumentError(f"nested deeper than {MAX_DEPTH}", line=line, column=column)


def _build(loader: yaml.SafeLoader, node: yaml.Node, key: Key, positions: dict[Key, tuple[int, int]]) -> Any:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    positions[key] = (line, column)
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, child, (*key, i), positions) for i, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        made: dict[str | int, Any] = {}
        for key_node, child in node.value:
            at = {"line": key_node.start_mark.line + 1, "column": key_node.start_mark.column + 1}
            name = loader.construct_object(key_node, deep=True) if isinstance(key_node, yaml.ScalarNode) else None
            if isinstance(name, bool) or not isinstance(name, str | int):
                raise DocumentError("a key is text or a whole number (yes, no, on, off are neither: quote them)", **at)
            if name in made:
                raise DocumentError(f"duplicate key {name!r}", **at)
            made[name] = _build(loader, child, (*key, name), positions)
        return made
    value = loader.construct_object(node, deep=True)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise DocumentError(f"a {type(value).__name__} has no place here; quote it", line=line, column=column)
