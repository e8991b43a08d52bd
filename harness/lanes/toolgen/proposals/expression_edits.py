"""Edits of expressions: each function takes a node and yields spans with their replacements."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.lanes.toolgen.proposals.edit import SourceText, Span

Change = tuple[Span, str]

_TOKENS: dict[type[ast.AST], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Is: "is",
    ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/",
    ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**", ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|",
    ast.BitAnd: "&", ast.BitXor: "^", ast.And: "and", ast.Or: "or",
}  # fmt: skip
_PATTERNS = {"is not": r"is\s+not\b", "not in": r"not\s+in\b", "is": r"is\b", "in": r"in\b"}
_COMPARISONS = {
    "==": ("!=", "<=", ">="), "!=": ("==", "<", ">"), "<": ("<=", ">", ">=", "!="), "<=": ("<", ">=", ">", "=="),
    ">": (">=", "<", "<=", "!="), ">=": (">", "<=", "<", "=="), "is": ("is not",), "is not": ("is",),
    "in": ("not in",), "not in": ("in",),
}  # fmt: skip
_ARITHMETIC = {
    "+": ("-", "*"), "-": ("+", "*"), "*": ("+", "//", "**"), "/": ("//", "*"), "//": ("/", "%", "*"),
    "%": ("//", "*"), "**": ("*",), "<<": (">>",), ">>": ("<<",), "|": ("&", "^", "-"), "&": ("|", "-", "^"),
    "^": ("|", "&"),
}  # fmt: skip
_CALLS = (
    ("append", "extend"), ("append", "add"), ("min", "max"), ("any", "all"), ("add", "discard"), ("lstrip", "rstrip"),
    ("lstrip", "strip"), ("rstrip", "strip"), ("lower", "upper"), ("lower", "casefold"), ("find", "rfind"),
    ("index", "rindex"), ("startswith", "endswith"), ("pop", "popleft"), ("append", "appendleft"),
    ("extend", "extendleft"), ("split", "rsplit"), ("split", "splitlines"), ("keys", "values"), ("keys", "items"),
    ("values", "items"), ("floor", "ceil"), ("union", "intersection"), ("sorted", "list"), ("sorted", "reversed"),
    ("set", "list"), ("tuple", "list"), ("set", "frozenset"), ("sum", "max"), ("int", "round"), ("int", "float"),
    ("partition", "rpartition"), ("ljust", "rjust"), ("isalpha", "isalnum"), ("isdigit", "isalnum"),
    ("isdigit", "isdecimal"), ("heappop", "heappushpop"), ("bisect_left", "bisect_right"),
    ("insort_left", "insort_right"), ("setdefault", "get"), ("update", "extend"), ("range", "reversed"),
)  # fmt: skip
SEPARATORS = " -_,.:;/"  # strings of one character that stand for each other
MAX_ITEMS = 12  # items of a tuple or a list that change places
_SWAPS: dict[str, list[str]] = {}
for _one, _other in _CALLS:
    _SWAPS.setdefault(_one, []).append(_other)
    _SWAPS.setdefault(_other, []).append(_one)


def swap_comparison(source: SourceText, node: ast.Compare) -> Iterator[Change]:
    """`<` becomes `<=`, `>`, …; one comparison of a chain at a time."""
    operands = [node.left, *node.comparators]
    for left, right, operator in zip(operands, operands[1:], node.ops, strict=False):
        token = _TOKENS[type(operator)]
        yield from _replaced(source, left, right, token, _COMPARISONS[token])


def swap_arithmetic(source: SourceText, node: ast.BinOp | ast.AugAssign) -> Iterator[Change]:
    """`+` becomes `-` or `*`, `/` becomes `//`, …; also in an augmented assignment."""
    token = _TOKENS.get(type(node.op), "")
    left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    yield from _replaced(source, left, right, token, _ARITHMETIC.get(token, ()))


def change_boolean(source: SourceText, node: ast.BoolOp) -> Iterator[Change]:
    """`and` becomes `or` and the reverse, or one operand is left out."""
    word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in pairwise(node.values):
        yield from _replaced(source, left, right, word, (other,))
    for value in node.values:
        kept = [source.code(one) for one in node.values if one is not value]
        yield source.span(node), kept[0] if len(kept) == 1 else f"({f' {word} '.join(kept)})"


def change_constant(source: SourceText, node: ast.Constant) -> Iterator[Change]:
    """A number by one up or down, 0 and 1; a boolean to the other one; a string to the empty one or a separator."""
    value, span = node.value, source.span(node)
    if isinstance(value, bool):
        yield span, str(not value)
    elif isinstance(value, int | float):
        kind = type(value)
        for other in dict.fromkeys((value + 1, value - 1, kind(0), kind(1))):
            if other != value and (isinstance(other, int) or abs(other) < 1e15):
                yield span, repr(other) if other >= 0 else f"({other!r})"
    elif isinstance(value, str) and value and not isinstance(source.parents.get(id(node)), ast.JoinedStr):
        yield span, '""'
        if len(value) == 1 and value in SEPARATORS:
            yield from ((span, f'"{other}"') for other in SEPARATORS if other != value)
    elif value is None:
        yield span, "0"


def negate(source: SourceText, node: ast.expr) -> Iterator[Change]:
    """A condition becomes its negation; a negated one loses its `not`."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield source.span(node), source.code(node.operand)
    else:
        yield source.span(node), f"not ({source.code(node)})"


def drop_sign(source: SourceText, node: ast.UnaryOp) -> Iterator[Change]:
    """`-x` becomes `x`."""
    if not isinstance(node.op, ast.Not):
        yield source.span(node), source.code(node.operand)


