"""Confidence: how certain it is that records of a type begin where they were read, in bits that this saves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.grammar.engine.tally import Tally
from harness.grammar.explanation.byte_histogram import ByteHistogram
from harness.grammar.explanation.column import Column, Key
from harness.grammar.explanation.self_information import width_bits
from harness.grammar.explanation.size_consistency import file_size_consistency_bits, is_closed, size_consistency_bits
from harness.grammar.explanation.usage import FieldKey, Place, Use, places
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.primitive import Kind
from harness.grammar.language.reach import tops

CERTAIN_BITS = 32.0
"""Saved bits at which a type is beyond doubt."""
BLOB, FRAMED, SUMMED = 0.05, 0.10, 0.10
"""Opaque bytes: any; whose length something says; which a checksum covers."""
TOLERANCE = 1.25
"""Files differ: where codes save this much less than they did, that refutes nothing yet."""
REFUTED = 8.0
"""Bits that a failed check costs."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What files say of the types of a grammar.

    Attributes:
        own: How certain each type is by what it holds, from 0 to 1.
        plain: The same, texts apart.
        rates: Bits saved for each record, code books and grammar apart; of types that hold values.
        tops: Types of top-level records.
        columns: The values that taught.
        closed: The grammar accounts for all of the files by what it read in them: then what is counted is where it is.
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
    alphabet: ByteHistogram,
) -> Evidence:
    """What the files that teach say.

    Args:
        grammar: The grammar.
        known: Its fields.
        columns: Their values.
        tallies: What was read.
        alphabet: Of the files.
    """
    saved = dict.fromkeys(grammar.types, 0.0)
    for found in (size_consistency_bits(grammar, known, columns), file_size_consistency_bits(grammar, tallies)):
        for name, bits in found.items():
            saved[name] += bits
    gross, plain = dict.fromkeys(grammar.types, 0.0), dict.fromkeys(grammar.types, 0.0)
    for (owner, name, kind), column in columns.items():
        use = known.get((owner, name))
        if use is not None and column.count and not use.peeked:
            bits, book = _saved(use, kind, column, column, alphabet)
            gross[owner] += bits
            saved[owner] += bits - book
            plain[owner] += bits - book if kind != Kind.STRING else 0.0
    seen = {key[:2] for key, column in columns.items() if column.count}
    for key, use in known.items():
        # What was never met can neither confirm nor refute; it costs economy.
        saved[key[0]] -= use.bits - use.case_bits if key in seen else 0.0
    for name in tops(grammar):
        saved[name] -= REFUTED * lost_positions(columns, tallies)
    overlap = sum(column.bytes for column in columns.values()) - sum(tally.covered for tally in tallies)
    where = places(grammar)
    for name, at in where.items():
        # Bytes that two fields claim would confirm both; a type chosen by a look at its own bytes confirms nothing.
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
    alphabet: ByteHistogram,
) -> Evidence:
    """What is left of some evidence where other files are read: as much as the codes that were learned save there."""
    gross: dict[str, float] = {}
    for key, column in columns.items():
        use = known.get(key[:2])
        if use is not None and column.count and not use.peeked:
            bits, _ = _saved(use, key[2], column, evidence.columns.get(key, Column()), alphabet)
            gross[key[0]] = gross.get(key[0], 0.0) + bits
    for name in evidence.tops:
        gross[name] = gross.get(name, 0.0) - REFUTED * lost_positions(columns, tallies)
    count, own = _counts(columns), dict(evidence.own)
    for name, rate in evidence.rates.items():
        if rate > 0 and count.get(name):
            own[name] *= min(1.0, max(0.0, TOLERANCE * gross.get(name, 0.0) / count[name] / rate))
    return replace(evidence, own=own)


def lost_positions(columns: dict[Key, Column], tallies: Sequence[Tally]) -> int:
    """Errors that are no wrong values: there the place was lost, and finding it again by looking proves nothing."""
    failed = sum(column.failed for column in columns.values())
    # One at the end of a file is a cut-off tail.
    return max(0, sum(max(0, tally.error_count - 1) for tally in tallies) - failed)


