"""Confidence: how certain it is that records of a type begin where they were read, in bits that this saves."""

from __future__ import annotations

import math

from harness.lanes.spec.explaining.column import Column, Key
from harness.lanes.spec.explaining.surprise import width_bits
from harness.lanes.spec.explaining.usage import FieldKey, Place, Use, places
from harness.lanes.spec.language.grammar import Grammar
from harness.lanes.spec.language.primitive import Kind

CERTAIN_BITS = 32.0
"""Saved bits at which a type is beyond doubt."""
PRINTABLE = 0.75
"""The share of printable characters among random bytes in the encodings where it is highest (latin-1 and its kin)."""
BLOB, FRAMED, SUMMED = 0.05, 0.10, 0.10
"""Opaque bytes: any; whose length something says; which a checksum covers."""


def confidence_in(
    grammar: Grammar, known: dict[FieldKey, Use], columns: dict[Key, Column], alphabet: float, overlap: float
) -> dict[str, float]:
    """How certain the place of each type's records is, from 0 to 1.

    Args:
        grammar: The grammar.
        known: Its fields.
        columns: Their values.
        alphabet: Bits of a byte without structure.
        overlap: Bytes that more than one field claims.
    """
    saved = dict.fromkeys(grammar.types, 0.0)
    for (owner, name, kind), column in columns.items():
        use = known.get((owner, name))
        if use is not None and column.count and not use.peeked:
            saved[owner] += _saved(use, kind, column, alphabet)
    seen = {key[:2] for key, column in columns.items() if column.count}
    for key, use in known.items():
        # What was never met can neither confirm nor refute; it costs economy.
        saved[key[0]] -= use.bits - use.case_bits if key in seen else 0.0
    where = places(grammar)
    for name, at in where.items():
        # Bytes that two fields claim would confirm both; a type chosen by a look at its own bytes confirms nothing.
        saved[name] -= 8.0 * overlap
        if any(place.peeked for place in at):
            saved[name] = 0.0
    own = {name: min(1.0, max(0.0, bits / CERTAIN_BITS)) for name, bits in _pooled(saved, where).items()}
    sure = dict.fromkeys(grammar.types, 0.0)
    for _ in range(len(sure) + 1):
        before = dict(sure)
        for name in sure:
            sure[name] = max((_inherited(place, before, own[name]) for place in where[name]), default=0.0)
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


def _inherited(place: Place, sure: dict[str, float], own: float) -> float:
    above = 1.0 if place.parent is None else sure[place.parent]
    # What follows its like again and again could begin anywhere: only its own values can show that it begins here.
    return min(above, own) if place.repeated else above


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
    if not place.confined:
        return floor[place.parent]
    return BLOB + confidence[place.parent] * (FRAMED + SUMMED * place.summed)


def _saved(use: Use, kind: str, column: Column, alphabet: float) -> float:
    """Bits that a column saves, its code book paid for; what fails its check costs as much as it claimed."""
    width = plain_bits(use, column, alphabet)
    saved = 0.0
    if use.checks is not None and (column.passed or column.failed):
        claim = claim_bits(use, column, alphabet)
        saved = column.passed * claim - column.failed * 8.0
    elif kind == Kind.STRING:
        saved = _printable_bits(column) - 8.0 * column.failed
    if not use.row:
        code, book = column.code(width, column.count)
        saved = max(saved, column.count * (width - code) - book - 8.0 * column.failed)
    return saved


def _printable_bits(column: Column) -> float:
    """Bits that texts save because more of them is printable than chance allows (Kullback-Leibler divergence)."""
    share = column.printable / column.bytes if column.bytes else 0.0
    if share <= PRINTABLE:
        return 0.0
    rest = (1 - share) * math.log2((1 - share) / (1 - PRINTABLE)) if share < 1 else 0.0
    return column.bytes * (share * math.log2(share / PRINTABLE) + rest)


def plain_bits(use: Use, column: Column, alphabet: float) -> float:
    """Bits of one value as unrelated bytes."""
    if column.bytes:
        return 8.0 * column.bytes / column.count * alphabet / 8.0
    return width_bits(use.field) * alphabet / 8.0


def claim_bits(use: Use, column: Column, alphabet: float) -> float:
    """How unlikely a passing value is by chance, in bits of this alphabet."""
    plain = plain_bits(use, column, alphabet)
    width = max(8.0, 8.0 * column.bytes / column.count) if column.bytes else width_bits(use.field)
    return max(0.0, min(plain, (use.checks or 0.0) - (width - plain)))
