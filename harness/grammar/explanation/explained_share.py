"""Explanation: the share of the bytes of some files that a grammar explains, and the reason for each field.

A byte counts as explained as far as a statement of the grammar about it could have been false and was not. Two factors
decide: the confidence that the field is at *this* offset (confidence in its type), and the knowledge of its value.

Confidence is measured in bits, by the principle of minimum description length (Rissanen 1978; Grünwald, *The Minimum
Description Length Principle*, 2007): values that need fewer bits as columns of a record than as unrelated bytes, and
values that pass checks, save bits. Code books and the grammar itself add bits. Absent structure saves b bits with a
probability of at most 2^-b, so random bytes confirm no grammar, whatever method found it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.grammar.engine.byte_weights import UNIT
from harness.grammar.engine.tally import Tally, joined
from harness.grammar.explanation.byte_histogram import ByteHistogram
from harness.grammar.explanation.column import Column, columns_of
from harness.grammar.explanation.confidence import (
    BLOB,
    FRAMED,
    INFLATING,
    SUMMED,
    Evidence,
    bulk_types,
    claim_bits,
    confidence_in,
    fits,
    floor_of,
    growth,
    held_evidence,
    plain_bits,
    recurring,
    value_confidence,
    weigh_evidence,
)
from harness.grammar.explanation.lookahead import lookahead_bits
from harness.grammar.explanation.self_information import width_bits
from harness.grammar.explanation.text import text_share
from harness.grammar.explanation.usage import FieldKey, Use, uses
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.primitive import Kind

# Credits of numbers without further knowledge; values that steer the parse; printable strings with known bounds.
NUMBER, STEERING, TEXT = 0.30, 0.50, 0.90
# Width above which a number without further knowledge earns less, down to the credit of opaque bytes.
NARROW_BITS = 32.0
USUAL = 0.1  # share of its bits that the code of a number saves, from which on the values differ from random ones
FINER = 0.01  # bonus of the finer of two otherwise equal descriptions
UNDECLARED = 0.9  # factor for regularities that the grammar does not declare
NOTHING = 0.3  # factor for an undeclared number that is always zero: padding looks like that under each grammar
INFLATED = 0.9  # credit of bytes that inflate


@dataclass(frozen=True, slots=True)
class Credit:
    """The credit of one field.

    Attributes:
        bytes: Bytes it covers.
        weight: Weight of these bytes, in bytes.
        credit: Explained share, from 0 to 1.
        paid: Factor from 0 to 1: whether the field covers more bits than its description has.
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
    """The share of some files that a grammar explains.

    Attributes:
        bytes: Bytes of the files that were examined.
        covered: Bytes in any field.
        explained: Explained share of the weight of the files.
        economy: Share of the description of the grammar that these files (or the sample files) use.
        confidence: Confidence in each type, from 0 to 1.
        credits: Credit of each field, in the order of the grammar.
    """

    bytes: int
    covered: int
    explained: float
    economy: float
    confidence: dict[str, float]
    credits: tuple[Credit, ...]

    @property
    def score(self) -> float:
        """Explained share times (0.9 + 0.1 * economy), from 0 to 1."""
        return self.explained * (0.9 + 0.1 * self.economy)


@dataclass(frozen=True, slots=True)
class Fit:
    """Codes and confidence that were learned from sample files, and are applied to other files."""

    evidence: Evidence
    paid: dict[FieldKey, float]
    used: frozenset[FieldKey]


def explain_files(
    grammar: Grammar,
    tallies: Sequence[Tally],
    histogram: ByteHistogram,
    *,
    fit: Fit | None = None,
    weight: float | None = None,
) -> tuple[Explanation, Fit]:
    """Explain files, with what other files taught, or with what these teach; return also what was used."""
    if grammar.select is None and all(tally.top_records <= 1 for tally in tallies):
        grammar = replace(grammar, once=True)  # the first record of a file is at its first byte
    learned = fit or learn(grammar, tallies, histogram)
    return explain(grammar, tallies, histogram=histogram, fit=learned, held=fit is not None, weight=weight), learned


