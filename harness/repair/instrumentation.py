"""Instrumentation: a candidate's source with a counter before each statement, whose entry returns [answer, lines]."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.core.bounded_parse import parse

FUEL = 50_000  # statements that one call may execute; beyond it the call ends with the lines so far
ENTRY = "crucible_traced"

_BEFORE = """
{name}_seen = set()
{name}_fuel = [0]
class {name}_Empty(BaseException):
    pass
def {name}_at(line):
    {name}_seen.add(line)
    {name}_fuel[0] -= 1
    if {name}_fuel[0] < 0:
        raise {name}_Empty
"""
_AFTER = """
def {name}(**arguments):
    {name}_seen.clear()
    {name}_fuel[0] = {fuel}
    try:
        answer = {entry}(**arguments)
        if {drained} and hasattr(answer, "__next__"):
            answer = list(answer)
        answer = ["value", answer]
    except Exception as error:
        answer = ["raised", type(error).__name__]
    except {name}_Empty:
        answer = ["endless", None]
    return [answer, sorted({name}_seen)]
"""


@dataclass(frozen=True, slots=True)
class Instrumented:
    """An instrumented candidate.

    Attributes:
        source: Python, as bytes.
        entry: Its function: called as the candidate's, it returns `[[kind, answer], lines]`. `kind` is `value`,
            `raised` (the answer is the name of the exception) or `endless` (the fuel was used up).
        spans: First line of each statement -> its last line; of a compound one the last line of its header.
        top: First lines of the statements that run when the module is loaded, in every test.
    """

    source: bytes
    entry: str
    spans: Mapping[int, int]
    top: frozenset[int]


def instrument(source: str, entry: str, *, fuel: int = FUEL, drains: bool = False) -> Instrumented:
    """Instrument a candidate.

    Args:
        entry: Name of its function.
        fuel: Statements that one call may execute.
        drains: Whether an iterator counts as the list of its items; it is then drained before the lines are read.

    Raises:
        SyntaxError: if it is not Python.
        RecursionError: if it is nested too deeply.
    """
    tree = parse(source)
    name = ENTRY
    while name in source:
        name += "_"
    counting = _Counting(f"{name}_at")
    tree = counting.visit(tree)
    names = {"name": name, "entry": entry, "fuel": fuel, "drained": drains}
    place = _after_future_imports(tree)
    tree.body[place:place] = ast.parse(_BEFORE.format(**names)).body
    tree.body += ast.parse(_AFTER.format(**names)).body
    text = ast.unparse(ast.fix_missing_locations(tree))
    return Instrumented(text.encode("utf-8", "surrogatepass"), name, counting.spans, frozenset(counting.top))


class _Counting(ast.NodeTransformer):
    """Puts a call of the counter before each statement of a function."""

    def __init__(self, counter: str) -> None:
        self._counter, self._depth = counter, 0
        self.spans: dict[int, int] = {}
        self.top: set[int] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                setattr(node, name, self._counted(block))
        return node

    def _counted(self, block: list[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for statement in block:
            line = statement.lineno
            inner = getattr(statement, "body", None) or getattr(statement, "cases", None)
            end = statement.end_lineno or line
            if isinstance(inner, list) and inner:
                begins = [one.lineno for one in inner if hasattr(one, "lineno")]
                end = max(line, min(begins, default=end) - 1)
            self.spans[line] = max(end, self.spans.get(line, 0))
            if self._depth == 0:
                self.top.add(line)
            elif not _is_declaration(statement):
                found.append(self._call(line))
            found.append(statement)
        return found

    def _call(self, line: int) -> ast.stmt:
        return ast.Expr(ast.Call(ast.Name(self._counter, ast.Load()), [ast.Constant(line)], []))


def _is_declaration(statement: ast.stmt) -> bool:
    """Whether a statement does nothing: a docstring must stay first, and `nonlocal` before the first use."""
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, ast.Global | ast.Nonlocal)


def _after_future_imports(tree: ast.Module) -> int:
    place = 0
    for number, statement in enumerate(tree.body, 1):
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            place = number
    if not place and tree.body and _is_declaration(tree.body[0]):
        place = 1
    return place


def ochiai(observed: list[tuple[bool, frozenset[int]]]) -> dict[int, float]:
    """The suspicion of each line, 0 to 1: failed(line) / sqrt(failed * executed(line)).

    Source: Ochiai, Bull. Jpn. Soc. Sci. Fish. 22, 1957; for faults: Abreu, Zoeteweij and van Gemund, PRDC 2006.

    Args:
        observed: For each call whether it was right, and the lines that it executed.
    """
    failed = sum(not right for right, _ in observed)
    bad: dict[int, int] = {}
    good: dict[int, int] = {}
    for right, lines in observed:
        counts = good if right else bad
        for line in lines:
            counts[line] = counts.get(line, 0) + 1
    return {line: count / math.sqrt(failed * (count + good.get(line, 0))) for line, count in bad.items()}
