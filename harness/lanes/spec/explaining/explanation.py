"""Explanation: which share of the bytes of some files a grammar explains, and why.

A byte counts as explained as far as what the grammar says of it could have turned out wrong and did not. Two things
decide: whether it is certain that the field lies *there* (confidence in its type), and what is known of its value.

Confidence is earned in bits, after the principle of minimum description length (Rissanen 1978; Grünwald, *The Minimum
Description Length Principle*, 2007): values that need fewer bits once they are columns of a record than as unrelated
bytes, and values that pass checks, save bits; codes and the grammar itself cost bits. Structure that is not there saves
b bits with a chance of at most 2^-b, so that no grammar, however it was found, is confirmed by random bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.lanes.spec.engine.tally import Tally
from harness.lanes.spec.explaining.column import Column, Key, columns_of
from harness.lanes.spec.explaining.confidence import (
    BLOB,
    FRAMED,
    SUMMED,
    claim_bits,
    confidence_in,
    floor_of,
    plain_bits,
)
from harness.lanes.spec.explaining.surprise import width_bits
from harness.lanes.spec.explaining.usage import FieldKey, Use, uses
from harness.lanes.spec.language.grammar import Grammar
from harness.lanes.spec.language.primitive import Kind

MOSTLY = 0.95
"""A field of texts of which more than a few are not printable is no field of texts."""
NUMBER, STEERING, TEXT = 0.30, 0.50, 0.90
"""Typed values of which nothing more is known; values that steer the parse; printable text found by its bounds."""
FINER = 0.01
"""All else equal, the finer description is preferred."""
UNDECLARED = 0.9
"""A constant that the grammar does not state is not worth all of it."""
NOTHING = 0.3
"""A number that is always zero, and not said to be: padding looks like that under any grammar."""
VERIFIED = 0.9
"""Bytes that inflate, which their own checksum confirms."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What one field explains.

    Attributes:
        type: Its type.
        name: Its name.
        bytes: Bytes it covers.
        credit: Between 0 and 1: how well they are explained.
        paid: Whether it explains more than it takes to write it down, from 0 to 1.
        bits: What it takes to write it down.
        why: What the credit is for.
    """

    type: str
    name: str
    bytes: float
    credit: float
    paid: float
    bits: float
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a grammar explains of some files.

    Attributes:
        bytes: Bytes that were to be explained.
        covered: Bytes in any field.
        explained: Credit-weighted bytes, as a share of all.
        economy: Share of the grammar's description that these files (or those that taught) have a use for.
        confidence: By type, from 0 to 1.
        credits: By field, in the grammar's order.
    """

    bytes: int
    covered: int
    explained: float
    economy: float
    confidence: dict[str, float]
    credits: tuple[Credit, ...]

    @property
    def score(self) -> float:
        """Between 0 and 1: what is explained; a tenth of it only as far as the grammar is of use."""
        return self.explained * (0.9 + 0.1 * self.economy)


@dataclass(frozen=True, slots=True)
class Fit:
    """What was learned from files: judged by it, other files show whether it holds beyond them."""

    columns: dict[Key, Column]
    confidence: dict[str, float]
    floor: dict[str, float]
    paid: dict[FieldKey, float]
    used: frozenset[FieldKey]


def explain(
    grammar: Grammar, tallies: Sequence[Tally], *, alphabet: float, examined: int | None = None, fit: Fit | None = None
) -> Explanation:
    """Judge what a grammar explains.

    Args:
        grammar: The grammar that the tallies come from.
        tallies: One for each file.
        alphabet: Bits of a byte of these files without any structure: their entropy.
        examined: Bytes that were to be explained, where that is not all of the files.
        fit: What was learned from other files. Without it these files teach what they are judged by.
    """
    known, columns = uses(grammar), columns_of(tallies)
    covered = sum(tally.covered for tally in tallies)
    own = fit or learn(grammar, columns, alphabet, covered)
    size = sum(tally.size for tally in tallies) if examined is None else examined
    found: list[Credit] = []
    for key, use in known.items():
        mine = {k: column for k, column in columns.items() if k[:2] == key and column.count}
        total = sum(column.bytes for column in mine.values())
        paid = own.paid.get(key, 0.0)
        sure = own.confidence.get(key[0], 0.0)
        value, why = 0.0, "never seen"
        for k, column in mine.items():
            seen = _Seen(use, k[2], column, own.columns.get(k, Column()), alphabet)
            one, why = _credit(seen, sure=sure, paid=paid, floor=own.floor.get(key[0], 0.0))
            value += one * column.bytes
        found.append(Credit(*key, total, value / total if total else 0.0, paid, use.bits, why))
    bits = sum(use.bits for use in known.values())
    return Explanation(
        bytes=size,
        covered=covered,
        explained=_weigh(found, covered) / size if size else 0.0,
        economy=sum(credit.bits for credit in found if (credit.type, credit.name) in own.used) / bits if bits else 0.0,
        confidence=own.confidence,
        credits=tuple(found),
    )


