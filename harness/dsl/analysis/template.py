"""Template: `{{name}}` in strings of units is resolved here, once; a value is never treated as a template."""

from __future__ import annotations

import re

from harness.dsl.analysis.scope import Scope, error_node
from harness.dsl.expressions import nodes as n
from harness.dsl.language import syntax as s
from harness.dsl.language.diagnostic import Span
from harness.dsl.types import ANY, STRING, Kind

HOLE = re.compile(r"""\{\{\s*(?:([A-Za-z_]\w*(?:\.\w+)*)|"([^"{}]*)")\s*\}\}""")
_PROSE = ("axiom", "heuristic", "prediction")


def elaborate_template(node: s.Literal, scope: Scope) -> n.Expr:
    """A string constant, or a template if it contains references. `{{"{{"}}` is two literal braces."""
    text = str(node.value)
    if "{{" not in text:
        return n.Const(text, STRING, node.span)
    return join_parts(split_template(text, node, scope), node.span)


def join_parts(found: list[n.Expr], span: Span) -> n.Expr:
    """Join parts to a constant if all are constant strings, otherwise to a template."""
    if all(isinstance(part, n.Const) and isinstance(part.value, str) for part in found):
        return n.Const("".join(part.value for part in found if isinstance(part, n.Const)), STRING, span)
    return n.Template(tuple(found), STRING, span)


def split_template(text: str, node: s.Literal, scope: Scope) -> list[n.Expr]:
    """The literal parts and references of a string, in order."""
    found: list[n.Expr] = []
    position = 0
    for hole in HOLE.finditer(text):
        if hole.start() > position:
            found.append(n.Const(text[position : hole.start()], STRING, node.span))
        if hole[1] is None:
            found.append(n.Const(hole[2], STRING, node.span))
        else:
            found.append(_reference(hole[1], _place(node, hole.start(1), len(hole[1])), scope))
        position = hole.end()
    if position < len(text):
        found.append(n.Const(text[position:], STRING, node.span))
    return found


def _place(node: s.Literal, offset: int, length: int) -> Span:
    """The span of a part of a string; exact unless escapes precede it."""
    start = node.span[0] + len(node.style) + offset
    return start, start + length


def _reference(path: str, span: Span, scope: Scope) -> n.Expr:
    head, *fields = path.split(".")
    if head in _PROSE and len(fields) == 1 and fields[0].isdigit():
        strings = scope.shared.names.prose(head)
        number = int(fields[0])
        if number < len(strings):
            return n.Const(strings[number], STRING, span)
        note = f"{{{{{head}.0}}}} is the first"
        scope.report.add("E201", f"unknown {path}: the program states {len(strings)} {head}s", span, note=note)
        return error_node(span)
    base = scope.resolve(head, span)
    if base is None and head == "hints":
        base = n.Hints(STRING, span)
    if base is None:
        note = 'write {{"{{"}} for literal braces'
        scope.report.unknown("E201", "variable", head, scope.known_names(), span, note=note)
        return error_node(span)
    for name in fields:
        kind = base.type
        known = kind.field(name)
        if kind.kind is not Kind.ANY and known is None:
            scope.report.unknown("E203", f"field of {kind}", name, [f.name for f in kind.fields], span)
            return error_node(span)
        index = kind.fields.index(known) if known is not None and kind.kind is Kind.ITEM else -1
        base = n.FieldOf(base, name, index, ANY if known is None else known.type, span)
    return base
