"""Byte orders of types: grammars inherit it from the enclosing record, Kaitai Struct from the enclosing definition."""

from __future__ import annotations

from dataclasses import dataclass

from harness.grammar.language.grammar import EndianSwitch, Grammar
from harness.grammar.language.reach import references

Order = bool | str
"""True for big, False for little; or the name of the type that computes it."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The byte order of each used type, and the types that are read in several byte orders."""

    single: dict[str, Order]
    several: tuple[str, ...]


def find_orders(grammar: Grammar) -> Orders:
    """Find the byte orders of all types that the root reaches."""
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