def rename_variable(source: SourceText, node: ast.Name, names: Sequence[str]) -> Iterator[Change]:
    """A variable becomes another one of its function; the most similar name comes first."""
    others = sorted((name for name in names if name != node.id), key=lambda name: -_likeness(name, node.id))
    for name in others:
        yield source.span(node), name


def change_arguments(source: SourceText, node: ast.Call) -> Iterator[Change]:
    """Two neighbouring arguments change places, or one of several is left out."""
    arguments = node.args
    for left, right in pairwise(arguments):
        (start, middle), (other, end) = source.span(left), source.span(right)
        if isinstance(left, ast.Starred) or isinstance(right, ast.Starred):
            continue
        yield (start, end), source.text[other:end] + source.text[middle:other] + source.text[start:middle]
    if len(arguments) == 1 and isinstance(node.func, ast.Attribute):
        yield source.span(arguments[0]), ""
    if len(arguments) > 1:
        for index, argument in enumerate(arguments):
            start, end = source.span(argument)
            if index:
                start = source.span(arguments[index - 1])[1]
            else:
                end = source.span(arguments[1])[0]
            yield (start, end), ""


def exchange_items(source: SourceText, node: ast.Tuple | ast.List) -> Iterator[Change]:
    """Two neighbouring items change places."""
    for left, right in pairwise(node.elts[:MAX_ITEMS]):
        (start, middle), (other, end) = source.span(left), source.span(right)
        if source.text[start:middle] != source.text[other:end]:
            yield (start, end), source.text[other:end] + source.text[middle:other] + source.text[start:middle]


def swap_call(source: SourceText, node: ast.Call) -> Iterator[Change]:
    """`append` becomes `extend`, `min` becomes `max`, …; and a call of one argument becomes the argument."""
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    end = source.span(function)[1]
    for other in _SWAPS.get(name, ()):
        if isinstance(function, ast.Name | ast.Attribute):
            yield (end - len(name), end), other
    if isinstance(function, ast.Name) and len(node.args) == 1 and not node.keywords:
        argument = node.args[0]
        if not isinstance(argument, ast.Starred | ast.GeneratorExp):
            yield source.span(node), f"({source.code(argument)})"
    if isinstance(function, ast.Attribute) and not isinstance(source.parents.get(id(node)), ast.Expr):
        yield source.span(node), source.code(function.value)


def move_slice_bound(source: SourceText, node: ast.Slice) -> Iterator[Change]:
    """A bound of a slice moves by one, counts from the end, or is left out."""
    for bound in (node.lower, node.upper):
        if bound is not None:
            code = source.code(bound)
            yield source.span(bound), f"{code} + 1"
            yield source.span(bound), f"{code} - 1"
            yield source.span(bound), ""
            if isinstance(bound, ast.Name):
                yield source.span(bound), f"-{code}"


def move_index(source: SourceText, node: ast.Subscript) -> Iterator[Change]:
    """A computed index moves by one; two indices after each other change places."""
    inner = node.value
    if isinstance(inner, ast.Subscript) and not {type(node.slice), type(inner.slice)} & {ast.Slice, ast.Tuple}:
        outer, first = source.code(node.slice), source.code(inner.slice)
        if outer != first:
            yield source.span(node), f"{source.code(inner.value)}[{outer}][{first}]"
    if isinstance(node.slice, ast.Name | ast.BinOp):
        code = source.code(node.slice)
        yield source.span(node.slice), f"{code} + 1"
        yield source.span(node.slice), f"{code} - 1"


def move_loop_bound(source: SourceText, node: ast.Call | ast.expr) -> Iterator[Change]:
    """`range` starts or ends one earlier or later; a sequence that a loop reads is cut, reversed or sorted."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        stop = node.args[1] if len(node.args) > 1 else node.args[0] if node.args else None
        if stop is None or isinstance(stop, ast.Starred):
            return
        code = source.code(stop)
        yield source.span(stop), f"{code} + 1"
        yield source.span(stop), f"{code} - 1"
        if len(node.args) == 1:
            yield source.span(stop), f"1, {code}"
        else:
            start = source.code(node.args[0])
            yield source.span(node.args[0]), f"{start} + 1"
            yield source.span(node.args[0]), f"{start} - 1"
    elif isinstance(node, ast.Name | ast.Attribute):
        code = source.code(node)
        yield source.span(node), f"{code}[1:]"
        yield source.span(node), f"{code}[:-1]"
        yield source.span(node), f"{code}[::-1]"
        yield source.span(node), f"sorted({code})"


def simplify_conditional(source: SourceText, node: ast.IfExp) -> Iterator[Change]:
    """A conditional expression becomes one of its branches, or exchanges them."""
    span, then, other = source.span(node), source.code(node.body), source.code(node.orelse)
    yield span, f"({then})"
    yield span, f"({other})"
    yield span, f"({other} if {source.code(node.test)} else {then})"


def _replaced(
    source: SourceText, left: ast.AST, right: ast.AST, token: str, others: tuple[str, ...]
) -> Iterator[Change]:
    if not others:
        return
    pattern = _PATTERNS.get(token, "".join(f"\\{mark}" if not mark.isalpha() else mark for mark in token))
    span = source.between(left, right, pattern)
    if span is not None:
        for other in others:
            yield span, other


def _likeness(name: str, other: str) -> float:
    """How alike two names are: a typo of a name is most like it."""
    same = sum(a == b for a, b in zip(name, other, strict=False))
    shared = len(set(name) & set(other)) / max(1, len(set(name) | set(other)))
    return shared + same / max(len(name), len(other), 1)
