"""Static check: finds uses of forbidden APIs in a candidate's syntax tree by resolving names, not by text search."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from harness.core.clip import clip
from harness.lanes.toolgen.constant_folding import Constant, constant_names, fold
from harness.lanes.toolgen.forbidden_names import BUILTINS, ESCAPES, Forbidden
from harness.lanes.toolgen.name_scopes import COMPREHENSION, FUNCTION, Scope, local_names, module_names
from harness.lanes.toolgen.syntax_walk import children
from harness.sandbox.importable import instead_of

_FILE_METHODS = frozenset({"open", "read_text", "write_text", "read_bytes", "write_bytes"})
_MAX_LEVELS = 3  # of source code inside string literals
_MAX_CHAIN = 16  # aliases of aliases
_MAX_MEANINGS, _MAX_NAME = 64, 200  # of one name: dotted paths, and characters of each


@dataclass(frozen=True, slots=True)
class Violation:
    """One use of a forbidden API.

    Attributes:
        api: The forbidden name, as written in the tool's list.
        line: 1-based line of the candidate.
        column: 1-based column.
        how: Why it is a use, where that is not obvious.
    """

    api: str
    line: int
    column: int
    code: str
    how: str = ""

    def __str__(self) -> str:
        how = f" ({self.how})" if self.how else ""
        advice = instead_of(self.api)
        return f"{self.api} at line {self.line}, column {self.column}: {self.code}{how}" + (advice and f" ({advice})")

    def to_wire(self) -> dict[str, Any]:
        """The violation as a JSON object."""
        return {"api": self.api, "line": self.line, "column": self.column, "code": self.code, "how": self.how}


def violations(tree: ast.Module, forbidden: Forbidden) -> list[Violation]:
    """All uses of forbidden APIs in source order, at most one for each line and name.

    Raises:
        RecursionError: if the tree is nested too deeply.
    """
    return [] if not forbidden else _Search(tree, forbidden, level=0).run()


class _Search:
    def __init__(self, tree: ast.Module, forbidden: Forbidden, *, level: int) -> None:
        self.tree, self.forbidden, self.level = tree, forbidden, level
        self.known: dict[str, Constant] = constant_names(tree)
        self.aliases: dict[str, set[str]] = {}
        self.stars: list[str] = []
        self.shadows: dict[int, Scope] = {}  # by id of a Name: the names bound by enclosing functions
        self.nodes: list[ast.AST] = []
        self.parents: dict[int, ast.AST] = {}
        self.resolved: dict[int, frozenset[str]] = {}
        self.found: dict[tuple[str, int], Violation] = {}

    def run(self) -> list[Violation]:
        self._walk()
        for node in self.nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node)
        self._follow_aliases()
        for node in self.nodes:
            if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
                self._judge(node)
            elif isinstance(node, ast.MatchClass):
                for name in ESCAPES.intersection(node.kwd_attrs):  # `case object(f_globals=names)`
                    self._add(name, node, "it gives access to forbidden names")
        return sorted(self.found.values(), key=lambda one: (one.line, one.column))

    def _walk(self) -> None:
        waiting: list[tuple[ast.AST, Scope]] = [(self.tree, Scope(module_names(self.tree), None))]
        while waiting:
            node, shadow = waiting.pop()
            self.nodes.append(node)
            if isinstance(node, ast.Name):
                self.shadows[id(node)] = shadow
            inner = shadow
            if isinstance(node, FUNCTION + COMPREHENSION):
                inner = Scope(local_names(node), shadow)
            outer: set[int] = set()
            if isinstance(node, FUNCTION):  # decorators, defaults and annotations belong to the enclosing scope
                outer = {id(node.args), id(getattr(node, "returns", None))}
                outer.update(map(id, getattr(node, "decorator_list", ())))
            for child in children(node):
                self.parents[id(child)] = node
                waiting.append((child, shadow if id(child) in outer else inner))

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._report(alias.name, node)
                bound = alias.asname or alias.name.partition(".")[0]
                self.aliases.setdefault(bound, set()).add(alias.name if alias.asname else bound)
            return
        if node.level or node.module is None:
            return
        self._report(node.module, node)
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(node.module)
                continue
            dotted = f"{node.module}.{alias.name}"
            self._report(dotted, node)
            self.aliases.setdefault(alias.asname or alias.name, set()).add(dotted)

    def _follow_aliases(self) -> None:
        pairs: list[tuple[str, ast.expr]] = []
        for node in self.nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    pairs += _pairs(target, node.value)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                pairs += _pairs(node.target, node.value)
        for _ in range(_MAX_CHAIN):
            before = sum(map(len, self.aliases.values()))
            for name, value in pairs:
                names = self._resolve(value)
                if not names:
                    continue
                known = self.aliases.setdefault(name, set())
                if len(known) + len(names) > _MAX_MEANINGS or max(map(len, names)) > _MAX_NAME:
                    self._add(name, value, "it has too many meanings, so its uses cannot be followed")
                else:
                    known.update(names)
            self.resolved.clear()
            if sum(map(len, self.aliases.values())) == before:
                return

    # --- resolution of expressions to dotted names ---

    def _resolve(self, node: ast.AST) -> frozenset[str]:
        key = id(node)
        if key not in self.resolved:
            self.resolved[key] = frozenset()  # ends cycles
            self.resolved[key] = frozenset(self._names(node))
        return self.resolved[key]

    def _names(self, node: ast.AST) -> set[str]:
        if isinstance(node, ast.Name):
            if node.id in self.aliases:
                return self.aliases[node.id]
            if (scope := self.shadows.get(id(node))) is not None and node.id in scope:
                return set()
            names = {f"{star}.{node.id}" for star in self.stars}
            return names | {node.id} if node.id in BUILTINS or node.id == "__builtins__" else names
        if isinstance(node, ast.Attribute):
            return {_member(base, node.attr) for base in self._resolve(node.value)}
        if isinstance(node, ast.Subscript):
            return self._looked_up(node.value, node.slice)
        if isinstance(node, ast.Call):
            return self._returned(node)
        if isinstance(node, ast.IfExp):
            return set(self._resolve(node.body) | self._resolve(node.orelse))
        if isinstance(node, ast.BoolOp):
            return {name for value in node.values for name in self._resolve(value)}
        if isinstance(node, ast.NamedExpr):
            return set(self._resolve(node.value))
        return set()

    def _looked_up(self, table: ast.expr, key: ast.expr) -> set[str]:
        text = fold(key, self.known)
        names: set[str] = set()
        for base in self._resolve(table):
            owner = _owner(base)
            if owner is None:
                continue
            if isinstance(text, str):
                names |= self.aliases.get(text, {text}) if owner == "<globals>" else {_member(owner, text)}
            elif self.forbidden.reaches(owner):
                self._add(owner, table, "the key is computed, so the member is unknown")
        return names

    def _returned(self, node: ast.Call) -> set[str]:
        functions = self._resolve(node.func)
        arguments = node.args
        names: set[str] = set()
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "__getitem__", "pop") and arguments:
            names |= self._looked_up(node.func.value, arguments[0])
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("__getattribute__", "__getattr__") and arguments:
            names |= self._attribute(node.func.value if len(arguments) == 1 else arguments[0], arguments[-1])
        if isinstance(node.func, ast.Call) and "operator.attrgetter" in self._resolve(node.func.func) and arguments:
            names |= {name for path in node.func.args for name in self._attribute(arguments[0], path)}
        for function in functions:
            if function == "getattr" and len(arguments) >= 2:
                names |= self._attribute(arguments[0], arguments[1])
            elif function in ("__import__", "importlib.import_module", "importlib.__import__"):
                names |= self._imported(node)
            elif function == "vars" and arguments:
                names |= {f"{base}.__dict__" for base in self._resolve(arguments[0])}
            elif function in ("globals", "locals", "vars"):
                names.add("<globals>")
            elif function == "functools.partial" and arguments:
                names |= self._resolve(arguments[0])
            elif function in ("eval", "exec", "compile") and arguments:
                self._search_text(node, function)
        return names

    def _attribute(self, owner: ast.expr, name: ast.expr) -> set[str]:
        text = fold(name, self.known)
        bases = self._resolve(owner)
        if isinstance(text, str):
            if text in ESCAPES:
                self._add(text, name, "it gives access to forbidden names")
            return {_member(base, text) for base in bases}
        for base in bases:
            if self.forbidden.reaches(base):
                self._add(base, name, "the attribute's name is computed, so the member is unknown")
        return set()

    def _imported(self, node: ast.Call) -> set[str]:
        text = fold(node.args[0], self.known) if node.args else None
        if isinstance(text, str):
            return {text, text.partition(".")[0]}
        self._add("__import__", node, "the module's name is computed, so the module is unknown")
        return set()

    def _search_text(self, node: ast.Call, function: str) -> None:
        if self.forbidden.has(function):
            return  # the call itself is already reported
        text = fold(node.args[0], self.known)
        if isinstance(text, str) and self.level < _MAX_LEVELS:
            try:
                inner = ast.parse(text)
            except (SyntaxError, ValueError):
                return
            for one in _Search(inner, self.forbidden, level=self.level + 1).run():
                self._add(one.api, node, f"inside of {function}")
        else:
            self._add(function, node, "the code is computed, so it cannot be checked")

    # --- verdicts ---

    def _judge(self, node: ast.Name | ast.Attribute | ast.Call | ast.Subscript) -> None:
        if isinstance(node, ast.Attribute):
            if node.attr in ESCAPES and not self._is_own_registry(node):
                self._add(node.attr, node, "it gives access to forbidden names")
            elif node.attr in _FILE_METHODS and self.forbidden.has("open") and self._uses_pathlib(node.value):
                self._add("open", node, "by way of pathlib")
        if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
            return
        for dotted in self._resolve(node):
            if not self._report(dotted, node) and self.forbidden.reaches(dotted) and not self._is_followed(node):
                self._add(dotted, node, "it is passed on, so its uses are unknown")

    def _is_own_registry(self, node: ast.Attribute) -> bool:
        """Whether the classes below one are asked for that the module defines: those are its own as well."""
        if node.attr != "__subclasses__" or not isinstance(node.value, ast.Name):
            return False
        bound = [one.id for one in self.nodes if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
        bound += [one.arg for one in self.nodes if isinstance(one, ast.arg)]
        classes = {one.name for one in self.tree.body if isinstance(one, ast.ClassDef)}
        return node.value.id in classes.difference(bound, self.aliases)

    def _uses_pathlib(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Call):
            return any(name.startswith("pathlib.") for name in self._resolve(value.func))
        return isinstance(value, ast.BinOp | ast.Name) and any(
            name.partition(".")[0] == "pathlib" for names in self.aliases.values() for name in names
        )

    def _is_followed(self, node: ast.AST) -> bool:
        parent = self.parents.get(id(node))
        if isinstance(parent, ast.Attribute | ast.Subscript):
            return parent.value is node
        if isinstance(parent, ast.Call):
            functions = self._resolve(parent.func)
            if parent.func is node:
                return True
            known = {"getattr", "hasattr", "vars", "functools.partial"}
            attribute_of = isinstance(parent.func, ast.Call)
            return bool(parent.args and parent.args[0] is node and (functions & known or attribute_of))
        if isinstance(parent, ast.Assign):
            return all(isinstance(target, ast.Name) for target in parent.targets)
        if isinstance(parent, ast.AnnAssign | ast.NamedExpr):
            return isinstance(parent.target, ast.Name)
        if isinstance(parent, ast.Tuple):  # a, b = os, sys
            above = self.parents.get(id(parent))
            return isinstance(above, ast.Assign) and all(isinstance(target, ast.Tuple) for target in above.targets)
        return isinstance(parent, ast.IfExp | ast.BoolOp | ast.Expr | ast.Compare | ast.If)

    def _report(self, dotted: str, node: ast.AST) -> bool:
        api = self.forbidden.match(dotted)
        if api is None:
            return False
        self._add(api, node, "" if dotted.rpartition(".")[2] in _source(node) else f"it is {dotted}")
        return True

    def _add(self, api: str, node: ast.AST, how: str) -> None:
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0) + 1
        violation = Violation(api, line, column, _source(node), how)
        held = self.found.get((api, line))
        if held is None or (column, len(violation.code)) < (held.column, len(held.code)):
            self.found[(api, line)] = violation


def _source(node: ast.AST) -> str:
    return clip(ast.unparse(node), limit=120)


def _member(base: str, name: str) -> str:
    return f"{base}.{name}" if base not in ("__builtins__", "builtins") else name


def _owner(base: str) -> str | None:
    """The object whose members a mapping contains; None for other mappings."""
    if base == "sys.modules":
        return "builtins"  # its keys are module names, which are complete dotted paths
    if base in ("<globals>", "__builtins__", "builtins"):
        return base
    return base.removesuffix(".__dict__") if base.endswith(".__dict__") else None


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        return [(target.id, value)]
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        return [pair for one, other in zip(target.elts, value.elts, strict=False) for pair in _pairs(one, other)]
    return []
