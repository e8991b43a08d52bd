"""Size consistency: evidence from records whose sizes are read and that end exactly where their bytes end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.grammar.engine.byte_weights import UNIT
from harness.grammar.engine.tally import Tally
from harness.grammar.explanation.column import Column, Key, claimed_twice
from harness.grammar.explanation.expression_walk import reads_stream_position
from harness.grammar.explanation.usage import FieldKey, Use
from harness.grammar.language.expression import Literal
from harness.grammar.language.grammar import Field, Grammar, TypeDef, Word
from harness.grammar.language.reach import references, tops

EXACT_END_BITS = 8.0  # bits for an exact end: a range ends at one of some hundred offsets
MAX_DEPTH = 100  # maximum nesting of types whose sizes are computed
MIN_CLOSED_SHARE = 0.98  # minimum share of the weight of the files that a closed grammar accounts for


def grain(definition: TypeDef, grammar: Grammar, columns: Mapping[Key, Column]) -> float:
    """Granularity in bytes of the possible ends of a record: 1 if it takes the rest; infinite if values decide."""
    fields = [f for f in definition.fields if f.compute is None and f.at is None and f.offset is None]
    through = _stream_names(grammar)
    for field in fields:
        parts = (field.length, field.repeat, field.until, field.align, field.skip, field.condition)
        choice = field.switch.by if field.switch is not None else None
        if any(reads_stream_position(part, through) for part in (*parts, choice)):
            return 1.0
        if field.delimiter is not None and not field.delimiter.required and field.length is None:
            return 1.0
    if not fields or (size := constant_size(definition, grammar)) is not None:
        return 1.0 if not fields else float(size or 1)
    greedy = [field for field in fields if Word.REST in (field.length, field.repeat)]
    if not greedy:
        return math.inf
    if any(field.length is Word.REST for field in greedy):
        return 1.0
    return min(float(_sizes(field, grammar) or _mean_size(definition.name, field, columns)) for field in greedy)


def _mean_size(owner: str, field: Field, columns: Mapping[Key, Column]) -> float:
    """Average bytes of one item: a random chain of such items ends at a given byte with that frequency."""
    total = count = 0.0
    for (holder, name, kind), column in columns.items():
        if (holder, name) == (owner, field.name):
            count += column.count
            total += column.bytes + sum(inner.bytes for key, inner in columns.items() if key[0] == kind)
    return max(1.0, total / count) if count else 1.0


def _stream_names(grammar: Grammar) -> frozenset[str]:
    """Names of computed fields that tell the position or the size of the stream."""
    found: frozenset[str] = frozenset()
    while True:
        more = frozenset(
            field.name
            for definition in grammar.types.values()
            for field in (*definition.fields, *definition.instances)
            if reads_stream_position(field.compute, found)
        )
        if more == found:
            return found
        found = more


def _sizes(field: Field, grammar: Grammar, known: dict[str, int | None] | None = None) -> int | None:
    """Bytes of one item, if all items have the same size."""
    if field.switch is not None or field.type is None or field.delimiter is not None or field.prefix is not None:
        return None
    if field.type.primitive is not None and field.type.primitive.numeric:
        return max(1, field.type.primitive.width)
    if field.length is not None:
        return field.length.value if isinstance(field.length, Literal) and isinstance(field.length.value, int) else None
    if field.type.primitive is not None:
        return None
    return constant_size(grammar.types[field.type.name], grammar, known)


def constant_size(definition: TypeDef, grammar: Grammar, known: dict[str, int | None] | None = None) -> int | None:
    """Bytes of a record if all records of the type have the same size; else None.

    Args:
        definition: The type.
        grammar: The grammar of the type.
        known: Sizes computed so far; the size of a type in progress is None.
    """
    known = {} if known is None else known
    if definition.name in known or len(known) > MAX_DEPTH:
        return known.get(definition.name)
    known[definition.name] = None
    total = 0
    for field in definition.fields:
        if field.compute is not None or field.at is not None or field.offset is not None:
            continue
        if field.condition is not None or field.until is not None or field.align is not None or field.skip is not None:
            return None
        count = 1 if field.repeat is None else field.repeat.value if isinstance(field.repeat, Literal) else None
        size = _sizes(field, grammar, known)
        if not isinstance(count, int) or size is None:
            return None
        total += count * size
    known[definition.name] = total
    return total


def is_closed(
    grammar: Grammar, known: Mapping[FieldKey, Use], columns: Mapping[Key, Column], tallies: Sequence[Tally]
) -> bool:
    """Whether a grammar accounts for all bytes of the files without a fault and without a field that takes the rest."""
    weight = sum(tally.weight for tally in tallies)
    if not grammar.once or not weight or any(tally.error_count for tally in tallies):
        return False
    read = sum(column.weight for column in columns.values())
    if read * UNIT < MIN_CLOSED_SHARE * weight or claimed_twice(columns, tallies) > 0.5:
        return False
    taken = sum(
        column.weight
        for (owner, name, _), column in columns.items()
        if (use := known.get((owner, name))) is not None and use.greedy
    )
    return taken * 60 <= (1 - MIN_CLOSED_SHARE) * weight


def size_consistency_bits(
    grammar: Grammar, known: Mapping[FieldKey, Use], columns: Mapping[Key, Column]
) -> dict[str, float]:
    """Bits by type: how unlikely it is that its records end exactly where their confining bytes end."""
    found: dict[str, float] = {}
    for (owner, name, kind), column in columns.items():
        use = known.get((owner, name))
        if use is None or not column.exact or kind not in grammar.types or not use.measured:
            continue
        bits = column.exact * min(EXACT_END_BITS, math.log2(grain(grammar.types[kind], grammar, columns)))
        for inner in {kind, *_open(kind, grammar)}:
            found[inner] = found.get(inner, 0.0) + bits
    return found


def file_size_consistency_bits(
    grammar: Grammar, columns: Mapping[Key, Column], tallies: Sequence[Tally]
) -> dict[str, float]:
    """The same for whole files."""
    found: dict[str, float] = {}
    whole = [tally for tally in tallies if tally.size and not tally.error_count and tally.stopped_at == tally.size]
    for name in tops(grammar):
        step = grain(grammar.types[name], grammar, columns)
        if constant_size(grammar.types[name], grammar) is None:
            if not grammar.once:
                step = min(step, sum(tally.size for tally in whole) / max(1, sum(tally.top_records for tally in whole)))
            for inner in {name, *_open(name, grammar)}:
                found[inner] = found.get(inner, 0.0) + min(EXACT_END_BITS, math.log2(max(1.0, step))) * len(whole)
    return found


def _open(name: str, grammar: Grammar) -> set[str]:
    """Types of records within a type that no length confines: they decide its end."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for field in grammar.types[waiting.pop()].fields:
            if field.length is None and field.at is None and field.offset is None:
                for ref in references(field):
                    if ref.primitive is None and ref.name in grammar.types and ref.name not in found:
                        found.add(ref.name)
                        waiting.append(ref.name)
    return found
