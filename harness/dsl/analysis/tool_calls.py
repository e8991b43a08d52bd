"""Tool calls of a model: `llm.query { tools: [read, run] max_calls: 5 }` is lowered to a loop of questions and tools.

Each turn of the model is a question and each call an effect of its own, so that resume, replay, budgets and the log
treat them like any other. The fault of a tool is its result, which the model reads.
"""

from __future__ import annotations

from harness.dsl.analysis.control_flow import Lowering
from harness.dsl.analysis.scope import Scope
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import Let
from harness.dsl.language import syntax as s
from harness.dsl.types import ANY, STRING

TOOLS = {"read": ("path",), "write": ("path", "content"), "exists": ("path",), "run": ("cmd",)}
"""Tools that a model can be given, with the arguments of each."""
MAX_CALLS, LIMIT = 10, 1000
CALLS = "tool_calls"  # the field of a reply that calls tools instead of giving an answer


def calls_tools(node: s.Call) -> bool:
    """Whether a call is a question whose model may call tools."""
    return node.actor == "llm" and not node.is_turn and any(entry.key == "tools" for entry in node.entries)


def lower_tool_calls(node: s.Call, into: Lowering) -> None:
    """Append the turns of a question: ask, perform the calls, ask again with their results."""
    scope, span = into.scope, node.span
    entries = {entry.key: entry for entry in node.entries}
    tools = _tools(entries["tools"], scope)
    count = _max_calls(entries.get("max_calls"), scope)
    names = {what: f"{what} of {node.operation} {len(scope.slots)}" for what in _VARIABLES}
    said, left, done, reply, call, result = (s.Name(names[what], span) for what in _VARIABLES)
    kept = [entry for entry in node.entries if entry.key not in ("tools", "max_calls", "output_var")]
    given = [
        s.Entry("tools", s.Sequence([_text(tool, span) for tool in tools], span), span),
        s.Entry("said", said, span),
    ]
    ask = s.Call(node.actor, node.operation, [*kept, *given, _out(reply)], [], span, is_turn=True)
    arms: list[tuple[s.Expression, list[s.Statement]]] = [
        (s.Infix("==", s.FieldRef(call, "tool", span), _text(tool, span), span), [_perform(tool, call, result)])
        for tool in tools
    ]
    known = ", ".join(tools) or "none"
    unknown = s.Assign(result.name, _text(f"error: there is no such tool; there are: {known}", span), span)
    use = s.If([(s.Infix(">", left, s.Literal(0), span), [
        s.Assign(left.name, s.Infix("-", left, s.Literal(1), span), span),
        s.If(arms, [unknown], span),
    ])], None, span)  # fmt: skip
    spoken = s.Record([("call", call), ("result", s.Function("text", [result], span))], span)
    answered = s.For(call.name, s.FieldRef(reply, CALLS, span), [
        s.Let(result.name, s.NamedType("any"), _text("error: no calls are left: answer now", span), span),
        use,
        s.Assign(said.name, s.Function("append", [said, spoken], span), span),
    ], span)  # fmt: skip
    is_call = s.Function("defined", [s.FieldRef(reply, CALLS, span)], span)
    turn: list[s.Statement] = [
        ask,
        s.If([(is_call, [answered])], [s.Assign(done.name, s.Literal(value=True), span)], span),
    ]
    late = s.Fail(_text(f"the model gave no answer after {count} calls of tools", span), span)
    with into.code.within("tools"):
        into.body(
            [
                s.Let(said.name, None, s.Sequence([], span), span),
                s.Let(left.name, None, s.Literal(count), span),
                s.Let(done.name, None, s.Literal(value=False), span),
                s.Let(reply.name, s.NamedType("any"), _text("", span), span),
                s.Repeat(s.Literal(count + 2), done, turn, span),
                s.If([(s.Prefix("!", done, span), [late])], None, span),
            ]
        )
        _bind(node, reply, into)


_VARIABLES = ("said", "left", "done", "reply", "call", "result")


def _perform(tool: str, call: s.Name, result: s.Name) -> s.Call:
    arguments = s.FieldRef(call, "arguments", call.span)
    entries = [s.Entry(name, s.FieldRef(arguments, name, call.span), call.span) for name in TOOLS[tool]]
    out = [_out(result)] if tool != "write" else []
    return s.Call("tool", tool, [*entries, *out], [], call.span, is_turn=True)


def _bind(node: s.Call, reply: s.Name, into: Lowering) -> None:
    """Bind the answer to the variable that the program names."""
    found = [arrow.paths[0] for arrow in node.arrows if not arrow.is_emit]
    for entry in node.entries:
        if entry.key == "output_var":
            value = entry.value
            found.append(value.name if isinstance(value, s.Name) else str(getattr(value, "value", "")))
    stated = next((entry.value for entry in node.entries if entry.key == "answer"), None)
    kind = STRING if stated is None else into.scope.shared.types.from_value(stated) or STRING
    for name in found[:1]:
        target, _ = into.scope.bind_target(name, kind)
        slot = n.Slot(into.scope.visible[reply.name], reply.name, ANY, node.span)
        into.code.add(Let(into.code.label("answer"), node.span, target, slot))


def _out(name: s.Name) -> s.Entry:
    return s.Entry("output_var", _text(name.name, name.span), name.span)


def _tools(entry: s.Entry, scope: Scope) -> list[str]:
    values = entry.value.items if isinstance(entry.value, s.Sequence) else [entry.value]
    found = []
    for value in values:
        name = value.name if isinstance(value, s.Name) else str(getattr(value, "value", ""))
        name = name.removeprefix("tool.")
        if isinstance(value, s.FieldRef):
            name = value.name
        if name in TOOLS:
            found.append(name)
        else:
            scope.report.unknown("E205", "tool for a model", name, TOOLS, value.span)
    return list(dict.fromkeys(found))


def _max_calls(entry: s.Entry | None, scope: Scope) -> int:
    if entry is None:
        return MAX_CALLS
    value = entry.value.value if isinstance(entry.value, s.Literal) else None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LIMIT:
        return value
    scope.report.add("E301", f"max_calls is a number of calls from 1 to {LIMIT}", entry.span)
    return MAX_CALLS


def _text(text: str, span: s.Span) -> s.Literal:
    return s.Literal(text, "", '"', span)
