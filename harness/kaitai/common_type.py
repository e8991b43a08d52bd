"""Common types: the type that holds two values, and whether two values can be compared."""

from __future__ import annotations

from dataclasses import replace

from harness.kaitai.expression import TypeName
from harness.kaitai.structure import (
    ANY,
    BOOLEAN,
    BYTES,
    FLOAT,
    INTEGER,
    STREAM,
    STRING,
    STRUCT,
    Anything,
    Array,
    Boolean,
    Bytes,
    DataType,
    Enum,
    Float,
    Integer,
    Stream,
    String,
    Structure,
    Switch,
    User,
    describe,
)


class TypeFaultError(Exception):
    """An expression has no type; the message says why."""


def user(structure: Structure) -> User:
    """Return the type of a structure's values."""
    return User(TypeName(structure.path), target=structure)


def literal_type(value: int | float | bool | str | bytes) -> DataType:
    """Return the type of a literal; an integer below 256 may be a byte."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return Integer(1, signed=value < 128) if value <= 255 else INTEGER
    return FLOAT if isinstance(value, float) else STRING


def settled(kind: DataType) -> DataType:
    """Return the common type of all cases of a switch; other types stay as they are."""
    if not isinstance(kind, Switch):
        return kind
    if not kind.cases:
        return ANY
    found = settled(kind.cases[0][1])
    for _, case in kind.cases[1:]:
        try:
            found = combined(found, settled(case))
        except TypeFaultError:
            return ANY
    return found


def combined(left: DataType, right: DataType) -> DataType:
    """Return a type that holds values of both.

    Raises:
        TypeFaultError: if there is none.
    """
    left, right = settled(left), settled(right)
    if left == right:
        return left
    match left, right:
        case Integer(width=1, bits=None), Integer(width=1, bits=None):
            return Integer(1, signed=left.signed and right.signed)
        case Integer(), Integer():
            return INTEGER
        case ((Integer() | Float()), (Integer() | Float())):
            return FLOAT
        case Bytes(), Bytes():
            return BYTES
        case String(), String():
            return STRING
        case Boolean(), Boolean():
            return BOOLEAN
        case Enum(target=a), Enum(target=b) if a is b:
            return left
        case User(target=a), User(target=b) if a is b and a is not None:
            return replace(left, arguments=(), bytes=None)
        case ((User() | Anything(structure=True)), (User() | Anything(structure=True))):
            return STRUCT
        case Array(of=a), Array(of=b):
            return Array(combined(a, b))
        case Stream(), Stream():
            return STREAM
    if is_unknown(left) or is_unknown(right):
        return ANY
    raise TypeFaultError(f"{describe(left)} and {describe(right)} have no common type")


def comparable(op: str, left: DataType, right: DataType) -> None:
    """Check that an operator can compare two values.

    Raises:
        TypeFaultError: if it cannot.
    """
    left, right = settled(left), settled(right)
    match left, right:
        case ((Integer() | Float()), (Integer() | Float())):
            return
        case (String(), String()) | (Bytes(), Bytes()):
            return
        case Boolean(), Boolean():
            if op in ("==", "!="):
                return
            raise TypeFaultError(f"`{op}` does not apply to booleans")
        case Enum(target=a), Enum(target=b):
            if a is not b:
                raise TypeFaultError(f"{describe(left)} cannot be compared with {describe(right)}")
            if op in ("==", "!="):
                return
            raise TypeFaultError(f"`{op}` does not apply to enums")
    if is_unknown(left) or is_unknown(right):
        return
    raise TypeFaultError(f"{describe(left)} and {describe(right)} cannot be compared")


def is_unknown(kind: DataType) -> bool:
    """Whether the type of a value is unknown."""
    return isinstance(kind, Anything) and not kind.structure
