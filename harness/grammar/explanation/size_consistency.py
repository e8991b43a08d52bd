"""Size consistency: evidence from records whose sizes are read and that end exactly where their bytes end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.grammar.engine.byte_weights import UNIT
from harness.grammar.engine.tally import Tally
from harness.grammar.explanation.column import Column, Key, claimed_twice
from harness.grammar.explanation.description import Sources, sources_of
from harness.grammar.explanation.expression_walk import names_in
from harness.grammar.explanation.usage import FieldKey, Use
from harness.grammar.language.expression import Attribute, Expr, Literal, Name, walk
from harness.grammar.language.grammar import Field, Grammar, TypeDef, Word
from harness.grammar.language.reach import references, tops

EXACT_END_BITS = 8.0  # bits for an exact end: a range ends at one of some hundred offsets
MAX_DEPTH = 100  # maximum nesting of types whose sizes are computed
MIN_CLOSED_SHARE = 0.98  # minimum share of the weight of the files that a closed grammar accounts for


def grain(
    definition: TypeDef, grammar: Grammar, columns: Mapping[Key, Column], *, tied: frozenset[str] = frozenset()
) -> float:
    """Granularity in bytes of the possible ends of a record: 1 if it always fits; infinite if values decide.

    Args:
        tied: Names whose values give the size of the bytes that confine the record: a record that ends where they say
            ends there by definition. `_io` is always one of them.
    """
    if (size := constant_size(definition, grammar)) is not None:
        return float(size or 1)
    following = names_following(frozenset({"_io"}) | tied, sources_of(grammar))
    least, chances = math.inf, 1.0
    for name in (definition.name, *_open(definition.name, grammar)):
        local = {f.name for f in grammar.types[name].fields if f.compute is None and f.at is None and f.offset is None}
        for field in grammar.types[name].fields:
            if field.name not in local:
                continue
            adapts = any(_depends(part, following, local) for part in _size_parts(field))
            if (
                adapts
                or field.length is Word.REST
                or (field.delimiter is not None and not field.delimiter.required and field.length is None)
            ):
                return 1.0
            if _depends(field.condition, following, local):
                chances *= 2.0  # one more possible end
            if field.repeat is Word.REST:
                least = min(least, float(_sizes(field, grammar) or _mean_item(name, field, grammar, columns)))
    return max(1.0, least / chances)


def _size_parts(field: Field) -> tuple[Expr | Word | None, ...]:
    choice = field.switch.by if field.switch is not None else None
    return (field.length, field.repeat, field.until, field.align, field.skip, choice)


def _depends(part: Expr | Word | None, names: frozenset[str], local: set[str]) -> bool:
    """Whether an expression uses one of some names, other than as a field of its own record."""
    if part is None or isinstance(part, Word):
        return False
    return any(
        (isinstance(inner, Name) and inner.name in names and inner.name not in local)
        or (isinstance(inner, Attribute) and inner.name in names)
        for inner in walk(part)
    )


def names_following(names: frozenset[str], sources: Sources) -> frozenset[str]:
    """The given names, and those of computed fields and parameters whose values follow from them."""
    while True:
        more = names | {
            name for name, found in sources.items() if any(not names.isdisjoint(names_in(expr)) for expr in found)
        }
        if more == names:
            return names
        names = frozenset(more)


def _mean_item(owner: str, field: Field, grammar: Grammar, columns: Mapping[Key, Column]) -> float:
    """Average bytes of one item of an array."""
    found = {key[2]: column for key, column in columns.items() if key[:2] == (owner, field.name)}
    count = sum(column.count for column in found.values())
    total = sum(column.bytes + column.count * _mean_size(kind, grammar, columns) for kind, column in found.items())
    return max(1.0, total / count) if count else 1.0


def _mean_size(name: str, grammar: Grammar, columns: Mapping[Key, Column]) -> float:
    """Average bytes of a record: a random chain of such records ends at a given byte with that frequency."""
    within = {name, *_open(name, grammar)}
    count = max((column.count for key, column in columns.items() if key[0] == name), default=0)
    return sum(column.bytes for key, column in columns.items() if key[0] in within) / count if count else 0.0


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
        tied = _confining_names(owner, use.field, grammar, ())
        ends = min(grain(grammar.types[kind], grammar, columns, tied=tied), 1.0 + _mean_size(kind, grammar, columns))
        # A record that ends earlier refutes as much.
        bits = max(0, 2 * column.exact - column.count) * min(EXACT_END_BITS, math.log2(ends))
        for inner in {kind, *_open(kind, grammar)}:
            found[inner] = found.get(inner, 0.0) + bits
    return found


def _confining_names(owner: str, field: Field, grammar: Grammar, seen: tuple[str, ...]) -> frozenset[str]:
    """Names in the expressions that give the size of the bytes that confine a field."""
    if isinstance(field.length, Expr):
        return frozenset(names_in(field.length))
    if owner in seen:
        return frozenset()
    found: set[str] = set()
    for definition in grammar.types.values():
        for outer in (*definition.fields, *definition.instances):
            if any(ref.name == owner for ref in references(outer)):
                found |= _confining_names(definition.name, outer, grammar, (*seen, owner))
    return frozenset(found)


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
