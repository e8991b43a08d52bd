"""Normal form: equal for sources that differ only in comments, docstrings, layout and names of local variables."""

from __future__ import annotations

import ast
from hashlib import sha256

from harness.lanes.toolgen.proposals.edit import is_docstring

_SKIPPED = frozenset({"ctx", "type_comment", "kind", "type_ignores", "type_params"})
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DOCUMENTED = (ast.Module, ast.ClassDef, *_FUNCTIONS)


def normal_form(tree: ast.Module) -> tuple[str, int]:
    """Hex SHA-256 of the normal form, and its size in syntax elements.

    Parameters keep their names, since callers may use them; so do names that a `global` or `nonlocal` declares.

    Raises:
        RecursionError: if the tree is nested too deeply.
    """
    writer = _Writer()
    writer.write(tree)
    text = "\x1f".join(writer.parts).encode("utf-8", "surrogatepass")
    return sha256(text).hexdigest(), len(writer.parts)


class _Writer:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.names: dict[str, str] | None = None  # those of the outermost function

    def write(self, node: ast.AST) -> None:
        kind = type(node)
        parts = self.parts
        if kind is ast.Name:
            name = node.id  # type: ignore[attr-defined]
            parts.append(name if self.names is None else self.names.get(name, name))
            return
        if kind is ast.Constant:
            value = node.value  # type: ignore[attr-defined]
            parts.append(f"{type(value).__name__}:{value!r}")
            return
        is_outermost = self.names is None and isinstance(node, _FUNCTIONS)
        if is_outermost:
            self.names = _locals(node)
        parts.append(kind.__name__)
        fields = _FIELDS.get(kind)
        if fields is None:
            fields = _FIELDS[kind] = tuple(name for name in kind._fields if name not in _SKIPPED)
        for name in fields:
            value = getattr(node, name, None)
            if value.__class__ is list:
                if name == "body" and isinstance(node, _DOCUMENTED) and value and is_docstring(value[0]):
                    value = value[1:]
                parts.append("[")
                for item in value:
                    if isinstance(item, ast.AST):
                        self.write(item)
                    else:
                        parts.append(str(item))
                parts.append("]")
            elif isinstance(value, ast.AST):
                self.write(value)
            else:
                parts.append(str(value))
        if is_outermost:
            self.names = None


def _locals(function: ast.AST) -> dict[str, str]:
    """The local variables of a function and of those inside it, in order of appearance, with their new names."""
    kept: set[str] = set()
    found: dict[str, str] = {}
    waiting: list[ast.AST] = [function]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store) and node.id not in found:
                found[node.id] = f"\x00{len(found)}"
        elif isinstance(node, ast.arg):
            kept.add(node.arg)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            kept.update(node.names)
        elif isinstance(node, ast.Constant):
            continue
        waiting.extend(reversed(list(ast.iter_child_nodes(node))))
    return {name: new for name, new in found.items() if name not in kept}
