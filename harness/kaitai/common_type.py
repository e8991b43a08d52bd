"""Common types: the type that holds two values, and whether two values can be compared."""

from __future__ import annotations

from dataclasses import replace

from harness.kaitai import structure as st
from harness.kaitai.expression import TypeName


class TypeFaultError(Exception):
    """An expression has no type; the message says why."""


def user(structure: st.Structure) -> st.User:
    """Return the type of a structure's values."""
    return st.User(TypeName(structure.path), target=structure)


def literal_type(value: int | float | bool | str | bytes) -> st.DataType:
    """Return the type of a literal; an integer below 256 may be a byte."""
    if isinstance(value, bool):
        return st.BOOLEAN
    if isinstance(value, int):
        return st.Integer(1, signed=value < 128) if value <= 255 else st.INTEGER
    return st.FLOAT if isinstance(value, float) else st.STRING


def settled(kind: st.DataType) -> st.DataType:
    """Return the common type of all cases of a switch; other types stay as they are."""
    if not isinstance(kind, st.Switch):
        return kind
    if not kind.cases:
        return st.ANY
    found = settled(kind.cases[0][1])
    for _, case in kind.cases[1:]:
        try:
            found = combined(found, settled(case))
        except TypeFaultError:
            return st.ANY
    return found


def combined(left: st.DataType, right: st.DataType) -> st.DataType:
    """Return a type that holds values of both.

    Raises:
        TypeFaultError: if there is none.
    """
    left, right = settled(left), settled(right)
    if left == right:
        return left
    match left, right:
        case st.Integer(width=1, bits=None), st.Integer(width=1, bits=None):
            return st.Integer(1, signed=left.signed and right.signed)
        case st.Integer(), st.Integer():
            return st.INTEGER
        case ((st.Integer() | st.Float()), (st.Integer() | st.Float())):
            return st.FLOAT
        case st.Bytes(), st.Bytes():
            return st.BYTES
        case st.String(), st.String():
            return st.STRING
        case st.Boolean(), st.Boolean():
            return st.BOOLEAN
        case st.Enum(target=a), st.Enum(target=b) if a is b:
            return left
        case st.User(target=a), st.User(target=b) if a is b and a is not None:
            return replace(left, arguments=(), bytes=None)
        case ((st.User() | st.Anything(structure=True)), (st.User() | st.Anything(structure=True))):
            return st.STRUCT
        case st.Array(of=a), st.Array(of=b):
            return st.Array(combined(a, b))
        case st.Stream(), st.Stream():
            return st.STREAM
    if is_unknown(left) or is_unknown(right):
        return st.ANY
    raise TypeFaultError(f"{st.describe(left)} and {st.describe(right)} have no common type")


def comparable(op: str, left: st.DataType, right: st.DataType) -> None:
    """Check that an operator can compare two values.

    Raises:
        TypeFaultError: if it cannot.
    """
    left, right = settled(left), settled(right)
    match left, right:
        case ((st.Integer() | st.Float()), (st.Integer() | st.Float())):
            return
        case (st.String(), st.String()) | (st.Bytes(), st.Bytes()):
            return
        case st.Boolean(), st.Boolean():
            if op in ("==", "!="):
                return
            raise TypeFaultError(f"`{op}` does not apply to booleans")
        case st.Enum(target=a), st.Enum(target=b):
            if a is not b:
                raise TypeFaultError(f"{st.describe(left)} cannot be compared with {st.describe(right)}")
            if op in ("==", "!="):
                return
            raise TypeFaultError(f"`{op}` does not apply to enums")
    if is_unknown(left) or is_unknown(right):
        return
    raise TypeFaultError(f"{st.describe(left)} and {st.describe(right)} cannot be compared")


def is_unknown(kind: st.DataType) -> bool:
    """Whether the type of a value is unknown."""
    return isinstance(kind, st.Anything) and not kind.structure
