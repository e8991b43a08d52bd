"""Values: the closed set of values of a program, undefined values, and the conversion of JSON values to types."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

from harness.dsl.types import Bound, Case, Field, Kind, Type

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
MAX_DEPTH = 32
MAX_ELEMENTS = 1_000_000

Value = Any
"""bool, int (64 bits), finite float, str, list, dict with str keys, tuple (a trace item), or Undefined."""


class UndefinedUseError(TypeError):
    """Compiled code met an undefined value; the interpreter evaluates the expression instead."""


class Undefined:
    """The third logical value, and the value of everything that was not observed, with a reason.

    Every operator raises, so that compiled code needs no explicit test.
    """

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"undefined({self.reason})"

    def _refuse(self, *_: object) -> NoReturn:
        raise UndefinedUseError(self.reason)

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __neg__ = __abs__ = __len__ = __iter__ = __getitem__ = __contains__ = __hash__ = _refuse


class MismatchError(Exception):
    """A JSON value does not conform to a type; `path` is the offending part."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return f"{self.path}: {self.why}" if self.path else self.why


def conform(value: Any, kind: Type, *, path: str = "", depth: int = 0) -> Value:
    """A JSON value converted to a type: integers become floats where a float is expected, nothing else changes.

    Raises:
        MismatchError: if the value does not conform; also for NaN, infinity, integers beyond 64 bits and deep nesting.
    """
    if depth > MAX_DEPTH:
        raise MismatchError(path, f"nested more than {MAX_DEPTH} deep")
    match kind.kind:
        case Kind.BOOL:
            if isinstance(value, bool):
                return value
        case Kind.INT:
            if isinstance(value, int) and not isinstance(value, bool):
                return _int64(value, path)
        case Kind.FLOAT:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return _finite(value, path)
        case Kind.STRING:
            if isinstance(value, str):
                return value
        case Kind.ENUM:
            if isinstance(value, str) and value in kind.options:
                return value
        case Kind.LIST:
            if isinstance(value, list):
                if len(value) > MAX_ELEMENTS:
                    raise MismatchError(path, f"a list of {len(value)}, at most {MAX_ELEMENTS} elements are held")
                element = kind.of or Type(Kind.ANY)
                return [conform(v, element, path=f"{path}[{i}]", depth=depth + 1) for i, v in enumerate(value)]
        case Kind.RECORD:
            if isinstance(value, dict):
                return _record(value, kind, path, depth)
        case _:
            return _any(value, path, depth)
    raise MismatchError(path, f"{shown(value)} is not {kind}")


def _record(value: dict[str, Any], kind: Type, path: str, depth: int) -> dict[str, Value]:
    for name in value:
        if kind.field(name) is None:
            raise MismatchError(path, f"there is no field {name!r} in {kind}")
    result = {}
    for field in kind.fields:
        inner = f"{path}.{field.name}" if path else field.name
        if field.name in value:
            result[field.name] = conform(value[field.name], field.type, path=inner, depth=depth + 1)
        elif field.default is not None:
            result[field.name] = field.default
        elif not field.optional:
            raise MismatchError(inner, "is missing")
    return result


def _any(value: Any, path: str, depth: int) -> Value:
    if depth > MAX_DEPTH:
        raise MismatchError(path, f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return _int64(value, path)
    if isinstance(value, float):
        return _finite(value, path)
    if isinstance(value, list):
        if len(value) > MAX_ELEMENTS:
            raise MismatchError(path, f"a list of {len(value)}, at most {MAX_ELEMENTS} elements are held")
        return [_any(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)]
    if isinstance(value, dict):
        return {str(k): _any(v, f"{path}.{k}", depth + 1) for k, v in value.items()}
    raise MismatchError(path, f"{shown(value)} is no value of the language")


def _int64(value: int, path: str) -> int:
    if not INT_MIN <= value <= INT_MAX:
        raise MismatchError(path, "does not fit 64 bits")
    return value


def _finite(value: float, path: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        raise MismatchError(path, "does not fit a float") from None
    if not math.isfinite(number):
        raise MismatchError(path, f"{number} is not a number one can compare")
    return number + 0.0  # -0.0 becomes 0.0: equal values have one representation


def item_of(case: Case, record: Mapping[str, Any], *, unmeasured: str = "") -> tuple[Value, ...]:
    """The values of a trace item, in the order of the case's fields; missing fields and placeholders are undefined.

    Args:
        record: A JSON object that a tool reported.
        unmeasured: Why its numbers are not measurements (simulated, projected); empty if they are.

    Raises:
        MismatchError: if a field is unknown to the case or has the wrong type.
    """
    for name in record:
        if case.slot(name) < 0:
            raise MismatchError(name, f"{case.name} has no such field")
    return tuple(_measured(field, record, unmeasured) for field in case.fields)


def _measured(field: Field, record: Mapping[str, Any], unmeasured: str) -> Value:
    given = record.get(field.name)
    if given is None:
        return Undefined(f"{field.name} is missing")
    if isinstance(given, float) and not math.isfinite(given):
        return Undefined(f"{field.name} is {given}")
    value = conform(given, field.type, path=field.name)
    if field.type.kind not in (Kind.INT, Kind.FLOAT):
        return value
    if unmeasured:
        return Undefined(f"{field.name} was not measured: {unmeasured}")
    bound = field.bound or default_bound(field)
    if bound is not None and not bound.holds(value):
        return Undefined(f"{field.name} = {value:g} is not {bound}: a placeholder, not a measurement")
    return value


_RATES = ("tflops", "gflops", "flops", "throughput", "bandwidth", "latency", "speedup", "efficiency", "duration", "_ms",
          "_us", "_ns", "_seconds", "_gbps", "occupancy", "utilization")  # fmt: skip


def default_bound(field: Field) -> Bound | None:
    """The bound of a field that declares none: durations, rates and their ratios are never exactly zero.

    A field whose unit contains time, or whose name ends in one of the usual names, gets `> 0` unless the program states
    a bound (`>= 0`).
    """
    if field.type.kind not in (Kind.INT, Kind.FLOAT):
        return None
    timed = field.type.unit is not None and field.type.unit.dimension[0] != 0
    return Bound(">", 0.0) if timed or field.name.lower().endswith(_RATES) else None


def shown(value: Any, *, limit: int = 60) -> str:
    """A value in a message: short, and a summary for a large value."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"a record of {len(value)}"
    if value is None:
        return "null"
    text = repr(value[: limit + 1] if isinstance(value, str) else value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
