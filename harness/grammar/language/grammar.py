"""Grammar: the typed tree of a binary format, as the linter makes it and the engine reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from harness.grammar.language.expression import Expr
from harness.grammar.language.primitive import Primitive
from harness.grammar.processing import Processor

Constant = int | float | bool | str | bytes


class Word(StrEnum):
    """Words that stand where an expression could."""

    REST = "rest"
    """To the end of the enclosing bytes."""
    PREFIX = "prefix"
    """As many as the number stored just before says."""


@dataclass(frozen=True, slots=True)
class TypeRef:
    """What a field is made of: a primitive, or a named type with its arguments."""

    name: str
    primitive: Primitive | None = None
    arguments: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Switch:
    """The type of a field, chosen by a value; cases are compared by value."""

    by: Expr
    cases: dict[Constant, TypeRef]
    default: TypeRef | None = None
    texts: dict[str, TypeRef] = field(default_factory=dict)
    """The cases as they are spelt: what a text or bytes compare with."""

    def pick(self, value: object) -> TypeRef | None:
        """The type for a value, without the default."""
        if isinstance(value, int | float):
            return self.cases.get(value)
        if isinstance(value, bytes):
            return self.cases.get(value) or self.texts.get(value.decode("latin-1"))
        if isinstance(value, str):
            return self.cases.get(value) or self.texts.get(value)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What a value must satisfy."""

    equals: Expr | None = None
    not_equals: Expr | None = None
    one_of: tuple[Expr, ...] = ()
    low: Expr | None = None
    high: Expr | None = None
    holds: Expr | None = None
    """A condition on `_`, the value."""
    all_bytes: int | None = None
    in_enum: bool = False

    constants: frozenset[Constant] | None = None
    """The only values accepted, where `equals` or `one_of` are constants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """What a number is the checksum of: fields of its record by name, or the bytes an expression gives."""

    algorithm: str
    over: tuple[str, ...] = ()
    of: Expr | None = None
    blank: int | None = None
    """The checksum's own bytes count as this byte, where they lie within what is summed."""


@dataclass(frozen=True, slots=True)
class Process:
    """A transformation of bytes before they are read: `xor(key)`, `rol(n)`, `ror(n)`, `zlib`, `deflate`, `gzip`."""

    name: str
    arguments: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiter:
    """How bytes without a fixed length end."""

    terminator: bytes | None = None
    include: bool = False
    consume: bool = True
    required: bool = True
    """Whether the end of the enclosing bytes before the terminator is an error."""
    pad: int | None = None
    """Trailing bytes of this value are dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """How a value is shown: `as` one of the decoders."""

    decoder: str
    encoding: str = "utf-8"
    big: bool | None = None
    field: str = "payload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a type."""

    name: str
    type: TypeRef | None
    """None: a computed field, or a switch without a default type."""
    big: bool | None = None
    """Byte order; None: that of the record."""
    bits_big: bool = True
    """Bit fields take the most significant bits first."""
    length: Expr | Word | None = None
    prefix: Primitive | None = None
    """The number in front of it that holds its length, where length is PREFIX."""
    delimiter: Delimiter | None = None
    encoding: str = "utf-8"
    repeat: Expr | Word | None = None
    until: Expr | None = None
    condition: Expr | None = None
    switch: Switch | None = None
    compute: Expr | None = None
    at: Expr | None = None
    """Absolute position within `stream`; the record goes on where it was."""
    offset: Expr | None = None
    """Position relative to the record's start; the record goes on where it was."""
    stream: Expr | None = None
    """Where `at` counts: an `_io`; None for the record's own."""
    skip: Expr | None = None
    align: Expr | None = None
    process: tuple[Process, ...] = ()
    parent: Expr | None = None
    """What the record takes for its `_parent`, instead of the record it is in; the constant false for nothing."""
    enum: str | None = None
    checks: Checks | None = None
    checksum: Checksum | None = None
    decode: Decode | None = None
    lazy: bool = False
    """An instance: evaluated when first asked for, at the latest after the file."""
    color: str | None = None
    doc: str = ""
    index: int = 0
    """Place among its type's fields, or its instances."""


@dataclass(frozen=True, slots=True)
class EndianSwitch:
    """A type's byte order, decided by a value when the type is read; True for big."""

    by: Expr
    cases: dict[Constant, bool]
    default: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDef:
    """A named type: its fields in order, its instances, and what must be passed to it."""

    name: str
    fields: tuple[Field, ...]
    instances: tuple[Field, ...] = ()
    params: tuple[str, ...] = ()
    endian: EndianSwitch | bool | None = None
    own_root: bool = False
    """Below it, `_root` is its record."""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class EnumDef:
    """Numbers with labels."""

    name: str
    labels: dict[int, str]
    numbers: dict[str, int]


@dataclass(frozen=True, slots=True)
class RecordSwitch:
    """`record.switch` of a record stream: a field of a header type, read at the record's start, picks its type."""

    header: str
    path: tuple[str, ...]
    cases: dict[Constant, str]
    default: str | None


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """What a discriminator of a record stream means, and how its payload is shown."""

    name: str
    decode: Decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """A grammar that passed lint; everything in it resolves."""

    root: str
    once: bool
    """False: the root type repeats until the end of the file."""
    types: dict[str, TypeDef]
    enums: dict[str, EnumDef] = field(default_factory=dict)
    select: RecordSwitch | None = None
    registry: dict[int, RegistryEntry] = field(default_factory=dict)
    big: bool = True
    """The byte order of types that name none."""
    format: str = "record_stream"
    title: str = ""
    processes: dict[str, Processor] = field(default_factory=dict, repr=False, compare=False)
    """What `process` may name."""
    document: Any = field(default=None, repr=False, compare=False)
    """The values it was made of: mappings, lists and scalars. Not to be changed."""
