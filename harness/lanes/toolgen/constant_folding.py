"""Constant folding: the constant value of an expression, so that the static check sees through `"sys" + "tem"`."""

from __future__ import annotations

import ast
import re

from harness.lanes.toolgen.syntax_walk import descendants

MAX_LENGTH = 4096  # characters of a folded string
MAX_BITS = 64  # bits of a folded integer
_SIZED = re.compile(r"%[^%a-zA-Z]*[*\d]")
_TEXT_METHODS = frozenset(
    {"lower", "upper", "strip", "lstrip", "rstrip", "replace", "swapcase", "casefold", "title", "removeprefix",
     "removesuffix", "capitalize"}
)  # fmt: skip

Constant = str | int


def fold(node: ast.expr | None, known: dict[str, Constant]) -> Constant | None:
    """The string or integer value of an expression; None if it is not constant, or too long.

    Args:
        known: Names that are bound exactly once, to a constant, with their values.
    """
    try:
        value = _fold(node, known, 0)
    except (ValueError, OverflowError, MemoryError):
        return None  # a candidate must not be able to make the judge fail
    return None if isinstance(value, str) and len(value) > MAX_LENGTH else value


def _fold(node: ast.expr | None, known: dict[str, Constant], depth: int) -> Constant | None:
    if node is None or depth > 60:
        return None
    if isinstance(node, ast.Constant):
        return _literal(node.value)
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.BinOp):
        return _fold_operation(node, known, depth)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operand = _fold(node.operand, known, depth + 1)
        return -operand if isinstance(operand, int) else None
    if isinstance(node, ast.JoinedStr):
        parts = [
            _fold(part.value if isinstance(part, ast.FormattedValue) else part, known, depth + 1)
            if not isinstance(part, ast.FormattedValue) or (part.format_spec is None and part.conversion == -1)
            else None
            for part in node.values
        ]
        return None if None in parts else _bounded("".join(map(str, parts)))
    if isinstance(node, ast.Subscript):
        return _fold_slice(node, known, depth)
    if isinstance(node, ast.Call) and not node.keywords:
        return _fold_call(node, known, depth)
    return None


def _literal(value: object) -> Constant | None:
    # Bounded here, so that no later step multiplies a large value; a long integer also converts to decimal slowly.
    if isinstance(value, str):
        return _bounded(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= MAX_BITS else None


def _bounded(text: str) -> str | None:
    return text if len(text) <= MAX_LENGTH else None


def _fold_operation(node: ast.BinOp, known: dict[str, Constant], depth: int) -> Constant | None:
    left, right = _fold(node.left, known, depth + 1), _fold(node.right, known, depth + 1)
    if isinstance(left, str) and isinstance(node.op, ast.Mod) and "%" in left:
        values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        folded = tuple(_fold(value, known, depth + 1) for value in values)
        try:
            # A width or precision (`%9000000000d`) would build the string before its length could be checked.
            refused = None in folded or len(left) > MAX_LENGTH or _SIZED.search(left)
            return None if refused else _bounded(left % folded)
        except (TypeError, ValueError, OverflowError, MemoryError):
            return None
    if isinstance(left, str) and isinstance(right, str) and isinstance(node.op, ast.Add):
        return _bounded(left + right)
    if isinstance(left, int) and isinstance(right, int) and max(abs(left), abs(right)) < 1 << 32:
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.BitXor):
            return left ^ right
    return None


def _fold_slice(node: ast.Subscript, known: dict[str, Constant], depth: int) -> Constant | None:
    text = _fold(node.value, known, depth + 1)
    if not isinstance(text, str):
        return None
    if isinstance(node.slice, ast.Slice):
        bounds = [_fold(part, known, depth + 1) for part in (node.slice.lower, node.slice.upper, node.slice.step)]
        written = (node.slice.lower, node.slice.upper, node.slice.step)
        if any(part is not None and not isinstance(value, int) for part, value in zip(written, bounds, strict=True)):
            return None
        low, high, step = (bound if isinstance(bound, int) else None for bound in bounds)
        return None if step == 0 else text[low:high:step]
    index = _fold(node.slice, known, depth + 1)
    return text[index] if isinstance(index, int) and -len(text) <= index < len(text) else None


def _fold_call(node: ast.Call, known: dict[str, Constant], depth: int) -> Constant | None:
    if isinstance(node.func, ast.Name) and len(node.args) == 1:
        if node.func.id in ("chr", "str"):
            value = _fold(node.args[0], known, depth + 1)
            if node.func.id == "str":
                return None if value is None else str(value)
            return chr(value) if isinstance(value, int) and 0 <= value < 0x110000 else None
        return None
    if not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr == "decode" and not node.args and isinstance(node.func.value, ast.Constant):
        raw = node.func.value.value
        return _bounded(raw.decode("utf-8", "replace")) if isinstance(raw, bytes) else None
    text = _fold(node.func.value, known, depth + 1)
    if not isinstance(text, str):
        return None
    if node.func.attr == "join" and len(node.args) == 1:
        return _join(text, node.args[0], known, depth)
    arguments = [_fold(argument, known, depth + 1) for argument in node.args]
    if None in arguments:
        return None
    try:
        if node.func.attr == "format":
            return None if ":" in text or "!" in text else _bounded(text.format(*arguments))
        if node.func.attr in _TEXT_METHODS:
            value = getattr(text, node.func.attr)(*arguments)
            return _bounded(value) if isinstance(value, str) else None
    except (TypeError, ValueError, LookupError, AttributeError, MemoryError):
        return None
    return None


def _join(text: str, argument: ast.expr, known: dict[str, Constant], depth: int) -> str | None:
    if isinstance(argument, ast.List | ast.Tuple):
        parts = [_fold(item, known, depth + 1) for item in argument.elts]
        return _bounded(text.join(map(str, parts))) if all(isinstance(part, str) for part in parts) else None
    if (  # "".join(reversed("metsys"))
        isinstance(argument, ast.Call)
        and isinstance(argument.func, ast.Name)
        and argument.func.id == "reversed"
        and len(argument.args) == 1
    ):
        inner = _fold(argument.args[0], known, depth + 1)
        return _bounded(text.join(reversed(inner))) if isinstance(inner, str) else None
    inner = _fold(argument, known, depth + 1)
    return _bounded(text.join(inner)) if isinstance(inner, str) else None


def constant_names(tree: ast.AST) -> dict[str, Constant]:
    """Names that the file binds exactly once, to a constant expression, with their values."""
    bound: dict[str, int] = {}
    values: list[tuple[str, ast.expr]] = []
    for node in descendants(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound[node.id] = bound.get(node.id, 0) + 1
        elif isinstance(node, ast.arg):
            bound[node.arg] = bound.get(node.arg, 0) + 2
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            values.append((node.targets[0].id, node.value))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            values.append((node.target.id, node.value))
    known: dict[str, Constant] = {}
    for _ in range(2):  # twice, for constants defined by other constants
        for name, expression in values:
            if bound.get(name) == 1 and name not in known:
                value = fold(expression, known)
                if value is not None:
                    known[name] = value
    return known
