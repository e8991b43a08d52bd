"""Types: the data types of Kaitai Struct fields and expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.kaitai.expression import Expression, TypeName

if TYPE_CHECKING:
    from harness.kaitai.structure import Enumeration, Structure


@dataclass(frozen=True, slots=True)
class Integer:
    """`u1` … `s8`, `b2` …; without width and bits it is the result of arithmetic."""

    width: int | None = None
    """Bytes."""
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
    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes; `form` is how their number is defined: size, eos, terminator, or computed."""

    form: str = "computed"
    size: Expression | None = None
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
    arguments: tuple[Expression, ...] = ()
    bytes: Bytes | None = None
    parent: Expression | None = None
    orphan: bool = False
    """`parent: false`"""
    target: Structure | None = None


@dataclass(frozen=True, slots=True)
class Anything:
    """Any structure (`struct`), any value (`any`)."""

    structure: bool = True


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream, `io`."""


@dataclass(frozen=True, slots=True)
class Array:
    """Repeated values."""

    of: DataType


@dataclass(frozen=True, slots=True)
class Enum:
    """An integer with names."""

    name: TypeName
    base: Integer | Boolean
    target: Enumeration | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """A type that is selected by a value; the case None is `_`."""

    on: Expression
    cases: tuple[tuple[Expression | None, DataType], ...]
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
