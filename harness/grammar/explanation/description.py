"""Description: bits of the fields of a grammar, and of what decides where the records of a type are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.grammar.explanation.column import Column, Key
from harness.grammar.explanation.expression_walk import names_in
from harness.grammar.language.expression import Attribute, EnumLiteral, Expr, Literal, Name, walk
from harness.grammar.language.grammar import Checks, EndianSwitch, EnumDef, Field, Grammar, TypeDef, Word
from harness.grammar.language.reach import references

TYPE_BITS = 4.0  # bits to choose a type; a few types are much more frequent than the others
NODE_BITS = 2.0  # bits to choose the kind of an expression node
NAME_BITS = 3.0  # bits to choose one of the visible fields
KEY_BITS = 2.0  # bits to choose a key

Enums = Mapping[str, EnumDef]


def expression_bits(expr: Expr, enums: Enums) -> float:
    """Bits of the description of an expression; a constant, or the number of a label, counts its own length."""
    names = sum(isinstance(part, Name | Attribute) for part in walk(expr))
    return NODE_BITS * sum(1 for _ in walk(expr)) + NAME_BITS * names + constant_bits(expr, enums)


def constant_bits(expr: Expr, enums: Enums) -> float:
    """Bits of the constants in an expression."""
    total = 0.0
    for part in walk(expr):
        if isinstance(part, Literal):
            total += literal_bits(part.value)
        elif isinstance(part, EnumLiteral):
            total += literal_bits(enums[part.enum].numbers[part.label])
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


def expressions_of(field: Field) -> list[Expr]:
    """All expressions of a field, without the words that may replace one."""
    parts: list[Expr | Word | None] = [
        field.length, field.repeat, field.until, field.condition, field.compute, field.at, field.offset, field.stream,
        field.skip, field.align, field.parent,
    ]  # fmt: skip
    found = [part for part in parts if part is not None and not isinstance(part, Word)]
    if field.switch is not None:
        found.append(field.switch.by)
    found.extend(argument for step in field.process for argument in step.arguments)
    found.extend(argument for ref in references(field) for argument in ref.arguments)
    if field.checksum is not None and field.checksum.of is not None:
        found.append(field.checksum.of)
    return found


def description_bits(field: Field, enums: Enums) -> float:
    """Bits of the description of a field: its type and each of its properties."""
    total = TYPE_BITS if field.type is not None else 0.0
    total += sum(KEY_BITS + expression_bits(part, enums) for part in expressions_of(field))
    total += sum(KEY_BITS + NODE_BITS for part in (field.length, field.repeat) if isinstance(part, Word))
    total += case_bits(field) + 16.0 * len(field.process)
    if field.delimiter is not None:
        total += KEY_BITS + max(4.0, 8.0 * len(field.delimiter.terminator or b"") - 4.0)
    if field.checksum is not None:
        total += KEY_BITS + NODE_BITS + NAME_BITS * (len(field.checksum.over) or 2)
    if field.checks is not None:
        total += KEY_BITS + _checks_bits(field.checks, enums)
    return total


def case_bits(field: Field) -> float:
    """Bits of the cases of the switch of a field."""
    return sum(literal_bits(value) + TYPE_BITS for value in field.switch.cases) if field.switch is not None else 0.0


def _checks_bits(checks: Checks, enums: Enums) -> float:
    given = [checks.equals, checks.not_equals, checks.low, checks.high, checks.holds, *checks.one_of]
    total = sum(NODE_BITS + expression_bits(part, enums) for part in given if part is not None)
    return total + (8.0 if checks.all_bytes is not None else 0.0) + (1.0 if checks.in_enum else 0.0)


def selection_bits(grammar: Grammar, columns: Mapping[Key, Column]) -> dict[str, float]:
    """Bits by type of the descriptions that decide where its records are, without those of its own fields.

    A table of constants can tell, for each record of a file, which of several types fits. The types that it selects
    pay for it: for their cases of a `switch` (the default for all cases), and for the constants of a field that
    repeats them.
    """
    found = dict.fromkeys(grammar.types, 0.0)
    sources = sources_of(grammar)
    kinds: dict[tuple[str, str], list[str]] = {}
    for (owner, name, kind), column in columns.items():
        if column.count:
            kinds.setdefault((owner, name), []).append(kind)
    for owner, definition in grammar.types.items():
        if isinstance(definition.endian, EndianSwitch):
            found[owner] += sum(map(literal_bits, definition.endian.cases))
            found[owner] += used_constant_bits([definition.endian.by], sources, grammar.enums)
        for field in _every(definition):
            for kind in kinds.get((owner, field.name), ()):
                payer = kind if kind in found else owner
                found[payer] += _selecting_bits(field, kind)
                if payer == kind and (field.repeat is not None or field.until is not None):  # else the owner pays
                    found[kind] += used_constant_bits(expressions_of(field), sources, grammar.enums)
    return found


def _selecting_bits(field: Field, kind: str) -> float:
    """Bits of the cases of a switch that select a type."""
    if field.switch is None:
        return 0.0
    default = field.switch.default
    cases = [v for v, ref in field.switch.cases.items() if ref.name == kind or (default and default.name == kind)]
    return sum(literal_bits(value) + TYPE_BITS for value in cases)


def _every(definition: TypeDef) -> tuple[Field, ...]:
    return (*definition.fields, *definition.instances)


Sources = Mapping[str, list[Expr]]


def sources_of(grammar: Grammar) -> Sources:
    """The expressions that give computed fields and parameters their values, by name."""
    found: dict[str, list[Expr]] = {}
    for definition in grammar.types.values():
        for field in _every(definition):
            if field.compute is not None:
                found.setdefault(field.name, []).append(field.compute)
            for ref in references(field):
                if ref.name in grammar.types:
                    for name, value in zip(grammar.types[ref.name].params, ref.arguments, strict=False):
                        found.setdefault(name, []).append(value)
    return found


def used_constant_bits(used: Sequence[Expr], sources: Sources, enums: Enums) -> float:
    """Bits of the constants in expressions, and in those that give the names in them their values."""
    total = sum(constant_bits(expr, enums) for expr in used)
    seen, waiting = set[str](), list(used)
    while waiting:
        for name in set(names_in(waiting.pop())) - seen:
            seen.add(name)
            waiting.extend(sources.get(name, ()))
            total += sum(constant_bits(expr, enums) for expr in sources.get(name, ()))
    return total
