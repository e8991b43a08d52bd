"""Arithmetic: expressions over axes, as definitions write them (`2 * M * N * K`); parsed, never evaluated as Python."""

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
_LONGEST = 500  # characters
_LARGEST = 1 << 80

Expression = int | str


def evaluate(expression: Expression, names: Mapping[str, object]) -> int:
    """An arithmetic expression (`+ - * //`, brackets) over named numbers; true counts 1.

    Raises:
        ValueError: if it is anything else, divides by zero, or is absurdly large.
    """
    if isinstance(expression, int):
        return expression
    try:
        if len(expression) > _LONGEST:
            raise SyntaxError
        value = _value(ast.parse(expression.strip(), mode="eval").body, names)
    except (SyntaxError, KeyError, ZeroDivisionError, RecursionError, MemoryError) as error:
        known = ", ".join(sorted(names))
        msg = f"{expression[:_LONGEST]!r} is no arithmetic (+ - * //) over {known}"
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
        if abs(value) <= _LARGEST:
            return value
    raise SyntaxError(type(node).__name__)
