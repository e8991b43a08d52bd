"""Structures: the types of a `.ksy` file as it defines them; `resolver` sets the targets of their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness.core.document import Key
from harness.kaitai.expression import Expression
from harness.kaitai.types import DataType

if TYPE_CHECKING:
    from harness.kaitai.source import Source

Kind = Literal["seq", "parse", "value", "param"]


@dataclass(frozen=True, slots=True)
class ByteOrder:
    """A byte order that is selected by a value; the case None is `_`."""

    on: Expression
    cases: tuple[tuple[Expression | None, str], ...]
    key: Key


@dataclass(frozen=True, slots=True)
class Check:
    """One `valid:` condition: eq, min, max, any-of, expr, in-enum."""

    rule: str
    expressions: tuple[Expression, ...]
    key: Key
    """The key of the condition; an element of `any-of` is one level deeper."""


@dataclass(slots=True, eq=False)
class Field:
    """A field of the sequence, an instance or a parameter."""

    id: str
    kind: Kind
    key: Key
    type: DataType
    """The type of one element if the field repeats; for a value instance it is set when derived."""
    condition: Expression | None = None
    repeat: str | None = None
    repeat_by: Expression | None = None
    checks: tuple[Check, ...] = ()
    position: Expression | None = None
    io: Expression | None = None
    value: Expression | None = None
    contents: bytes | None = None
    doc: str = ""
    enum: str | None = None
    """For a value instance: the enum of its value."""
    derived: bool = True
    """False for a value instance whose type was not derived yet."""


@dataclass(slots=True, eq=False)
class Enumeration:
    """Integers with names."""

    name: str
    owner: Structure
    members: dict[int, str]


@dataclass(slots=True, eq=False)
class Structure:
    """A type: its sequence, instances and parameters, and the types and enums defined in it."""

    name: str
    source: Source
    outer: Structure | None
    key: Key
    order: str | ByteOrder | None = None
    bit_order: str = "be"
    encoding: str | None = None
    opaque: bool = False
    params: list[Field] = field(default_factory=list)
    seq: list[Field] = field(default_factory=list)
    instances: dict[str, Field] = field(default_factory=dict)
    types: dict[str, Structure] = field(default_factory=dict)
    enums: dict[str, Enumeration] = field(default_factory=dict)
    to_string: Expression | None = None
    doc: str = ""
    title: str = ""
    parents: list[Structure | None] = field(default_factory=list)
    """The structures that contain it; None if unknown."""
    by_id: dict[str, Field] = field(default_factory=dict)
    """Index of fields by id, built by the first `find` after reading."""

    @property
    def path(self) -> tuple[str, ...]:
        """Names from the file's top type to this type."""
        return (*self.outer.path, self.name) if self.outer else (self.name,)

    @property
    def top(self) -> Structure:
        """The file's top type."""
        found = self
        while found.outer:
            found = found.outer
        return found

    def fields(self) -> Iterator[Field]:
        """Iterate over parameters, then the sequence, then instances."""
        yield from self.params
        yield from self.seq
        yield from self.instances.values()

    def find(self, name: str) -> Field | None:
        """Find a field by its id, or None."""
        if not self.by_id:
            for field_ in self.fields():
                self.by_id.setdefault(field_.id, field_)
        return self.by_id.get(name)

    def family(self) -> Iterator[Structure]:
        """Iterate over this type and all types defined in it."""
        yield self
        for inner in self.types.values():
            yield from inner.family()

    def order_source(self) -> Structure | None:
        """Find the enclosing type that computes the byte order, or None."""
        found: Structure | None = self
        while found:
            if found.order is not None:
                return found if isinstance(found.order, ByteOrder) else None
            found = found.outer
        return None


@dataclass(slots=True, eq=False)
class Import:
    """One entry of `meta/imports`."""

    name: str
    key: Key
    path: Path | None = None
