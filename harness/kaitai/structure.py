"""Structure: a Kaitai type as its file states it, with names not yet resolved; filled in by `resolving`."""

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
    """A byte order that a value decides; a case of None is `_`."""

    on: Expression
    cases: tuple[tuple[Expression | None, str], ...]
    key: Key


@dataclass(frozen=True, slots=True)
class Check:
    """One `valid:` condition: eq, min, max, any-of, expr, in-enum."""

    rule: str
    expressions: tuple[Expression, ...]
    key: Key
    """Of the condition; an element of `any-of` is one deeper."""


@dataclass(slots=True, eq=False)
class Field:
    """A field of the sequence, an instance or a parameter."""

    id: str
    kind: Kind
    key: Key
    type: DataType
    """Of one element where it repeats; of a value instance once it is derived."""
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
    """Of a value instance: the enum its value is shown as."""
    derived: bool = True
    """False: a value instance whose type is not known yet."""


@dataclass(slots=True, eq=False)
class Enumeration:
    """Integers with names."""

    name: str
    owner: Structure
    members: dict[int, str]


@dataclass(slots=True, eq=False)
class Structure:
    """A type: its sequence, instances, parameters, and the types and enums defined inside of it."""

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
    """Which structures hold it; None where that is unknown."""
    by_id: dict[str, Field] = field(default_factory=dict)
    """Made by the first `find`, when all is read."""

    @property
    def path(self) -> tuple[str, ...]:
        """Names from the file's top type to this one."""
        return (*self.outer.path, self.name) if self.outer else (self.name,)

    @property
    def top(self) -> Structure:
        """The type that is the file itself."""
        found = self
        while found.outer:
            found = found.outer
        return found

    def fields(self) -> Iterator[Field]:
        """Parameters, then the sequence, then instances."""
        yield from self.params
        yield from self.seq
        yield from self.instances.values()

    def find(self, name: str) -> Field | None:
        """A field by its id."""
        if not self.by_id:
            for field_ in self.fields():
                self.by_id.setdefault(field_.id, field_)
        return self.by_id.get(name)

    def family(self) -> Iterator[Structure]:
        """This type and all that are defined inside of it."""
        yield self
        for inner in self.types.values():
            yield from inner.family()

    def order_source(self) -> Structure | None:
        """The type whose value decides the byte order, where that is so."""
        found: Structure | None = self
        while found:
            if found.order is not None:
                return found if isinstance(found.order, ByteOrder) else None
            found = found.outer
        return None


@dataclass(slots=True, eq=False)
class Import:
    """A line of `meta/imports`."""

    name: str
    key: Key
    path: Path | None = None
