"""Confidence: how certain it is that records of a type begin where they were read, in saved bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.grammar.engine.tally import Tally
from harness.grammar.explanation.byte_histogram import ByteHistogram
from harness.grammar.explanation.column import Column, Key
from harness.grammar.explanation.self_information import width_bits
from harness.grammar.explanation.size_consistency import file_size_consistency_bits, is_closed, size_consistency_bits
from harness.grammar.explanation.text import text_share
from harness.grammar.explanation.usage import FieldKey, Place, Use, places
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.primitive import Kind
from harness.grammar.language.reach import tops

CERTAIN_BITS = 32.0  # saved bits at which the confidence in a type is 1
BLOB, FRAMED, SUMMED = 0.05, 0.10, 0.10  # credits of opaque bytes: any; with a known length; covered by a checksum
TOLERANCE = 1.25  # factor by which codes may save less in other files without a loss of confidence
REFUTED = 8.0  # bits subtracted per failed check


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of some files for the types of a grammar.

    Attributes:
        own: Certainty of each type by its own fields, from 0 to 1.
        plain: The same without strings.
        rates: Bits saved per record, without code books and grammar, for types with values.
        tops: Types of top-level records.
        columns: The values of the sample files.
        closed: Whether the grammar accounts for all bytes by values that it read; that confirms counted records.
    """

    own: dict[str, float]
    plain: dict[str, float]
    rates: dict[str, float]
    closed: bool
    tops: tuple[str, ...]
    columns: dict[Key, Column]


def weigh_evidence(
    grammar: Grammar,
    known: dict[FieldKey, Use],
    columns: dict[Key, Column],
    tallies: Sequence[Tally],
    histogram: ByteHistogram,
) -> Evidence:
    """The evidence of sample files.

    Args:
        grammar: The grammar.
        known: The use of each field.
        columns: The values of each field.
        tallies: The tally of each file.
        histogram: Byte histogram of the files.
    """
    saved = dict.fromkeys(grammar.types, 0.0)
    for found in (size_consistency_bits(grammar, known, columns), file_size_consistency_bits(grammar, tallies)):
        for name, bits in found.items():
            saved[name] += bits
    gross, plain = dict.fromkeys(grammar.types, 0.0), dict.fromkeys(grammar.types, 0.0)
    for (owner, name, kind), column in columns.items():
        use = known.get((owner, name))
        # Processed bytes are not those of the file, and a key can be chosen so that they look like anything.
        if use is not None and column.count and not use.peeked and not column.invisible:
            bits, book = _saved(use, kind, column, column, histogram)
            gross[owner] += bits
            saved[owner] += bits - book
            plain[owner] += bits - book if kind != Kind.STRING else 0.0
    seen = {key[:2] for key, column in columns.items() if column.count}
    for key, use in known.items():
        # A type without values neither confirms nor refutes; it lowers the economy.
        saved[key[0]] -= use.bits - use.case_bits if key in seen else 0.0
    for name in tops(grammar):
        saved[name] -= REFUTED * lost_positions(columns, tallies)
    overlap = claimed_twice(columns, tallies)
    where = places(grammar)
    for name, at in where.items():
        # Bytes that two fields claim would confirm both; a type that was chosen by its own bytes confirms nothing.
        saved[name] -= 8.0 * max(0.0, overlap - 0.5)
        if any(place.peeked for place in at):
            saved[name] = 0.0
    own = {name: _certainty(bits) for name, bits in _pooled(saved, where).items()}
    structure = {name: _certainty(bits) for name, bits in plain.items()}
    count = _counts(columns)
    rates = {name: bits / count[name] for name, bits in gross.items() if count.get(name)}
    return Evidence(own, structure, rates, is_closed(grammar, known, columns, tallies), tops(grammar), columns)


def _certainty(bits: float) -> float:
    return min(1.0, max(0.0, bits / CERTAIN_BITS))


def held_evidence(
    evidence: Evidence,
    known: dict[FieldKey, Use],
    columns: dict[Key, Column],
    tallies: Sequence[Tally],
    histogram: ByteHistogram,
) -> Evidence:
    """Evidence reduced to the share of bits that the learned codes save in other files."""
    gross: dict[str, float] = {}
    for key, column in columns.items():
        use = known.get(key[:2])
        if use is not None and column.count and not use.peeked and not column.invisible:
            bits, _ = _saved(use, key[2], column, evidence.columns.get(key, Column()), histogram)
            gross[key[0]] = gross.get(key[0], 0.0) + bits
    for name in evidence.tops:
        gross[name] = gross.get(name, 0.0) - REFUTED * lost_positions(columns, tallies)
    count, own = _counts(columns), dict(evidence.own)
    for name, rate in evidence.rates.items():
        if rate > 0 and count.get(name):
            own[name] *= min(1.0, max(0.0, TOLERANCE * gross.get(name, 0.0) / count[name] / rate))
    return replace(evidence, own=own)


def claimed_twice(columns: dict[Key, Column], tallies: Sequence[Tally]) -> float:
    """Number of bytes that are in two fields, counted for each field after the first."""
    claimed = sum(column.bytes + column.unread for column in columns.values())
    return claimed + sum(tally.framed - tally.covered for tally in tallies)


def lost_positions(columns: dict[Key, Column], tallies: Sequence[Tally]) -> int:
    """Number of faults other than failed checks: they lose the position, and a resynchronised one proves nothing."""
    failed = sum(column.failed for column in columns.values())
    # One fault at the end of a file is a cut-off tail.
    return max(0, sum(max(0, tally.error_count - 1) for tally in tallies) - failed)


