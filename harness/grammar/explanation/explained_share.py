"""Explanation: which share of the bytes of some files a grammar explains, and why.

A byte counts as explained as far as what the grammar says of it could have turned out wrong and did not. Two things
decide: whether it is certain that the field lies *there* (confidence in its type), and what is known of its value.

Confidence is earned in bits, after the principle of minimum description length (Rissanen 1978; Grünwald, *The Minimum
Description Length Principle*, 2007): values that need fewer bits once they are columns of a record than as unrelated
bytes, and values that pass checks, save bits; codes and the grammar itself cost bits. Structure that is not there saves
b bits with a chance of at most 2^-b, so that no grammar, however it was found, is confirmed by random bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.grammar.engine.byte_weights import UNIT
from harness.grammar.engine.tally import Tally
from harness.grammar.explanation.byte_histogram import ByteHistogram
from harness.grammar.explanation.column import Column, columns_of
from harness.grammar.explanation.confidence import (
    BLOB,
    FRAMED,
    SUMMED,
    Evidence,
    bulk_types,
    claim_bits,
    confidence_in,
    fits,
    floor_of,
    held_evidence,
    plain_bits,
    weigh_evidence,
)
from harness.grammar.explanation.self_information import width_bits
from harness.grammar.explanation.usage import FieldKey, Use, uses
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.primitive import Kind

MIN_PRINTABLE_SHARE = 0.95
"""A field of texts of which more than a few are not printable is no field of texts."""
NUMBER, STEERING, TEXT = 0.30, 0.50, 0.90
"""Typed values of which nothing more is known; values that steer the parse; printable text found by its bounds."""
NARROW_BITS = 32.0
"""A wider number of which nothing is known is opaque bytes under another name."""
FINER = 0.01
"""All else equal, the finer description is preferred."""
UNDECLARED = 0.9
"""A constant that the grammar does not state is not worth all of it."""
NOTHING = 0.3
"""A number that is always zero, and not said to be: padding looks like that under any grammar."""
INFLATED = 0.9
"""Bytes that inflate, which their own checksum confirms."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What one field explains.

    Attributes:
        type: Its type.
        name: Its name.
        bytes: Bytes it covers.
        weight: What these weigh, in bytes: what they say that the byte before them does not.
        credit: Between 0 and 1: how well they are explained.
        paid: Whether it explains more than it takes to write it down, from 0 to 1.
        bits: What it takes to write it down.
        why: What the credit is for.
    """

    type: str
    name: str
    bytes: float
    weight: float
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
        explained: The share of the files' weight that is explained, by credit.
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

    evidence: Evidence
    paid: dict[FieldKey, float]
    used: frozenset[FieldKey]


def explain(
    grammar: Grammar,
    tallies: Sequence[Tally],
    *,
    alphabet: ByteHistogram,
    fit: Fit,
    held: bool = False,
    weight: float | None = None,
) -> Explanation:
    """Judge what a grammar explains.

    Args:
        grammar: The grammar that the tallies come from.
        tallies: One for each file, with weights.
        alphabet: What bytes of these files look like without any structure.
        fit: What was learned, from these files or from others.
        held: Whether from others.
        weight: What was to be explained, where that is not all of the files.
    """
    known, columns = uses(grammar), columns_of(tallies)
    evidence = fit.evidence
    if held:
        evidence = held_evidence(evidence, known, columns, tallies, alphabet)
    confidence = confidence_in(grammar, evidence)
    floor, bulk = floor_of(grammar, confidence), bulk_types(grammar)
    weight = sum(tally.weight for tally in tallies) / UNIT if weight is None else weight
    found: list[Credit] = []
    for key, use in known.items():
        mine = {k: column for k, column in columns.items() if k[:2] == key and column.count}
        total = sum(column.weight for column in mine.values())
        trust = _Trust(
            sure=confidence.get(key[0], 0.0),
            own=evidence.own.get(key[0], 0.0) if key[0] in bulk else 1.0,
            plain=evidence.plain.get(key[0], 0.0),
            paid=1.0 if held and _predicts(mine.values()) else fit.paid.get(key, 0.0),
            floor=floor.get(key[0], 0.0),
        )
        value, why = 0.0, "never seen"
        for k, column in mine.items():
            seen = _Seen(use, k[2], column, fit.evidence.columns.get(k, Column()) if held else column, alphabet)
            one, why = _credit(seen, trust)
            value += one * column.weight
        size = sum(column.bytes for column in mine.values())
        found.append(Credit(*key, size, total, value / total if total else 0.0, trust.paid, use.bits, why))
    bits = sum(use.bits for use in known.values())
    covered_weight = sum(tally.covered_weight for tally in tallies) / UNIT
    return Explanation(
        bytes=sum(tally.size for tally in tallies),
        covered=sum(tally.covered for tally in tallies),
        explained=min(1.0, _weigh(found, covered_weight) / weight) if weight else 0.0,
        economy=sum(credit.bits for credit in found if (credit.type, credit.name) in fit.used) / bits if bits else 0.0,
        confidence=confidence,
        credits=tuple(found),
    )


def learn(grammar: Grammar, tallies: Sequence[Tally], alphabet: ByteHistogram) -> Fit:
    """What files teach about a grammar: codes of its fields, confidence in its types, which fields pay."""
    known, columns = uses(grammar), columns_of(tallies)
    total: dict[FieldKey, float] = {}
    for key, column in columns.items():
        # Bytes that were inflated lie in no file; their values count by the width they were read with.
        seen = column.weight or column.invisible * width_bits(known[key[:2]].field) / 8 if key[:2] in known else 0.0
        total[key[:2]] = total.get(key[:2], 0.0) + seen
    paid = {key: _paid(total.get(key, 0.0), use.bits) for key, use in known.items()}
    used = frozenset(key[:2] for key, column in columns.items() if column.count and key[:2] in known)
    return Fit(weigh_evidence(grammar, known, columns, tallies, alphabet), paid, used)


def _predicts(columns: Iterable[Column]) -> bool:
    """Whether checks foretold what is in files that taught nothing: then it does not matter how long they are."""
    found = list(columns)
    return any(column.passed for column in found) and not any(column.failed for column in found)


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
    alphabet: ByteHistogram

    @property
    def plain(self) -> float:
        """Bits of one value as unrelated bytes."""
        return plain_bits(self.use, self.column, self.alphabet)


@dataclass(frozen=True, slots=True)
class _Trust:
    """How far a field is believed: its place, its type's values, texts apart too, its worth; what it gets anyway."""

    sure: float
    own: float
    plain: float
    paid: float
    floor: float


