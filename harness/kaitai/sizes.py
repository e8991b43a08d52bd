"""Sizes: how many bits a type takes, where that is known before reading."""

from __future__ import annotations

from harness.kaitai.expression import Expression, Number
from harness.kaitai.structure import Field, Structure
from harness.kaitai.types import Boolean, Bytes, DataType, Enum, Float, Integer, String, Switch, User


class DynamicSizeError(Exception):
    """The data decide about the size."""


def size_of_type(kind: DataType, *, busy: frozenset[Structure] = frozenset()) -> int:
    """Bits of one value.

    Raises:
        DynamicSizeError: the data decide.
    """
    match kind:
        case Integer(width=int() as width):
            return 8 * width
        case Integer(bits=int() as bits):
            return bits
        case Boolean(order=str()):
            return 1
        case Float(width=int() as width):
            return 8 * width
        case Enum(base=base):
            return size_of_type(base, busy=busy)
        case Bytes(form="size", size=size) if size is not None:
            return 8 * constant(size)
        case String(bytes=Bytes() as raw):
            return size_of_type(raw, busy=busy)
        case User(bytes=Bytes() as raw):
            return size_of_type(raw, busy=busy)
        case User(target=Structure() as target):
            return size_of_structure(target, busy=busy)
        case Switch(cases=cases):
            sizes = {size_of_type(case, busy=busy) for _, case in cases}
            if len(sizes) == 1:
                return sizes.pop()
    raise DynamicSizeError("the data decide")


def size_of_structure(structure: Structure, *, busy: frozenset[Structure] = frozenset()) -> int:
    """Bits of a type's sequence.

    Raises:
        DynamicSizeError: the data decide.
    """
    if structure in busy:
        raise DynamicSizeError("it contains itself")
    # Kaitai's compiler adds up without the bits that alignment passes over; so is `_sizeof` defined.
    return sum(size_of_field(field, busy=busy | {structure}) for field in structure.seq)


def size_of_field(field: Field, *, busy: frozenset[Structure] = frozenset()) -> int:
    """Bits of a field with its repetition.

    Raises:
        DynamicSizeError: the data decide, or it is computed or positioned.
    """
    if field.kind in ("value", "param"):
        raise DynamicSizeError("it is computed")
    if field.condition is not None:
        raise DynamicSizeError("it is optional")
    if field.repeat is None:
        return size_of_type(field.type, busy=busy)
    if field.repeat != "expr" or field.repeat_by is None:
        raise DynamicSizeError("it repeats")
    return constant(field.repeat_by) * size_of_type(field.type, busy=busy)


def constant(expression: Expression) -> int:
    """The value of a literal.

    Raises:
        DynamicSizeError: it is none.
    """
    if isinstance(expression, Number):
        return expression.value
    raise DynamicSizeError("the data decide")
