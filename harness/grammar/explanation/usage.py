"""Usage: the role of each field of a grammar, and the bits of its description."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from harness.grammar.explanation.description import (
    TYPE_BITS,
    Enums,
    Sources,
    case_bits,
    constant_bits,
    description_bits,
    expressions_of,
    literal_bits,
    sources_of,
    used_constant_bits,
)
from harness.grammar.explanation.expression_walk import counted, names_in
from harness.grammar.explanation.lookahead import chosen_ahead, is_chosen_ahead, peeking_names
from harness.grammar.explanation.self_information import self_information
from harness.grammar.language.expression import Binary, Expr, Literal, Name
from harness.grammar.language.grammar import Field, Grammar, TypeDef, Word
from harness.grammar.language.reach import references, tops

FieldKey = tuple[str, str]  # type and field


@dataclass(frozen=True, slots=True)
class Use:
    """The role of one field.

    Attributes:
        bits: Bits of the description, without names and documentation.
        case_bits: Bits of the cases of its switch, which are a part of `bits`.
        sets_size: Fields of its record that always take as many bytes, or items, as its value says, perhaps plus or
            times a constant.
        steers: Its value decides the position or type of another field: a length, a count, a position, a choice.
        sizes: Its value decides a position or a size; a value that exceeds the file would be a fault.
        row: It is an array of numbers: one field for any number of bytes.
        framed: A number, a constant size or a terminator bounds its bytes, not only the end of the file.
        measured: A length or a terminator in the file bounds its bytes.
        greedy: It takes the rest of the file, or of an unconfined record.
        lone: It is a terminated string in a repeated, unconfined type: random bytes match that too.
        summed: A checksum covers it.
        peeked: Bytes read ahead decided its presence or type, or those of the record it is in: it proves nothing.
        checks: Self-information in bits of a random value that passes its checks; None without checks.
    """

    field: Field
    bits: float
    case_bits: float
    sets_size: frozenset[str]
    steers: bool
    sizes: bool
    row: bool
    framed: bool
    measured: bool
    greedy: bool
    lone: bool
    summed: bool
    peeked: bool
    checks: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """One occurrence of a type.

    Attributes:
        parent: The type that holds it; None for a top-level record of a file.
        repeated: It is repeated; `counted` is whether the number of records is known.
        counted: Values that were read give the number of records, or their position.
        confined: A length gives its end.
        summed: A checksum covers the field that holds it.
        peeked: Its own bytes, read ahead, may have decided its presence.
    """

    parent: str | None
    repeated: bool
    confined: bool
    counted: bool = False
    summed: bool = False
    peeked: bool = False


def uses(grammar: Grammar) -> dict[FieldKey, Use]:
    """The role of every field and instance of every type."""
    steering, through, chosen = _steering(grammar, _steered_by), peeking_names(grammar), chosen_ahead(grammar)
    sizing, sources = _steering(grammar, _sized_by), sources_of(grammar)
    at_place = places(grammar)
    confined = {name for name, at in at_place.items() if at and all(place.confined for place in at)}
    found: dict[FieldKey, Use] = {}
    for definition in grammar.types.values():
        summed, sized = summed_fields(definition), _sized_fields(definition)
        before: Field | None = None
        loose = definition.name not in confined and any(place.repeated for place in at_place[definition.name])
        for field in (*definition.fields, *definition.instances):
            primitive = field.type.primitive if field.type is not None else None
            repeated = field.repeat is not None or field.until is not None
            found[definition.name, field.name] = Use(
                field=field,
                bits=_bits_after(before, field, grammar.enums) + _bits_behind(field, sources, grammar.enums),
                case_bits=case_bits(field),
                sets_size=frozenset(sized.get(field.name, ())),
                steers=(definition.name, field.name) in steering,
                sizes=(definition.name, field.name) in sizing,
                row=repeated and primitive is not None and primitive.numeric,
                framed=_framed(field) or definition.name in confined,
                measured=_measured(field) or definition.name in confined,
                greedy=Word.REST in (field.length, field.repeat) and definition.name not in confined,
                lone=loose and field.delimiter is not None and field.length is None and field.prefix is None,
                summed=field.name in summed,
                peeked=is_chosen_ahead(field, through) or definition.name in chosen,
                checks=self_information(definition, field, grammar),
            )
            before = field
    return found


def places(grammar: Grammar) -> dict[str, list[Place]]:
    """The occurrences of each type."""
    found: dict[str, list[Place]] = {name: [] for name in grammar.types}
    for name in tops(grammar):
        found[name].append(Place(None, repeated=not grammar.once, confined=False))
    chosen = chosen_ahead(grammar)
    for definition in grammar.types.values():
        summed = summed_fields(definition)
        for field in (*definition.fields, *definition.instances):
            repeated = field.repeat is not None or field.until is not None
            for ref in references(field):
                if ref.primitive is None and ref.name in found:
                    found[ref.name].append(
                        Place(
                            parent=definition.name,
                            repeated=repeated,
                            confined=field.length is not None,
                            counted=counted(field),
                            summed=field.name in summed,
                            peeked=ref.name in chosen,
                        )
                    )
    return found


def _sized_fields(definition: TypeDef) -> dict[str, list[str]]:
    """By name of a length or a count: the fields that always take as many bytes or items as it says."""
    found: dict[str, list[str]] = {}
    for field in definition.fields:
        if field.condition is None and field.at is None and field.offset is None and field.until is None:
            for part in (field.length, field.repeat):
                if (name := _linear_in(part)) is not None:
                    found.setdefault(name, []).append(field.name)
    return found


def _linear_in(part: Expr | Word | None) -> str | None:
    """The only name in an expression that is this name, perhaps plus or times constants."""
    match part:
        case Name(name):
            return name
        case Binary("+" | "-" | "*", left, right):
            for side, other in ((left, right), (right, left)):
                if isinstance(side, Literal) and side.value:
                    return _linear_in(other)
    return None


def summed_fields(definition: TypeDef) -> frozenset[str]:
    """Fields of a type that a checksum in it covers."""
    return frozenset(n for field in definition.fields if field.checksum is not None for n in field.checksum.over)


def _framed(field: Field) -> bool:
    if field.length is Word.REST or field.repeat is Word.REST:
        return False
    if field.repeat is not None and not isinstance(field.repeat, Literal):
        return True
    return field.length is not None or field.delimiter is not None or field.prefix is not None


def _measured(field: Field) -> bool:
    return _framed(field) and not (field.delimiter is None and isinstance(field.length, Literal))


def _steering(grammar: Grammar, parts: Callable[[Field], Iterator[Expr]]) -> set[FieldKey]:
    """Fields that the given expressions of other fields use."""
    found: set[FieldKey] = set()
    owners: dict[str, list[str]] = {}
    for definition in grammar.types.values():
        for field in (*definition.fields, *definition.instances):
            owners.setdefault(field.name, []).append(definition.name)
    for definition in grammar.types.values():
        local = {field.name for field in (*definition.fields, *definition.instances)}
        for field in (*definition.fields, *definition.instances):
            for expr in parts(field):
                for name in names_in(expr):
                    if name in local:
                        found.add((definition.name, name))
                    else:
                        found.update((owner, name) for owner in owners.get(name, ()))
    select = grammar.select if parts is _steered_by else None
    if select is not None and select.path:
        found.update((owner, select.path[-1]) for owner in owners.get(select.path[-1], ()))
    # The operands of a computed field that steers steer too.
    for owner, name in list(found):
        for field in (*grammar.types[owner].fields, *grammar.types[owner].instances):
            if field.name == name and field.compute is not None:
                found.update((owner, inner) for inner in names_in(field.compute))
    return found


def _sized_by(field: Field) -> Iterator[Expr]:
    for part in (field.length, field.repeat, field.at, field.offset, field.skip):
        if part is not None and not isinstance(part, Word):
            yield part


def _steered_by(field: Field) -> Iterator[Expr]:
    yield from _sized_by(field)
    for part in (field.until, field.condition):
        if part is not None:
            yield part
    if field.switch is not None:
        yield field.switch.by
    for ref in references(field):
        yield from ref.arguments


def _bits_after(before: Field | None, field: Field, enums: Enums) -> float:
    """Bits of a field after another one: few, if they differ only in length."""
    full = description_bits(field, enums)
    if before is None or _shape(before) != _shape(field):
        return full
    length = literal_bits(field.length.value) if isinstance(field.length, Literal) else 0.0
    return min(full, TYPE_BITS + length)


def _bits_behind(field: Field, sources: Sources, enums: Enums) -> float:
    """Bits of the constants of computed fields and arguments that a field uses."""
    used = expressions_of(field)
    return used_constant_bits(used, sources, enums) - sum(constant_bits(expr, enums) for expr in used)


def _shape(field: Field) -> Field:
    length = None if isinstance(field.length, Literal) else field.length
    return replace(field, name="", index=0, doc="", color=None, length=length)
