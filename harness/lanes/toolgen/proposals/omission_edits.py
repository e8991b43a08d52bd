"""Edits that put back what was left out: a term, a bound, a guard, a part of a sequence, a call on a container."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from harness.lanes.toolgen.proposals.edit import Function, SourceText, Span

Change = tuple[Span, str]
_SIMPLE = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp)
_EXCHANGED = (ast.Add, ast.Sub, ast.Div, ast.FloorDiv, ast.Mod)
MAX_NAMES = 12  # variables of a function that are put in; the number of edits grows with their square
_METHODS = ("append", "add")


def add_term(source: SourceText, node: ast.expr, names: Sequence[str]) -> Iterator[Change]:
    """A value becomes one larger or smaller, or gets a variable as a further term on either side."""
    is_list = isinstance(node, ast.ListComp) or (isinstance(node, ast.List) and bool(node.elts))
    if not (is_list or isinstance(node, _SIMPLE)) or not _is_value(source.parents.get(id(node)), node):
        return
    span, code = source.span(node), source.code(node)
    if not is_list:
        yield span, f"{code} + 1"
        yield span, f"{code} - 1"
    for name in names[:MAX_NAMES]:
        if name != code:
            yield span, f"{code} + {name}"
            yield span, f"{name} + {code}"
            if not is_list:
                yield span, f"{code} - {name}"


def call_on_value(source: SourceText, node: ast.Name) -> Iterator[Change]:
    """A variable becomes the result of a built-in function on it."""
    if isinstance(node.ctx, ast.Load) and _is_value(source.parents.get(id(node)), node):
        for name in ("int", "str", "list", "len", "abs"):
            yield source.span(node), f"{name}({node.id})"


def change_operands(source: SourceText, node: ast.BinOp) -> Iterator[Change]:
    """One operand is left out, both change places, or the items of a repeated list become separate objects."""
    span, left, right = source.span(node), source.code(node.left), source.code(node.right)
    yield span, f"({left})"
    yield span, f"({right})"
    if isinstance(node.op, _EXCHANGED) and source.between(node.left, node.right, r"[-+/%]+") is not None:
        start, end = source.span(node.left)[1], source.span(node.right)[0]
        yield span, f"({right}){source.text[start:end].strip('() ').center(3)}({left})"

    if isinstance(node.left, ast.BinOp) and type(node.left.op) is type(node.op):  # the outer ones of three
        (start, middle), (other, end) = source.span(node.left.left), source.span(node.right)
        between = source.text[middle:other]
        if between.count("(") == between.count(")") and span == (start, end):
            yield span, source.text[other:end] + between + source.text[start:middle]
    if isinstance(node.op, ast.Mult) and isinstance(node.left, ast.List) and len(node.left.elts) == 1:
        item = node.left.elts[0]
        if not isinstance(item, ast.Constant | ast.Name):
            yield span, f"[{source.code(item)} for _ in range({right})]"


def name_constant(source: SourceText, node: ast.Constant, names: Sequence[str]) -> Iterator[Change]:
    """A number, a boolean or None becomes a variable, or as an initial value the first item of one."""
    if isinstance(node.value, int | float | None):
        is_initial = isinstance(source.parents.get(id(node)), ast.Assign)
        for name in names[:MAX_NAMES]:
            yield source.span(node), name
            if is_initial:
                yield source.span(node), f"{name}[0]"


def shift_index(source: SourceText, node: ast.Subscript, names: Sequence[str]) -> Iterator[Change]:
    """An index that is a variable gets another one as a further term."""
    if isinstance(node.slice, ast.Name) and isinstance(node.ctx, ast.Load):
        for name in names[:MAX_NAMES]:
            if name != node.slice.id:
                yield source.span(node.slice), f"{node.slice.id} - {name}"
                yield source.span(node.slice), f"{node.slice.id} + {name}"


def bound_value(source: SourceText, node: ast.Assign) -> Iterator[Change]:
    """`x = value` becomes `x = max(x, value)`, `min(x, value)`, `max(0, value)` or `x + value`."""
    targets = (ast.Name, ast.Subscript)
    if len(node.targets) == 1 and isinstance(node.targets[0], targets) and isinstance(node.value, _SIMPLE):
        name, span, code = source.code(node.targets[0]), source.span(node.value), source.code(node.value)
        yield span, f"max({name}, {code})"
        yield span, f"min({name}, {code})"
        yield span, f"max(0, {code})"
        yield span, f"{name} + {code}"


def guard(source: SourceText, node: ast.expr, names: Sequence[str]) -> Iterator[Change]:
    """A condition holds also, or only, if a variable is false or true."""
    span, code = source.span(node), source.code(node)
    for name in names[:MAX_NAMES]:
        if name != code:
            yield span, f"({code}) or not {name}"
            yield span, f"({code}) and {name}"


def fill_list(source: SourceText, node: ast.List, names: Sequence[str]) -> Iterator[Change]:
    """An empty list gets one item: a variable, or an empty list."""
    if not node.elts and isinstance(node.ctx, ast.Load):
        for item in ("[]", *names[:MAX_NAMES]):
            yield source.span(node), f"[{item}]"


def take_part(source: SourceText, node: ast.Name, names: Sequence[str]) -> Iterator[Change]:
    """A sequence that is read by a call, a loop or `return` becomes a part of itself, or is reversed."""
    parent = source.parents.get(id(node))
    is_read = isinstance(parent, ast.Call) and any(one is node for one in parent.args)
    is_looped = isinstance(parent, ast.For | ast.comprehension) and parent.iter is node
    if not isinstance(node.ctx, ast.Load) or not (is_read or is_looped or isinstance(parent, ast.Return)):
        return
    span = source.span(node)
    yield span, f"{node.id}[1:]"
    yield span, f"{node.id}[:-1]"
    yield span, f"{node.id}[0]"
    yield span, f"{node.id}[::-1]"
    for name in names[:MAX_NAMES]:
        if name != node.id:
            yield span, f"{node.id}[{name}:]"
            yield span, f"{node.id}[:{name}]"


def return_truth(source: SourceText, node: ast.Return, names: Sequence[str]) -> Iterator[Change]:
    """A returned constant, or variable, becomes whether a variable is true or false."""
    if isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool):
        for name in names[:MAX_NAMES]:
            yield source.span(node.value), f"not {name}"
            yield source.span(node.value), f"bool({name})"


def exchange_arguments(source: SourceText, node: ast.Call) -> Iterator[Change]:
    """Two arguments that are not neighbours change places."""
    arguments = node.args
    if any(isinstance(one, ast.Starred) for one in arguments):
        return
    for index, left in enumerate(arguments):
        for right in arguments[index + 2 :]:
            (start, middle), (other, end) = source.span(left), source.span(right)
            yield (start, end), source.text[other:end] + source.text[middle:other] + source.text[start:middle]


def insert_call(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """A variable is added to a container before or after a statement."""
    node = body[index]
    lines, function = source.line_span(node), source.function_of(node)
    if lines is None or function is None or source.code(node).startswith("elif"):
        return
    indent, names = source.indent(node), source.once(SourceText.names_of, function)[:MAX_NAMES]
    places = [lines[0]] if isinstance(node, ast.Return) else [lines[0], lines[1]]
    if index and len(places) > 1:
        places = places[1:]  # the place after the statement before is this one
    is_complete = source.text[: lines[1]].endswith(("\n", "\r"))
    for place in places:
        if place == lines[1] and not is_complete:
            continue
        for container, method in source.once(_containers, function):
            for name in names:
                if name != container:
                    yield (place, place), f"{indent}{container}.{method}({name})\n"


def keep_result(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """What a function returns, and nothing uses, is returned, assigned, added up or put into a container."""
    node = body[index]
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name)):
        return
    function, span, code = source.function_of(node), source.span(node), source.code(node)
    if function is None:
        return
    yield span, f"return {code}"
    for container, method in source.once(_containers, function):
        yield span, f"{container}.{method}({code})"
        yield span, f"{container}.{'extend' if method == 'append' else 'update'}({code})"
    for name in source.once(SourceText.names_of, function)[:MAX_NAMES]:
        yield span, f"{name} = {code}"
        yield span, f"{name} += {code}"


def add_return(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """A function that ends without one returns a variable."""
    node = body[index]
    lines, function = source.line_span(node), source.parents.get(id(node))
    if index + 1 < len(body) or lines is None or isinstance(node, ast.Return | ast.Raise):
        return
    if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and source.text[: lines[1]].endswith(("\n", "\r")):
        for name in source.once(SourceText.names_of, function)[:MAX_NAMES]:
            yield (lines[1], lines[1]), f"{source.indent(node)}return {name}\n"


def insert_update(source: SourceText, body: Sequence[ast.stmt], index: int) -> Iterator[Change]:
    """A variable that a loop reads and does not change is changed at the end of each turn."""
    node = body[index]
    if not isinstance(node, ast.For | ast.While) or source.line_span(node) is None:
        return
    last = source.line_span(node.body[-1])
    if last is None or not source.text[: last[1]].endswith(("\n", "\r")):
        return
    found = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
    changed = {one.id for one in found if isinstance(one.ctx, ast.Store)}
    function = source.function_of(node)
    local = source.once(SourceText.names_of, function) if function is not None else []
    read = [name for name in local if any(one.id == name for one in found)]
    indent = source.indent(node.body[-1])
    for name in read[:MAX_NAMES]:
        if name not in changed:
            others = [other for other in read[:MAX_NAMES] if other != name]
            updates = [f"{sign}= {other}" for other in others for sign in ("", "+", "-", "//")]
            for update in (*updates, "+= 1", "-= 1", "//= 2", f"*= {name}"):
                yield (last[1], last[1]), f"{indent}{name} {update}\n"


def _containers(source: SourceText, function: Function) -> Iterator[tuple[str, str]]:
    """The variables of a function that hold a list or a set, as far as its text shows, with the method that adds."""
    kinds: dict[str, str] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            method = _method_for(node.value)
            for target in targets:
                if isinstance(target, ast.Name) and method:
                    kinds.setdefault(target.id, method)
        elif isinstance(node, ast.Attribute) and node.attr in _METHODS and isinstance(node.value, ast.Name):
            kinds[node.value.id] = node.attr
    yield from kinds.items()


def _method_for(value: ast.expr) -> str:
    name = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
    if isinstance(value, ast.Set | ast.SetComp) or name == "set":
        return "add"
    return "append" if isinstance(value, ast.List | ast.ListComp) or name in ("list", "deque") else ""


def _is_value(parent: ast.AST | None, node: ast.expr) -> bool:
    """Whether an expression is a value on its own: assigned, returned, compared, passed or an item."""
    if isinstance(parent, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return):
        return parent.value is node
    if isinstance(parent, ast.Call):
        return any(one is node for one in parent.args)
    if isinstance(parent, ast.Tuple | ast.List):
        return isinstance(parent.ctx, ast.Load)
    return isinstance(parent, ast.Compare)
