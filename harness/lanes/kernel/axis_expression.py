"""Axis expressions: integer arithmetic over axes as in definitions (`2 * M * N * K`); parsed, never run as Python."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
_MAX_LENGTH = 500  # characters
_MAX_VALUE = 1 << 80

Expression = int | str


def evaluate(expression: Expression, names: Mapping[str, object]) -> int:
    """Evaluate an expression (`+ - * //`, brackets) over named integers; true counts as 1.

    Raises:
        ValueError: if it is not such an expression, divides by zero, or exceeds 2**80.
    """
    if isinstance(expression, int):
        return expression
    try:
        if len(expression) > _MAX_LENGTH:
            raise SyntaxError
        value = _value(ast.parse(expression.strip(), mode="eval").body, names)
    except (SyntaxError, KeyError, ZeroDivisionError, RecursionError, MemoryError) as error:
        known = ", ".join(sorted(names))
        msg = f"{expression[:_MAX_LENGTH]!r} is not arithmetic (+ - * //) over {known}"
        raise ValueError(msg) from error
    return value


def _value(node: ast.expr, names: Mapping[str, object]) -> int:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.Name):
        named = names[node.id]
        if isinstance(named, int):
            return int(named)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        value = _OPERATORS[type(node.op)](_value(node.left, names), _value(node.right, names))
        if abs(value) <= _MAX_VALUE:
            return value
    raise SyntaxError(type(node).__name__)