def explain(
    grammar: Grammar,
    tallies: Sequence[Tally],
    *,
    histogram: ByteHistogram,
    fit: Fit,
    held: bool = False,
    weight: float | None = None,
) -> Explanation:
    """Compute the share of some files that a grammar explains.

    Args:
        tallies: One tally per file, with weights.
        fit: Result of `learn`, from these files or from others.
        held: Whether `fit` is from other files.
        weight: Weight of the examined part, if that is not all of the files.
    """
    known, columns = uses(grammar), columns_of(tallies)
    evidence = fit.evidence
    if held:
        evidence = held_evidence(evidence, known, columns, tallies, histogram)
    confidence = confidence_in(grammar, evidence)
    told = value_confidence(grammar, evidence, confidence)
    floor, bulk = floor_of(grammar, confidence), bulk_types(grammar)
    filled = {key[0] for key, column in columns.items() if column.bytes}
    sized = {key[:2] for key, column in columns.items() if column.bytes or key[2] in filled}
    weight = sum(tally.weight for tally in tallies) / UNIT if weight is None else weight
    found: list[Credit] = []
    for key, use in known.items():
        mine = {k: column for k, column in columns.items() if k[:2] == key and column.count}
        total = sum(column.weight + column.unread_weight for column in mine.values())
        trust = _Trust(
            sure=confidence.get(key[0], 0.0),
            told=told.get(key[0], 0.0),
            own=evidence.own.get(key[0], 0.0) if key[0] in bulk else 1.0,
            plain=evidence.plain.get(key[0], 0.0),
            paid=1.0 if held and _predicts(mine.values()) else fit.paid.get(key, 0.0),
            floor=floor.get(key[0], 0.0),
        )
        value, why = 0.0, "never seen"
        for k, column in mine.items():
            taught = fit.evidence.columns.get(k, Column()) if held else column
            anchored = evidence.anchors.get(key, 0.0) if any((key[0], n) in sized for n in use.sets_size) else 0.0
            seen = _Seen(use, k[2], column, taught, histogram, anchored)
            one, why = _credit(seen, trust)
            value += one * column.weight + trust.floor * column.unread_weight
        size = sum(column.bytes + column.unread for column in mine.values())
        found.append(Credit(*key, size, total, value / total if total else 0.0, trust.paid, use.bits, why))
    bits = sum(use.bits for use in known.values())
    covered_weight = sum(tally.covered_weight for tally in tallies) / UNIT
    ahead = lookahead_bits(grammar, columns, tallies) / 8.0
    return Explanation(
        bytes=sum(tally.size for tally in tallies),
        covered=sum(tally.covered for tally in tallies),
        explained=min(1.0, _weigh(found, covered_weight, ahead) / weight) if weight else 0.0,
        economy=sum(credit.bits for credit in found if (credit.type, credit.name) in fit.used) / bits if bits else 0.0,
        confidence=confidence,
        credits=tuple(found),
    )


def learn(grammar: Grammar, tallies: Sequence[Tally], histogram: ByteHistogram) -> Fit:
    """Learn from sample files: codes of the fields, confidence in the types, and the fields worth their description."""
    known, columns = uses(grammar), columns_of(tallies)
    total: dict[FieldKey, float] = {}
    for key, column in columns.items():
        # Inflated bytes are not in the file; their values count by the width of their types.
        seen = column.weight or column.invisible * width_bits(known[key[:2]].field) / 8 if key[:2] in known else 0.0
        total[key[:2]] = total.get(key[:2], 0.0) + seen
    paid = {key: _paid(total.get(key, 0.0), use.bits) for key, use in known.items()}
    used = frozenset(key[:2] for key, column in columns.items() if column.count and key[:2] in known)
    return Fit(weigh_evidence(grammar, known, columns, tallies, histogram), paid, used)


def _predicts(columns: Iterable[Column]) -> bool:
    """Whether all checks pass in files outside the samples: then the length of their description does not matter."""
    found = list(columns)
    return any(column.passed for column in found) and not any(column.failed for column in found)


