"""Rules: facts, rules, hints and invariants are lowered; conditions are separated from prose."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.slug import slug
from harness.dsl.analysis import space
from harness.dsl.analysis.expression import elaborate, elaborate_condition, fit
from harness.dsl.analysis.scope import Scope, Shared
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import Choice, Fact, Invariant, Rule
from harness.dsl.language import syntax as s
from harness.dsl.language.printer import print_value
from harness.dsl.types import Kind

_CONDITIONS = ("when", "trigger")
_SUGGESTIONS = ("apply", "suggestion", "optimize", "recommend", "then")
_RULE = (
    *_CONDITIONS,
    *_SUGGESTIONS,
    "effect",
    "constraint",
    "description",
    "reason",
    "evidence",
    "confidence",
    "verification",
)
_ASSERTIONS = ("assert", "constraint", "require")
_INVARIANT = (*_ASSERTIONS, "description", "reason", "evidence", "verification", "when")


def lower_fact(node: s.FactDeclaration, shared: Shared) -> Fact:
    """Lower a fact with its body."""
    scope = Scope(shared, open_facts=[node.label.text])
    case, over_all = -1, False
    if len(node.parameters) != 1:
        message = f"fact {node.label.text!r} takes one item or a list of items, not {len(node.parameters)}"
        shared.report.add("E301", message, node.label.span)
    for parameter in node.parameters:
        kind = shared.types.of(parameter.type)
        over_all = kind.kind is Kind.LIST
        item = kind.of if over_all and kind.of is not None else kind
        case = item.case
        if item.kind is not Kind.ITEM and item.kind is not Kind.ANY:
            note = "as in `t: TraceItem.Performance`, or `ts: [TraceItem.Performance]` for all of them"
            shared.report.add(
                "E301", f"the parameter of a fact is a case of the trace, not {kind}", parameter.span, note=note
            )
        scope.bind(parameter.name, kind)
    lets = []
    for let in node.lets:
        value = elaborate(let.value, scope)
        kind = value.type
        if let.type is not None:
            kind = shared.types.of(let.type)
            value = fit(value, kind, scope, what=let.name)
        lets.append((scope.bind(let.name, kind), value))
    result = elaborate_condition(node.result, scope, what="what a fact returns")
    return Fact(node.label.text, case, over_all, tuple(scope.slots), tuple(lets), result, node.span)


def lower_rule(node: s.Entries, shared: Shared) -> Rule:
    """Lower a rule or hint."""
    facts: list[int] = []
    prose: list[str] = []
    name = node.label.text if node.label else ""
    for entry in _entries(node, _RULE, shared):
        if entry.key in _CONDITIONS:
            for value in _flat(entry.value):
                _condition(value, facts, prose, shared)
    if not facts and not prose:
        shared.report.add("W508", f"{node.keyword} {name!r} does not state when it applies", node.span)
    suggestion = "; ".join(_strings(node, _SUGGESTIONS))
    if not suggestion:
        shared.report.add("W508", f"{node.keyword} {name!r} suggests nothing", node.span)
    effect = "; ".join(_strings(node, ("effect",)))
    if effect:
        suggestion = f"{suggestion} ({effect})"
    choices = tuple(_list_parameters(node, Scope(shared)))
    return Rule(node.keyword, name, tuple(dict.fromkeys(facts)), tuple(prose), suggestion, node.span, choices)


def lower_invariant(node: s.Entries, shared: Shared) -> Invariant:
    """Lower an invariant: conditions that are evaluated, and prose that is only shown."""
    scope = Scope(shared)
    name = node.label.text if node.label else ""
    choices = tuple(_list_parameters(node, scope))
    conditions: list[n.Expr] = []
    prose: list[str] = []
    for entry in _entries(node, _INVARIANT, shared):
        for value in _flat(entry.value):
            if _is_prose(value):
                prose.append(text_of(value))
            elif entry.key in _ASSERTIONS:
                conditions.append(elaborate_condition(value, scope, what=f"`{entry.key}`"))
    if not conditions and not prose and not choices:
        shared.report.add("W508", f"invariant {name!r} states nothing", node.span)
    cases = tuple(sorted(_cases(conditions, shared)))
    if conditions and not cases and not choices:
        note = "use `trace(Variant.Case)` or a fact, or declare a `parameter`"
        shared.report.add("W509", f"invariant {name!r} refers to nothing that changes", node.span, note=note)
    return Invariant(name, slug(name), tuple(conditions), tuple(prose), node.span, cases, tuple(scope.slots), choices)


def list_choices(entries: s.Entries, shared: Shared) -> Iterator[Choice]:
    """The axes of a design or tuning space."""
    scope = Scope(shared)
    for name, value, span in space.flatten(entries):
        yield Choice(name, space.list_values(value, scope, what=name), span)


def _list_parameters(node: s.Entries, scope: Scope) -> Iterator[Choice]:
    for entry in node.entries:
        if isinstance(entry, s.Parameter):
            values = space.list_values(entry.value, scope, what=entry.name)
            yield Choice(entry.name, values, entry.span, scope.bind(entry.name, space.type_of_values(values)))


def _entries(node: s.Entries, known: tuple[str, ...], shared: Shared) -> Iterator[s.Entry]:
    for entry in node.entries:
        if not isinstance(entry, s.Entry):
            continue
        if entry.key not in known and not shared.report.misspelt(
            "E206", f"part of {node.keyword}", entry.key, known, entry.span
        ):
            shared.describe(f"{entry.key} of {node.keyword} {node.label.text if node.label else ''}", entry)
        yield entry


def _condition(node: s.Value, facts: list[int], prose: list[str], shared: Shared) -> None:
    """Sort a condition into facts (bare or quoted names, joined with `&&`) and prose."""
    if isinstance(node, s.Infix) and node.op == "&&":
        _condition(node.left, facts, prose, shared)
        _condition(node.right, facts, prose, shared)
        return
    if isinstance(node, s.Name) or (isinstance(node, s.Literal) and isinstance(node.value, str)):
        name = node.name if isinstance(node, s.Name) else str(node.value)
        if name in shared.facts:
            shared.used.add(name)
            facts.append(shared.facts[name])
        elif isinstance(node, s.Name):
            shared.report.unknown("E201", "fact", name, shared.facts, node.span)
        else:
            if name.isidentifier() and name in shared.names.records:
                shared.used.add(name)
            elif name.isidentifier():
                shared.report.add("W503", f"unknown fact {name!r}; prose never fires", node.span)
            prose.append(name)
        return
    note = "declare the condition as a fact, and name the fact here"
    shared.report.add("E301", "the condition of a rule is a fact or a string", node.span, note=note)


def _flat(node: s.Value) -> list[s.Value]:
    return node.items if isinstance(node, s.Sequence) else [node]


def _is_prose(node: s.Value) -> bool:
    return isinstance(node, s.Literal)


def text_of(node: s.Value) -> str:
    """A string as it is, and any other value as it is written."""
    return str(node.value) if isinstance(node, s.Literal) and isinstance(node.value, str) else print_value(node)


def _strings(node: s.Entries, keys: tuple[str, ...]) -> list[str]:
    entries = [entry for entry in node.entries if isinstance(entry, s.Entry) and entry.key in keys]
    return [text_of(value) for entry in entries for value in _flat(entry.value)]


def _cases(conditions: list[n.Expr], shared: Shared) -> set[int]:
    """The cases that conditions refer to, directly or through a fact."""
    found: set[int] = set()
    stack: list[object] = list(conditions)
    while stack:
        node = stack.pop()
        if isinstance(node, n.ItemsOf):
            found.add(node.case)
        elif isinstance(node, n.Verdict):
            declared = shared.names.facts[node.name]
            for parameter in declared.parameters:
                kind = shared.types.of(parameter.type)
                found.add((kind.of or kind).case)
        elif isinstance(node, tuple):
            stack.extend(node)
        else:
            stack.extend(n.parts(node))
    return {case for case in found if case >= 0}
