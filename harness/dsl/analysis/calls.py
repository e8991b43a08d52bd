"""Calls: `tool.run { … }`, `llm.query { … }` and `human.ask { … }`, lowered to effects."""

from __future__ import annotations

from harness.dsl.analysis.command import lower_command
from harness.dsl.analysis.expression import accepts, elaborate, fit
from harness.dsl.analysis.functions import check_pattern
from harness.dsl.analysis.scope import Scope
from harness.dsl.analysis.signature import COMPARISONS, MODIFIERS, QUERIES, Signature
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import Answerer, Comparison, Effect, Retry, Semantics, Target
from harness.dsl.language import syntax as s
from harness.dsl.types import BOOL, INT, STRING, UNITS, Kind, Type

_FAULTS = ("wrong", "forbidden", "timeout", "crash", "memory", "output", "protocol")
_ALIASES = {"prompt_template": "prompt"}
Signatures = dict[str, Signature]


def lower_effect(
    call: s.Call, label: str, scope: Scope, tools: Signatures, *, check: str | None = None, forbid_queries: str = ""
) -> Effect | None:
    """The effect of a call; None, with a diagnostic, if the call is unknown.

    Args:
        scope: Visible names; the call's `output_var` is added.
        tools: Signatures of tools, in addition to the queries.
        check: Name of the check whose subject the call is, or None.
        forbid_queries: The kind of loop, if it must not ask a model or a person.
    """
    found = _signature(call, scope, tools)
    if found is None:
        return None
    who, signature = found
    if who is not Answerer.TOOL and forbid_queries:
        note = "agent loops reason, service loops react, engineering loops search: deterministically"
        scope.report.add("E401", f"{call.actor}.{call.operation} in a {forbid_queries}", call.span, note=note)
    entries = _entries(call, scope)
    compare = _comparison(call, entries, scope, signature) if check is not None else None
    arguments = _arguments(call, entries, signature, scope, is_check=check is not None)
    answer = _answer(call, entries, signature, scope, who)
    emits = _emits(call, entries, scope, signature)
    timeout = _seconds(entries.get("timeout"), scope)
    held = None
    if check is not None:
        held = Target(scope.bind(f"check {check}", BOOL), f"check {check}")
    return Effect(
        label=label,
        span=call.span,
        who=who,
        name=call.operation,
        arguments=arguments,
        out=_out(call, entries, answer, scope, signature),
        answer=answer,
        emits=emits,
        semantics=_semantics(entries.get("semantics"), signature.semantics, scope),
        retry=_retry(entries.get("retry"), scope, entries.get("retries")),
        compare=compare,
        timeout_s=timeout,
        held=held,
        catches=call.is_turn and who is Answerer.TOOL,
    )


def _signature(call: s.Call, scope: Scope, tools: Signatures) -> tuple[Answerer, Signature] | None:
    full = f"{call.actor}.{call.operation}"
    if full in QUERIES:
        return (Answerer.LLM if call.actor == "llm" else Answerer.HUMAN), QUERIES[full]
    if call.actor == "tool" and call.operation in tools:
        return Answerer.TOOL, tools[call.operation]
    known = [*QUERIES, *(f"tool.{name}" for name in tools)]
    scope.report.unknown("E205", "call", full, known, (call.span[0], call.span[0] + len(full)))
    return None


def _entries(call: s.Call, scope: Scope) -> dict[str, s.Entry]:
    found: dict[str, s.Entry] = {}
    for entry in call.entries:
        key = _ALIASES.get(entry.key, entry.key)
        if key in found:
            scope.report.add("E202", f"{entry.key} is given twice", entry.span)
        found.setdefault(key, entry)
    return found


