"""Confidence: how certain it is that records of a type begin where they were read, in saved bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.grammar.engine.tally import Tally, joined
from harness.grammar.explanation.anchors import anchored_shares
from harness.grammar.explanation.byte_histogram import ByteHistogram
from harness.grammar.explanation.column import Column, Key, claimed_twice
from harness.grammar.explanation.description import selection_bits
from harness.grammar.explanation.lookahead import lookahead_bits
from harness.grammar.explanation.self_information import width_bits
from harness.grammar.explanation.size_consistency import file_size_consistency_bits, is_closed, size_consistency_bits
from harness.grammar.explanation.text import text_share
from harness.grammar.explanation.usage import FieldKey, Place, Use, places
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.primitive import Kind
from harness.grammar.language.reach import tops
from harness.grammar.processing import PROCESSORS

CERTAIN_BITS = 32.0  # saved bits at which the confidence in a type is 1
CERTAIN_FIELD_BITS = 16.0  # the same for fields at a certain position, which need not be found
BLOB, FRAMED, SUMMED = 0.05, 0.10, 0.10  # credits of opaque bytes: any; with a known length; covered by a checksum
INFLATING = tuple(name for name, processor in PROCESSORS.items() if processor.ends)
# One random string in 2^10 inflates to more bytes without an error; one of at least 40 bytes in 2^16 (measured).
INFLATED_BITS, BYTES_PER_INFLATED_BIT = 10.0, 10.0
FULL_GROWTH = 0.05  # share by which inflated bytes are more than compressed ones, for the whole credit
TOLERANCE = 1.25  # factor by which codes may save less in other files without a loss of confidence
REFUTED = 8.0  # bits subtracted per failed check


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of some files for the types of a grammar.

    Attributes:
        own: Certainty of each type by its own fields, from 0 to 1.
        plain: The same without strings.
        fields: Bits that fields save, without those that save fewer than their own descriptions have.
        rates: Bits saved per record, without code books and grammar, for types with values.
        anchors: How far the bytes after a length or a count confirm it, from 0 to 1.
        tops: Types of top-level records.
        closed: Whether the grammar accounts for all bytes by values that it read; that confirms counted records.
    """

    own: dict[str, float]
    plain: dict[str, float]
    fields: dict[str, float]
    rates: dict[str, float]
    anchors: dict[FieldKey, float]
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
    """The evidence of sample files."""
    saved, profit = dict.fromkeys(grammar.types, 0.0), {key: -use.bits for key, use in known.items()}
    for ends in (size_consistency_bits(grammar, known, columns), file_size_consistency_bits(grammar, columns, tallies)):
        for name, bits in ends.items():
            saved[name] += bits
    worth, exact = dict(saved), dict(saved)
    gross, plain = dict.fromkeys(grammar.types, 0.0), dict.fromkeys(grammar.types, 0.0)
    for (owner, name, kind), column in columns.items():
        use = known.get((owner, name))
        # Processed bytes are not those of the file, and a key can be chosen so that they look like anything.
        if use is not None and column.count and not use.peeked and not column.invisible:
            bits, book = _saved(use, kind, column, column, histogram)
            gross[owner] += bits
            saved[owner] += bits - book
            profit[owner, name] += bits - book
            plain[owner] += bits - book if kind != Kind.STRING else 0.0
    seen = {key[:2] for key, column in columns.items() if column.count}
    for key, use in known.items():
        # A type without values neither confirms nor refutes; it lowers the economy.
        saved[key[0]] -= use.bits - use.case_bits if key in seen else 0.0
    for (owner, _), bits in profit.items():
        worth[owner] += max(0.0, bits)
    for name, bits in selection_bits(grammar, columns).items():
        saved[name] -= bits
        worth[name] -= bits
    for name in tops(grammar):
        saved[name] -= REFUTED * lost_positions(columns, tallies)
        worth[name] -= REFUTED * lost_positions(columns, tallies)
    overlap, ahead = claimed_twice(columns, tallies), lookahead_bits(grammar, columns, tallies)
    where = places(grammar)
    for name, at in where.items():
        # Bytes that two fields claim would confirm both; a type that was chosen by its own bytes confirms nothing.
        for found in (saved, worth):
            found[name] -= 8.0 * max(0.0, overlap - 0.5) + ahead
            if any(place.peeked for place in at):
                found[name] = 0.0
    own = {name: _certainty(bits) for name, bits in _pooled(saved, where).items()}
    fields = _pooled(worth, where)
    structure = {name: _certainty(bits) for name, bits in plain.items()}
    count = _counts(columns)
    rates = {name: bits / count[name] for name, bits in gross.items() if count.get(name)}
    anchors = anchored_shares(grammar, known, profit, saved, exact)
    closed = is_closed(grammar, known, columns, tallies)
    return Evidence(own, structure, fields, rates, anchors, closed, tops(grammar), columns)


