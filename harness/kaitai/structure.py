"""The model of a `.ksy` file: its structures with their fields, and the data types of fields and expressions.

Data types refer to structures and structures to data types; `resolver` sets the targets of their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from harness.core.document import Key
from harness.grammar.language.expression import Expr
from harness.kaitai.expression import TypeName
from harness.kaitai.source import Source

Kind = Literal["seq", "parse", "value", "param"]


@dataclass(frozen=True, slots=True)
class Integer:
    """`u1` … `s8`, `b2` …; without width and bits it is the result of arithmetic."""

    width: int | None = None
    """Size in bytes."""
    signed: bool = True
    order: str | None = None
    """le, be, or None: the type's computed byte order (or none is needed)."""
    bits: int | None = None


@dataclass(frozen=True, slots=True)
class Boolean:
    """`b1`, or the result of a comparison."""

    order: str | None = None
    """Bit order of a `b1`; None for a computed one."""


@dataclass(frozen=True, slots=True)
class Float:
    """`f4`, `f8`; without width it is computed."""

    width: int | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """A transformation of bytes before parsing: `xor(key)`, `zlib`, or a custom process."""

    name: str
    arguments: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes; `form` is how their number is defined: size, eos, terminator, or computed."""

    form: str = "computed"
    size: Expr | None = None
    terminator: bytes | None = None
    include: bool = False
    consume: bool = True
    eos_error: bool = True
    pad: int | None = None
    process: Process | None = None


@dataclass(frozen=True, slots=True)
class String:
    """A string, decoded from bytes when it is read."""

    bytes: Bytes | None = None
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class User:
    """A type of this file or an imported one; with `bytes` it is read in a substream."""

    name: TypeName
    arguments: tuple[Expr, ...] = ()
    bytes: Bytes | None = None
    parent: Expr | None = None
    orphan: bool = False
    """`parent: false`"""
    target: Structure | None = None


@dataclass(frozen=True, slots=True)
class Anything:
    """Any structure (`struct`), any value (`any`)."""

    structure: bool = True


@dataclass(frozen=True, slots=True)
class Stream:
    """A byte stream, the type of `_io`."""


@dataclass(frozen=True, slots=True)
class Array:
    """The type of a repeated field, or of a list."""

    of: DataType


@dataclass(frozen=True, slots=True)
class Enum:
    """The type of an integer whose values have names; `target` is the definition of the enum."""

    name: TypeName
    base: Integer | Boolean
    target: Enumeration | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """A type that is selected by a value; the case None is `_`."""

    on: Expr
    cases: tuple[tuple[Expr | None, DataType], ...]
    labels: tuple[str, ...] = field(default=(), compare=False)
    """The keys as written in the file."""


DataType = Integer | Boolean | Float | Bytes | String | User | Anything | Stream | Array | Enum | Switch

INTEGER, BOOLEAN, FLOAT, BYTES, STRING, STRUCT, ANY, STREAM = (
    Integer(),
    Boolean(),
    Float(),
    Bytes(),
    String(),
    Anything(),
    Anything(structure=False),
    Stream(),
)


def describe(kind: DataType) -> str:
    """Describe a type for a message."""
    match kind:
        case Integer(width=None, bits=None):
            return "an integer"
        case Integer(bits=int() as bits):
            return f"b{bits}"
        case Integer(width=width, signed=signed):
            return f"{'s' if signed else 'u'}{width}"
        case Boolean():
            return "a boolean"
        case Float():
            return "a float"
        case Bytes():
            return "bytes"
        case String():
            return "a string"
        case User(name=name):
            return f"the structure {name}"
        case Anything(structure=True):
            return "a structure of unknown type"
        case Anything():
            return "any value"
        case Stream():
            return "a stream"
        case Array(of=of):
            return f"an array of {describe(of)}"
        case Enum(name=name):
            return f"the enum {name}"
        case Switch():
            return "one of several types"


def leaves(kind: DataType) -> Iterator[DataType]:
    """Iterate over the types of a switch's cases, or over the type itself."""
    if isinstance(kind, Switch):
        for _, case in kind.cases:
            yield from leaves(case)
    else:
        yield kind


def raw_bytes(kind: DataType) -> Bytes | None:
    """Return the bytes of a sized type, or None."""
    match kind:
        case Bytes():
            return kind
        case String(bytes=found) | User(bytes=found):
            return found
    return None


@dataclass(frozen=True, slots=True)
class ByteOrder:
    """A byte order that is selected by a value; the case None is `_`."""

    on: Expr
    cases: tuple[tuple[Expr | None, str], ...]
    key: Key
    labels: tuple[str, ...] = ()
    """The keys as written in the file."""


@dataclass(frozen=True, slots=True)
class Check:
    """One `valid:` condition: eq, min, max, any-of, expr, in-enum."""

    rule: str
    expressions: tuple[Expr, ...]
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
    condition: Expr | None = None
    repeat: str | None = None
    repeat_by: Expr | None = None
    checks: tuple[Check, ...] = ()
    position: Expr | None = None
    io: Expr | None = None
    value: Expr | None = None
    contents: bytes | None = None
    doc: str = ""
    enum: str | None = None
    """For a value instance: the enum of its value."""
    derived: bool = True
    """False for a value instance whose type was not derived yet."""


@dataclass(slots=True, eq=False)
class Enumeration:
    """The definition of an enum: names by integer."""

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
    to_string: Expr | None = None
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
        """The outermost structure, which describes the whole file."""
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
