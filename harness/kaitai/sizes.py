"""Sizes: the number of bits of a type, if it is constant."""

from __future__ import annotations

from harness.grammar.language.expression import Expr
from harness.kaitai import structure as st
from harness.kaitai.expression import integer


class DynamicSizeError(Exception):
    """The size of a type depends on the data."""


def size_of_type(kind: st.DataType, *, busy: frozenset[st.Structure] = frozenset()) -> int:
    """Return the bits of one value.

    Raises:
        DynamicSizeError: if the size depends on the data.
    """
    match kind:
        case st.Integer(width=int() as width):
            return 8 * width
        case st.Integer(bits=int() as bits):
            return bits
        case st.Boolean(order=str()):
            return 1
        case st.Float(width=int() as width):
            return 8 * width
        case st.Enum(base=base):
            return size_of_type(base, busy=busy)
        case st.Bytes(form="size", size=size) if size is not None:
            return 8 * constant(size)
        case st.String(bytes=st.Bytes() as raw):
            return size_of_type(raw, busy=busy)
        case st.User(bytes=st.Bytes() as raw):
            return size_of_type(raw, busy=busy)
        case st.User(target=st.Structure() as target):
            return size_of_structure(target, busy=busy)
        case st.Switch(cases=cases):
            sizes = {size_of_type(case, busy=busy) for _, case in cases}
            if len(sizes) == 1:
                return sizes.pop()
    raise DynamicSizeError("it depends on the data")


def size_of_structure(structure: st.Structure, *, busy: frozenset[st.Structure] = frozenset()) -> int:
    """Return the bits of a type's sequence.

    Raises:
        DynamicSizeError: if the size depends on the data.
    """
    if structure in busy:
        raise DynamicSizeError("it contains itself")
    # As in Kaitai Struct's compiler, `_sizeof` does not include bits skipped for alignment.
    return sum(size_of_field(field, busy=busy | {structure}) for field in structure.seq)


def size_of_field(field: st.Field, *, busy: frozenset[st.Structure] = frozenset()) -> int:
    """Return the bits of a field with its repetition.

    Raises:
        DynamicSizeError: if the size depends on the data, or the field is computed or positioned.
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


def constant(expression: Expr) -> int:
    """Return the value of an integer literal.

    Raises:
        DynamicSizeError: if the expression is not a literal.
    """
    found = integer(expression)
    if found is None:
        raise DynamicSizeError("it depends on the data")
    return found
