"""Operators: the one registry of named edits, which search and repair share."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from harness.lanes.toolgen.proposals import expression_edits as expressions
from harness.lanes.toolgen.proposals import omission_edits as omissions
from harness.lanes.toolgen.proposals import statement_edits as statements
from harness.lanes.toolgen.proposals.edit import Edit, Function, SourceText, Span

Change = tuple[Span, str]
OPERATORS: dict[str, str] = {
    "comparison": "`<` to `<=`, `==` to `!=`, `in` to `not in`, …",
    "arithmetic": "`+` to `-`, `/` to `//`, also in augmented assignments; a sign is dropped",
    "constant": "a number plus or minus 1, 0, 1; a boolean; an empty string, another separator",
    "boolean": "`and` to `or`, or an operand is left out",
    "negation": "a condition to its negation",
    "variable": "a name to another one of its function",
    "argument": "neighbouring arguments or items exchanged, or an argument left out",
    "slice": "a bound of a slice or an index moved, a bound left out or negated, or two indices exchanged",
    "call": "`append` to `extend`, `min` to `max`, …; a call to its argument; a variable to a call of it",
    "loop": "a range one longer or shorter at either end; a sequence cut, reversed or sorted; `if` to `while`",
    "branch": "an `if` to one of its branches; or a conditional expression to one of its values; `break` to `continue`",
    "return": "another returned value",
    "delete": "a statement deleted",
    "duplicate": "a statement twice",
    "exchange": "two neighbouring statements exchanged",
    "move": "a statement out of a block, or into the one before it",
    "term": "a value plus or minus 1 or a variable",
    "operand": "an operand left out, or both exchanged; a constant to a variable; an item for an empty list",
    "bound": "`x = y` to `x = max(x, y)`, `min(x, y)`, `max(0, y)`, `x + y`",
    "guard": "a condition or not a variable, or and a variable",
    "part": "a sequence to a part of it",
    "insert": "a variable added to a container, one changed in each turn of a loop or returned, a dropped result",
}
"""Names and meanings; the name of an edit's operator is one of these."""

_Maker = Callable[[SourceText, Any], Iterator[Change]]
_ON_NODES: dict[type[ast.AST], tuple[tuple[str, _Maker], ...]] = {
    ast.Compare: (("comparison", expressions.swap_comparison),),
    ast.BinOp: (("arithmetic", expressions.swap_arithmetic), ("operand", omissions.change_operands)),
    ast.AugAssign: (("arithmetic", expressions.swap_arithmetic),),
    ast.UnaryOp: (("arithmetic", expressions.drop_sign),),
    ast.Constant: (("constant", expressions.change_constant),),
    ast.BoolOp: (("boolean", expressions.change_boolean),),
    ast.Call: (
        ("argument", expressions.change_arguments),
        ("argument", omissions.exchange_arguments),
        ("call", expressions.swap_call),
    ),
    ast.Tuple: (("argument", expressions.exchange_items),),
    ast.List: (("argument", expressions.exchange_items),),
    ast.Assign: (("bound", omissions.bound_value),),
    ast.Slice: (("slice", expressions.move_slice_bound),),
    ast.Name: (("call", omissions.call_on_value),),
    ast.Subscript: (("slice", expressions.move_index),),
    ast.IfExp: (("branch", expressions.simplify_conditional),),
}
_Arranger = Callable[[SourceText, Sequence[ast.stmt], int], Iterator[Change]]
_ON_BODIES: tuple[tuple[str, _Arranger], ...] = (
    ("delete", statements.delete),
    ("branch", statements.unwrap),
    ("branch", statements.change_exit),
    ("exchange", statements.exchange),
    ("move", statements.move),
    ("duplicate", statements.duplicate),
    ("loop", statements.repeat),
    ("insert", omissions.keep_result),
    ("insert", omissions.add_return),
    ("insert", omissions.insert_call),
    ("insert", omissions.insert_update),
)
_WITH_NAMES: tuple[tuple[type[ast.expr], str, Callable[[SourceText, Any, Sequence[str]], Iterator[Change]]], ...] = (
    (ast.expr, "term", omissions.add_term),
    (ast.Constant, "operand", omissions.name_constant),
    (ast.List, "operand", omissions.fill_list),
    (ast.Subscript, "slice", omissions.shift_index),
    (ast.Name, "part", omissions.take_part),
)
_Places = Mapping[int, tuple[Sequence[ast.stmt], int]]
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)


