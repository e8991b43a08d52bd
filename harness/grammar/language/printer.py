"""Expression printer: an expression tree as text that parses to the same tree."""

from __future__ import annotations

from harness.grammar.language import expression as ex
from harness.grammar.language.syntax import NOT, PRECEDENCE, SIGN

_ATOM = 12


def print_expression(expr: ex.Expr) -> str:
    """Return the text of an expression with the minimum of parentheses."""
    return _print(expr, 0)


def _print(expr: ex.Expr, least: int) -> str:
    text, binds = _text(expr)
    return text if binds >= least else f"({text})"


def _text(expr: ex.Expr) -> tuple[str, int]:
    match expr:
        case ex.Literal(value):
            return _literal(value)
        case ex.ArrayOf(items):
            return f"[{_list(items)}]", _ATOM
        case ex.Name(name):
            return name, _ATOM
        case ex.EnumLiteral(enum, label):
            return f"{enum}::{label}", _ATOM
        case ex.Attribute(of, name):
            return f"{_print(of, _ATOM)}.{name}", _ATOM
        case ex.Item(of, index):
            return f"{_print(of, _ATOM)}[{_print(index, 0)}]", _ATOM
        case ex.Method(of, name, arguments):
            return f"{_print(of, _ATOM)}.{name}({_list(arguments)})", _ATOM
        case ex.Call(name, arguments):
            return f"{name}({_list(arguments)})", _ATOM
        case ex.Unary("not", of):
            return f"not {_print(of, NOT + 1)}", NOT
        case ex.Unary(operator, of):
            # A bare number after the sign would read as a negative constant.
            body = f"({_print(of, 0)})" if isinstance(of, ex.Literal) else _print(of, SIGN)
            return f"{operator}{body}", SIGN
        case ex.Binary(operator, left, right):
            own = PRECEDENCE[operator]
            return f"{_print(left, own)} {operator} {_print(right, own + 1)}", own
        case ex.Ternary(condition, then, otherwise):
            return f"{_print(condition, 1)} ? {_print(then, 0)} : {_print(otherwise, 0)}", 0


def _list(items: tuple[ex.Expr, ...]) -> str:
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
