"""Kinds: the values that a type annotation allows, as JSON, so that the sampler process can read them."""

from __future__ import annotations

import ast
from typing import Any

from harness.lanes.toolgen.syntax_walk import last_name

Kind = str | list[Any]
"""One of `PLAIN`, or `["list", kind]`, `["set", kind]`, `["frozenset", kind]`, `["dict", kind]` (its values; keys are
strings), `["dict", kind, kind]` (its values, its keys), `["tuple", kind...]`, `["tuple*", kind]` (any length),
`["union", kind...]`, `["literal", value...]`."""

PLAIN = frozenset({"int", "float", "str", "bool", "bytes", "none", "any"})
_SEQUENCES = frozenset({"list", "List", "Sequence", "Iterable", "Collection", "MutableSequence"})
_MAPPINGS = frozenset({"dict", "Dict", "Mapping", "MutableMapping"})
_SETS = {"set": "set", "Set": "set", "AbstractSet": "set", "MutableSet": "set"} | dict.fromkeys(
    ("frozenset", "FrozenSet"), "frozenset"
)
_ANYTHING = frozenset({"Any", "object", "JSON", "Json"})


def kind_of(annotation: ast.expr | None) -> Kind:
    """The kind of an annotation; a missing annotation allows any JSON value.

    Raises:
        ValueError: if the annotation names an unknown type, or one whose values cannot cross the box.
    """
    if annotation is None:
        return "any"
    if isinstance(annotation, ast.Constant):
        if annotation.value is None:
            return "none"
        if isinstance(annotation.value, str):
            return kind_of(ast.parse(annotation.value, mode="eval").body)
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return ["union", kind_of(annotation.left), kind_of(annotation.right)]
    if isinstance(annotation, ast.Subscript):
        return _parametrised(annotation)
    name = last_name(annotation)
    if name in PLAIN - {"none", "any"}:
        return name
    if name in _ANYTHING:
        return "any"
    if name in _SEQUENCES:
        return ["list", "any"]
    if name in _MAPPINGS:
        return ["dict", "any"]
    if name in ("tuple", "Tuple"):
        return ["tuple*", "any"]
    msg = f"no inputs can be sampled for the annotation {ast.unparse(annotation)!r}"
    raise ValueError(msg)


def _parametrised(annotation: ast.Subscript) -> Kind:
    name = last_name(annotation.value)
    inside = annotation.slice
    parts = list(inside.elts) if isinstance(inside, ast.Tuple) else [inside]
    if name in _SEQUENCES and len(parts) == 1:
        return ["list", kind_of(parts[0])]
    if name in _SETS and len(parts) == 1 and _can_be_key(item := kind_of(parts[0])):
        return [_SETS[name], item]
    if name in _MAPPINGS and len(parts) == 2 and _can_be_key(key := kind_of(parts[0])):
        return ["dict", kind_of(parts[1])] if key == "str" else ["dict", kind_of(parts[1]), key]
    if name in ("tuple", "Tuple"):
        if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis:
            return ["tuple*", kind_of(parts[0])]
        return ["tuple", *(kind_of(part) for part in parts)]
    if name == "Optional" and len(parts) == 1:
        return ["union", kind_of(parts[0]), "none"]
    if name == "Union":
        return ["union", *(kind_of(part) for part in parts)]
    if name == "Literal" and all(isinstance(part, ast.Constant) for part in parts):
        return ["literal", *(part.value for part in parts if isinstance(part, ast.Constant))]
    msg = f"no inputs can be sampled for the annotation {ast.unparse(annotation)!r}"
    raise ValueError(msg)


def _can_be_key(kind: Kind) -> bool:
    """Whether every value of a kind can be the key of a dictionary, or a member of a set."""
    if isinstance(kind, str):
        return kind != "any"
    name, *parts = kind
    return name in ("frozenset", "literal") or (name in ("tuple", "tuple*", "union") and all(map(_can_be_key, parts)))
