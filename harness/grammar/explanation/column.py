"""Column: all values of one field in a set of files, and the shortest of a few simple codes for them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.grammar.engine.byte_weights import UNIT
from harness.grammar.engine.tally import MAX_VALUES, FieldTally, Tally, joined

# Minimum average number of occurrences per value of a vocabulary wider than a byte: syllables recur in each text.
MIN_REPEATS = 8
MAGNITUDE_BITS = 8.0  # bits of the code book of numbers below a power of two
Key = tuple[str, str, str]  # type, field, and the type of the values (a switch has several)


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one field.

    Attributes:
        bytes: Bytes of the files they cover.
        weight: Weight of these bytes, in bytes.
        values: The distinct values if they are few enough to be a vocabulary; else None.
        low: The minimum; None for values that are not numbers.
        printable: Bytes of strings that decode and are printable.
        invisible: Number of values in processed bytes, which have no bytes in the file.
        exact: Number of confined records that fill their bytes exactly.
        unread: Bytes that no value comes from; not among `bytes`.
        unread_weight: Their weight, not in `weight`.
        processed: Bytes that processing made.
        characters: Number of occurrences of each character, in an encoding that accepts random bytes.
    """

    count: int = 0
    bytes: float = 0.0
    weight: float = 0.0
    failed_weight: float = 0.0
    passed: int = 0
    failed: int = 0
    values: frozenset[Any] | None = field(default=frozenset(), repr=False)
    low: float | int | None = None
    high: float | int | None = None
    printable: int = 0
    invisible: int = 0
    exact: int = 0
    unread: float = 0.0
    unread_weight: float = 0.0
    processed: int = 0
    characters: Counter[str] = field(default_factory=Counter, repr=False)

    @property
    def good(self) -> float:
        """Factor from 0 to 1 for failed checks; a check that fails often proves nothing where it passes."""
        if not self.failed:
            return 1.0
        right = 1.0 - self.failed / max(1, self.passed + self.failed, self.count)
        return right * right * (1.0 - self.failed_weight / self.weight if self.weight else 1.0)

    def code(self, plain: float, count: int) -> tuple[float, float]:
        """The shortest of a few simple codes: an index in a vocabulary, a number in a range, a number of known size.

        Args:
            plain: Bits of a value without any code.
            count: Number of values that share the code book.

        Returns:
            Bits per value, and bits of the code book; `(plain, 0)` if no code saves more than its book.
        """
        found = [(plain, 0.0)]
        kinds = len(self.values or ())
        if self.values and (self.bytes <= self.count or kinds == 1 or kinds * MIN_REPEATS <= count):
            found.append((math.log2(len(self.values)), len(self.values) * plain))
        if isinstance(self.low, int) and isinstance(self.high, int):
            found.append((math.log2(self.high - self.low + 1), 2 * plain))
            found.append((max(self.low.bit_length(), self.high.bit_length()) + (self.low < 0), MAGNITUDE_BITS))
        elif isinstance(self.low, float) and isinstance(self.high, float):
            found.append((_float_bits(self.low, self.high, plain), 2 * plain))
        return min(found, key=lambda one: count * one[0] + one[1])


def _float_bits(low: float, high: float, plain: float) -> float:
    """Bits of a float in a range of one sign: an exponent in a range, and the whole mantissa."""
    if not (math.isfinite(low) and math.isfinite(high)) or low * high <= 0:
        return plain
    small, large = sorted((abs(low), abs(high)))
    exponents = math.frexp(large)[1] - math.frexp(small)[1] + 1
    share = {16: 6, 32: 9, 64: 12}.get(round(plain), 0)  # sign and exponent of an IEEE 754 number
    return min(plain, plain - share + math.log2(exponents))


def claimed_twice(columns: Mapping[Key, Column], tallies: Iterable[Tally]) -> float:
    """Number of bytes that are in two fields, counted for each field after the first."""
    claimed = sum(column.bytes + column.unread for column in columns.values())
    return claimed + sum(tally.framed - tally.covered for tally in tallies)


def columns_of(tallies: Iterable[Tally]) -> dict[Key, Column]:
    """The columns of several files together, by type, field and kind of value."""
    found: dict[Key, Column] = {}
    for tally in tallies:
        for (path, kind), entry in tally.fields.items():
            owner, _, name = path.partition(".")
            key = (owner, name, kind)
            column = _column(entry)
            found[key] = column if key not in found else joined(found[key], column)
    return found


_SAME = "count passed failed low high printable invisible exact unread processed characters".split()


def _column(entry: FieldTally) -> Column:
    values = entry.values if entry.values is not None and len(entry.values) <= MAX_VALUES else None
    return Column(
        bytes=entry.bytes - entry.unread,
        weight=(entry.weight - entry.unread_weight) / UNIT,
        failed_weight=entry.failed_weight / UNIT,
        values=values,
        unread_weight=entry.unread_weight / UNIT,
        **{name: getattr(entry, name) for name in _SAME},
    )