def _paid(seen: float, bits: float) -> float:
    """0 for a field that covers at most as many bits as its description has, 1 from four times as many on."""
    return 1.0 if bits <= 0 else min(1.0, max(0.0, (8.0 * seen - bits) / (3.0 * bits)))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A column with its use in the grammar, its values, and its learned code."""

    use: Use
    kind: str
    column: Column
    taught: Column
    histogram: ByteHistogram
    anchored: float

    @property
    def plain(self) -> float:
        """Bits of one value as unrelated bytes."""
        return plain_bits(self.column, self.histogram)


@dataclass(frozen=True, slots=True)
class _Trust:
    """Factors of a credit: confidence in the position and values of the type, worth of the field, and the minimum."""

    sure: float
    told: float
    own: float
    plain: float
    paid: float
    floor: float


def _credit(seen: _Seen, trust: _Trust) -> tuple[float, str]:
    use, good = seen.use, seen.column.good
    if not trust.sure:
        return trust.floor * good, "nothing shows that the type belongs here"
    number = seen.column.low is not None and not use.row
    blob = max(trust.floor, BLOB + trust.sure * (FRAMED * (use.framed or number) + SUMMED * use.summed))
    if use.peeked:
        return blob * good, "chosen by bytes read ahead"
    value, reason = _typed(seen, trust)
    earned = trust.told * trust.paid * value
    if earned <= blob:
        return blob * good, "opaque, framed" if use.framed else "opaque"
    return earned * good, reason


def _typed(seen: _Seen, trust: _Trust) -> tuple[float, str]:
    """Credit and reason of a value whose position is certain."""
    use, column, own = seen.use, seen.column, trust.own
    if any(step.name in INFLATING for step in use.field.process):
        # Random bytes do not get smaller: a stream that stores them explains its own head only.
        return INFLATED * growth(column), "inflated"
    narrow = FINER * own * min(1.0, 8.0 / max(8.0, 8.0 * column.bytes / max(1, column.count)))
    known = _known(seen)
    if seen.kind == Kind.BYTES:
        value, reason = 0.0, "opaque"
    elif seen.kind == Kind.STRING:
        claimed = TEXT if use.measured else STEERING if use.framed else NUMBER
        if use.lone:  # only adjacent fields can confirm where it begins and ends
            claimed = NUMBER + (claimed - NUMBER) * trust.plain
        value, reason = max(claimed * text_share(column, seen.taught, use.field.encoding), known * UNDECLARED), "text"
    elif use.row:
        value, reason = (1.0 - NUMBER) * known, "row of numbers"
    elif use.steers:
        # A length is right if what follows is; other choices can be made by any value, so it must be a usual one.
        steering = STEERING * max(seen.anchored, min(1.0, known / USUAL))
        value, reason = steering + (1.0 - STEERING - FINER) * known + narrow, "steers the parse"
    else:
        # Numbers without further knowledge are a row of numbers, even if the grammar has one field for each.
        width = 8.0 * column.bytes / max(1, column.count)
        plain = NUMBER * own * min(1.0, NARROW_BITS / width if width else 1.0) * min(1.0, known / USUAL)
        value, reason = plain + (1.0 - NUMBER - FINER) * known + narrow, "number"
    if use.checks is not None and column.passed and seen.plain:
        share = min(1.0, claim_bits(use, column, seen.histogram) / seen.plain) * recurring(use, column, seen.taught)
        value, reason = value + (1.0 - value) * share, "checked"
    return value, reason


def _known(seen: _Seen) -> float:
    """The share of the bits of a value that its code saves, by the code of other files if there is one."""
    plain = seen.plain
    if plain <= 0:
        return 0.0
    both = seen.taught if seen.taught is seen.column else joined(seen.column, seen.taught)
    code = both.code(plain, seen.taught.count)[0]
    if seen.use.sizes and fits(both, seen.histogram):
        code = min(code, math.log2(seen.histogram.size + 1))
    share = 1.0 - code / plain
    if seen.use.checks is None and both.low == both.high == 0:
        return min(share, NOTHING)
    return min(share, UNDECLARED) if seen.use.checks is None else share


def _weigh(credits: Sequence[Credit], covered: float, ahead: float) -> float:
    """Explained weight; bytes claimed twice, or read ahead, are subtracted from the best explained fields."""
    excess = sum(credit.weight for credit in credits) - covered + ahead
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
