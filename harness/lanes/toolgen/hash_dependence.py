"""Hash dependence: whether an answer may depend on the hash seed, so that a case needs more of them.

The order of a set of strings, and so an answer made from it, is right for some hash seeds and wrong for others. Three
attempts miss an answer that is right for two seeds in five in 6 % of all cases, six in 0.4 %.
"""

from __future__ import annotations

import ast

from harness.lanes.toolgen.syntax_walk import descendants, last_name

HASH_SEEDS = 6  # attempts of a candidate whose answers may depend on the hash seed; a pool keeps more zygotes running
_MAKERS = frozenset({"set", "frozenset", "union", "intersection", "difference", "symmetric_difference"})
_ORDERED = frozenset(
    {"list", "tuple", "iter", "next", "enumerate", "map", "filter", "zip", "join", "extend", "deque", "str", "repr"}
)
"""Calls whose result has the order of their argument."""
_UNORDERED = frozenset({"all", "any", "frozenset", "len", "max", "min", "set", "sorted"})
_HASHES = frozenset({"hash", "id"})
_OPERATORS = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.Sub)
_COMPREHENSIONS = (ast.ListComp, ast.GeneratorExp)
_RELEVANT = frozenset(
    {ast.For, ast.Starred, ast.YieldFrom, ast.FormattedValue, ast.Call, ast.Assign, ast.AnnAssign, ast.NamedExpr}
).union(_COMPREHENSIONS)


def attempts_for(attempts: int, *, uses_hashes: bool) -> int:
    """The number of attempts, each with its own hash seed; one attempt stays one, since nothing is compared then."""
    return max(attempts, HASH_SEEDS) if attempts > 1 and uses_hashes else attempts


def may_depend_on_hash_seed(tree: ast.Module) -> bool:
    """Whether a module calls `hash` or `id`, or uses the order of a set. The scope of a name is ignored."""
    nodes = [node for node in descendants(tree) if node.__class__ in _RELEVANT]
    sets = _Sets(nodes)
    unordered = {
        id(argument)
        for node in nodes
        if isinstance(node, ast.Call) and last_name(node.func) in _UNORDERED and not node.keywords
        for argument in node.args
    }
    return any(_uses_order(node, sets, is_unordered=id(node) in unordered) for node in nodes)


def _uses_order(node: ast.AST, sets: _Sets, *, is_unordered: bool) -> bool:
    if isinstance(node, ast.For | ast.Starred):
        return sets.holds(node.iter if isinstance(node, ast.For) else node.value)
    if isinstance(node, _COMPREHENSIONS):
        return not is_unordered and any(sets.holds(one.iter) for one in node.generators)
    if isinstance(node, ast.YieldFrom | ast.FormattedValue):
        return sets.holds(node.value)
    if not isinstance(node, ast.Call):
        return False
    name = last_name(node.func)
    if name in _HASHES:
        return True
    if name == "pop" and not node.args and isinstance(node.func, ast.Attribute):
        return sets.holds(node.func.value)
    if name in _ORDERED or (name in ("max", "min", "sorted") and node.keywords):  # equal keys keep their order
        return any(sets.holds(argument) for argument in node.args)
    return False


class _Sets:
    """The expressions of a module that make a set, and the names that are bound to one."""

    def __init__(self, nodes: list[ast.AST]) -> None:
        self._names: set[str] = set()
        bindings = [pair for node in nodes for pair in _bindings(node)]
        known = -1
        while known < len(self._names):  # a name may be bound to another name
            known = len(self._names)
            self._names.update(name for name, value in bindings if self.holds(value))

    def holds(self, node: ast.expr | None) -> bool:
        if isinstance(node, ast.Set | ast.SetComp):
            return True
        if isinstance(node, ast.Name | ast.Attribute):
            return last_name(node) in self._names
        if isinstance(node, ast.Call):
            return last_name(node.func) in _MAKERS
        if isinstance(node, ast.BinOp) and isinstance(node.op, _OPERATORS):
            return any(self.holds(side) or _is_view(side) for side in (node.left, node.right))
        if isinstance(node, ast.IfExp):
            return self.holds(node.body) or self.holds(node.orelse)
        return isinstance(node, ast.NamedExpr) and self.holds(node.value)


def _bindings(node: ast.AST) -> list[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        return [(last_name(target), node.value) for target in node.targets]
    if isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        return [(last_name(node.target), node.value)]
    return []


def _is_view(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) in ("keys", "items")
