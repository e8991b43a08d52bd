"""Byte orders: which types are read in which byte order, since ours follows the record above and Kaitai's the text."""

from __future__ import annotations

from dataclasses import dataclass

from harness.grammar.language.grammar import EndianSwitch, Field, Grammar, TypeRef

Order = bool | str
"""True for big; the name of the type whose value decides."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The byte order of each type that is read, and the types that are read in several."""

    single: dict[str, Order]
    several: tuple[str, ...]


def find_orders(grammar: Grammar) -> Orders:
    """Follow every field from the root."""
    seen: dict[str, set[Order]] = {}
    waiting: list[tuple[str, Order]] = [(grammar.root, grammar.big)]
    while waiting:
        name, given = waiting.pop()
        found = grammar.types[name]
        order: Order = given
        if isinstance(found.endian, EndianSwitch):
            order = name
        elif found.endian is not None:
            order = found.endian
        if order in seen.setdefault(name, set()):
            continue
        seen[name].add(order)
        for field in (*found.fields, *found.instances):
            below: Order = order if field.big is None else field.big
            waiting.extend((ref.name, below) for ref in references(field) if ref.primitive is None)
    return Orders(
        {name: next(iter(orders)) for name, orders in seen.items() if len(orders) == 1},
        tuple(name for name, orders in seen.items() if len(orders) > 1),
    )


def references(field: Field) -> tuple[TypeRef, ...]:
    """Every type that a field may be made of."""
    switch = field.switch
    found = (*switch.cases.values(), switch.default, field.type) if switch else (field.type,)
    return tuple(ref for ref in found if ref is not None)