def _arguments(
    call: s.Call, entries: dict[str, s.Entry], signature: Signature, scope: Scope, *, is_check: bool
) -> tuple[tuple[str, n.Expr], ...]:
    name = f"{call.actor}.{call.operation}"
    wanted = {**signature.required, **signature.optional}
    arguments = []
    for key, entry in entries.items():
        if key in MODIFIERS or key in COMPARISONS:
            if key in COMPARISONS and not is_check:
                scope.report.add("E206", f"{key} belongs to a check", entry.span)
            continue
        if key == "by" and key in wanted and isinstance(entry.value, s.Name):
            word = n.Const(entry.value.name, STRING, entry.value.span)
            arguments.append((key, fit(word, wanted[key], scope, what=key)))
        elif key == "cmd" and key in wanted:
            arguments.append((key, lower_command(entry.value, scope)))
        elif key in wanted:
            arguments.append((key, fit(elaborate(entry.value, scope), wanted[key], scope, what=key)))
        elif signature.any_parameter:
            arguments.append((key, elaborate(entry.value, scope)))
        else:
            scope.report.unknown("E206", f"parameter of {name}", entry.key, [*wanted, *MODIFIERS], entry.span)
    if name == "tool.write" and "content" not in entries:
        span = (call.span[0], call.span[0] + len(name))
        scope.report.add("W511", "tool.write without content keeps the file, or makes an empty one", span)
    if "tools" in entries and not call.is_turn:
        scope.report.add("E206", "a model calls tools in a step of an agent loop or task, not in a check", call.span)
    for key in signature.required:
        if key not in entries:
            span = (call.span[0], call.span[0] + len(name))
            scope.report.add("E207", f"{name} needs {key}", span)
    return tuple(arguments)


def _comparison(call: s.Call, entries: dict[str, s.Entry], scope: Scope, signature: Signature) -> Comparison | None:
    found = [key for key in entries if key in COMPARISONS]
    if not signature.has_result:
        scope.report.add("E207", f"{call.actor}.{call.operation} has no result a check could compare", call.span)
        return None
    if len(found) > 1:
        scope.report.add("E206", f"a check has one comparison, not {' and '.join(found)}", entries[found[1]].span)
    if not found:
        note = f"add one of {', '.join(COMPARISONS)}"
        scope.report.add("W505", "this check passes whenever its call succeeds", call.span, note=note)
        return None
    key = found[0]
    expected = elaborate(entries[key].value, scope)
    if key == "matches":
        check_pattern(expected, scope)
    elif COMPARISONS[key] in ("<", "<=", ">", ">=") and expected.type.kind not in (Kind.INT, Kind.FLOAT, Kind.ANY):
        scope.report.add("E301", f"{key} needs a number, not {expected.type}", expected.span)
    return Comparison(COMPARISONS[key], expected)


def _answer(call: s.Call, entries: dict[str, s.Entry], signature: Signature, scope: Scope, who: Answerer) -> Type:
    entry = entries.get("answer")
    if entry is None:
        numbers = [e.value for key in ("low", "high") if (e := entries.get(key)) is not None]
        whole = len(numbers) == 2 and all(isinstance(v, s.Literal) and isinstance(v.value, int) for v in numbers)
        return INT if call.operation == "random" and whole else signature.result
    if who is Answerer.TOOL:
        scope.report.add("E206", "only a question has `answer`", entry.span)
        return signature.result
    kind = scope.shared.types.from_value(entry.value)
    if kind is None:
        note = 'as in `answer: boolean`, `answer: "yes" | "no"`, `answer: [string]`, `answer: {x: float}`'
        scope.report.add("E301", "this is not a type", entry.value.span, note=note)
        return STRING
    return kind


def _out(call: s.Call, entries: dict[str, s.Entry], answer: Type, scope: Scope, signature: Signature) -> Target | None:
    names = [(arrow.paths[0], arrow.span) for arrow in call.arrows if not arrow.is_emit]
    entry = entries.get("output_var")
    if entry is not None:
        if isinstance(entry.value, s.Name):
            names.insert(0, (entry.value.name, entry.span))
        elif isinstance(entry.value, s.Literal) and isinstance(entry.value.value, str):
            names.insert(0, (entry.value.value, entry.span))
        else:
            scope.report.add("E206", "output_var is a name", entry.span)
    if not names:
        return None
    name, span = names[0]
    if len(names) > 1:
        scope.report.add("E202", f"the result is bound to {name}, it cannot be bound to {names[1][0]} too", names[1][1])
    if not signature.has_result:
        scope.report.add("E206", f"{call.actor}.{call.operation} has no result", span)
    target, kind = scope.bind_target(name, answer)
    if not accepts(kind, answer):
        scope.report.add("E301", f"{name} is {kind}, but the result is {answer}", span)
    return target


