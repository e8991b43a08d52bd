"""Fault: one difference between the bytes and the grammar, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TAIL = 0.9  # a file that ends in the middle of a value at or after this share of it has a cut-off tail


class FaultKind(StrEnum):
    """The kind of a fault in the data; its value appears in results."""

    TRUNCATED = "truncated"
    """More bytes are needed than there are."""
    MISMATCH = "mismatch"
    """A value does not pass `validate`."""
    CHECKSUM = "checksum"
    """A checksum differs from the one computed."""
    ENCODING = "encoding"
    """Bytes do not decode in the encoding of the field."""
    TERMINATOR = "terminator"
    """The terminator of a value is missing."""
    LENGTH = "length"
    """A length, count or position is negative or out of range."""
    EXPRESSION = "expression"
    """An expression has no value: division by zero, an absent field, an index out of range."""
    UNMATCHED = "unmatched"
    """No case of a switch matches and there is no default; a warning."""
    ENDIAN = "endian"
    """No case of a byte-order switch matches."""
    PROCESS = "process"
    """Bytes cannot be decompressed or processed."""
    STUCK = "stuck"
    """A repetition does not advance."""
    LIMIT = "limit"
    """A limit of the parse was hit."""


ASKED = frozenset({FaultKind.MISMATCH, FaultKind.CHECKSUM, FaultKind.LIMIT})
"""Kinds that are errors also in an instance that nothing uses: the grammar itself asks for a check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One error or warning of a parse.

    Attributes:
        offset: Bytes from the start of the file; within processed bytes, the offset of the field that holds them.
        path: Path of the field: `Png[0].chunks[3].body.width`; the name before the first dot is the type of the record.
        limit: The name of the limit, for `LIMIT`.
        warning: True for a finding that is not an error.
        field: `Type.field`, the same for each record.
        overflow: Whether the missing bytes are in the file, after the end of the record that a length confines.
    """

    kind: FaultKind
    offset: int
    path: str
    expected: str
    found: str
    limit: str = ""
    warning: bool = False
    field: str = ""
    overflow: bool = False

    def is_cut_off(self, size: int) -> bool:
        """Whether a file of this size ends in the middle of its last part, which does not make the grammar wrong."""
        ended = self.kind in (FaultKind.TRUNCATED, FaultKind.TERMINATOR) and not self.overflow
        return ended and self.offset >= TAIL * size

    def __str__(self) -> str:
        found = f", found {self.found}" if self.found else ""
        return f"0x{self.offset:x} {self.path}: expected {self.expected}{found}"
