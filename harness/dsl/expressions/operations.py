"""Operations: operators, functions and aggregates on values, shared by the interpreter and compiled code.

Each takes defined values and returns a value or `Undefined`; none raises, and strings have a maximum length.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import lru_cache

from harness.dsl.expressions.pattern import Pattern, PatternError
from harness.dsl.values import INT_MAX, INT_MIN, Undefined, Value, shown

MAX_VISITS = 1_000_000  # maximum number of elements that one evaluation visits
MAX_TEXT = 16 << 20  # maximum length of a string made from a template
FLOAT_MAX = 1.7976931348623157e308


def is_number(value: Value) -> bool:
    """Whether a value is an int or float, not a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def checked(value: Value) -> Value:
    """A result of arithmetic; undefined if it exceeds 64 bits or a finite float."""
    if isinstance(value, int):
        return value if INT_MIN <= value <= INT_MAX else Undefined("the result does not fit 64 bits")
    return value + 0.0 if -FLOAT_MAX <= value <= FLOAT_MAX else Undefined("the result is too large for a float")


def arithmetic(op: str, left: Value, right: Value) -> Value:
    """`+ - * /`."""
    if not (is_number(left) and is_number(right)):
        return Undefined(f"{shown(left)} {op} {shown(right)} is no arithmetic")
    try:
        match op:
            case "+":
                return checked(left + right)
            case "-":
                return checked(left - right)
            case "*":
                return checked(left * right)
            case _:
                return Undefined("division by zero") if right == 0 else checked(left / right)
    except OverflowError:
        return Undefined("the result is too large for a float")


def ordered(op: str, left: Value, right: Value) -> Value:
    """`< <= > >=` of two numbers or two strings."""
    if not (is_number(left) and is_number(right)) and not (isinstance(left, str) and isinstance(right, str)):
        return Undefined(f"{shown(left)} and {shown(right)} have no order")
    match op:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def same(left: Value, right: Value) -> Value:
    """`==`: numbers by value, everything else by type and value; undefined if a deciding part is undefined."""
    if isinstance(left, Undefined):
        return left
    if isinstance(right, Undefined):
        return right
    if is_number(left) and is_number(right):
        return left == right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return _all_same(list(zip(left, right, strict=False))) if len(left) == len(right) else False
    if isinstance(left, dict) and isinstance(right, dict):
        return _all_same([(left[k], right[k]) for k in left]) if left.keys() == right.keys() else False
    return type(left) is type(right) and left == right


def _all_same(pairs: list[tuple[Value, Value]]) -> Value:
    return every([same(left, right) for left, right in pairs]) if pairs else True


def every(values: Sequence[Value]) -> Value:
    """Kleene's conjunction: false if one value is false, otherwise undefined if one is undefined."""
    return _decided(values, by=False)


def some(values: Sequence[Value]) -> Value:
    """Kleene's disjunction: true if one value is true, otherwise undefined if one is undefined."""
    return _decided(values, by=True)


def _decided(values: Sequence[Value], *, by: bool) -> Value:
    undefined = None
    for value in values:
        if isinstance(value, Undefined):
            undefined = undefined or [value]
        elif (value is True) is by:
            return by
    return undefined[0] if undefined else not by


def element(base: Value, index: Value) -> Value:
    """`list[i]`."""
    if not isinstance(base, list | tuple) or not is_number(index) or isinstance(index, float):
        return Undefined(f"{shown(base)} has no element {shown(index)}")
    return base[index] if 0 <= index < len(base) else Undefined(f"there is no element {index} in {shown(base)}")


def field(base: Value, name: str) -> Value:
    """`record.name`."""
    if not isinstance(base, dict):
        return Undefined(f"{shown(base)} has no field {name}")
    return base[name] if name in base else Undefined(f"there is no field {name}")