def learn(grammar: Grammar, columns: dict[Key, Column], alphabet: float, covered: int) -> Fit:
    """What files teach about a grammar: codes of its fields, confidence in its types, which fields pay."""
    known = uses(grammar)
    total: dict[FieldKey, float] = {}
    for key, column in columns.items():
        # Bytes that were inflated lie in no file; their values count by the width they were read with.
        seen = column.bytes or column.invisible * width_bits(known[key[:2]].field) / 8 if key[:2] in known else 0.0
        total[key[:2]] = total.get(key[:2], 0.0) + seen
    paid = {key: _paid(total.get(key, 0.0), use.bits) for key, use in known.items()}
    overlap = max(0.0, sum(column.bytes for column in columns.values()) - covered - 0.5)
    confidence = confidence_in(grammar, known, columns, alphabet, overlap)
    used = frozenset(key for key in known if any(column.count for k, column in columns.items() if k[:2] == key))
    return Fit(columns, confidence, floor_of(grammar, confidence), paid, used)


def _paid(seen: float, bits: float) -> float:
    """0 for a field that covers no more bits than it takes to write it down, 1 from four times as many on."""
    if bits <= 0:
        return 1.0
    return min(1.0, max(0.0, (8.0 * seen - bits) / (3.0 * bits)))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A column in its place: what the grammar says of it, what it holds, and what was learned of it."""

    use: Use
    kind: str
    column: Column
    taught: Column
    alphabet: float

    @property
    def plain(self) -> float:
        """Bits of one value as unrelated bytes."""
        return plain_bits(self.use, self.column, self.alphabet)


def _credit(seen: _Seen, *, sure: float, paid: float, floor: float) -> tuple[float, str]:
    use, good = seen.use, seen.column.good
    if not sure:
        return floor * good, "nothing shows that the type belongs here"
    blob = max(floor, BLOB + sure * (FRAMED * use.framed + SUMMED * use.summed))
    value, reason = _typed(seen)
    earned = sure * paid * value
    if earned <= blob:
        return blob * good, "opaque, framed" if use.framed else "opaque"
    return earned * good, reason


def _typed(seen: _Seen) -> tuple[float, str]:
    """What is known of a value whose place is certain."""
    use, column = seen.use, seen.column
    if any(step.name in ("zlib", "gzip", "deflate") for step in use.field.process):
        return VERIFIED, "inflated"
    narrow = FINER * min(1.0, 8.0 / max(8.0, 8.0 * column.bytes / max(1, column.count)))
    known = _known(seen)
    if seen.kind == Kind.BYTES:
        value, reason = 0.0, "opaque"
    elif seen.kind == Kind.STRING:
        share = column.printable / column.bytes if column.bytes else 0.0
        claimed = TEXT if use.measured else STEERING if use.framed else NUMBER
        value, reason = max(claimed * (share >= MOSTLY), known * UNDECLARED), "text"
    elif use.row:
        value, reason = (1.0 - NUMBER) * known, "row of numbers"
    elif use.steers:
        value, reason = STEERING + (1.0 - STEERING - FINER) * known + narrow, "steers the parse"
    else:
        value, reason = NUMBER + (1.0 - NUMBER - FINER) * known + narrow, "number"
    if use.checks is not None and column.passed and seen.plain:
        share = min(1.0, claim_bits(use, column, seen.alphabet) / seen.plain)
        value, reason = value + (1.0 - value) * share, "checked"
    return value, reason


def _known(seen: _Seen) -> float:
    """The share of a value's bits that its code does without; judged by what other files taught, if they did."""
    plain = seen.plain
    if plain <= 0:
        return 0.0
    joined = seen.taught if seen.taught is seen.column else seen.column.joined(seen.taught)
    share = 1.0 - joined.code(plain, seen.taught.count)[0] / plain
    if seen.use.checks is None and joined.low == joined.high == 0:
        return min(share, NOTHING)
    return min(share, UNDECLARED) if seen.use.checks is None else share


def _weigh(credits: Sequence[Credit], covered: int) -> float:
    """Explained bytes; where fields overlap, the bytes that were counted twice are taken from the best explained."""
    excess = sum(credit.bytes for credit in credits) - covered
    total = sum(credit.bytes * credit.credit for credit in credits)
    if excess <= 0.5:
        return total
    for credit in sorted(credits, key=lambda c: -c.credit):
        taken = min(excess, credit.bytes)
        total -= taken * credit.credit
        excess -= taken
        if excess <= 0:
            break
    return max(0.0, total)
