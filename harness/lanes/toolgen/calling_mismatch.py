"""Calling mismatch: why a candidate's function cannot be called, or cannot answer, as the tool's signature says."""

from __future__ import annotations

import ast

from harness.core.clip import clip
from harness.lanes.toolgen.signature import Signature
from harness.lanes.toolgen.syntax_walk import children, descendants

_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
MAX_SHOWN = 80  # characters of each list of names in a sentence


def find_mismatch(tree: ast.Module, wanted: Signature, *, iterators: bool = False) -> str:
    """Sentences on a missing function, an `async def`, a generator function, one without `return`, or other parameters.

    A generator function matches a tool for which `iterators` count as lists.
    Only a plain definition at the top level is read: a decorator, or a second binding of the name, may change the call.

    Returns:
        The sentences; empty if the definition matches.
    """
    function = next((one for one in tree.body if isinstance(one, _FUNCTION) and one.name == wanted.name), None)
    if function is None:
        return _missing(tree, wanted.name)
    found = [_kind_mismatch(function, wanted, iterators=iterators), _parameter_mismatch(function.args, wanted)]
    return "; ".join(filter(None, found)) if any(found) and _only_definition(tree, wanted.name) is function else ""


def _missing(tree: ast.Module, name: str) -> str:
    """What is there instead of a function that no statement binds, as far as can be read."""
    for node in descendants(tree):
        if isinstance(node, ast.ClassDef):
            if any(isinstance(one, _FUNCTION) and one.name == name for one in node.body):
                return f"{name} is a method of class {clip(node.name, limit=MAX_SHOWN)}: define it at the top level"
            if node.name == name:
                return ""
        if isinstance(node, ast.alias) and (node.asname or node.name) in (name, "*"):
            return ""
        if isinstance(node, ast.Name | ast.Constant) and name in (getattr(node, "id", ""), getattr(node, "value", "")):
            return ""
    inner = next((one for one in descendants(tree) if isinstance(one, _FUNCTION) and one.name == name), None)
    if inner is not None:
        return (
            "" if _may_run(tree, inner) else f"{name} is defined inside of another function: define it at the top level"
        )
    others = [one.name for one in tree.body if isinstance(one, _FUNCTION)]
    if len(others) == 1:
        return f"the file defines {_listed(others)}, not {name}: rename it"
    return f"the file defines {_listed(others)}, not {name}" if others else ""


def _may_run(tree: ast.Module, function: ast.AST) -> bool:
    """Whether a definition is a statement of the module, below an `if` or the like, not of a function."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if node is function:
            return True
        if not isinstance(node, _SCOPE):
            waiting += children(node)
    return False


def _only_definition(tree: ast.Module, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    bound: list[ast.AST] = []
    for node in descendants(tree):
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
            return None
        if isinstance(node, ast.alias) and (node.asname or node.name) in (name, "*"):
            return None
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            bound.append(node)
    one = bound[0] if len(bound) == 1 else None
    if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) or one.decorator_list or one not in tree.body:
        return None
    return one


def _kind_mismatch(function: ast.FunctionDef | ast.AsyncFunctionDef, wanted: Signature, *, iterators: bool) -> str:
    if isinstance(function, ast.AsyncFunctionDef):
        return f"{wanted.name} is an async def, so a call returns no value: write def instead"
    waiting: list[ast.AST] = list(function.body)
    can_answer = iterators or wanted.returns == "None"
    while waiting:
        node = waiting.pop()
        can_answer |= isinstance(node, ast.Raise) or (isinstance(node, ast.Return) and node.value is not None)
        if isinstance(node, ast.Yield | ast.YieldFrom) and not iterators:
            value = f"a value of type {clip(wanted.returns, limit=MAX_SHOWN)}" if wanted.returns else "the whole value"
            return f"{wanted.name} is a generator function (yield in line {node.lineno}): return {value} instead"
        if not isinstance(node, _SCOPE):
            waiting += children(node)
    return "" if can_answer else f"{wanted.name} returns no value: it has no `return` with one"


def _parameter_mismatch(arguments: ast.arguments, wanted: Signature) -> str:
    names = [parameter.name for parameter in wanted.parameters]
    by_position = [one.arg for one in arguments.posonlyargs]
    by_keyword = [one.arg for one in (*arguments.args, *arguments.kwonlyargs)]
    call = f"{wanted.name}({_listed(_parameters(arguments))})"
    if not set(names).isdisjoint(by_position):
        return f"{call} takes {_listed(by_position)} by position, but is called by keyword: remove the `/`"
    lacking = [] if arguments.kwarg is not None else [name for name in names if name not in by_keyword]
    surplus = [name for name in (*by_position, *by_keyword) if name not in names]
    required = [name for name in surplus if name in _required(arguments)]
    other = f"{call} has other parameter names than {wanted.name}({_listed(names)})"
    if lacking and len(lacking) == len(surplus):
        return f"{other}: rename {_listed([f'{old} to {new}' for old, new in zip(surplus, lacking, strict=True)])}"
    fixes = [f"add {_listed(lacking)}"] if lacking else []
    if required:
        fixes.append(f"remove {_listed(required)}")
    return f"{other}: {' and '.join(fixes)}" if fixes else ""


def _required(arguments: ast.arguments) -> set[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {one.arg for one in (*required, *(one for one, default in pairs if default is None))}


def _parameters(arguments: ast.arguments) -> list[str]:
    """The parameters as they are written, without annotations and defaults."""
    shown = [one.arg for one in arguments.posonlyargs]
    shown += ["/"] if shown else []
    shown += [one.arg for one in arguments.args]
    if arguments.vararg is not None:
        shown.append(f"*{arguments.vararg.arg}")
    elif arguments.kwonlyargs:
        shown.append("*")
    shown += [one.arg for one in arguments.kwonlyargs]
    return [*shown, f"**{arguments.kwarg.arg}"] if arguments.kwarg is not None else shown


def _listed(names: list[str]) -> str:
    return clip(", ".join(names), limit=MAX_SHOWN)
