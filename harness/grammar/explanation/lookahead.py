"""Look-ahead: decisions by bytes that no field has read yet, and how much they tell about these bytes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from harness.grammar.engine.tally import Tally
from harness.grammar.explanation.column import Column, Key
from harness.grammar.language.expression import Attribute, Call, Expr, Name, walk
from harness.grammar.language.grammar import EndianSwitch, Field, Grammar, TypeDef, Word
from harness.grammar.language.reach import references

NUMBER_BITS = 16.0  # bits of a number that was read ahead by a computed field


def peeks(part: Expr | Word | None, through: frozenset[str] = frozenset()) -> bool:
    """Whether an expression reads ahead bytes that no field has read, itself or through the given names."""
    if part is None or isinstance(part, Word):
        return False
    return any(
        (isinstance(inner, Call) and inner.name.startswith("read_"))
        or (isinstance(inner, Name | Attribute) and inner.name in through)
        for inner in walk(part)
    )


def is_chosen_ahead(field: Field, through: frozenset[str]) -> bool:
    """Whether bytes that were read ahead decide the presence or the type of a field."""
    return peeks(field.condition, through) or (field.switch is not None and peeks(field.switch.by, through))


def peeking_names(grammar: Grammar) -> frozenset[str]:
    """Names, in all types, whose values or presence tell about bytes that were read ahead."""
    found: frozenset[str] = frozenset()
    while True:
        more = set(found)
        for definition in grammar.types.values():
            for field in (*definition.fields, *definition.instances):
                if peeks(field.compute, found) or is_chosen_ahead(field, found):
                    more.add(field.name)
                for ref in references(field):
                    given = grammar.types[ref.name].params if ref.name in grammar.types else ()
                    more.update(name for name, value in zip(given, ref.arguments, strict=False) if peeks(value, found))
        if more == found:
            return found
        found = frozenset(more)


def lookahead_bits(grammar: Grammar, columns: Mapping[Key, Column], tallies: Sequence[Tally]) -> float:
    """Bits that the decisions by bytes read ahead tell about these bytes.

    Fields that are read after such a decision confirm what was known already, so the grammar has to pay for it. A
    decision with n outcomes carries at most its entropy, a number at most its width.
    """
    through = peeking_names(grammar)
    counts: dict[tuple[str, str], list[int]] = {}
    for key, column in columns.items():
        counts.setdefault(key[:2], []).append(column.count)
    total = 0.0
    for definition in grammar.types.values():
        records = sum(tally.records.get(definition.name, 0) for tally in tallies)
        if isinstance(definition.endian, EndianSwitch) and peeks(definition.endian.by, through):
            total += records
        for field in (*definition.fields, *definition.instances):
            total += sum(_decisions(field, records, counts.get((definition.name, field.name), []), through))
            if records:
                total += records * sum(min(64.0, _width(part, through)) for part in _numbers(field))
    if grammar.select is not None:
        total += _entropy(sum(tally.records.get(n, 0) for tally in tallies) for n in _chosen(grammar))
    return total


def _decisions(field: Field, records: int, counts: list[int], through: frozenset[str]) -> Iterable[float]:
    present = sum(counts)
    if peeks(field.condition, through):
        several = field.repeat is not None or field.until is not None
        yield records if several else _entropy((present, records - present))
    if field.switch is not None and peeks(field.switch.by, through):
        yield _entropy((*counts, records - present))
    if peeks(field.until, through):
        yield _entropy((records, present - records))


def _numbers(field: Field) -> Iterable[Expr]:
    """The expressions of a field whose value is a number, or a key."""
    parts = (field.length, field.repeat, field.at, field.offset, field.stream, field.skip, field.align, field.parent)
    yield from (part for part in parts if part is not None and not isinstance(part, Word))
    for step in field.process:
        yield from step.arguments


def _width(part: Expr, through: frozenset[str]) -> float:
    total = 0.0
    for inner in walk(part):
        if isinstance(inner, Call) and inner.name.startswith("read_u"):
            total += float(inner.name[len("read_u") :] or 8)
        elif isinstance(inner, Call) and inner.name == "read_bytes":
            total += 64.0
        elif isinstance(inner, Name | Attribute) and inner.name in through:
            total += NUMBER_BITS
    return total


def _chosen(grammar: Grammar) -> set[str]:
    select = grammar.select
    return set() if select is None else {*select.cases.values(), *([select.default] if select.default else [])}


def _entropy(counts: Iterable[int]) -> float:
    """Bits of all outcomes together, given how often each occurred, and of learning how often they do."""
    seen = [count for count in counts if count > 0]
    total = sum(seen)
    learned = (len(seen) - 1) * math.log2(1 + total) / 2
    return learned + sum(count * math.log2(total / count) for count in seen)


def chosen_ahead(grammar: Grammar) -> frozenset[str]:
    """Types whose records may be chosen by bytes that were read ahead, with the types within them."""
    through, found = peeking_names(grammar), set[str]()
    while True:
        more = set(found)
        for definition in grammar.types.values():
            for field in (*definition.fields, *definition.instances):
                if definition.name in found or is_chosen_ahead(field, through):
                    more.update(ref.name for ref in references(field) if ref.name in grammar.types)
        if more == found:
            return frozenset(found)
        found = more


def unplain_names(types: Iterable[TypeDef]) -> frozenset[str]:
    """Names of computed and positioned fields and of parameters: they may tell about any byte."""
    return frozenset(
        name
        for definition in types
        for name in (
            *definition.params,
            *(field.name for field in definition.instances),
            *(f.name for f in definition.fields if f.compute is not None or f.at is not None or f.offset is not None),
        )
    )
