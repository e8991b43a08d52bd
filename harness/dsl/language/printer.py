"""Printer: a syntax tree in the standard layout. Parsing the output yields an equal tree; comments are lost."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from functools import singledispatch

from harness.dsl.language import syntax as s
from harness.dsl.language.lexer import KEYWORDS

_INDENT = "    "
_LEVELS = {"||": 1, "&&": 2, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6}
_NOT, _COMPARISON, _NEGATION, _POSTFIX = 3, 4, 7, 8
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def print_module(module: s.Module) -> str:
    """The source of a whole program."""
    return "\n\n".join("\n".join(_lines(item)) for item in module.items) + ("\n" if module.items else "")


def print_value(value: s.Value) -> str:
    """The source of one value."""
    match value:
        case s.Alternatives():
            return " | ".join(_expression(option, 1) for option in value.options)
        case s.Range():
            return f"{_expression(value.low, 1)}..{_expression(value.high, 1)}"
        case _:
            return _expression(value, 0)


def print_type(kind: s.TypeExpression) -> str:
    """The source of a type."""
    match kind:
        case s.NamedType():
            return f"{kind.name} {kind.unit}" if kind.unit else kind.name
        case s.ListType():
            return f"[{print_type(kind.of)}]"
        case s.EnumType():
            return " | ".join(_quote(option) for option in kind.options)
        case s.ShapedType():
            return f"{kind.name}[{', '.join(kind.dimensions)}]"
        case s.DefaultType():
            return _expression(kind.value, 0)
        case s.RecordType():
            return "{ " + ", ".join(map(_field, kind.fields)) + " }" if kind.fields else "{}"


def _quote(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() or c == " " else _code(c)) for c in text) + '"'


def _code(character: str) -> str:
    # Characters outside the basic multilingual plane are not escaped: an escape has four hexadecimal digits.
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else character


def _label(label: s.Label) -> str:
    return _quote(label.text) if label.quoted else label.text


def _field(field: s.FieldDeclaration) -> str:
    bound = f" {field.bound[0]} {_expression(field.bound[1], 0)}" if field.bound else ""
    return f"{field.name}: {print_type(field.type)}{bound}{'?' if field.optional else ''}"


# Expressions


def _expression(node: s.Value, level: int) -> str:
    """An expression; in parentheses if its precedence is below `level`."""
    text, own = _bare(node)
    return f"({text})" if own < level else text


def _bare(node: s.Value) -> tuple[str, int]:
    match node:
        case s.Literal():
            return _literal(node), _POSTFIX
        case s.Name():
            return node.name, _POSTFIX
        case s.FieldRef():
            return f"{_expression(node.base, _POSTFIX)}.{node.name}", _POSTFIX
        case s.Subscript():
            inner = ", ".join(_expression(part, 0) for part in node.arguments)
            return f"{_expression(node.base, _POSTFIX)}[{inner}]", _POSTFIX
        case s.Function():
            return f"{node.name}({', '.join(map(_argument, node.arguments))})", _POSTFIX
        case s.Prefix(op="!"):
            return f"!{_expression(node.operand, _NOT)}", _NOT
        case s.Prefix():
            return f"-{_expression(node.operand, _NEGATION)}", _NEGATION
        case s.Infix():
            own = _LEVELS[node.op]
            left = own + (own == _COMPARISON)  # comparisons do not chain
            return f"{_expression(node.left, left)} {node.op} {_expression(node.right, own + 1)}", own
        case s.Sequence():
            return f"[{', '.join(map(print_value, node.items))}]", _POSTFIX
        case s.Record():
            return "{" + ", ".join(f"{_quote(k)}: {print_value(v)}" for k, v in node.pairs) + "}", _POSTFIX
        case _:
            return print_value(node), 0


def _argument(node: s.Expression | s.Each) -> str:
    if not isinstance(node, s.Each):
        return _expression(node, 0)
    condition = "" if node.condition is None else f" if {_expression(node.condition, 0)}"
    return f"{_expression(node.body, 0)} for {node.name} in {_expression(node.source, 0)}{condition}"


def _literal(node: s.Literal) -> str:
    value = node.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        raw = node.style == '"""' and '"""' not in value and not value.endswith('"')
        return f'"""{value}"""' if raw else _quote(value)
    return f"{'1e999' if isinstance(value, float) and math.isinf(value) else repr(value)}{node.unit}"


# Statements and declarations


def _indented(parts: Iterable[object]) -> Iterator[str]:
    for part in parts:
        # Only the first line that a node yields is indented: the others may be inside a long string.
        yield from (f"{_INDENT}{line}" for line in _lines(part))


def _braces(head: str, inner: list[str]) -> Iterator[str]:
    if not inner:
        yield f"{head} {{}}"
        return
    yield f"{head} {{"
    yield from inner
    yield "}"


@singledispatch
def _lines(node: object) -> Iterator[str]:
    raise TypeError(type(node).__name__)


@_lines.register
def _(node: s.Unit) -> Iterator[str]:
    yield from _braces(f"{node.keyword} {_label(node.label)}", list(_indented(node.body)))


@_lines.register
def _(node: s.Group) -> Iterator[str]:
    name = f" {_label(node.label)}" if node.label else ""
    yield from _braces(f"{node.keyword}{name}", list(_indented(node.items)))


@_lines.register
def _(node: s.Shape) -> Iterator[str]:
    word = " matches" if node.keyword == "type" else ""
    fields = [f"{_INDENT}{_field(field)}" for field in node.fields]
    yield from _braces(f"{node.keyword} {_label(node.label)}{word}", fields)


@_lines.register
def _(node: s.Variant) -> Iterator[str]:
    yield from _braces(f"variant {_label(node.label)}", list(_indented(node.cases)))


@_lines.register
def _(node: s.FactDeclaration) -> Iterator[str]:
    head = f"fact {_label(node.label)}({', '.join(map(_field, node.parameters))})"
    result = s.Return(node.result)
    yield from _braces(head, list(_indented([*node.lets, result])))


@_lines.register
def _(node: s.Entries) -> Iterator[str]:
    name = f" {_label(node.label)}" if node.label else ""
    yield from _braces(f"{node.keyword}{name}", list(_indented(node.entries)))


@_lines.register
def _(node: s.Entry) -> Iterator[str]:
    yield f"{node.key}: {print_value(node.value)}"


def _first_word(text: str) -> str:
    return re.match(r"\w*", text)[0]  # type: ignore[index]  # it always matches


@_lines.register
def _(node: s.Setting) -> Iterator[str]:
    values = [print_value(value) for value in node.values]
    if any(text.startswith(("-", "[", "(", "{")) or _first_word(text) in KEYWORDS for text in values[1:]):
        values = [f"({text})" for text in values]  # otherwise a value continues the previous one or starts a statement
    yield f"{node.key}: {' '.join(values)}"


@_lines.register
def _(node: s.Variable) -> Iterator[str]:
    kind = "" if node.type is None else f": {print_type(node.type)}"
    value = "" if node.value is None else f" = {_expression(node.value, 0)}"
    yield f"{node.keyword} {node.name}{kind}{value}"


@_lines.register
def _(node: s.Parameter) -> Iterator[str]:
    yield f"parameter {node.name}: {print_value(node.value)}"


@_lines.register
def _(node: s.Step) -> Iterator[str]:
    if node.inline:
        first, *rest = _lines(node.body[0])
        yield f"step {_label(node.label)}: {first}"
        yield from rest
    else:
        yield from _braces(f"step {_label(node.label)}", list(_indented(node.body)))


@_lines.register
def _(node: s.Call) -> Iterator[str]:
    yield from _arrows(_braces(f"{node.actor}.{node.operation}", list(_indented(node.entries))), node.arrows)


@_lines.register
def _(node: s.RunUnit) -> Iterator[str]:
    head = f"run {node.unit}"
    yield from _arrows(_braces(head, list(_indented(node.entries))) if node.entries else iter([head]), node.arrows)


def _arrows(lines: Iterable[str], arrows: list[s.Arrow]) -> Iterator[str]:
    *rest, last = lines
    yield from rest
    yield last + "".join(f" -> {'emit ' if arrow.is_emit else ''}{', '.join(arrow.paths)}" for arrow in arrows)


@_lines.register
def _(node: s.Emit) -> Iterator[str]:
    head = f"emit {_quote(node.path) if node.is_text else node.path}"
    yield from [head] if node.entries is None else _braces(head, list(_indented(node.entries)))


@_lines.register
def _(node: s.Description) -> Iterator[str]:
    yield node.text


@_lines.register
def _(node: s.Mock) -> Iterator[str]:
    yield f"{node.tool} {_quote(node.request)} -> {_literal(node.result)}"


@_lines.register
def _(node: s.Let) -> Iterator[str]:
    kind = "" if node.type is None else f": {print_type(node.type)}"
    yield f"let {node.name}{kind} = {_expression(node.value, 0)}"


@_lines.register
def _(node: s.Assign) -> Iterator[str]:
    yield f"{node.name} = {_expression(node.value, 0)}"


@_lines.register
def _(node: s.If) -> Iterator[str]:
    head = "if"
    for condition, body in node.arms:
        yield f"{head} {_expression(condition, 0)} {{"
        yield from _indented(body)
        head = "} else if"
    if node.otherwise is not None:
        yield "} else {"
        yield from _indented(node.otherwise)
    yield "}"


@_lines.register
def _(node: s.For) -> Iterator[str]:
    yield from _braces(f"for {node.name} in {_expression(node.source, 0)}", list(_indented(node.body)))


@_lines.register
def _(node: s.Repeat) -> Iterator[str]:
    until = "" if node.until is None else f" until {_expression(node.until, 0)}"
    yield from _braces(f"repeat {_expression(node.count, 0)}{until}", list(_indented(node.body)))


@_lines.register
def _(node: s.Parallel) -> Iterator[str]:
    yield from _braces("parallel", list(_indented(node.branches)))


@_lines.register
def _(node: s.Branch) -> Iterator[str]:
    yield from _braces(f"branch {_label(node.label)}", list(_indented(node.body)))


@_lines.register
def _(node: s.Match) -> Iterator[str]:
    inner = list(_indented(node.arms))
    if node.otherwise is not None:
        inner += [f"{_INDENT}{line}" for line in _braces("else", list(_indented(node.otherwise)))]
    yield from _braces(f"match {_expression(node.subject, 0)}", inner)


@_lines.register
def _(node: s.Arm) -> Iterator[str]:
    yield from _braces(f"case {', '.join(map(_literal, node.options))}", list(_indented(node.body)))


@_lines.register
def _(node: s.Wait) -> Iterator[str]:
    yield f"wait {'until' if node.is_until else 'for'} {_expression(node.amount, 0)}"


@_lines.register
def _(node: s.Fail | s.Return) -> Iterator[str]:
    yield f"fail {_expression(node.message, 0)}" if isinstance(node, s.Fail) else f"return {_expression(node.value, 0)}"


@_lines.register
def _(node: s.Evaluation) -> Iterator[str]:
    yield from _braces("evaluation", list(_indented([*node.checks, *node.described])))


@_lines.register
def _(node: s.Check) -> Iterator[str]:
    name = _label(s.Label(node.name, not node.name.isidentifier()))
    if isinstance(node.subject, s.Call):
        first, *rest = _lines(node.subject)
        yield f"check {name}: {first}"
        yield from rest
    else:
        yield f"check {name}: {_expression(node.subject, 0)}"


@_lines.register
def _(node: s.Expect) -> Iterator[str]:
    yield f"expect {node.fact}: {_expression(node.verdict, 0)}"


@_lines.register
def _(node: s.On) -> Iterator[str]:
    fields = f"({', '.join(map(_field, node.fields))})" if node.fields else ""
    yield from _braces(f"on {_label(node.event)}{fields}", list(_indented(node.body)))
