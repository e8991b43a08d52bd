"""Crossover: a function of one source replaced by the function of the same name and arity of another one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from harness.lanes.toolgen.proposals.edit import Function, SourceText

_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def crossings(receiver: str, donor: str, *, entry: str) -> Iterator[tuple[str, str]]:
    """All single crossovers of two sources: the name of the function, and the new source.

    What the donor's function needs and the receiver lacks (imports, constants, functions) comes with it. The entry
    function is only exchanged if the sources have no other function in common.

    Raises:
        SyntaxError: if one of them is not Python.
    """
    mine, other = SourceText(receiver), SourceText(donor)
    allowed = mine.editable_lines()
    here, there = _functions(mine), _functions(other)
    shared = [
        name
        for name, function in here.items()
        if name in there and _arity(function) == _arity(there[name]) and mine.code(function) != other.code(there[name])
    ]
    for name in [one for one in shared if one != entry] or shared:
        span = mine.span(here[name])
        if allowed is None or allowed.issuperset(mine.lines_of(span)):
            yield name, _transplanted(mine, other, here[name], there[name])


def _functions(source: SourceText) -> dict[str, Function]:
    return {one.name: one for one in source.tree.body if isinstance(one, ast.FunctionDef) and not one.decorator_list}


def _arity(function: Function) -> tuple[int, int, bool, bool, int]:
    given = function.args
    return (
        len(given.posonlyargs) + len(given.args),
        len(given.kwonlyargs),
        given.vararg is not None,
        given.kwarg is not None,
        len(given.defaults),
    )


def _transplanted(mine: SourceText, other: SourceText, old: Function, new: Function) -> str:
    defined = _definitions(mine)
    available = _definitions(other)
    wanted: dict[str, ast.stmt] = {}
    waiting: list[ast.stmt] = [new]
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Name) and node.id in available and node.id not in defined and node.id not in wanted:
                wanted[node.id] = available[node.id]
                waiting.append(available[node.id])
    start, end = mine.span(old)
    text = mine.text[:start] + other.code(new) + mine.text[end:]
    statements = list({id(one): one for one in wanted.values()}.values())
    order = {id(one): at for at, one in enumerate(other.tree.body)}
    statements.sort(key=lambda one: order[id(one)])
    imports = [other.code(one) for one in statements if isinstance(one, ast.Import | ast.ImportFrom)]
    rest = [other.code(one) for one in statements if not isinstance(one, ast.Import | ast.ImportFrom)]
    added = "".join(f"{line}\n" for line in imports) + "".join(
        f"{chr(10) * (2 if code.startswith(('def ', 'class ', 'async ')) else 0)}{code}\n" for code in rest
    )
    at = _end_of_imports(mine) if start > _end_of_imports(mine) else 0
    return text[:at] + added + text[at:] if added else text


def _definitions(source: SourceText) -> dict[str, ast.stmt]:
    """The statements of a module that bind a name, by the name."""
    found: dict[str, ast.stmt] = {}
    for node in source.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                found[(alias.asname or alias.name).partition(".")[0]] = node
        elif isinstance(node, _NAMED):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    found[target.id] = node
    return found


def _end_of_imports(source: SourceText) -> int:
    """The offset of the line after the module's last import at its beginning, else after its docstring."""
    end = 0
    for index, node in enumerate(source.tree.body):
        is_head = isinstance(node, ast.Import | ast.ImportFrom)
        if not is_head and not (index == 0 and isinstance(node, ast.Expr)):
            break
        lines = source.line_span(node)
        end = lines[1] if lines is not None else source.span(node)[1]
    if end and not source.text[:end].endswith(("\n", "\r")):
        return 0
    return end if end or not re.match(r"#|\s", source.text) else 0