def edits(source: str, lines: Collection[int] | None = None) -> Iterator[Edit]:
    """All single edits of the functions of a source, in order of the edited nodes.

    Docstrings, annotations and what is outside `EVOLVE-BLOCK` comments (where there are any) are left alone.

    Args:
        lines: 1-based lines; only nodes that begin in one of them are edited. None for all.

    Raises:
        SyntaxError: if the source is not Python.
        ValueError: if it contains a NUL character.
        RecursionError: if it is nested too deeply.
    """
    return edits_of(SourceText(source), lines)


def edits_of(source: SourceText, lines: Collection[int] | None = None) -> Iterator[Edit]:
    """`edits` of a source that was parsed before."""
    allowed = source.editable_lines()
    wanted = None if lines is None else frozenset(lines)
    places = {id(body[index]): (body, index) for body in source.bodies() for index in range(len(body))}
    for node, function in _function_nodes(source):
        line: int = node.lineno  # type: ignore[attr-defined]
        if wanted is not None and line not in wanted:
            continue
        seen: set[Change] = set()
        for operator, change in _changes(source, node, function, places):
            span, replacement = change
            if allowed is not None and not allowed.issuperset(source.lines_of(span)):
                continue
            if change not in seen and source.text[span[0] : span[1]] != replacement:
                seen.add(change)
                yield Edit(operator, span, replacement, line)


def _changes(source: SourceText, node: ast.AST, function: Function, places: _Places) -> Iterator[tuple[str, Change]]:
    local = source.once(SourceText.names_of, function)
    for operator, make in _ON_NODES.get(type(node), ()):
        yield from _named(operator, make(source, node))
    if isinstance(node, ast.Name) and not _is_called(source, node):
        others = local if isinstance(node.ctx, ast.Load) else source.once(SourceText.unbound_names_of, function)
        yield from _named("variable", expressions.rename_variable(source, node, others))
    if isinstance(node, ast.expr):
        parent = source.parents.get(id(node))
        if isinstance(parent, _LOOPS) and parent.iter is node:
            yield from _named("loop", expressions.move_loop_bound(source, node))
        if _is_condition(parent, node):
            yield from _named("negation", expressions.negate(source, node))
            yield from _named("guard", omissions.guard(source, node, local))
        for kind, named, put in _WITH_NAMES:
            if isinstance(node, kind):
                yield from _named(named, put(source, node, local))
    if isinstance(node, ast.Return):
        yield from _named("return", statements.change_return(source, node, local))
        yield from _named("return", omissions.return_truth(source, node, local))
    place = places.get(id(node))
    if place is not None:
        for operator, arrange in _ON_BODIES:
            yield from _named(operator, arrange(source, *place))


def _named(operator: str, changes: Iterator[Change]) -> Iterator[tuple[str, Change]]:
    return ((operator, change) for change in changes)


def _function_nodes(source: SourceText) -> Iterator[tuple[ast.AST, Function]]:
    """The expressions and statements inside functions, parents first, each with its innermost function."""
    waiting: list[tuple[ast.AST, Function | None]] = [(source.tree, None)]
    found: list[tuple[ast.AST, Function]] = []
    while waiting:
        node, function = waiting.pop()
        inner = function
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = node
            below: list[ast.AST] = [*node.args.defaults, *(one for one in node.args.kw_defaults if one), *node.body]
        elif isinstance(node, ast.AnnAssign):
            below = [node.value] if node.value is not None else []
        elif isinstance(node, ast.JoinedStr):
            below = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
            below = [part for part in below if _has_its_place(source, part)]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            below = []
        else:
            below = list(ast.iter_child_nodes(node))
        if function is not None and isinstance(node, ast.expr | ast.stmt | ast.Slice):
            found.append((node, function))
        waiting.extend((child, inner) for child in reversed(below))
    return iter(found)


def _has_its_place(source: SourceText, node: ast.AST) -> bool:
    """Whether the text at the position of a node is the node's: before Python 3.12 not always so in an f-string."""
    try:
        found = ast.parse(f"({source.code(node)})", mode="eval").body
    except (SyntaxError, ValueError, IndexError):
        return False
    return ast.dump(found) == ast.dump(node)


def _is_called(source: SourceText, node: ast.Name) -> bool:
    parent = source.parents.get(id(node))
    return isinstance(parent, ast.Call) and parent.func is node


def _is_condition(parent: ast.AST | None, node: ast.expr) -> bool:
    if isinstance(parent, ast.If | ast.While | ast.IfExp):
        return parent.test is node
    return isinstance(parent, ast.comprehension) and any(one is node for one in parent.ifs)