def _credit(seen: _Seen, trust: _Trust) -> tuple[float, str]:
    use, good = seen.use, seen.column.good
    if not trust.sure:
        return trust.floor * good, "nothing shows that the type belongs here"
    blob = max(trust.floor, BLOB + trust.sure * (FRAMED * use.framed + SUMMED * use.summed))
    value, reason = _typed(seen, trust)
    earned = trust.sure * trust.paid * value
    if earned <= blob:
        return blob * good, "opaque, framed" if use.framed else "opaque"
    return earned * good, reason


def _typed(seen: _Seen, trust: _Trust) -> tuple[float, str]:
    """What is known of a value whose place is certain."""
    use, column, own = seen.use, seen.column, trust.own
    if any(step.name in ("zlib", "gzip", "deflate") for step in use.field.process):
        return INFLATED, "inflated"
    narrow = FINER * own * min(1.0, 8.0 / max(8.0, 8.0 * column.bytes / max(1, column.count)))
    known = _known(seen)
    if seen.kind == Kind.BYTES:
        value, reason = 0.0, "opaque"
    elif seen.kind == Kind.STRING:
        share = column.printable / column.bytes if column.bytes else 0.0
        claimed = TEXT if use.measured else STEERING if use.framed else NUMBER
        if use.lone:  # only what stands beside it can show that it begins and ends there
            claimed = NUMBER + (claimed - NUMBER) * trust.plain
        value, reason = max(claimed * (share >= MIN_PRINTABLE_SHARE), known * UNDECLARED), "text"
    elif use.row:
        value, reason = (1.0 - NUMBER) * known, "row of numbers"
    elif use.steers:
        value, reason = STEERING + (1.0 - STEERING - FINER) * known + narrow, "steers the parse"
    else:
        # Numbers of which nothing is known are a row of numbers, however many lines of grammar say so.
        width = 8.0 * column.bytes / max(1, column.count)
        plain = NUMBER * own * min(1.0, NARROW_BITS / width if width else 1.0)
        value, reason = plain + (1.0 - NUMBER - FINER) * known + narrow, "number"
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
    code = joined.code(plain, seen.taught.count)[0]
    if seen.use.sizes and fits(joined, seen.alphabet):
        code = min(code, math.log2(seen.alphabet.size + 1))
    share = 1.0 - code / plain
    if seen.use.checks is None and joined.low == joined.high == 0:
        return min(share, NOTHING)
    return min(share, UNDECLARED) if seen.use.checks is None else share


def _weigh(credits: Sequence[Credit], covered: float) -> float:
    """Explained weight; where fields overlap, what was counted twice is taken from the best explained."""
    excess = sum(credit.weight for credit in credits) - covered
    total = sum(credit.weight * credit.credit for credit in credits)
    if excess <= 0.5:
        return total
    for credit in sorted(credits, key=lambda c: -c.credit):
        taken = min(excess, credit.weight)
        total -= taken * credit.credit
        excess -= taken
        if excess <= 0:
            break
    return max(0.0, total)
