"""Types of expressions, as far as they are known before a file is read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sort(StrEnum):
    """The sorts of values, by their names in messages."""

    ANY = "anything"
    INT = "an integer"
    FLOAT = "a number"
    BOOL = "a boolean"
    STR = "a string"
    BYTES = "bytes"
    ARRAY = "an array"
    RECORD = "a record"
    IO = "a stream"


@dataclass(frozen=True, slots=True)
class Type:
    """A sort; with the type's name for records, the enum's name for numbers, and the type of items for arrays."""

    sort: Sort
    name: str = ""
    item: Type | None = None

    def __str__(self) -> str:
        return f"a record {self.name}" if self.sort is Sort.RECORD and self.name else self.sort.value


ANY, INT, FLOAT, BOOL = Type(Sort.ANY), Type(Sort.INT), Type(Sort.FLOAT), Type(Sort.BOOL)
STR, BYTES, IO = Type(Sort.STR), Type(Sort.BYTES), Type(Sort.IO)


def array_of(item: Type) -> Type:
    """Return the type of an array of items."""
    return Type(Sort.ARRAY, item=item)


def common(a: Type, b: Type) -> Type | None:
    """Return a type that holds both, or None if there is none."""
    if a == b:
        return a
    if ANY in (a, b):
        return ANY
    if {a.sort, b.sort} == {Sort.INT, Sort.FLOAT}:
        return FLOAT
    if a.sort is b.sort:
        return ANY if a.sort is Sort.RECORD else INT if a.sort is Sort.INT else Type(a.sort, item=ANY)
    return None
