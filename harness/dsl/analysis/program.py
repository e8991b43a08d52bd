"""Program: a whole module is checked and lowered."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from harness.core.errors import UsageError
from harness.core.nearest import nearest
from harness.dsl.analysis import rules
from harness.dsl.analysis.build import promised_artifacts, run_units
from harness.dsl.analysis.diagnostics import Report
from harness.dsl.analysis.expression import elaborate, fit
from harness.dsl.analysis.names import Names, collect_names
from harness.dsl.analysis.scope import Scope, Shared
from harness.dsl.analysis.signature import TOOLS, Signature
from harness.dsl.analysis.type_expressions import Types
from harness.dsl.analysis.unit import UnitAnalysis
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import Choice, Program, Unit, Variable
from harness.dsl.language import syntax as s
from harness.dsl.types import ANY, STRING, Kind

_MAIN = ("task", "agent_loop", "engineering_loop", "service_loop")
"""Kinds of units that a run starts with, in order of preference."""


def analyse(
    module: s.Module,
    text: str,
    *,
    path: str,
    inputs: Iterable[str] = (),
    tools: Mapping[str, Signature] | None = None,
    entry: str = "",
) -> tuple[Program, Report]:
    """The program of a module and its diagnostics; it can only run if none of them is an error.

    Args:
        path: Name of the file, for messages.
        inputs: Names that the caller provides and the program does not declare.
        entry: Name of the unit that a run starts with; by default a task or loop that no other unit runs.

    Raises:
        UsageError: if no unit has the name `entry`.
    """
    report = Report()
    names = collect_names(module, report)
    shared = Shared(names, report, Types(names, report))
    _constants(names, shared)
    _state(names, shared, tuple(inputs))
    shared.facts = {name: index for index, name in enumerate(names.facts)}
    facts = tuple(rules.lower_fact(node, shared) for node in names.facts.values())
    fired = tuple(rules.lower_rule(node, shared) for node in names.rules)
    invariants = tuple(rules.lower_invariant(node, shared) for node in names.invariants)
    _report_duplicates([*names.rules, *names.invariants], report)
    analyses = _units(names, shared, {**TOOLS, **(tools or {})}, text)
    main = _find_entry_unit(names, entry, path)
    artifacts = promised_artifacts(names, report)
    made = [analysis.lower(last=artifacts if number == main else ()) for number, analysis in enumerate(analyses)]
    units = [analysis.finish(made) for analysis in analyses]
    _report_recursion(units, [analysis.runs for analysis in analyses], report)
    _report_unused(names, shared)
    choices = [choice for entries in names.spaces for choice in rules.list_choices(entries, shared)]
    program = Program(
        name=names.name,
        path=path,
        source=text,
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        schema=shared.types.schema,
        state=tuple(shared.state),
        facts=facts,
        rules=fired,
        invariants=invariants,
        units=tuple(units),
        main=main,
        prose=tuple(_prose(names)),
        choices=(*choices, *_parameters(names, shared)),
        mocks=tuple(_mocks(names, shared, {**TOOLS, **(tools or {})})),
        described=tuple(sorted(_described(names, shared), key=lambda found: found[2])),
    )
    report.diagnostics.sort(key=lambda found: (found.span, found.code))
    return program, report


def _constants(names: Names, shared: Shared) -> None:
    scope = Scope(shared)
    for node in names.constants.values():
        value = elaborate(node.value, scope) if node.value is not None else None
        if not isinstance(value, n.Const):
            value = _fold_constant(value)
        if value is None:
            shared.report.add(
                "E301", f"constant {node.name} must be a literal or an expression of constants", node.span
            )
            continue
        kind = value.type
        if node.type is not None:
            kind = shared.types.of(node.type)
            if kind.unit is not None and value.type.unit is None and not isinstance(value.value, str):
                value = n.Const(float(value.value), kind, value.span)
            fitted = fit(value, kind, scope, what=node.name)
            value = fitted if isinstance(fitted, n.Const) else value
        shared.constants[node.name] = n.Const(value.value, kind if node.type is not None else value.type, node.span)


def _fold_constant(node: n.Expr | None) -> n.Const | None:
    """The value of a constant expression; None if it is not constant."""
    from harness.dsl.expressions.walker import evaluate
    from harness.dsl.facts.trace import Trace
    from harness.dsl.values import Undefined

    if node is None or not isinstance(node, n.Binary | n.Unary | n.ListOf | n.Scale | n.Call | n.Aggregate):
        return None
    try:
        value = evaluate(node, n.Frame([Undefined("not a constant")] * n.slots_of(node), [], Trace(0), []))
    except LookupError:
        return None  # the expression refers to something that is not constant
    return None if isinstance(value, Undefined) else n.Const(value, node.type, node.span)


def _state(names: Names, shared: Shared, inputs: Iterable[str]) -> None:
    scope = Scope(shared)
    for node in names.states.values():
        kind = shared.types.of(node.type) if node.type is not None else ANY
        initial = None
        if node.value is not None:
            initial = fit(elaborate(node.value, scope), kind, scope, what=node.name)
        elif kind.kind is Kind.ENUM and len(kind.options) == 1:
            initial, kind = n.Const(kind.options[0], STRING, node.span), STRING  # the string is its first value
        elif isinstance(node.type, s.DefaultType):
            initial = fit(elaborate(node.type.value, scope), kind, scope, what=node.name)
        elif kind.kind is Kind.ENUM and node.keyword == "state" and node.name not in inputs:
            note = f'write `= "{kind.options[0]}"` after its type'
            shared.report.add("E207", f"state {node.name} has no first value", node.span, note=note)
        shared.state.append(Variable(node.name, kind, initial, node.keyword == "input"))
    for name in inputs:
        if shared.state_index(name) < 0:
            shared.state.append(Variable(name, ANY, None, is_input=True))


def _units(names: Names, shared: Shared, tools: dict[str, Signature], text: str) -> list[UnitAnalysis]:
    events = {
        statement.event.text: statement
        for unit in names.units.values()
        for statement in unit.body
        if isinstance(statement, s.On)
    }
    index = {name: number for number, name in enumerate(names.units)}
    labels: Counter[str] = Counter()
    return [
        UnitAnalysis(unit, shared, tools=tools, units=index, events=events, labels=labels, source=text)
        for unit in names.units.values()
    ]


def _report_duplicates(entries: list[s.Entries], report: Report) -> None:
    seen: dict[tuple[str, str], s.Entries] = {}
    for node in entries:
        name = node.label.text if node.label else ""
        first = seen.setdefault((node.keyword, name), node)
        if first is not node:
            code = "W502" if first == node else "E405"
            report.add(code, f"{node.keyword} {name!r} is declared twice", node.span)


def _report_recursion(units: list[Unit], runs: list[list[int]], report: Report) -> None:
    """Report units that run themselves, directly or indirectly: their budgets could not bound them."""
    done: set[int] = set()

    def walk(unit: int, path: list[int]) -> None:
        if unit in path:
            names = " -> ".join(units[index].name for index in [*path[path.index(unit) :], unit])
            report.add("E410", f"a unit runs itself: {names}", units[unit].span)
            return
        if unit in done or len(path) > 64:
            return
        for other in runs[unit]:
            walk(other, [*path, unit])
        done.add(unit)

    for number in range(len(units)):
        walk(number, [])


def _find_entry_unit(names: Names, entry: str, path: str) -> int:
    units = list(names.units)
    if entry:
        if entry not in units:
            # The caller's argument is wrong, not the program: this is not a diagnostic.
            fix = f"one of {', '.join(units)}" if units else "the program has no units"
            raise UsageError(f"unknown task or loop {entry!r}{nearest(entry, units)}", where=path, fix=fix)
        return units.index(entry)
    called = {name for unit in names.units.values() for name in run_units(unit.body)}
    for kind in _MAIN:
        free = [name for name, unit in names.units.items() if unit.keyword == kind and name not in called]
        if free:
            return units.index(free[0])
    return 0 if units else -1


def _report_unused(names: Names, shared: Shared) -> None:
    for name, node in names.facts.items():
        if name not in shared.used:
            note = "name it in a rule, a hint, a condition or `expect`"
            shared.report.add("W501", f"fact {name!r} is never used", node.label.span, note=note)
    for name, constant in names.constants.items():
        if name not in shared.used:
            shared.report.add("W501", f"constant {name!r} is never used", constant.span)


def _prose(names: Names) -> Iterable[tuple[str, str]]:
    for model in names.models:
        for entry in model.entries:
            if isinstance(entry, s.Entry):
                yield entry.key, rules.text_of(entry.value)
    for node in (*names.rules, *names.invariants):
        for part in node.entries:
            if isinstance(part, s.Entry) and part.key not in ("when", "trigger"):
                for value in part.value.items if isinstance(part.value, s.Sequence) else [part.value]:
                    if isinstance(value, s.Literal) and isinstance(value.value, str):
                        yield f"{node.keyword} {node.label.text if node.label else ''}".strip(), value.value


def _mocks(names: Names, shared: Shared, tools: Mapping[str, Signature]) -> Iterable[tuple[str, str, str]]:
    for mock in names.mocks:
        if mock.tool not in tools:
            shared.report.unknown("E205", "tool", mock.tool, tools, mock.span)
        yield mock.tool, mock.request, str(mock.result.value)


def _described(names: Names, shared: Shared) -> Iterable[tuple[str, str, s.Span]]:
    yield from shared.described
    for entry in names.notes:
        yield entry.key, rules.text_of(entry.value), entry.span
    for block in names.descriptions:
        yield f"{block.head} {block.label}".strip(), block.text, block.span


def _parameters(names: Names, shared: Shared) -> Iterable[Choice]:
    """Parameters of engineering loops: they are choices of a plan, as its spaces are."""
    from harness.dsl.analysis import space

    scope = Scope(shared)
    for unit in names.units.values():
        for statement in unit.body:
            if isinstance(statement, s.Parameter):
                yield Choice(
                    statement.name, space.list_values(statement.value, scope, what=statement.name), statement.span
                )
