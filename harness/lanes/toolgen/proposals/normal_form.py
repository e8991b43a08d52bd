"""Normal form: equal for sources that differ only in comments, docstrings, layout and names of local variables."""

from __future__ import annotations

import ast
from hashlib import sha256

from harness.lanes.toolgen.proposals.edit import is_docstring

_SKIPPED = frozenset({"ctx", "type_comment", "kind", "type_ignores", "type_params"})
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DOCUMENTED = (ast.Module, ast.ClassDef, *_FUNCTIONS)
_DECLARATIONS = (ast.Global, ast.Nonlocal)


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
        self.names: list[tuple[int, str, bool]] | None = None  # in the outermost function: place, name, is it bound
        self.kept: set[str] = set()  # names of that function that are not its own to choose

    def write(self, node: ast.AST) -> None:
        kind = type(node)
        parts = self.parts
        if kind is ast.Name:
            name = node.id  # type: ignore[attr-defined]
            if self.names is not None:
                self.names.append((len(parts), name, type(node.ctx) is ast.Store))  # type: ignore[attr-defined]
            parts.append(name)
            return
        if kind is ast.Constant:
            value = node.value  # type: ignore[attr-defined]
            parts.append(f"{type(value).__name__}:{value!r}")
            return
        is_outermost = self.names is None and kind in _FUNCTIONS
        if is_outermost:
            self.names, self.kept = [], set()
        elif kind is ast.arg:
            self.kept.add(node.arg)  # type: ignore[attr-defined]
        elif kind in _DECLARATIONS:
            self.kept.update(node.names)  # type: ignore[attr-defined]
        parts.append(kind.__name__)
        fields = _FIELDS.get(kind)
        if fields is None:
            fields = _FIELDS[kind] = tuple(name for name in kind._fields if name not in _SKIPPED)
        for name in fields:
            value = getattr(node, name, None)
            if value.__class__ is list:
                if name == "body" and kind in _DOCUMENTED and value and is_docstring(value[0]):
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
            self._rename()

    def _rename(self) -> None:
        """Number the local variables of a function and of those inside it, in the order of their first binding."""
        names, self.names = self.names or [], None
        numbers: dict[str, str] = {}
        for _, name, is_bound in names:
            if is_bound and name not in numbers:
                numbers[name] = f"\x00{len(numbers)}"
        for place, name, _ in names:
            if name in numbers and name not in self.kept:
                self.parts[place] = numbers[name]