def _certainty(bits: float, certain: float = CERTAIN_BITS) -> float:
    return min(1.0, max(0.0, bits / certain))


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
    count, own, fields = _counts(columns), dict(evidence.own), dict(evidence.fields)
    for name, rate in evidence.rates.items():
        if rate > 0 and count.get(name):
            kept = min(1.0, max(0.0, TOLERANCE * gross.get(name, 0.0) / count[name] / rate))
            own[name], fields[name] = own[name] * kept, fields[name] * kept
    return replace(evidence, own=own, fields=fields)


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


def value_confidence(grammar: Grammar, evidence: Evidence, sure: dict[str, float]) -> dict[str, float]:
    """Confidence in the values of the records of each type, from 0 to 1.

    A file begins at its first byte, so the position of its first record is certain without any evidence, but the
    meaning of its fields is not. They need evidence of their own, or that of the repeated records after them.
    """
    where = places(grammar)
    told = dict.fromkeys(grammar.types, 0.0)
    for _ in range(len(told) + 1):
        before = dict(told)
        for name, at in where.items():
            for place in at:
                if place.parent is None:
                    bits = evidence.fields[name]
                    found = evidence.own[name] if place.repeated else _certainty(bits, CERTAIN_FIELD_BITS)
                elif place.repeated:
                    found = min(sure[place.parent], evidence.own[name])
                    # The records of a confirmed array confirm where it begins.
                    told[place.parent] = max(told[place.parent], found)
                    if evidence.closed and place.counted:
                        found = max(found, before[place.parent])
                else:
                    found = before[place.parent]
                    if place.parent in evidence.tops and not place.repeated:
                        told[place.parent] = max(told[place.parent], min(sure[place.parent], before[name]))
                told[name] = max(told[name], found)
        if told == before:
            break
    return told


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
    width = plain_bits(column, histogram)
    found = [(0.0, 0.0)]
    if any(step.name in INFLATING for step in use.field.process):
        streams = INFLATED_BITS * (column.count - column.failed) + column.bytes / BYTES_PER_INFLATED_BIT
        found.append((streams * growth(column), 0.0))
    elif use.checks is not None and (column.passed or column.failed):
        found.append((column.passed * claim_bits(use, column, histogram) * recurring(use, column, taught), 0.0))
    elif kind == Kind.STRING:
        share = text_share(column, taught, use.field.encoding)
        found.append((share * _printable_bits(column, histogram.chance(use.field.encoding)), 0.0))
    if not use.row:
        both = column if taught is column else joined(column, taught)
        code, book = both.code(width, column.count)
        found.append((column.count * (width - code), book))
        if use.sizes and fits(column, histogram):
            found.append((column.count * (width - math.log2(histogram.size + 1)), 0.0))
    bits, book = max(found, key=lambda one: one[0] - one[1])
    return bits - REFUTED * column.failed, book


def recurring(use: Use, column: Column, taught: Column) -> float:
    """Share of the values of an enum that occurred before; its labels may be the values of the samples."""
    if use.field.checks is None or not use.field.checks.in_enum or taught is not column or column.values is None:
        return 1.0
    return max(0.0, 1.0 - len(column.values) / column.count) if column.count else 1.0


def growth(column: Column) -> float:
    """From 0 to 1: whether inflated bytes are more than the bytes they come from, which random bytes never are."""
    return min(1.0, max(0.0, column.processed / column.bytes - 1.0) / FULL_GROWTH) if column.bytes else 0.0


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


def plain_bits(column: Column, histogram: ByteHistogram) -> float:
    """Bits of one value as unrelated bytes, where runs of equal bytes count little; 0 for values without bytes."""
    return column.weight / column.count * histogram.bits if column.count else 0.0


def claim_bits(use: Use, column: Column, histogram: ByteHistogram) -> float:
    """Self-information of a passing value, in bits of this byte histogram."""
    plain = plain_bits(column, histogram)
    if column.failed and column.passed and column.bytes:
        plain = (column.weight - column.failed_weight) / column.passed * histogram.bits
    width = max(8.0, 8.0 * column.bytes / column.count) if column.bytes else width_bits(use.field)
    return max(0.0, min(plain, (use.checks or 0.0) - (width - plain)))
