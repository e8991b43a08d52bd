"""Types: what an expression can be, as far as it is known before reading a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sort(StrEnum):
    """The sorts of values."""

    ANY = "anything"
    INT = "a whole number"
    FLOAT = "a number"
    BOOL = "a truth value"
    STR = "a text"
    BYTES = "bytes"
    ARRAY = "an array"
    RECORD = "a record"
    IO = "a stream"


@dataclass(frozen=True, slots=True)
class Type:
    """A sort; for records the type's name, for numbers their enum, for arrays the type of items."""

    sort: Sort
    name: str = ""
    item: Type | None = None

    def __str__(self) -> str:
        if self.sort is Sort.RECORD and self.name:
            return f"a record {self.name}"
        return self.sort.value


ANY, INT, FLOAT, BOOL = Type(Sort.ANY), Type(Sort.INT), Type(Sort.FLOAT), Type(Sort.BOOL)
STR, BYTES, IO = Type(Sort.STR), Type(Sort.BYTES), Type(Sort.IO)


def array_of(item: Type) -> Type:
    """The type of an array."""
    return Type(Sort.ARRAY, item=item)


def common(a: Type, b: Type) -> Type | None:
    """The type of either, or None where they cannot be one."""
    if a == b:
        return a
    if ANY in (a, b):
        return ANY
    if {a.sort, b.sort} == {Sort.INT, Sort.FLOAT}:
        return FLOAT
    if a.sort is b.sort:
        return ANY if a.sort is Sort.RECORD else INT if a.sort is Sort.INT else Type(a.sort, item=ANY)
    return None
