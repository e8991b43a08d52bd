"""Fast traversal of syntax trees, which takes most of the judge's CPU time."""

from __future__ import annotations

import ast

_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}
_LEAVES = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)


def children(node: ast.AST) -> tuple[ast.AST, ...]:
    """The direct child nodes, without contexts and operators, which are read from their parents."""
    known = _CHILDREN.get(id(node))
    if known is not None:
        return known
    kind = node.__class__
    fields = _FIELDS.get(kind)
    if fields is None:
        skipped = {"ctx", "op", "ops", "kind", "type_comment", "id", "attr", "arg"}
        fields = _FIELDS[kind] = tuple(
            name for name in kind._fields if name not in skipped and not (kind is ast.Constant and name == "value")
        )
    found: list[ast.AST] = []
    values = node.__dict__
    for name in fields:
        value = values.get(name)
        if value is None:
            continue
        if value.__class__ is list:
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
            found.append(value)
    return tuple(found)


def descendants(node: ast.AST) -> list[ast.AST]:
    """The node and all nodes below it, parents before their children; not to be changed by the caller.

    The nodes of a module are found once for all parts of the check, so a module must not be changed afterwards.
    """
    [last] = _LAST
    if last and last[0] is node:
        return last
    found = [node]
    if not isinstance(node, ast.Module):
        for one in found:  # the list grows during the iteration
            found += children(one)
        return found
    _CHILDREN.clear()
    for one in found:
        _CHILDREN[id(one)] = below = children(one)
        found += below
    _LAST[0] = found
    return found


_LAST: list[list[ast.AST]] = [[]]  # the nodes of the last module
_CHILDREN: dict[int, tuple[ast.AST, ...]] = {}  # of each of them


def last_name(node: ast.expr) -> str:
    """`c` of `a.b.c` or of `c`; empty for any other expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
