"""Constants: the values of mapping keys and of expressions without names."""

from __future__ import annotations

from typing import Any

from harness.grammar.language.evaluation import as_bytes
from harness.grammar.language.expression import ArrayOf, EnumLiteral, Expr, Literal, Unary
from harness.grammar.language.grammar import Constant, EnumDef
from harness.grammar.language.raw_values import number
from harness.grammar.language.syntax import parse_expression
from harness.grammar.language.tokens import ExpressionError


def constant_of(expr: Expr, enums: dict[str, EnumDef]) -> Constant | None:
    """Evaluate an expression without a record; None if it needs one."""
    match expr:
        case Literal(value):
            return value
        case ArrayOf(items):
            return as_bytes(items)
        case EnumLiteral(enum, label) if enum in enums:
            return enums[enum].numbers.get(label)
        case Unary("-", Literal(int() as value)):
            return -value
    return None


def constant_key(key: Any, enums: dict[str, EnumDef]) -> Constant:
    """Return the value of a case's key: a number, a quoted string, `Enum::label`, bytes, or the key as a string."""
    if isinstance(key, bool):
        return bool(key)
    if (found := number(key)) is not None:
        return found
    if not isinstance(key, str):
        return str(key)
    if key in ("true", "false"):
        return key == "true"
    if "::" in key or key[:1] in "\"'[":
        try:
            value = constant_of(parse_expression(str(key)), enums)
        except ExpressionError:
            value = None
        if value is not None:
            return value
    return str(key)
