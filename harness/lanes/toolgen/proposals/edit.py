"""Edit: one replacement of a source span. SourceText: a syntax tree with the exact spans of its nodes."""

from __future__ import annotations

import ast
import builtins
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.core.bounded_parse import parse

_NEWLINE = re.compile(r"\r\n|\r|\n")
_BLOCK = re.compile(r"#\s*EVOLVE-BLOCK-(START|END)\b")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
T = TypeVar("T")
Function = ast.FunctionDef | ast.AsyncFunctionDef
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement: the text of `span` becomes `replacement`, and nothing else changes.

    Attributes:
        operator: Name of the operator that made it, a key of `harness.lanes.toolgen.proposals.operators.OPERATORS`.
        span: Start and end (exclusive) in characters of the source.
        line: 1-based line of the edited node.
    """

    operator: str
    span: Span
    replacement: str
    line: int

    def apply(self, source: str) -> str:
        """The edited source; `source` is the one that the edit was made for."""
        return source[: self.span[0]] + self.replacement + source[self.span[1] :]


class SourceText:
    """A parsed source with spans in characters, parents and scopes of its nodes.

    Attributes:
        parents: The parent of each node, by `id`.

    Raises:
        SyntaxError: if the source is not Python.
        ValueError: if it contains a NUL character.
        RecursionError: if it is nested too deeply.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = parse(text)
        self._starts = [0, *(found.end() for found in _NEWLINE.finditer(text))]
        self._is_ascii = text.isascii()
        self.parents: dict[int, ast.AST] = {}
        waiting: list[ast.AST] = [self.tree]
        for node in waiting:  # the list grows during the iteration
            for child in ast.iter_child_nodes(node):
                self.parents[id(child)] = node
                waiting.append(child)
        self.nodes = waiting
        self._found: dict[tuple[object, int], list[Any]] = {}

    def once(self, find: Callable[[SourceText, Function], Iterable[T]], function: Function) -> list[T]:
        """What is found in a function of this source, which is searched once."""
        key = find, id(function)
        if key not in self._found:
            self._found[key] = list(find(self, function))
        return self._found[key]

    def offset(self, line: int, column: int) -> int:
        """The character offset of a 1-based line and a 0-based column in UTF-8 bytes, as `ast` counts them."""
        start = self._starts[line - 1]
        if self._is_ascii:
            return start + column
        end = self._starts[line] if line < len(self._starts) else len(self.text)
        return start + len(self.text[start:end].encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))

    def span(self, node: ast.AST) -> Span:
        """The span of an expression or a statement, in characters."""
        at: Any = node
        return self.offset(at.lineno, at.col_offset), self.offset(at.end_lineno, at.end_col_offset)

    def code(self, node: ast.AST) -> str:
        """The text of an expression or a statement."""
        start, end = self.span(node)
        return self.text[start:end]

    def between(self, left: ast.AST, right: ast.AST, token: str) -> Span | None:
        """The span of a token (a regular expression) between two neighbouring nodes; comments are skipped."""
        start, end = self.span(left)[1], self.span(right)[0]
        for found in re.finditer(rf"#[^\r\n]*|(?P<token>{token})", self.text[start:end]):
            if found["token"] is not None:
                return start + found.start(), start + found.end()
        return None

    def lines_of(self, span: Span) -> range:
        """The 1-based lines that a span touches."""
        start, end = span
        return range(bisect_right(self._starts, start), bisect_right(self._starts, max(start, end - 1)) + 1)

    def line_span(self, node: ast.stmt) -> Span | None:
        """The complete lines of a statement, with the final newline; None if it shares a line with another one."""
        start, end = self.span(node)
        first = self._starts[node.lineno - 1]
        last = node.end_lineno or node.lineno
        finish = self._starts[last] if last < len(self._starts) else len(self.text)
        rest = self.text[end:finish].strip()
        if self.text[first:start].strip() or (rest and not rest.startswith("#")):
            return None
        return first, finish

    def indent(self, node: ast.stmt) -> str:
        """The white space before a statement that begins its line."""
        return self.text[self._starts[node.lineno - 1] : self.span(node)[0]]

    def function_of(self, node: ast.AST) -> Function | None:
        """The innermost function around a node."""
        parent = self.parents.get(id(node))
        while parent is not None and not isinstance(parent, _FUNCTIONS):
            parent = self.parents.get(id(parent))
        return parent

    def names_of(self, function: Function) -> list[str]:
        """The parameters and local variables of a function, in order of appearance."""
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        names = dict.fromkeys(one.arg for one in every)
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names[node.id] = None
        return list(names)

    def unbound_names_of(self, function: Function) -> list[str]:
        """The names that a function reads and nothing in the module binds: a typo makes one."""
        bound = set(dir(builtins))
        for node in self.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not self._is_increased(node):
                bound.add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                bound.add(node.name)
            elif isinstance(node, ast.alias):
                bound.add((node.asname or node.name).partition(".")[0])
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
        read = [node.id for node in ast.walk(function) if isinstance(node, ast.Name) and node.id not in bound]
        return list(dict.fromkeys(read))

    def _is_increased(self, node: ast.Name) -> bool:
        parent = self.parents.get(id(node))
        return isinstance(parent, ast.AugAssign) and parent.target is node

    def bodies(self) -> Iterator[list[ast.stmt]]:
        """The statement lists of all functions, nested ones included; a module's and a class's own are left out."""
        for node in self.nodes:
            if self.function_of(node) is None and not isinstance(node, _FUNCTIONS):
                continue
            for name in ("body", "orelse", "finalbody"):
                found = getattr(node, name, None)
                if isinstance(found, list) and found and isinstance(found[0], ast.stmt):
                    is_documented = name == "body" and isinstance(node, _FUNCTIONS) and is_docstring(found[0])
                    yield found[1:] if is_documented else found

    def editable_lines(self) -> frozenset[int] | None:
        """The lines between comments `EVOLVE-BLOCK-START` and `EVOLVE-BLOCK-END`; None without such ones."""
        if "EVOLVE-BLOCK-" not in self.text:
            return None
        found: set[int] = set()
        begin = 0
        has_marks = False
        lines = _NEWLINE.split(self.text)
        for number, line in enumerate(lines, 1):
            mark = _BLOCK.search(line)
            if mark is None:
                continue
            has_marks = True
            if mark[1] == "START":
                begin = begin or number + 1
            elif begin:
                found.update(range(begin, number))
                begin = 0
        if begin:
            found.update(range(begin, len(lines) + 1))
        return frozenset(found) if has_marks else None


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is a string alone, as a docstring is."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
