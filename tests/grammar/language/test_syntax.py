"""Expressions: parsing, printing, and evaluation that always ends with a bounded result."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.grammar.engine.parser import parse
from harness.grammar.language.evaluation import Compiler
from harness.grammar.language.expression import (
    ArrayOf,
    Attribute,
    Binary,
    Call,
    EnumLiteral,
    Expr,
    Item,
    Literal,
    Method,
    Name,
    Ternary,
    Unary,
)
from harness.grammar.language.lint import lint_text
from harness.grammar.language.operations import NoValueError
from harness.grammar.language.printer import print_expression
from harness.grammar.language.syntax import MAX_CASES, PRECEDENCE, parse_expression
from harness.grammar.language.tokens import ExpressionError

names = st.sampled_from(["a", "b", "length", "_io", "_parent", "__class__"])
literals = st.one_of(
    st.integers(0, 2**64),
    st.booleans(),
    st.text(max_size=5).filter(lambda t: all(ord(c) < 0xD800 or ord(c) > 0xDFFF for c in t)),
    st.floats(0, 1e9, allow_nan=False),
).map(Literal)


def grow(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(inner, max_size=2).map(tuple)
    return st.one_of(
        st.builds(Binary, st.sampled_from(sorted(PRECEDENCE)), inner, inner),
        st.builds(Unary, st.sampled_from(["not", "~"]), inner),
        # A sign before a bare number is a negative constant, not an operation.
        st.builds(Unary, st.just("-"), inner.filter(lambda e: not isinstance(e, Literal))),
        st.builds(Ternary, inner, inner, inner),
        st.builds(Attribute, inner, names),
        st.builds(Item, inner, inner),
        st.builds(Method, inner, names, several),
        st.builds(Call, names, several),
        several.map(ArrayOf),
    )


expressions = st.recursive(
    st.one_of(names.map(Name), literals, st.builds(EnumLiteral, names, names)), grow, max_leaves=12
)


@given(expressions)
@settings(max_examples=200, deadline=None)
def test_what_is_printed_parses_to_the_same_tree(expr: Expr) -> None:
    assert parse_expression(print_expression(expr)) == expr


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_is_an_expression_or_says_where_it_stops_being_one(text: str) -> None:
    at = 0
    try:
        parse_expression(text)
    except ExpressionError as error:
        at = error.at
    assert 0 <= at <= len(text)


@pytest.mark.parametrize("text", ["(" * 5000, "-" * 5000, "a" + ".b" * 3000, "1" + "+1" * 4000, "[" * 3000, "9" * 5000])
def test_no_text_exhausts_the_stack(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_expression(text)


def value(text: str) -> object:
    return Compiler({}, {}).compile(parse_expression(text), None)(_Scope())


class _Scope:
    record = item = None
    index = 3

    class run:
        @staticmethod
        def charge(steps: int) -> None:
            pass


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("-7 / 2", -4),
        ("-7 % 3", 2),
        ("7 / 2.0", 3.5),
        ("1 << 4 | 1", 17),
        ("not 1 == 2 and true", True),
        ("1 < 2 ? 'yes' : 'no'", "yes"),
        ('"ab" + "c"', "abc"),
        ("[0x50, 0x4b]", b"PK"),
        ("[0x50, 0x4b][1]", 0x4B),
        ('[97, 98].to_s("ascii")', "ab"),
        ('"123".to_i + 1', 124),
        ('"ff".to_i(16)', 255),
        ("[1, 300].max", 300),
        ('"abc".reverse.substring(0, 2)', "cb"),
        ("min(3, 2) + max(1, 5) + abs(0 - 4) + len([1, 2])", 13),
        ("_index * 2", 6),
        ("0b1010 ^ 0xf", 5),
        ("~0", -1),
    ],
)
def test_values(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0", "1 % 0", "1 << 100000", "1.5 << 2", "'a' + 1", "[1][5]", "'x'.to_i", "[].first",
        "(1 << 200) * (1 << 200)", '[255].to_s("ascii")', "'a' < 1", "1.0e300 * 1.0e300 & 1", "'abc'.substring(2, 1)",
    ],
)  # fmt: skip
def test_what_has_no_value_says_so(text: str) -> None:
    with pytest.raises(NoValueError):
        value(text)


def test_conditions_in_a_row_do_not_nest() -> None:
    text = "".join(f"a == {i} ? {i + 1} : " for i in range(MAX_CASES))
    found = parse_expression(f"{text}0")
    assert parse_expression(print_expression(found)) == found
    fields = f"[{{name: a, type: u8}}, {{name: b, compute: '{text}0'}}]"
    lint = lint_text(f"endian: big\nframing: {{repeat: once}}\ntypes: {{T: {{fields: {fields}}}}}\n")
    assert lint.grammar is not None
    for value in (0, MAX_CASES - 1, MAX_CASES):
        assert parse(lint.grammar, bytes([value])).records[0]["b"] == (value + 1) % (MAX_CASES + 1)
    with pytest.raises(ExpressionError, match=f"more than {MAX_CASES} conditions"):
        parse_expression(f"{text}a == 255 ? 1 : 0")
