"""Fault: one thing that is wrong with the bytes, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What is wrong."""

    TRUNCATED = "truncated"
    """More bytes are needed than there are."""
    MISMATCH = "mismatch"
    """A value is not what `validate` asks for."""
    CHECKSUM = "checksum"
    """A checksum differs from the one computed."""
    ENCODING = "encoding"
    """Bytes are no text in the encoding given."""
    TERMINATOR = "terminator"
    """The byte that ends a value does not come."""
    LENGTH = "length"
    """A length, count or position is negative or beyond all bounds."""
    EXPRESSION = "expression"
    """An expression has no value: division by zero, an absent field, an index out of range."""
    UNMATCHED = "unmatched"
    """No case of a switch fits and there is no default; a warning."""
    ENDIAN = "endian"
    """No case of a byte-order switch fits."""
    PROCESS = "process"
    """Bytes cannot be decompressed or processed."""
    STUCK = "stuck"
    """A repetition does not advance."""
    LIMIT = "limit"
    """A limit of the parse was hit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One error or warning of a parse.

    Attributes:
        kind: What is wrong.
        offset: Where, in bytes from the start of the file (within processed bytes: of the field that holds them).
        path: Which field: `Png[0].chunks[3].body.width`; the name before the first dot is the record's type.
        expected: What should be there.
        found: What is there.
        limit: The name of the limit, for `LIMIT`.
        warning: True: worth knowing, not wrong.
        field: `Type.field`, whatever the record.
    """

    kind: FaultKind
    offset: int
    path: str
    expected: str
    found: str
    limit: str = ""
    warning: bool = False
    field: str = ""

    def __str__(self) -> str:
        found = f", found {self.found}" if self.found else ""
        return f"0x{self.offset:x} {self.path}: expected {self.expected}{found}"
