"""Command: a `cmd` as a list of arguments. No shell is used; shell syntax is a diagnostic."""

from __future__ import annotations

import shlex

from harness.dsl.analysis.expression import elaborate
from harness.dsl.analysis.scope import Scope, error_node
from harness.dsl.analysis.template import HOLE, join_parts, split_template
from harness.dsl.expressions import nodes as n
from harness.dsl.language import syntax as s
from harness.dsl.types import STRING, Kind, list_of

_META = frozenset(";&|<>$`()*?[]~#\n")
_META_QUOTED = frozenset("$`")


def lower_command(node: s.Value, scope: Scope) -> n.Expr:
    """The argv of a command: a string is split as in a shell before values are inserted; a value stays one argument."""
    kind = list_of(STRING)
    if isinstance(node, s.Literal) and isinstance(node.value, str):
        words = _split(node, scope)
        return n.ListOf(
            tuple(join_parts(split_template(word, node, scope), node.span) for word in words), kind, node.span
        )
    if isinstance(node, s.Sequence):
        return n.ListOf(tuple(_argument(item, scope) for item in node.items), kind, node.span)
    found = elaborate(node, scope)
    if found.type.kind not in (Kind.LIST, Kind.ANY):
        note = (
            'a command in a variable must be a list: declare it as [string], or write ["{{program}}", "{{argument}}"]'
        )
        scope.report.add("E301", f"a command is a string or a list of strings, not {found.type}", node.span, note=note)
        return error_node(node.span)
    return found


def _argument(item: s.Value, scope: Scope) -> n.Expr:
    found = elaborate(item, scope)
    if found.type.kind in (Kind.LIST, Kind.RECORD, Kind.ITEM):
        scope.report.add("E301", f"an argument of a command is one string, not {found.type}", item.span)
        return error_node(item.span)
    if found.type.kind is Kind.STRING:
        return found
    return n.Template((found,), STRING, item.span)


def _split(node: s.Literal, scope: Scope) -> list[str]:
    text = str(node.value).strip()
    holes: list[str] = []

    def keep(hole: str) -> str:
        holes.append(hole)
        return f"\ue000{len(holes) - 1}\ue001"  # one word, also if the braces contain spaces

    masked = HOLE.sub(lambda m: keep(m[0]), text)
    found = _metacharacter(masked)
    try:
        words = shlex.split(masked)
    except ValueError as error:
        scope.report.add("E407", f"the command cannot be split: {str(error).lower()}", node.span)
        return []
    for number, hole in enumerate(holes):
        words = [word.replace(f"\ue000{number}\ue001", hole) for word in words]
    if found is not None:
        shown = ", ".join(f'"{word}"' for word in words)
        note = f"to pass it as it is, write a list: cmd: [{shown}]"
        scope.report.add("E407", f"{found!r} is shell syntax, and commands run without a shell", node.span, note=note)
        return []
    if not words:
        scope.report.add("E407", "the command is empty", node.span)
    return words


def _metacharacter(text: str) -> str | None:
    quote, escaped = "", False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            if character == quote:
                quote = ""
            elif quote == '"' and character in _META_QUOTED:
                return character
        elif character in "'\"":
            quote = character
        elif character in _META:
            return character
    return None
