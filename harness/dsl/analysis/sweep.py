"""Sweep: the parameters and the measurement of an engineering loop, lowered to one instruction."""

from __future__ import annotations

import math

from harness.dsl.analysis import calls, space
from harness.dsl.analysis.command import lower_command
from harness.dsl.analysis.expression import elaborate_condition
from harness.dsl.analysis.statements import Statements
from harness.dsl.ir import Measure, Parameter, Sweep, Target
from harness.dsl.language import syntax as s
from harness.dsl.types import FLOAT, INT, Field, Kind, Type

STRATEGIES = ("grid", "sample", "halving")
_MEASURE = ("cmd", "metric", "objective", "repeats", "timeout")
_OBJECTIVES = {"maximize": True, "minimize": False, "max": True, "min": False}


def lower_parameters(found: list[s.Parameter], tuning: list[s.Entries], into: Statements) -> tuple[Parameter, ...]:
    """Parameters with their slots; the module's tuning spaces are used if the loop declares no parameter."""
    scope = into.scope
    named = [(p.name, p.value, p.span) for p in found] or [
        (name.rpartition(".")[2], value, span)
        for entries in tuning
        if entries.keyword == "tuning_space"
        for name, value, span in space.flatten(entries)
    ]
    result: list[Parameter] = []
    for name, value, span in named:
        if any(parameter.name == name for parameter in result):
            scope.report.add("E202", f"parameter {name!r} is declared twice", span)
            continue
        values = space.list_values(value, scope, what=name)
        result.append(Parameter(name, scope.bind(name, space.type_of_values(values)), values))
    return tuple(result)


def lower_sweep(
    block: s.Entries, found: tuple[Parameter, ...], settings: dict[str, s.Setting], budget: int | None, into: Statements
) -> None:
    """Append the search as a separate step; its best point is bound to `best`."""
    scope, code = into.scope, into.code
    entries = {entry.key: entry for entry in block.entries if isinstance(entry, s.Entry)}
    for key, entry in entries.items():
        if key not in _MEASURE:
            scope.report.unknown("E206", "part of measure", key, _MEASURE, entry.span)
    for key in ("cmd", "metric"):
        if key not in entries:
            scope.report.add("E207", f"measure needs {key}", block.span)
    if not found:
        scope.report.add("E207", "an engineering loop without a parameter has nothing to search", into.unit.span)
    if "cmd" not in entries or "metric" not in entries or not found:
        return
    strategy, points = _strategy(settings, found, budget, into)
    metric, case = _metric(entries["metric"], into)
    with code.step("measure", "step", block.span):
        argv = lower_command(entries["cmd"].value, scope)
        where = settings.get("where")
        constraint = elaborate_condition(where.values[0], scope, what="`where`") if where is not None else None
        fields = [Field(p.name, scope.slots[p.slot].type) for p in found]
        fields += [Field(metric, FLOAT), Field("points", INT), Field("failed", INT)]
        out, _ = scope.bind_target("best", Type(Kind.RECORD, fields=tuple(fields)))
        timeout = entries.get("timeout")
        measure = Measure(
            command=argv,
            metric=metric,
            case=case,
            maximize=_objective(entries.get("objective"), into),
            repeats=_repeats(entries.get("repeats"), into),
            timeout_s=None if timeout is None else calls.parse_seconds(timeout.value, scope, what="timeout"),
        )
        emits = (case,) if case >= 0 else ()
        code.add(
            Sweep(
                code.label("sweep"),
                block.span,
                found,
                measure,
                strategy,
                points,
                Target(out.index, out.name),
                emits,
                constraint,
            )
        )


def _strategy(
    settings: dict[str, s.Setting], found: tuple[Parameter, ...], budget: int | None, into: Statements
) -> tuple[str, int | None]:
    scope, size = into.scope, math.prod(max(1, len(p.values)) for p in found)
    strategy, points = "grid", budget
    if "strategy" in settings:
        word = _word(settings["strategy"].values[0])
        if word not in STRATEGIES:
            scope.report.unknown("E301", "strategy", word, STRATEGIES, settings["strategy"].span)
        strategy = word
    if "points" in settings:
        value = settings["points"].values[0]
        count = value.value if isinstance(value, s.Literal) else None
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            scope.report.add("E301", "points is an integer from 1", value.span)
        else:
            points = count
    if strategy == "grid" and points is not None and points < size:
        note = f"the grid has {size} points; use `strategy: sample` or `halving`"
        scope.report.add("E403", f"a grid measures all points, not {points}", into.unit.span, note=note)
    if strategy != "grid" and points is None:
        scope.report.add("E207", f"strategy {strategy} needs `points: N`", settings["strategy"].span)
    if (size if strategy == "grid" or points is None else points) > space.MAX_POINTS:
        note = "use `strategy: sample` or `halving`, and `points`"
        scope.report.add("E403", f"{size} points exceed the maximum of {space.MAX_POINTS}", into.unit.span, note=note)
    return strategy, None if strategy == "grid" else points


def _metric(entry: s.Entry, into: Statements) -> tuple[str, int]:
    """The name of the metric and its case: the named case, or the only case with this field; -1 without one."""
    schema, scope = into.scope.shared.types.schema, into.scope
    name = _word(entry.value)
    head, _, field = name.rpartition(".")
    if head:
        case = schema.find(head)
        if case < 0:
            scope.report.unknown("E203", "case", head, [c.name for c in schema.cases], entry.span)
        elif schema.cases[case].slot(field) < 0:
            names = [f.name for f in schema.cases[case].fields]
            scope.report.unknown("E203", f"field of {schema.cases[case].name}", field, names, entry.span)
        return field, case
    having = [i for i, case in enumerate(schema.cases) if case.slot(name) >= 0]
    if len(having) > 1:
        both = " and ".join(schema.cases[i].name for i in having)
        scope.report.add("E203", f"{name} is a field of {both}", entry.span, note="write Variant.Case.name")
    return name, having[0] if len(having) == 1 else -1


def _word(node: s.Value) -> str:
    match node:
        case s.Name():
            return node.name
        case s.Literal():
            return str(node.value)
        case s.FieldRef():
            return f"{_word(node.base)}.{node.name}"
        case _:
            return ""


def _objective(entry: s.Entry | None, into: Statements) -> bool:
    if entry is None:
        note = "add `objective: maximize` or `objective: minimize`"
        into.scope.report.add("E207", "measure needs objective", into.unit.span, note=note)
        return True
    word = _word(entry.value)
    if word not in _OBJECTIVES:
        into.scope.report.unknown("E301", "objective", word, _OBJECTIVES, entry.span)
    return _OBJECTIVES.get(word, True)


def _repeats(entry: s.Entry | None, into: Statements) -> int:
    value = entry.value.value if entry is not None and isinstance(entry.value, s.Literal) else 1
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1_000:
        into.scope.report.add(
            "E301", "repeats is an integer from 1 to 1000", into.unit.span if entry is None else entry.span
        )
        return 1
    return value
