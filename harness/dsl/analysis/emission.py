"""Emission: items of the trace, events and messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.dsl.analysis.control_flow import Lowering
from harness.dsl.analysis.expression import elaborate, fit
from harness.dsl.analysis.scope import Scope
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import Emit, Let, Post, Target
from harness.dsl.language import syntax as s
from harness.dsl.types import STRING, Schema


def join_emits(statements: Sequence[s.Statement], schema: Schema) -> Iterator[s.Statement]:
    """`tool.run { … }` and then a bare `emit T` is `tool.run { … } -> emit T`."""
    held: s.Call | None = None
    for statement in statements:
        bare = isinstance(statement, s.Emit) and statement.entries is None and schema.find(statement.path) >= 0
        if held is not None and bare and isinstance(statement, s.Emit):
            arrow = s.Arrow([statement.path], True, statement.span)
            held = s.Call(held.actor, held.operation, held.entries, [*held.arrows, arrow], held.span)
            continue
        if held is not None:
            yield held
        held = statement if isinstance(statement, s.Call) else None
        if held is None:
            yield statement
    if held is not None:
        yield held


def lower_emit(node: s.Emit, into: Lowering, events: dict[str, s.On]) -> None:
    """Append an item of the trace, an event for a service loop, or a message."""
    scope, code = into.scope, into.code
    schema = scope.shared.types.schema
    case = -1 if node.is_text else schema.find(node.path)
    given = {entry.key: entry for entry in node.entries or []}
    if case < 0 and node.path in events:
        values = {key: elaborate(entry.value, scope) for key, entry in given.items()}
        fields = _event_fields(node, events[node.path], values, scope)
        code.add(Post(code.label(f"emit {node.path}"), node.span, node.path, tuple(fields.items())))
        return
    if node.is_text:
        message = elaborate(s.Literal(node.path, "", '"', node.span), scope)
        slot = scope.bind_hidden("message", STRING)
        target = Target(slot, scope.slots[slot].name)
        code.add(Let(code.label("message"), node.span, target, message))
        return
    if case < 0:
        known = [*(c.name for c in schema.cases), *events]
        scope.report.unknown("E203", "case or event", node.path, known, node.span)
        return
    if node.entries is None and into.event is not None:  # in a handler, the fields of its event
        received = {field.name for field in into.event.fields}
        of_case = [field.name for field in schema.cases[case].fields if field.name in received]
        given = {name: s.Entry(name, s.Name(name, node.span), node.span) for name in of_case}
    if node.entries is None and not given and into.event is not None:
        what = f"an item of {node.path} without values: the event has none of its fields"
        scope.report.add("W513", what, node.span, note="name the event's fields as the item's, or add values")
    elif node.entries is None and not given:
        note = "add the fields, or write `-> emit` after the call that reports it"
        scope.report.add("E207", f"an item of {node.path} without fields", node.span, note=note)
    found: list[tuple[int, n.Expr]] = []
    for key, entry in given.items():
        slot = schema.cases[case].slot(key)
        if slot < 0:
            names = [field.name for field in schema.cases[case].fields]
            scope.report.unknown("E203", f"field of {schema.cases[case].name}", key, names, entry.span)
            continue
        kind = schema.cases[case].fields[slot].type
        found.append((slot, fit(elaborate(entry.value, scope), kind, scope, what=key)))
    code.add(Emit(code.label(f"emit {node.path}"), node.span, case, tuple(found)))


def _event_fields(node: s.Emit, handler: s.On, given: dict[str, n.Expr], scope: Scope) -> dict[str, n.Expr]:
    for field in handler.fields:
        if field.name in given:
            kind = scope.shared.types.of(field.type)
            given[field.name] = fit(given[field.name], kind, scope, what=field.name)
        elif not field.optional:
            scope.report.add("E207", f"event {node.path} needs {field.name}", node.span)
    names = [field.name for field in handler.fields]
    for key in given:
        if key not in names:
            scope.report.unknown("E203", f"field of event {node.path}", key, names, node.span)
    return given
