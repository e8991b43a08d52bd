"""Grammar: the typed tree of a binary format, built by lint and read by the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from harness.grammar.language.expression import Expr
from harness.grammar.language.primitive import Primitive
from harness.grammar.processing import Processor

Constant = int | float | bool | str | bytes


class Word(StrEnum):
    """Words that may replace an expression."""

    REST = "rest"
    """To the end of the enclosing bytes."""
    PREFIX = "prefix"
    """The number stored just before the bytes."""


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A reference to a primitive, or to a named type with its arguments."""

    name: str
    primitive: Primitive | None = None
    arguments: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Switch:
    """The type of a field, selected by a value; cases are compared by value."""

    by: Expr
    cases: dict[Constant, TypeRef]
    default: TypeRef | None = None
    spellings: dict[str, TypeRef] = field(default_factory=dict)
    """The cases by their spelling in the document, for comparison with strings and bytes."""

    def pick(self, value: object) -> TypeRef | None:
        """Find the type for a value, without the default."""
        if isinstance(value, int | float):
            return self.cases.get(value)
        if isinstance(value, bytes):
            return self.cases.get(value) or self.spellings.get(value.decode("latin-1"))
        if isinstance(value, str):
            return self.cases.get(value) or self.spellings.get(value)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The conditions of `validate` on the value of a field; all must be true."""

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
    """The only accepted values, if `equals` or `one_of` are constants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """A checksum over fields of the record by name, or over the bytes of an expression."""

    algorithm: str
    over: tuple[str, ...] = ()
    of: Expr | None = None
    blank: int | None = None
    """The checksum's own bytes count as this byte if they are part of the summed bytes."""


@dataclass(frozen=True, slots=True)
class Process:
    """A transformation of bytes before parsing: `xor(key)`, `zlib` …; see `PROCESSORS`."""

    name: str
    arguments: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiter:
    """The end of bytes without a fixed length."""

    terminator: bytes | None = None
    include: bool = False
    consume: bool = True
    required: bool = True
    """Whether the end of the enclosing bytes before the terminator is an error."""
    pad: int | None = None
    """Trailing bytes of this value are removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """The decoder of a value."""

    decoder: str
    encoding: str = "utf-8"
    big: bool | None = None
    field: str = "payload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a type."""

    name: str
    type: TypeRef | None
    """None for a computed field, or for a switch without a default type."""
    big: bool | None = None
    """Byte order; None for that of the record."""
    bits_big: bool = True
    """Bit fields take the most significant bits first."""
    length: Expr | Word | None = None
    prefix: Primitive | None = None
    """The type of the number that stores its length, if length is PREFIX."""
    delimiter: Delimiter | None = None
    encoding: str = "utf-8"
    repeat: Expr | Word | None = None
    until: Expr | None = None
    condition: Expr | None = None
    switch: Switch | None = None
    compute: Expr | None = None
    at: Expr | None = None
    """Absolute position within `stream`; it does not move the position of the record."""
    offset: Expr | None = None
    """Position relative to the record's start; it does not move the position of the record."""
    stream: Expr | None = None
    """The stream in which `at` counts, an `_io`; None for the record's own."""
    skip: Expr | None = None
    align: Expr | None = None
    process: tuple[Process, ...] = ()
    parent: Expr | None = None
    """The `_parent` of the record, instead of the enclosing record; the constant false for no parent."""
    enum: str | None = None
    checks: Checks | None = None
    checksum: Checksum | None = None
    decode: Decode | None = None
    lazy: bool = False
    """An instance: evaluated at first use, or after the file was read."""
    color: str | None = None
    doc: str = ""
    index: int = 0
    """Position among its type's fields or instances."""


@dataclass(frozen=True, slots=True)
class EndianSwitch:
    """A byte order that is selected by a value when the type is read; True for big."""

    by: Expr
    cases: dict[Constant, bool]
    default: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDef:
    """A named type: its fields in order, its instances and its parameters."""

    name: str
    fields: tuple[Field, ...]
    instances: tuple[Field, ...] = ()
    params: tuple[str, ...] = ()
    endian: EndianSwitch | bool | None = None
    module: str = ""
    """A record in a record of another module has no `_parent`, and is the `_root` of the records below it."""
    doc: str = ""


@dataclass(frozen=True, slots=True)
class EnumDef:
    """An enum: its labels by number, and its numbers by label."""

    name: str
    labels: dict[int, str]
    numbers: dict[str, int]


@dataclass(frozen=True, slots=True)
class RecordSwitch:
    """`record.switch` of a record stream: a field of a header type, read at the record's start, selects its type."""

    header: str
    path: tuple[str, ...]
    cases: dict[Constant, str]
    default: str | None


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """The name of a discriminator of a record stream, and the decoder of its payload."""

    name: str
    decode: Decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """A grammar that passed lint; all its names are resolved."""

    root: str
    arguments: tuple[Expr, ...] = ()
    """The constants that the root's parameters get; none if its parameters have no values."""
    once: bool
    """False if the root type repeats until the end of the file."""
    types: dict[str, TypeDef]
    enums: dict[str, EnumDef] = field(default_factory=dict)
    select: RecordSwitch | None = None
    registry: dict[int, RegistryEntry] = field(default_factory=dict)
    big: bool = True
    """The default byte order: True for big."""
    format: str = "record_stream"
    title: str = ""
    magic: tuple[tuple[int, bytes], ...] = ()
    """Offsets and the bytes there, one of which recognises a file of this format."""
    processes: dict[str, Processor] = field(default_factory=dict, repr=False, compare=False)
    """Processors of `decode` by name."""
    document: Any = field(default=None, repr=False, compare=False)
    """The document it was built from: mappings, lists and scalars. Do not change it."""
