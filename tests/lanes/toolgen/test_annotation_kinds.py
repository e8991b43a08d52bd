from __future__ import annotations

import ast

import pytest

from harness.lanes.toolgen.annotation_kinds import kind_of


def kind(text: str):
    return kind_of(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int", "int"),
        ("'str'", "str"),
        ("list[int]", ["list", "int"]),
        ("typing.List[str]", ["list", "str"]),
        ("dict", ["dict", "any"]),
        ("dict[str, list[float]]", ["dict", ["list", "float"]]),
        ("str | None", ["union", "str", "none"]),
        ("Optional[int]", ["union", "int", "none"]),
        ("tuple[int, ...]", ["tuple*", "int"]),
        ("tuple[int, str]", ["tuple", "int", "str"]),
        ("Literal['a', 2]", ["literal", "a", 2]),
        ("Any", "any"),
        ("set[int]", ["set", "int"]),
        ("frozenset[tuple[int, str]]", ["frozenset", ["tuple", "int", "str"]]),
        ("dict[int, str]", ["dict", "str", "int"]),
        ("dict[tuple[int, int], list[str]]", ["dict", ["list", "str"], ["tuple", "int", "int"]]),
    ],
)
def test_kinds(text, expected):
    assert kind(text) == expected


def test_no_annotation_allows_anything():
    assert kind_of(None) == "any"


@pytest.mark.parametrize("text", ["Socket", "dict[list[int], str]", "set[Any]", "set", "f()", "Callable[[int], int]"])
def test_what_cannot_be_drawn(text):
    with pytest.raises(ValueError, match="no inputs can be sampled"):
        kind(text)
