"""Check builder: turns the `validate` of a field into `Checks`."""

from __future__ import annotations

import math
from typing import Any

from harness.grammar.language.evaluation import as_bytes
from harness.grammar.language.expression import ArrayOf, Expr, Literal, Name
from harness.grammar.language.finding import Key, Report
from harness.grammar.language.grammar import Checks, Constant
from harness.grammar.language.primitive import Kind, Primitive
from harness.grammar.language.raw_values import Raw, short

_MAX_VALUES = 4_096


def checks_of(value: dict[Any, Any], raw: Raw, path: Key, kind: Primitive | None, labels: dict[str, int]) -> Checks:
    """Read `validate`.

    A string is converted to the field's `kind`; one of its enum's `labels` becomes its number.
    """

    def constant(key: str) -> Expr | None:
        return _expr(value[key], raw, (*path, key), kind, labels) if value.get(key) is not None else None

    equals = constant("equals")
    if isinstance(value.get("equals_field"), str):
        equals = Name(str(value["equals_field"]))
    one_of: list[Expr] = []
    listed = value.get("one_of", [])
    if not isinstance(listed, list) or len(listed) > _MAX_VALUES:
        raw.report.error("wrong-kind", f"one_of is a list of at most {_MAX_VALUES} values", (*path, "one_of"))
    else:
        made = (_expr(v, raw, (*path, "one_of", i), kind, labels) for i, v in enumerate(listed))
        one_of = [expr for expr in made if expr is not None]
    low, high = raw.optional(value, "min", path), raw.optional(value, "max", path)
    if "range" in value:
        bounds = value["range"]
        if isinstance(bounds, list) and len(bounds) == 2:
            low, high = (raw.expression(bound, (*path, "range", i)) for i, bound in enumerate(bounds))
        else:
            raw.report.error("wrong-kind", "range must be [lowest, highest]", (*path, "range"))
    if isinstance(low, Literal) and isinstance(high, Literal) and _exceeds(low.value, high.value):
        raw.report.error("wrong-value", f"no value is at least {low.value!r} and at most {high.value!r}", path)
    all_bytes = value.get("all_bytes")
    accepted = [_known(expr) for expr in ([equals] if equals is not None else one_of)]
    return Checks(
        equals=equals,
        not_equals=constant("not_equals"),
        one_of=tuple(one_of),
        low=low,
        high=high,
        holds=raw.optional(value, "expr", path),
        all_bytes=None if all_bytes is None else raw.byte(all_bytes, (*path, "all_bytes")),
        in_enum=raw.flag(value, "in_enum", False, path),
        constants=frozenset(c for c in accepted if c is not None) if accepted and None not in accepted else None,
    )


def _expr(value: Any, raw: Raw, path: Key, kind: Primitive | None, labels: dict[str, int]) -> Expr | None:
    if isinstance(value, str):
        if value in labels:
            return Literal(labels[value])
        if kind is not None and kind.kind is Kind.STRING:
            return Literal(str(value))
        if kind is not None and kind.kind is Kind.BYTES:
            try:
                return Literal(value.encode("latin-1"))
            except UnicodeEncodeError:
                raw.report.error("wrong-value", f"{short(value)} is not bytes", path, hint="write [0x50, 0x4b]")
                return None
    found = raw.expression(value, path)
    if isinstance(found, ArrayOf):
        constants = as_bytes(found.items)
        if constants is not None:
            return Literal(constants)
    if kind is not None and isinstance(found, Literal):
        wrong = isinstance(found.value, str | bytes) if kind.numeric else not isinstance(found.value, str | bytes)
        if wrong:
            raw.report.error("type-mismatch", f"{short(value)} is not {kind.name}", path)
            return None
    return found


def _known(expr: Expr) -> Constant | None:
    return expr.value if isinstance(expr, Literal) else None


def _exceeds(low: Constant, high: Constant) -> bool:
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high


def check_constants(checks: Checks, kind: Primitive, field: dict[Any, Any], report: Report, path: Key) -> None:
    """Report each constant that no value of the field can be: out of range, or of another length."""
    for key, expr in (("equals", checks.equals), *(("one_of", expr) for expr in checks.one_of)):
        if isinstance(expr, Literal) and (why := _impossible(expr.value, kind, field)):
            report.error("impossible-value", f"{short(expr.value)} is never the value: {why}", (*path, key))
    low, high = _bounds(kind)
    smallest, largest = (_number(expr) for expr in (checks.low, checks.high))
    if smallest is not None and smallest > high:
        report.error("impossible-value", f"no {kind.name} is at least {smallest}", path)
    if largest is not None and largest < low:
        report.error("impossible-value", f"no {kind.name} is at most {largest}", path)


def _number(expr: Expr | None) -> int | float | None:
    return expr.value if isinstance(expr, Literal) and isinstance(expr.value, int | float) else None


def _impossible(value: Constant, kind: Primitive, field: dict[Any, Any]) -> str:
    if isinstance(value, int | float) and kind.numeric:
        low, high = _bounds(kind)
        return "" if low <= value <= high else f"{kind.name} is {low} to {high}"
    length = field.get("length")
    if not isinstance(value, str | bytes) or isinstance(length, bool) or not isinstance(length, int):
        return ""
    if any(key in field for key in ("pad", "terminator", "process")):
        return ""
    if isinstance(value, str):
        if not value.isascii() or str(field.get("encoding", "utf-8")).lower().startswith("utf-16"):
            return ""
        value = value.encode("ascii")
    return "" if len(value) == length else f"it has {len(value)} bytes, the field {length}"


def _bounds(kind: Primitive) -> tuple[float, float]:
    """The smallest and the largest value of a number type."""
    bits = kind.width if kind.bitwise else 8 * kind.width
    if kind.kind not in (Kind.INTEGER, Kind.BITS) or not bits:
        return -math.inf, math.inf
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if kind.signed else (0, (1 << bits) - 1)
