"""Dimensions: operands are converted to a common unit; incompatible units are a diagnostic."""

from __future__ import annotations

from harness.dsl.analysis.scope import Scope
from harness.dsl.expressions import nodes as n
from harness.dsl.language.diagnostic import Span
from harness.dsl.types import NO_DIMENSION, Dimension, Kind, Type, Unit

_BASE_NAMES = ("s", "B", "FLOP")


def unify_units(op: str, left: n.Expr, right: n.Expr, scope: Scope, span: Span) -> tuple[n.Expr, n.Expr, Unit | None]:
    """Both operands in compatible units, and the unit of the result.

    Sums and comparisons need equal dimensions; a number without a unit can only multiply or divide one with a unit.
    """
    a, b = left.type.unit, right.type.unit
    if a is None and b is None:
        return left, right, None
    if op in ("*", "/"):
        sign = 1 if op == "*" else -1
        dimension = tuple(x + sign * y for x, y in zip(_dimension(a), _dimension(b), strict=True))
        return convert_to_base(left), convert_to_base(right), _unit(dimension)  # type: ignore[arg-type]
    if a is not None and b is not None and a.name == b.name:
        return left, right, a
    if _dimension(a) != _dimension(b):
        message = f"`{op}` of {_unit_name(a)} and {_unit_name(b)}"
        note = "add the unit of the number, or divide by one" if a is None or b is None else ""
        scope.report.add("E302", message, span, note=note)
        return left, right, None
    return convert_to_base(left), convert_to_base(right), _unit(_dimension(a))


def convert_to_base(node: n.Expr) -> n.Expr:
    """A number converted to base units."""
    unit = node.type.unit
    if unit is None:
        return node
    kind = Type(Kind.FLOAT, unit=_unit(unit.dimension))
    if isinstance(node, n.Const):
        return n.Const(node.value * unit.factor, kind, node.span)
    return node if unit.factor == 1.0 else n.Scale(node, unit.factor, kind, node.span)


def widen(node: n.Expr, wanted: Type) -> n.Expr:
    """Convert an integer to a float where a float is expected: a value of type float is always a float."""
    if wanted.kind is not Kind.FLOAT or node.type.kind is not Kind.INT:
        return node
    kind = Type(Kind.FLOAT, unit=node.type.unit)
    if isinstance(node, n.Const):
        return n.Const(float(node.value), kind, node.span)
    return n.Scale(node, 1.0, kind, node.span)


def convert_unit(node: n.Expr, wanted: Type, scope: Scope, *, what: str) -> n.Expr:
    """A number converted to the expected unit."""
    node = widen(node, wanted)
    a, b = node.type.unit, wanted.unit
    if b is None or a is None or a.name == b.name:
        return node
    if a.dimension != b.dimension:
        scope.report.add("E302", f"{what} is in {b.name}, not in {_unit_name(a)}", node.span)
        return node
    factor = a.factor / b.factor
    if isinstance(node, n.Const):
        return n.Const(node.value * factor, wanted, node.span)
    return n.Scale(node, factor, wanted, node.span)


def _dimension(unit: Unit | None) -> Dimension:
    return NO_DIMENSION if unit is None else unit.dimension


def _unit(dimension: Dimension) -> Unit | None:
    if dimension == NO_DIMENSION:
        return None
    over = [f"{name}{'' if e == 1 else e}" for name, e in zip(_BASE_NAMES, dimension, strict=True) if e > 0]
    under = [f"{name}{'' if e == -1 else -e}" for name, e in zip(_BASE_NAMES, dimension, strict=True) if e < 0]
    return Unit("/".join(["*".join(over) or "1", *under]), 1.0, dimension)


def _unit_name(unit: Unit | None) -> str:
    return "a number without a unit" if unit is None else unit.name
