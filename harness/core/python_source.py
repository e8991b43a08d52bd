"""Python functions generated from syntax nodes: no string from a user is ever parsed as code."""

from __future__ import annotations

import _ast as ast  # the node classes only: importing `ast` adds to the start-up time
from collections.abc import Sequence
from types import CodeType, FunctionType
from typing import Any


def load(name: str) -> ast.expr:
    """The value of a variable."""
    return ast.Name(name, ast.Load())


def call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    """A call with positional arguments."""
    return ast.Call(function, list(arguments), [])


def compile_function(name: str, parameters: Sequence[str], body: list[ast.stmt], known: dict[str, Any]) -> FunctionType:
    """A function of the statements in `body`, which see only the parameters and the `known` names, no builtins."""
    module: Any = compile(f"def {name}(): pass", "<generated>", "exec", ast.PyCF_ONLY_AST)
    function = module.body[0]
    function.args.args = [ast.arg(parameter) for parameter in parameters]
    function.body = body
    _set_positions(module)
    codes = compile(module, f"<generated {name}>", "exec").co_consts
    (code,) = (constant for constant in codes if isinstance(constant, CodeType))
    return FunctionType(code, {"__builtins__": {}, **known})


def _set_positions(node: ast.AST) -> None:
    """Give every node the position that `compile` requires."""
    if node._attributes:
        node.lineno = node.end_lineno = 1  # type: ignore[attr-defined]
        node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
    for name in node._fields:
        child = getattr(node, name, None)
        for part in child if isinstance(child, list) else [child]:
            if isinstance(part, ast.AST):
                _set_positions(part)
