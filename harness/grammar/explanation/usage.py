"""Usage: the role of each field of a grammar, and the bits of its description."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from harness.grammar.explanation.expression_walk import counted, names_in
from harness.grammar.explanation.lookahead import chosen_ahead, is_chosen_ahead, peeking_names
from harness.grammar.explanation.self_information import self_information
from harness.grammar.language.expression import Attribute, Binary, EnumLiteral, Expr, Literal, Name, walk
from harness.grammar.language.grammar import Checks, Field, Grammar, TypeDef, Word
from harness.grammar.language.reach import references, tops

TYPE_BITS = 4.0  # bits to choose a type; a few types are much more frequent than the others
NODE_BITS = 2.0  # bits to choose the kind of an expression node
NAME_BITS = 3.0  # bits to choose one of the visible fields
KEY_BITS = 2.0  # bits to choose a key

FieldKey = tuple[str, str]  # type and field


@dataclass(frozen=True, slots=True)
class Use:
    """The role of one field.

    Attributes:
        field: The definition of the field.
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
        repeated: It is repeated; `counted` tells whether the number of records is known.
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
                sets_size=frozenset(other.name for other in definition.fields if _is_size_of(other, field.name)),
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


def _is_size_of(field: Field, name: str) -> bool:
    """Whether a field always takes bytes, as many as the value of another field says."""
    if field.condition is not None or field.at is not None or field.offset is not None or field.until is not None:
        return False
    return any(_is_linear(part, name) for part in (field.length, field.repeat))


def _is_linear(part: Expr | Word | None, name: str) -> bool:
    match part:
        case Name(found):
            return found == name
        case Binary("+" | "-" | "*", left, right):
            constant = next((side for side in (left, right) if isinstance(side, Literal)), None)
            return constant is not None and bool(constant.value) and (_is_linear(left, name) or _is_linear(right, name))
    return False


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


def expression_bits(expr: Expr) -> float:
    """Bits of the description of an expression; a constant counts its own length."""
    total = 0.0
    for part in walk(expr):
        total += NODE_BITS
        if isinstance(part, Literal):
            total += literal_bits(part.value)
        elif isinstance(part, Name | Attribute | EnumLiteral):
            total += NAME_BITS
    return total


def literal_bits(value: Any) -> float:
    """Bits of a constant: eight per character or byte; for a number its length, and the bits of that length."""
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
    """Bits of the description of a field: its type and each of its properties."""
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
        total += KEY_BITS + max(4.0, 8.0 * len(field.delimiter.terminator or b"") - 4.0)
    total += sum(KEY_BITS + 16.0 + sum(map(expression_bits, step.arguments)) for step in field.process)
    total += sum(expression_bits(value) for ref in references(field) for value in ref.arguments)
    if field.checksum is not None:
        total += KEY_BITS + NODE_BITS + NAME_BITS * (len(field.checksum.over) or 2)
    if field.checks is not None:
        total += KEY_BITS + _checks_bits(field.checks)
    return total


def _bits_after(before: Field | None, field: Field) -> float:
    """Bits of a field after another one: few, if they differ only in length."""
    full = description_bits(field)
    if before is None or _shape(before) != _shape(field):
        return full
    length = literal_bits(field.length.value) if isinstance(field.length, Literal) else 0.0
    return min(full, TYPE_BITS + length)


def _shape(field: Field) -> Field:
    length = None if isinstance(field.length, Literal) else field.length
    return replace(field, name="", index=0, doc="", color=None, length=length)


def case_bits(field: Field) -> float:
    """Bits of the cases of the switch of a field."""
    return sum(literal_bits(value) + TYPE_BITS for value in field.switch.cases) if field.switch is not None else 0.0


def _checks_bits(checks: Checks) -> float:
    given = [checks.equals, checks.not_equals, checks.low, checks.high, checks.holds, *checks.one_of]
    total = sum(NODE_BITS + expression_bits(part) for part in given if part is not None)
    return total + (8.0 if checks.all_bytes is not None else 0.0) + (1.0 if checks.in_enum else 0.0)