def _emits(call: s.Call, entries: dict[str, s.Entry], scope: Scope, signature: Signature) -> tuple[int, ...]:
    paths = [(path, arrow.span) for arrow in call.arrows if arrow.is_emit for path in arrow.paths]
    schema, found = scope.shared.types.schema, []
    for path, span in paths:
        case = schema.find(path)
        if case < 0:
            scope.report.unknown("E203", "case", path, [c.name for c in schema.cases], span)
        found.append(case)
    if paths and not signature.traces:
        scope.report.add("E206", f"{call.actor}.{call.operation} reports no trace items", paths[0][1])
    if "emits" in entries:
        scope.report.add("E206", "write `-> emit Variant.Case` after the call", entries["emits"].span)
    return tuple(dict.fromkeys(case for case in found if case >= 0))


def _seconds(entry: s.Entry | None, scope: Scope) -> float | None:
    return None if entry is None else parse_seconds(entry.value, scope, what=entry.key)


def parse_seconds(node: s.Value, scope: Scope, *, what: str) -> float | None:
    """A constant duration in seconds: `30`, `1.5min`; None, with a diagnostic, for anything else."""
    value = node.value if isinstance(node, s.Literal) else None
    unit = UNITS.get(node.unit) if isinstance(node, s.Literal) and node.unit else None
    timed = unit is None or unit.dimension == (1, 0, 0)
    if isinstance(value, str | bool | None) or value <= 0 or not timed:
        scope.report.add("E301", f"{what} is a positive duration, such as 30s", node.span)
        return None
    return float(value) * (unit.factor if unit else 1.0)


def _semantics(entry: s.Entry | None, default: Semantics, scope: Scope) -> Semantics:
    if entry is None:
        return default
    word = entry.value.name if isinstance(entry.value, s.Name) else None
    word = entry.value.value if isinstance(entry.value, s.Literal) else word  # type: ignore[assignment]
    if word not in tuple(Semantics):
        scope.report.unknown("E301", "semantics", str(word), [str(x) for x in Semantics], entry.span)
        return default
    return Semantics(str(word))


def _retry(entry: s.Entry | None, scope: Scope, retries: s.Entry | None) -> Retry:
    if retries is not None:
        number = retries.value.value if isinstance(retries.value, s.Literal) else None
        if entry is not None:
            scope.report.add("E202", "retry and retries say the same: keep one of them", retries.span)
        elif type(number) is int and 0 <= number < 100:
            return Retry(number + 1)
        else:
            scope.report.add("E301", "retries is a number of further tries from 0 to 99", retries.span)
    if entry is None:
        return Retry()
    value = entry.value
    pairs = dict(value.pairs) if isinstance(value, s.Record) else {"attempts": value}
    for key in pairs:
        if key not in ("attempts", "backoff", "on"):
            scope.report.unknown("E206", "part of retry", key, ("attempts", "backoff", "on"), entry.span)
    attempts = _count(pairs.get("attempts"), scope, entry)
    backoff = parse_seconds(pairs["backoff"], scope, what="backoff") if "backoff" in pairs else None
    on: list[str] = []
    listed = pairs.get("on")
    for item in listed.items if isinstance(listed, s.Sequence) else []:
        word = item.value if isinstance(item, s.Literal) else getattr(item, "name", "")
        if word not in _FAULTS:
            scope.report.unknown("E301", "fault", str(word), _FAULTS, item.span)
        on.append(str(word))
    return Retry(attempts, backoff or 0.0, tuple(on))


def _count(node: s.Value | None, scope: Scope, entry: s.Entry) -> int:
    value = node.value if isinstance(node, s.Literal) else None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 100:
        return value
    scope.report.add(
        "E301", "retry is a number of attempts from 1 to 100", entry.span, note="or {attempts: 3, backoff: 1s}"
    )
    return 1
