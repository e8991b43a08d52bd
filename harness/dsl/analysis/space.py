"""Space: the list of values of a parameter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.dsl.analysis.scope import Scope
from harness.dsl.language import syntax as s
from harness.dsl.types import BOOL, FLOAT, INT, STRING, Type

MAX_VALUES = 10_000
MAX_POINTS = 100_000  # maximum number of points of one search; a larger space needs `points`


def flatten(entries: s.Entries) -> Iterator[tuple[str, s.Value, s.Span]]:
    """Name, value and span of each axis of a space; an axis of an inner block is `outer.inner`."""
    for entry in entries.entries:
        if isinstance(entry, s.Entry):
            yield from _flatten(entry.key, entry.value, entry.span)


def _flatten(name: str, value: s.Value, span: s.Span) -> Iterator[tuple[str, s.Value, s.Span]]:
    if not isinstance(value, s.Record):
        yield name, value, span
        return
    for key, inner in value.pairs:
        yield from _flatten(f"{name}.{key}", inner, span)


def list_values(node: s.Value, scope: Scope, *, what: str) -> tuple[Any, ...]:
    """The values of a parameter, in order: a list, `low..high`, `range [low, high, step]`, or a single one."""
    match node:
        case s.Range():
            found = _range([node.low, node.high], node.span, scope)
        case s.Subscript(base=s.Name(name="range")):
            found = _range(node.arguments, node.span, scope)
        case s.Function(name="range"):
            found = _range([a for a in node.arguments if not isinstance(a, s.Each)], node.span, scope)
        case s.Sequence():
            found = [evaluate_constant(item, scope, what=what) for item in node.items]
        case s.Alternatives():
            found = [evaluate_constant(option, scope, what=what) for option in node.options]
        case _:
            found = [evaluate_constant(node, scope, what=what)]
    known = [value for value in found if value is not None]
    if not known:
        scope.report.add("E403", f"{what} has no value to try", node.span)
    for number, value in enumerate(known):
        if any(type(value) is type(other) and value == other for other in known[:number][-500:]):
            scope.report.add("E202", f"{what} has the value {value} twice", node.span)
            break
    return _one_kind(known, node, scope, what=what)


def type_of_values(found: tuple[Any, ...]) -> Type:
    """The type of a parameter with these values."""
    first = found[0] if found else 0
    if isinstance(first, bool):
        return BOOL
    return STRING if isinstance(first, str) else INT if isinstance(first, int) else FLOAT


def evaluate_constant(node: s.Value, scope: Scope, *, what: str) -> Any:
    """The value of a literal or constant; None, with a diagnostic, for anything else."""
    if isinstance(node, s.Prefix) and node.op == "-" and isinstance(node.operand, s.Literal):
        inner = node.operand.value
        if isinstance(inner, int | float) and not isinstance(inner, bool):
            return -inner
    if isinstance(node, s.Literal):
        return node.value
    if isinstance(node, s.Name):
        known = scope.shared.constants.get(node.name)
        if known is not None:
            scope.shared.used.add(node.name)
            return known.value
        return node.name  # a bare word is a string
    scope.report.add("E301", f"a value of {what} is a number, a string or a boolean", node.span)
    return None


def _range(ends: list[s.Expression], span: s.Span, scope: Scope) -> list[Any]:
    numbers = [evaluate_constant(end, scope, what="a range") for end in ends]
    if not 2 <= len(numbers) <= 3 or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers):
        scope.report.add("E301", "a range is `low..high`, or `range [low, high, step]`, of numbers", span)
        return []
    low, high, step = (*numbers, 1)[:3]
    if step <= 0 or high < low:
        scope.report.add("E301", "a range needs low <= high and a positive step", span)
        return []
    if (high - low) / step >= MAX_VALUES:
        scope.report.add("E403", f"a range of more than {MAX_VALUES} values", span, note="add a step")
        return []
    count = int((high - low) / step + 1e-9) + 1
    return [low + step * index for index in range(count)]


def _one_kind(known: list[Any], node: s.Value, scope: Scope, *, what: str) -> tuple[Any, ...]:
    kinds = {type(value) for value in known}
    if kinds == {int, float}:
        return tuple(float(value) for value in known)
    if len(kinds) > 1:
        scope.report.add("E301", f"the values of {what} have different types", node.span)
    return tuple(known)
