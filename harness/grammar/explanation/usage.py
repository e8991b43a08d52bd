"""Usage: what each field of a grammar is for, and how many bits it takes to write it down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from harness.grammar.explanation.expression_walk import counted, names_in, walk
from harness.grammar.explanation.self_information import peeking_fields, peeks, self_information
from harness.grammar.language.expression import Attribute, EnumLiteral, Expr, Literal, Name
from harness.grammar.language.grammar import Checks, Field, Grammar, TypeDef, Word
from harness.grammar.language.reach import references, tops

TYPE_BITS = 4.0
"""To choose a type; a few are much more frequent than the others."""
NODE_BITS = 2.0
"""To choose what sort of expression comes next."""
NAME_BITS = 3.0
"""To choose one of the fields in reach."""
KEY_BITS = 2.0
"""To choose a key."""

FieldKey = tuple[str, str]
"""Type and field."""


@dataclass(frozen=True, slots=True)
class Use:
    """What one field is for.

    Attributes:
        field: Its definition.
        bits: What it takes to write it down, names and documentation apart.
        case_bits: As much of it as the cases of its switch take.
        steers: Its value decides where or what something else is: a length, a count, a position, a choice.
        sizes: It decides where something is, or how large: what does not fit into the file would have shown.
        row: It is an array of bare numbers: one line of grammar for any number of bytes.
        framed: Its bytes are bounded by a number, a constant size or a terminator, not just by the end of the file.
        measured: And the file itself says where: by a length or a terminator.
        greedy: It takes what is left of the file, or of a record that nothing confines.
        lone: A text up to a certain byte, in a type that repeats and that nothing confines: any bytes end like that.
        summed: A checksum covers it.
        peeked: Whether it is there, or what it is, was decided by a look at its own bytes: then they prove nothing.
        checks: Bits of surprise of a value that passes its checks, were it random; None without checks.
    """

    field: Field
    bits: float
    case_bits: float
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
    """Where a type occurs.

    Attributes:
        parent: The type that holds it; None for a top-level record of a file.
        repeated: It follows its like; only `counted` ones have something that says how many there are.
        counted: Values that were read say how many, or where.
        confined: A length says where it ends.
        summed: A checksum covers the field that holds it.
        peeked: Whether it is there at all was decided by a look at its own bytes.
    """

    parent: str | None
    repeated: bool
    confined: bool
    counted: bool = False
    summed: bool = False
    peeked: bool = False


def uses(grammar: Grammar) -> dict[FieldKey, Use]:
    """Every field and instance of every type."""
    steering, through = _steering(grammar, _steered_by), peeking_fields(grammar)
    sizing = _steering(grammar, _sized_by)
    at_place = places(grammar)
    confined = {name for name, at in at_place.items() if at and all(place.confined for place in at)}
    found: dict[FieldKey, Use] = {}
    for definition in grammar.types.values():
        summed = summed_fields(definition)
        before: Field | None = None
        loose = definition.name not in confined and any(place.repeated for place in at_place[definition.name])
        for field in (*definition.fields, *definition.instances):
            primitive = field.type.primitive if field.type is not None else None
            repeated = field.repeat is not None or field.until is not None
            found[definition.name, field.name] = Use(
                field=field,
                bits=_bits_after(before, field),
                case_bits=case_bits(field),
                steers=(definition.name, field.name) in steering,
                sizes=(definition.name, field.name) in sizing,
                row=repeated and primitive is not None and primitive.numeric,
                framed=_framed(field) or definition.name in confined,
                measured=_measured(field) or definition.name in confined,
                greedy=Word.REST in (field.length, field.repeat) and definition.name not in confined,
                lone=loose and field.delimiter is not None and field.length is None and field.prefix is None,
                summed=field.name in summed,
                peeked=_peeked(field, through),
                checks=self_information(definition, field, grammar),
            )
            before = field
    return found


def places(grammar: Grammar) -> dict[str, list[Place]]:
    """Where each type occurs."""
    found: dict[str, list[Place]] = {name: [] for name in grammar.types}
    for name in tops(grammar):
        found[name].append(Place(None, repeated=not grammar.once, confined=False))
    through = peeking_fields(grammar)
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
                            peeked=_peeked(field, through),
                        )
                    )
    return found


def grammar_bits(grammar: Grammar) -> float:
    """What it takes to write the whole grammar down."""
    fields = sum(use.bits for use in uses(grammar).values())
    return fields + sum(2 * KEY_BITS + 8 for enum in grammar.enums.values() for _ in enum.labels)


def _peeked(field: Field, through: frozenset[str]) -> bool:
    return peeks(field.condition, through) or (field.switch is not None and peeks(field.switch.by, through))


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
    """Fields that some parts of fields look at."""
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
    # A computed field that steers passes the honour on to what it is computed from.
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


def expression_bits(expr: Expr) -> float:
    """What it takes to write an expression down; a constant costs its own length."""
    total = 0.0
    for part in walk(expr):
        total += NODE_BITS
        if isinstance(part, Literal):
            total += literal_bits(part.value)
        elif isinstance(part, Name | Attribute | EnumLiteral):
            total += NAME_BITS
    return total


def literal_bits(value: Any) -> float:
    """Bits of a constant: of a text or bytes eight for each, of a number its length and how long that is."""
    match value:
        case bool():
            return 1.0
        case int():
            return abs(value).bit_length() + 3.0
        case str() | bytes():
            return 8.0 * len(value) + 4.0
        case _:
            return 64.0


def description_bits(field: Field) -> float:
    """What it takes to write a field down: its type, and each thing that is said of it."""
    total = TYPE_BITS if field.type is not None else 0.0
    expressions: list[Expr | Word | None] = [
        field.length, field.repeat, field.until, field.condition, field.compute, field.at, field.offset, field.skip,
        field.align,
    ]  # fmt: skip
    for part in expressions:
        if part is not None:
            total += KEY_BITS + (NODE_BITS if isinstance(part, Word) else expression_bits(part))
    if field.switch is not None:
        total += KEY_BITS + expression_bits(field.switch.by)
        total += case_bits(field)
    if field.delimiter is not None:
        total += KEY_BITS + 4.0
    total += sum(KEY_BITS + 16.0 for _ in field.process)
    if field.checksum is not None:
        total += KEY_BITS + NODE_BITS + NAME_BITS * (len(field.checksum.over) or 2)
    if field.checks is not None:
        total += KEY_BITS + _checks_bits(field.checks)
    return total


def _bits_after(before: Field | None, field: Field) -> float:
    """What a field takes: little, if it is like the one before it but for its length."""
    full = description_bits(field)
    if before is None or _shape(before) != _shape(field):
        return full
    length = literal_bits(field.length.value) if isinstance(field.length, Literal) else 0.0
    return min(full, TYPE_BITS + length)


def _shape(field: Field) -> Field:
    length = None if isinstance(field.length, Literal) else field.length
    return replace(field, name="", index=0, doc="", color=None, length=length)


def case_bits(field: Field) -> float:
    """What the cases of a field's switch take."""
    return sum(literal_bits(value) + TYPE_BITS for value in field.switch.cases) if field.switch is not None else 0.0


def _checks_bits(checks: Checks) -> float:
    given = [checks.equals, checks.not_equals, checks.low, checks.high, checks.holds, *checks.one_of]
    total = sum(NODE_BITS + expression_bits(part) for part in given if part is not None)
    return total + (8.0 if checks.all_bytes is not None else 0.0) + (1.0 if checks.in_enum else 0.0)
