"""Name scopes: the names that a module and its functions bind themselves, so that they do not refer to builtins."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from harness.lanes.toolgen.forbidden_names import BUILTINS
from harness.lanes.toolgen.syntax_walk import children, descendants

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSION = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that a function binds, and the scope around it."""

    names: frozenset[str]
    outer: Scope | None

    def __contains__(self, name: str) -> bool:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return True
            scope = scope.outer
        return False


def module_names(tree: ast.Module) -> frozenset[str]:
    """Names that the module always binds itself, so that they do not refer to builtins."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
            # `eval = eval` gives the builtin another binding, not the module a name of its own.
            used = (
                {one.id for one in descendants(node.value) if isinstance(one, ast.Name)}
                if targets & BUILTINS
                else set()
            )
            names.update(targets - used)
    deleted = {n.id for n in descendants(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Del)}
    return frozenset(names - deleted)


def local_names(scope: ast.AST) -> frozenset[str]:
    """Names that a function, a lambda or a comprehension binds."""
    names: set[str] = set()
    outer: set[str] = set()
    waiting = [*children(scope)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            outer.update(node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        elif isinstance(node, ast.Lambda) or (isinstance(node, COMPREHENSION) and isinstance(scope, FUNCTION)):
            continue
        waiting.extend(children(node))
    return frozenset(names - outer)
