"""Operations: the operators, attributes and methods of expressions, with bounded results."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from harness.grammar.language.encodings import canonical, codec

MAX_NUMBER_BITS = 256
MAX_TEXT = 1 << 20


class NoValueError(Exception):
    """An expression has no value; the message says why."""


def as_boolean(value: Any) -> bool:
    """Return the value of a condition.

    Raises:
        NoValueError: if it is neither a boolean nor a number.
    """
    if value is True or value is False:
        return bool(value)
    if isinstance(value, int | float):
        return bool(value)
    raise NoValueError(f"a condition is true or false, not {_kind(value)}")


def _number(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    raise NoValueError(f"a number is needed, not {_kind(value)}")


def _whole(value: Any) -> int:
    if isinstance(value, int):
        return value
    raise NoValueError(f"an integer is needed, not {_kind(value)}")


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > MAX_NUMBER_BITS:
        raise NoValueError(f"a number of more than {MAX_NUMBER_BITS} bits")
    return value


def _add(a: Any, b: Any) -> Any:
    if isinstance(a, str | bytes) and type(a) is type(b):
        if len(a) + len(b) > MAX_TEXT:
            raise NoValueError(f"a string of more than {MAX_TEXT} characters")
        return operator.add(a, b)
    return _bounded(_number(a) + _number(b))


def _arithmetic(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(a: Any, b: Any) -> Any:
        try:
            return _bounded(apply(_number(a), _number(b)))
        except ZeroDivisionError:
            raise NoValueError("division by zero") from None
        except OverflowError:
            raise NoValueError("a number too large") from None

    return run


def _divide(a: Any, b: Any) -> Any:
    return a // b if isinstance(a, int) and isinstance(b, int) else a / b


def _bits(apply: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
    def run(a: Any, b: Any) -> Any:
        if isinstance(a, bool) and isinstance(b, bool):
            return bool(apply(a, b))
        return _bounded(apply(_whole(a), _whole(b)))

    return run


def _shift(apply: Callable[[int, int], int]) -> Callable[[Any, Any], int]:
    def run(a: Any, b: Any) -> int:
        by = _whole(b)
        if not 0 <= by <= MAX_NUMBER_BITS:
            raise NoValueError(f"a shift by {by}")
        return _bounded(apply(_whole(a), by))  # type: ignore[no-any-return]

    return run


def equal(a: Any, b: Any) -> bool:
    """Whether two values are equal; values of different sorts are not.

    Raises:
        NoValueError: if one of them is absent.
    """
    if a is None or b is None:
        raise NoValueError("an absent field has no value to compare")
    if isinstance(a, list | tuple) and isinstance(b, list | tuple | bytes):
        return list(a) == list(b)
    return bool(a == b)


def _order(apply: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def run(a: Any, b: Any) -> bool:
        if isinstance(a, str | bytes) and type(a) is type(b):
            return apply(a, b)
        if isinstance(a, list | tuple) and isinstance(b, list | tuple):
            return apply([_number(x) for x in a], [_number(x) for x in b])
        return apply(_number(a), _number(b))

    return run


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(_divide),
    "%": _arithmetic(operator.mod),
    "&": _bits(operator.and_),
    "|": _bits(operator.or_),
    "^": _bits(operator.xor),
    "<<": _shift(operator.lshift),
    ">>": _shift(operator.rshift),
    "==": equal,
    "!=": lambda a, b: not equal(a, b),
    "<": _order(operator.lt),
    "<=": _order(operator.le),
    ">": _order(operator.gt),
    ">=": _order(operator.ge),
    "unary-": lambda a, b: -_number(a),
    "unary~": lambda a, b: ~_whole(a),
}


def item(array: Any, index: Any) -> Any:
    """Evaluate `array[index]`.

    Raises:
        NoValueError: if the index is out of range or the value has no items.
    """
    place = _whole(index)
    if not isinstance(array, list | tuple | bytes | str):
        raise NoValueError(f"{_kind(array)} has no items")
    if not 0 <= place < len(array):
        raise NoValueError(f"item {place} of {len(array)}")
    return array[place]


_UNREAD = object()


def attribute(value: Any, name: str, run: Any) -> Any:
    """Evaluate `value.name`.

    Raises:
        NoValueError: if the value has no such attribute.
    """
    if hasattr(value, "packed"):
        found = value.get(name, _UNREAD)
        return _of_record(value, name, run) if found is _UNREAD else found
    if name in ("pos", "size", "eof") and hasattr(value, "bit"):
        return _of_stream(value, name)
    return call_method(value, name, [], run)


def root_of(record: Any) -> Any:
    """Find the top record, or the first record of its module."""
    while record.holder is not None and record.holder.type.module == record.type.module:
        record = record.holder
    return record


def _of_record(record: Any, name: str, run: Any) -> Any:
    if name == "_io":
        return record.window
    if name == "_parent":
        if record.parent is None:
            raise NoValueError(f"{record.type.name!r} has no parent here")
        return record.parent
    if name == "_root":
        return root_of(record)
    if name == "_index":
        return record.index
    if name in record.type.params:
        if name not in record.arguments:
            raise NoValueError(f"the parameter {name!r} of {record.type.name!r} has no value")
        return record.arguments[name]
    return run.value_of(record, name)


def _of_stream(window: Any, name: str) -> Any:
    if name == "size":
        return window.end - window.start
    if name == "pos":
        return window.pos - window.start + (window.bit > 0)
    return window.pos >= window.end and not window.bit


def call_method(value: Any, name: str, arguments: list[Any], run: Any) -> Any:
    """Evaluate `value.name(arguments)`; attributes are methods without arguments.

    Raises:
        NoValueError: if the value has no such method or the arguments do not suit it.
    """
    known = _METHODS.get(name)
    if known is None:
        raise NoValueError(f"{_kind(value)} has no {name!r}")
    sorts, low, high, apply = known
    if not isinstance(value, sorts):
        raise NoValueError(f"{_kind(value)} has no {name!r}")
    if not low <= len(arguments) <= high:
        raise NoValueError(f"{name!r} takes {low} to {high} arguments")
    if isinstance(value, list | tuple | bytes | str):
        run.charge(len(value) >> 4)
    try:
        return apply(value, *arguments)
    except (ValueError, TypeError, OverflowError, LookupError) as error:  # UnicodeError is a ValueError
        raise NoValueError(f"{name!r}: {error}") from None


def _to_i(value: Any, base: Any = 10) -> int:
    if isinstance(value, str):
        if len(value) > 80:
            raise ValueError("a string of more than 80 digits")
        if not isinstance(base, int) or not 2 <= base <= 36:
            raise ValueError("the base must be 2 to 36")
        return _bounded(int(value, base))  # type: ignore[no-any-return]
    return int(_number(value))


def _to_bytes(value: Any) -> bytes:
    if all(isinstance(each, int) and 0 <= each <= 255 for each in value):
        return bytes(value)
    raise NoValueError("a byte is 0 to 255")


def _to_s(value: Any, encoding: Any = None) -> str:
    if isinstance(value, bytes):
        name = canonical(encoding) if isinstance(encoding, str) else "utf-8"
        if name is None:
            raise ValueError(f"unknown encoding {encoding!r}")
        return value.decode(codec(name))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _substring(value: str, start: Any, end: Any) -> str:
    if not 0 <= _whole(start) <= _whole(end):
        raise ValueError(f"from {start} to {end}")
    return value[start:end]


def _before(value: Any, end: Any) -> Any:
    if isinstance(value, bytes) and isinstance(end, int) and 0 <= end <= 255:
        end = bytes([end])
    if not isinstance(end, type(value)):
        raise ValueError(f"{_kind(end)} in {_kind(value)}")
    return value.partition(end)[0] if end else value


def _nonempty(value: Any) -> Any:
    if not len(value):
        raise ValueError("it is empty")
    return value


_SEQUENCE = (list, tuple, bytes)
_SIZED = (list, tuple, bytes, str)
_METHODS: dict[str, tuple[tuple[type, ...], int, int, Callable[..., Any]]] = {
    "size": (_SIZED, 0, 0, len),
    "length": (_SIZED, 0, 0, len),
    "first": (_SEQUENCE, 0, 0, lambda v: _nonempty(v)[0]),
    "last": (_SEQUENCE, 0, 0, lambda v: _nonempty(v)[-1]),
    "min": (_SEQUENCE, 0, 0, min),
    "max": (_SEQUENCE, 0, 0, max),
    "sum": (_SEQUENCE, 0, 0, lambda v: _bounded(sum(_number(x) for x in v))),
    "reverse": (_SIZED, 0, 0, lambda v: v[::-1]),
    "substring": ((str, bytes), 2, 2, _substring),
    "before": ((str, bytes), 1, 1, _before),
    "to_i": ((int, float, str), 0, 1, _to_i),
    "to_s": ((int, float, bytes, str), 0, 1, _to_s),
    "to_array": (_SEQUENCE, 0, 0, list),
    "to_bytes": (_SEQUENCE, 0, 0, _to_bytes),
    "abs": ((list,), 0, 0, lambda v: abs(_number(v[0]))),
    "len": ((list,), 0, 0, lambda v: len(v[0])),
}
METHODS = frozenset(_METHODS) - {"abs", "len"} | {"as", "pos", "eof"}
"""The attributes and methods of values other than records."""


def _kind(value: Any) -> str:
    if value is None:
        return "an absent field"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, bytes):
        return "bytes"
    if isinstance(value, list | tuple):
        return "an array"
    return "a stream" if hasattr(value, "bit") and hasattr(value, "pos") else "a record"
