"""Expressions of Kaitai Struct: precedence, literals, and syntax errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.grammar.language.expression import (
    ArrayOf,
    Attribute,
    Binary,
    Call,
    EnumLiteral,
    Item,
    Literal,
    Method,
    Name,
    Ternary,
    Unary,
    walk,
)
from harness.kaitai.expression import TypeName
from harness.kaitai.parser import parse, parse_type
from harness.kaitai.scanner import MAX_DEPTH, ExpressionError

ONE, TWO, THREE = Literal(1), Literal(2), Literal(3)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("1 + 2 * 3", Binary("+", ONE, Binary("*", TWO, THREE))),
        ("(1 + 2) * 3", Binary("*", Binary("+", ONE, TWO), THREE)),
        ("1 - 2 - 3", Binary("-", Binary("-", ONE, TWO), THREE)),
        ("1 | 2 & 3", Binary("|", ONE, Binary("&", TWO, THREE))),
        ("1 << 2 + 3", Binary("<<", ONE, Binary("+", TWO, THREE))),
        ("a << 1 < 2", Binary("<", Binary("<<", Name("a"), ONE), TWO)),
        ("not a and b or c", Binary("or", Binary("and", Unary("not", Name("a")), Name("b")), Name("c"))),
        ("a ? b : c ? 1 : 2", Ternary(Name("a"), Name("b"), Ternary(Name("c"), ONE, TWO))),
        ("-1", Unary("-", ONE)),
        ("~a.b", Unary("~", Attribute(Name("a"), "b"))),
        ("0x_ff + 0b1010 + 0o17 + 1_000", None),
        ("1.to_s", Attribute(ONE, "to_s")),
        ("1.5e3", Literal(1500.0)),
        ("a[1].b", Attribute(Item(Name("a"), ONE), "b")),
        ("s.substring(1, 2)", Method(Name("s"), "substring", (ONE, TWO))),
        ("x.as<a::b[]>", Method(Name("x"), "as", (Literal("a::b[]"),))),
        ("::a::b", EnumLiteral("::a", "b")),
        ("sizeof<t>", Call("sizeof", (Literal("t"),))),
        ("bitsizeof<b5>", Call("bitsizeof", (Literal("b5"),))),
        ("[1, 2, ]", ArrayOf((ONE, TWO))),
        (r'"a\n\"\x"'.replace(r"\x", r"\u263a"), Literal('a\n"☺')),
        (r"'raw\n'", Literal(r"raw\n")),
        ("'a' \"b\"", Literal("ab")),
        ('f"x={a}!"', Call("f", (Literal("x="), Name("a"), Literal("!")))),
        ("f\"{'}'}\"", Call("f", (Literal("}"),))),
        ("1 + # a comment\n 2", Binary("+", ONE, TWO)),
    ],
)
def test_text_becomes_a_tree(text, tree):
    found = parse(text)
    if tree is not None:
        assert found == tree
    assert next(walk(found)) is found


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the end"),
        ("1 *", "the end"),
        ("(1 + 5", "expected ')'"),
        ("a && b", "did you mean 'and'?"),
        ("a || b", "did you mean 'or'?"),
        ("BAD", "invalid ID"),
        ("_secret", "invalid ID"),
        ("1a", "after a number"),
        ("0x", "after a number"),
        ('"open', "unterminated string"),
        ("'open", "unterminated string"),
        (r'"\q"', "unknown escape"),
        ('f"{a"', "expected '}'"),
        ("a < b < c", "expected the end"),
        ("a.as<", "expected a name"),
        ("[1", "expected ','"),
        ("and", "expected a value"),
        ("foo(1)", "expected the end"),
    ],
)
def test_what_is_no_expression_is_an_error_with_its_place(text, what):
    with pytest.raises(ExpressionError, match=r"at \d+:\d+") as caught:
        parse(text)
    assert what in str(caught.value)


@pytest.mark.parametrize("text", ["(" * 500 + "1" + ")" * 500, "-" * 500 + "1", "1 ? " * 500, "[" * 999, "a" * 30_000])
def test_deep_and_long_text_is_an_error_not_a_crash(text):
    with pytest.raises(ExpressionError):
        parse(text)


def test_depth_below_the_limit_is_fine():
    depth = MAX_DEPTH // 2 - 2
    assert parse("(" * depth + "1" + ")" * depth) == ONE


@given(st.text(alphabet="ab1. ()[]{}<>:?+-*/'\"\\#\n_,f&|=!~", max_size=40))
def test_any_text_is_a_tree_or_an_expression_error(text):
    try:
        parse(text)
    except ExpressionError as error:
        assert 0 <= error.offset <= len(text)  # noqa: PT017 - the position must be within the text


def test_a_type_reference_has_a_path_and_arguments():
    assert parse_type("a::b(1, x + 2)") == (TypeName(("a", "b")), (ONE, Binary("+", Name("x"), TWO)))
    with pytest.raises(ExpressionError):
        parse_type("a b")
