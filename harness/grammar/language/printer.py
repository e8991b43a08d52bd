"""Expression printer: an expression tree as text that parses to the same tree."""

from __future__ import annotations

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
from harness.grammar.language.syntax import NOT, PRECEDENCE, SIGN

_ATOM = 12


def print_expression(expr: Expr) -> str:
    """Return the text of an expression with the minimum of parentheses."""
    return _print(expr, 0)


def _print(expr: Expr, least: int) -> str:
    text, binds = _text(expr)
    return text if binds >= least else f"({text})"


def _text(expr: Expr) -> tuple[str, int]:
    match expr:
        case Literal(value):
            return _literal(value)
        case ArrayOf(items):
            return f"[{_list(items)}]", _ATOM
        case Name(name):
            return name, _ATOM
        case EnumLiteral(enum, label):
            return f"{enum}::{label}", _ATOM
        case Attribute(of, name):
            return f"{_print(of, _ATOM)}.{name}", _ATOM
        case Item(of, index):
            return f"{_print(of, _ATOM)}[{_print(index, 0)}]", _ATOM
        case Method(of, name, arguments):
            return f"{_print(of, _ATOM)}.{name}({_list(arguments)})", _ATOM
        case Call(name, arguments):
            return f"{name}({_list(arguments)})", _ATOM
        case Unary("not", of):
            return f"not {_print(of, NOT + 1)}", NOT
        case Unary(operator, of):
            # A bare number after the sign would read as a negative constant.
            body = f"({_print(of, 0)})" if isinstance(of, Literal) else _print(of, SIGN)
            return f"{operator}{body}", SIGN
        case Binary(operator, left, right):
            own = PRECEDENCE[operator]
            return f"{_print(left, own)} {operator} {_print(right, own + 1)}", own
        case Ternary(condition, then, otherwise):
            return f"{_print(condition, 1)} ? {_print(then, 0)} : {_print(otherwise, 0)}", 0


def _list(items: tuple[Expr, ...]) -> str:
    return ", ".join(_print(item, 0) for item in items)


def _literal(value: int | float | bool | str | bytes) -> tuple[str, int]:
    if isinstance(value, bool):
        return str(value).lower(), _ATOM
    if isinstance(value, int):
        return str(value), _ATOM if value >= 0 else SIGN
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text or "e" in text else f"{text}.0", _ATOM if value >= 0 else SIGN
    if isinstance(value, bytes):
        return f"[{', '.join(str(byte) for byte in value)}]", _ATOM
    return '"' + "".join(_character(c) for c in value) + '"', _ATOM


def _character(c: str) -> str:
    if c in '"\\':
        return "\\" + c
    if c.isprintable() or ord(c) > 0xFFFF:
        return c
    return f"\\u{ord(c):04x}"