def _counts(columns: dict[Key, Column]) -> dict[str, int]:
    """Records of each type, about."""
    found: dict[str, int] = {}
    for (owner, _, _), column in columns.items():
        found[owner] = max(found.get(owner, 0), column.count)
    return found


def confidence_in(grammar: Grammar, evidence: Evidence) -> dict[str, float]:
    """How certain the place of each type's records is, from 0 to 1."""
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
    """Bits saved by a type and by all that lies in it once: it begins where it does only if they do as well."""
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
        # A part that explains nothing takes nothing away from what the others show.
        pooled[name] = bits + sum(max(0.0, saved[other]) for other in found - {name})
    return pooled


def _inherited(place: Place, sure: dict[str, float], own: float, *, closed: bool) -> float:
    above = 1.0 if place.parent is None else sure[place.parent]
    # What follows its like again and again could begin anywhere: only its own values can show that it begins here,
    # unless values read elsewhere say how many there are, and all that follows is where it should be.
    return min(above, own) if place.repeated and not (closed and place.counted) else above


def bulk_types(grammar: Grammar) -> frozenset[str]:
    """Types of which many follow each other: what is said of one is said once for all of them."""
    return frozenset(name for name, at in places(grammar).items() if at and all(place.repeated for place in at))


def floor_of(grammar: Grammar, confidence: dict[str, float]) -> dict[str, float]:
    """What bytes of a type are worth at least: as much as if they had been left opaque in the field that holds them."""
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


def _saved(use: Use, kind: str, column: Column, taught: Column, alphabet: ByteHistogram) -> tuple[float, float]:
    """Bits that the best code for a column saves, and what its code book takes; what fails costs what it claimed."""
    width = plain_bits(use, column, alphabet)
    found = [(0.0, 0.0)]
    if use.checks is not None and (column.passed or column.failed):
        found.append((column.passed * claim_bits(use, column, alphabet), 0.0))
    elif kind == Kind.STRING:
        found.append((_printable_bits(column, alphabet.chance(use.field.encoding)), 0.0))
    if not use.row:
        joined = column if taught is column else column.joined(taught)
        code, book = joined.code(width, column.count)
        found.append((column.count * (width - code), book))
        if use.sizes and fits(column, alphabet):
            found.append((column.count * (width - math.log2(alphabet.size + 1)), 0.0))
    bits, book = max(found, key=lambda one: one[0] - one[1])
    return bits - REFUTED * column.failed, book


def fits(column: Column, alphabet: ByteHistogram) -> bool:
    """Whether all numbers are sizes or places within a file."""
    low, high = column.low, column.high
    return isinstance(low, int) and isinstance(high, int) and low >= 0 and high <= alphabet.size


def _printable_bits(column: Column, chance: float) -> float:
    """Bits that texts save because more of them is printable than chance allows (Kullback-Leibler divergence)."""
    share = column.printable / column.bytes if column.bytes else 0.0
    if share <= chance or not chance:
        return 0.0
    rest = (1 - share) * math.log2((1 - share) / (1 - chance)) if share < 1 else 0.0
    return column.weight * (share * math.log2(share / chance) + rest)


def plain_bits(use: Use, column: Column, alphabet: ByteHistogram) -> float:
    """Bits of one value as unrelated bytes, of which equal ones in a row say little."""
    if column.bytes:
        return column.weight / column.count * alphabet.bits
    return width_bits(use.field) * alphabet.bits / 8.0


def claim_bits(use: Use, column: Column, alphabet: ByteHistogram) -> float:
    """How unlikely a passing value is by chance, in bits of this alphabet."""
    plain = plain_bits(use, column, alphabet)
    if column.failed and column.passed and column.bytes:
        plain = (column.weight - column.failed_weight) / column.passed * alphabet.bits
    width = max(8.0, 8.0 * column.bytes / column.count) if column.bytes else width_bits(use.field)
    return max(0.0, min(plain, (use.checks or 0.0) - (width - plain)))