def _counts(columns: dict[Key, Column]) -> dict[str, int]:
    """Approximate number of records of each type."""
    found: dict[str, int] = {}
    for (owner, _, _), column in columns.items():
        found[owner] = max(found.get(owner, 0), column.count)
    return found


def confidence_in(grammar: Grammar, evidence: Evidence) -> dict[str, float]:
    """Confidence in the position of the records of each type, from 0 to 1."""
    where = places(grammar)
    sure = dict.fromkeys(grammar.types, 0.0)
    for _ in range(len(sure) + 1):
        before = dict(sure)
        for name in sure:
            found = (_inherited(place, before, evidence.own[name], closed=evidence.closed) for place in where[name])
            sure[name] = max(found, default=0.0)
        if sure == before:
            break
    return sure


def _pooled(saved: dict[str, float], where: dict[str, list[Place]]) -> dict[str, float]:
    """Bits saved by a type and by the types that occur once in it: all of them share one position."""
    within: dict[str, set[str]] = {name: set() for name in saved}
    for name, at in where.items():
        for place in at:
            if place.parent is not None and not place.repeated:
                within[place.parent].add(name)
    pooled = {}
    for name, bits in saved.items():
        found, waiting = {name}, [name]
        while waiting:
            new = within[waiting.pop()] - found
            found |= new
            waiting.extend(new)
        # A part that saves nothing does not lower the evidence of the others.
        pooled[name] = bits + sum(max(0.0, saved[other]) for other in found - {name})
    return pooled


def _inherited(place: Place, sure: dict[str, float], own: float, *, closed: bool) -> float:
    above = 1.0 if place.parent is None else sure[place.parent]
    # A repeated record could begin at any offset: only its own values confirm it, unless values read elsewhere give
    # the number of records and the grammar accounts for all bytes.
    return min(above, own) if place.repeated and not (closed and place.counted) else above


def bulk_types(grammar: Grammar) -> frozenset[str]:
    """Types of repeated records: one description for many records."""
    return frozenset(name for name, at in places(grammar).items() if at and all(place.repeated for place in at))


def floor_of(grammar: Grammar, confidence: dict[str, float]) -> dict[str, float]:
    """Minimum credit of the bytes of a type: the credit of opaque bytes in the field that holds them."""
    where = places(grammar)
    floor = dict.fromkeys(grammar.types, BLOB)
    for _ in range(len(floor) + 1):
        before = dict(floor)
        for name in floor:
            floor[name] = min((_held(place, confidence, before) for place in where[name]), default=BLOB)
        if floor == before:
            break
    return floor


def _held(place: Place, confidence: dict[str, float], floor: dict[str, float]) -> float:
    if place.parent is None:
        return BLOB
    if not place.confined and not place.counted:
        return floor[place.parent]
    return BLOB + confidence[place.parent] * (FRAMED + SUMMED * place.summed)


def _saved(use: Use, kind: str, column: Column, taught: Column, histogram: ByteHistogram) -> tuple[float, float]:
    """Bits that the best code of a column saves, and bits of its code book; a failed check subtracts its claim."""
    width = plain_bits(use, column, histogram)
    found = [(0.0, 0.0)]
    if use.checks is not None and (column.passed or column.failed):
        found.append((column.passed * claim_bits(use, column, histogram), 0.0))
    elif kind == Kind.STRING:
        share = text_share(column, taught, use.field.encoding)
        found.append((share * _printable_bits(column, histogram.chance(use.field.encoding)), 0.0))
    if not use.row:
        joined = column if taught is column else column.joined(taught)
        code, book = joined.code(width, column.count)
        found.append((column.count * (width - code), book))
        if use.sizes and fits(column, histogram):
            found.append((column.count * (width - math.log2(histogram.size + 1)), 0.0))
    bits, book = max(found, key=lambda one: one[0] - one[1])
    return bits - REFUTED * column.failed, book


def fits(column: Column, histogram: ByteHistogram) -> bool:
    """Whether all numbers are valid as sizes or offsets within a file."""
    low, high = column.low, column.high
    return isinstance(low, int) and isinstance(high, int) and low >= 0 and high <= histogram.size


def _printable_bits(column: Column, chance: float) -> float:
    """Bits that strings save because more of them is printable than in the files (Kullback-Leibler divergence)."""
    share = column.printable / column.bytes if column.bytes else 0.0
    if share <= chance or not chance:
        return 0.0
    rest = (1 - share) * math.log2((1 - share) / (1 - chance)) if share < 1 else 0.0
    return column.weight * (share * math.log2(share / chance) + rest)


def plain_bits(use: Use, column: Column, histogram: ByteHistogram) -> float:
    """Bits of one value as unrelated bytes, where runs of equal bytes count little."""
    if column.bytes:
        return column.weight / column.count * histogram.bits
    return width_bits(use.field) * histogram.bits / 8.0


def claim_bits(use: Use, column: Column, histogram: ByteHistogram) -> float:
    """Self-information of a passing value, in bits of this byte histogram."""
    plain = plain_bits(use, column, histogram)
    if column.failed and column.passed and column.bytes:
        plain = (column.weight - column.failed_weight) / column.passed * histogram.bits
    width = max(8.0, 8.0 * column.bytes / column.count) if column.bytes else width_bits(use.field)
    return max(0.0, min(plain, (use.checks or 0.0) - (width - plain)))
