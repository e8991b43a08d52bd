"""Shapes of example values, and Hypothesis strategies that stay within them.

The examples of a problem show its domain: a sampled integer is at most the largest of the examples, a string has only
their characters. So inputs that the problem's author excludes by a sentence are rarely sampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Shape = dict[str, Any]
MAX_CHARACTERS = 200


def shape_of(values: Sequence[Any]) -> Shape:
    """The shape of all values of one place, as JSON; a list of shapes by kind where they differ."""
    kinds: dict[str, list[Any]] = {}
    for value in values:
        kinds.setdefault(type(value).__name__, []).append(value)
    return {"any": [_shape_of(kind, found) for kind, found in sorted(kinds.items())]}


def _shape_of(kind: str, values: list[Any]) -> Shape:
    match kind:
        case "int" | "float":
            return {"kind": kind, "low": min(values), "high": max(values)}
        case "str":
            characters = "".join(sorted(set("".join(values))))[:MAX_CHARACTERS]
            return {"kind": kind, "characters": characters, "most": max(map(len, values))}
        case "list" | "tuple" | "set" | "frozenset":
            items = [item for value in values for item in value]
            sizes = [len(value) for value in values]
            return {"kind": kind, "items": shape_of(items), "least": min(sizes), "most": max(sizes)}
        case "dict":
            keys, items = (
                [key for value in values for key in value],
                [item for value in values for item in value.values()],
            )
            return {"kind": kind, "keys": shape_of(keys), "items": shape_of(items), "most": max(map(len, values))}
        case _:
            return {"kind": kind}


def strategy_of(shape: Shape) -> SearchStrategy[Any]:
    """The strategy of the values of a shape."""
    from hypothesis import strategies as st

    return st.one_of([_strategy_of(one) for one in shape["any"]]) if shape["any"] else st.nothing()


def _strategy_of(shape: Shape) -> SearchStrategy[Any]:
    from hypothesis import strategies as st

    match shape["kind"]:
        case "bool":
            return st.booleans()
        case "int":
            return st.integers(shape["low"], shape["high"])
        case "float":
            return st.floats(shape["low"], shape["high"], allow_nan=False, allow_infinity=False)
        case "str":
            most = shape["most"] if shape["characters"] else 0
            return st.text(shape["characters"], max_size=most)
        case "list" | "tuple":
            items = strategy_of(shape["items"])
            lists = st.lists(items, min_size=shape["least"], max_size=shape["most"] if shape["items"]["any"] else 0)
            return lists if shape["kind"] == "list" else lists.map(tuple)
        case "set" | "frozenset":
            # Without a least size: few distinct members may exist.
            make = st.sets if shape["kind"] == "set" else st.frozensets
            return make(strategy_of(shape["items"]), max_size=shape["most"] if shape["items"]["any"] else 0)
        case "dict":
            most = shape["most"] if shape["keys"]["any"] else 0
            return st.dictionaries(strategy_of(shape["keys"]), strategy_of(shape["items"]), max_size=most)
        case _:
            return st.none()