def text(value: Value) -> str:
    """A value in a template: strings unchanged, everything else as JSON.

    Keys are sorted, as in the log: a record that was read from it has the same text.
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def join(parts: Sequence[Value]) -> Value:
    """The string of a template."""
    for part in parts:
        if isinstance(part, Undefined):
            return part
    result = "".join(map(text, parts))
    return result if len(result) <= MAX_TEXT else Undefined(f"a text of more than {MAX_TEXT} characters")


def aggregate(function: str, values: Sequence[Value], fraction: float | None) -> Value:
    """An aggregate over values; undefined without values, except `count`."""
    if function == "count":
        missing = _strict(values)
        return sum(1 for value in values if value is not False) if missing is None else missing
    if not values:
        return Undefined(f"{function} of nothing")
    if function == "all":
        return every(values)
    if function == "any":
        return some(values)
    missing = _strict(values)
    if missing is not None:
        return missing
    if not all(map(is_number, values)):
        return Undefined(f"{function} of something that is no number")
    try:
        return checked(_NUMERIC[function](sorted(values), fraction))
    except (OverflowError, ValueError):
        return Undefined(f"{function} is too large for a float")
    except ZeroDivisionError:
        return Undefined(f"{function} needs at least two values")


def _strict(values: Sequence[Value]) -> Undefined | None:
    missing = [value for value in values if isinstance(value, Undefined)]
    return Undefined(f"{len(missing)} of {len(values)} are undefined: {missing[0].reason}") if missing else None


def _quantile(values: Sequence[Value], fraction: float | None) -> Value:
    """Linear interpolation between order statistics (type 7 of Hyndman and Fan)."""
    position = (len(values) - 1) * (0.5 if fraction is None else fraction)
    low = math.floor(position)
    high = min(low + 1, len(values) - 1)
    share = position - low
    return float(values[low]) if share == 0 else values[low] * (1 - share) + values[high] * share


def _stdev(values: Sequence[Value], _: float | None) -> Value:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _sum(values: Sequence[Value], _: float | None) -> Value:
    return math.fsum(values) if any(isinstance(value, float) for value in values) else sum(values)


_NUMERIC: dict[str, Callable[[Sequence[Value], float | None], Value]] = {
    "sum": _sum,
    "min": lambda values, _: values[0],
    "max": lambda values, _: values[-1],
    "mean": lambda values, _: math.fsum(values) / len(values),
    "median": lambda values, _: _quantile(values, 0.5),
    "stdev": _stdev,
    "quantile": _quantile,
}
AGGREGATES = ("all", "any", "count", *_NUMERIC)


@lru_cache(maxsize=256)
def _pattern(source: str) -> Pattern | PatternError:
    try:
        return Pattern(source)
    except PatternError as error:
        return error


def matches(value: Value, source: Value) -> Value:
    """Whether a pattern occurs in a string; the time is linear in the length of the string."""
    if not (isinstance(value, str) and isinstance(source, str)):
        return Undefined("only texts match patterns")
    pattern = _pattern(source)
    return Undefined(f"no pattern: {pattern}") if isinstance(pattern, PatternError) else pattern.found_in(value)


def contains(whole: Value, part: Value) -> Value:
    """Whether a string contains a string, or a list an element."""
    if isinstance(whole, str):
        return part in whole if isinstance(part, str) else Undefined(f"{shown(part)} is no text")
    if isinstance(whole, list):
        return some([same(value, part) for value in whole]) if whole else False
    return Undefined(f"{shown(whole)} contains nothing")


def _on_strings(operation: Callable[..., Value]) -> Callable[..., Value]:
    def applied(*values: Value) -> Value:
        wrong = next((value for value in values if not isinstance(value, str)), None)
        return operation(*values) if wrong is None else Undefined(f"{shown(wrong)} is no text")

    return applied


def _on_numbers(operation: Callable[..., Value]) -> Callable[..., Value]:
    def applied(*values: Value) -> Value:
        wrong = next((value for value in values if not is_number(value)), None)
        if wrong is not None:
            return Undefined(f"{shown(wrong)} is no number")
        try:
            return checked(operation(*values))
        except (OverflowError, ValueError, ZeroDivisionError) as error:
            return Undefined(str(error))

    return applied


def _parsed(kind: type) -> Callable[[Value], Value]:
    def parse(value: Value) -> Value:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return Undefined(f"{shown(value)} is no number")
        try:
            return checked(kind(value.strip() if isinstance(value, str) and len(value) < 64 else value))
        except (ValueError, OverflowError):
            return Undefined(f"{shown(value)} is no number")

    return parse


def _ends(last: bool) -> Callable[[Value], Value]:
    def end(value: Value) -> Value:
        if not isinstance(value, list | tuple) or not value:
            return Undefined(f"{shown(value)} has no element")
        return value[-1 if last else 0]

    return end


def _length(value: Value) -> Value:
    return len(value) if isinstance(value, str | list | tuple | dict) else Undefined(f"{shown(value)} has no length")


def _append(items: Value, value: Value) -> Value:
    return [*items, value] if isinstance(items, list) else Undefined(f"{shown(items)} is not a list")


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "abs": _on_numbers(abs),
    "min": _on_numbers(min),
    "max": _on_numbers(max),
    "mod": _on_numbers(lambda a, b: a % b),
    "round": _on_numbers(round),
    "floor": _on_numbers(math.floor),
    "ceil": _on_numbers(math.ceil),
    "sqrt": _on_numbers(math.sqrt),
    "log2": _on_numbers(math.log2),
    "len": _length,
    "first": _ends(last=False),
    "last": _ends(last=True),
    "append": _append,
    "contains": contains,
    "matches": matches,
    "equals": same,
    "starts_with": _on_strings(str.startswith),
    "ends_with": _on_strings(str.endswith),
    "lower": _on_strings(str.lower),
    "upper": _on_strings(str.upper),
    "trim": _on_strings(str.strip),
    "lines": _on_strings(str.splitlines),
    "int": _parsed(int),
    "float": _parsed(float),
    "text": text,
}
"""Functions of defined values; the evaluators implement `defined` and `default`, which take undefined values."""
