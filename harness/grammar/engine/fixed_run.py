"""Fixed-width run: adjacent numbers at fixed offsets, read at once; their leaves are made on first access."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.node import Buffer, Leaf


class FixedRun:
    """Adjacent fields of fixed width in one byte order that are unconditional and unchecked.

    Attributes:
        size: Total number of bytes.
        codecs: `struct` of all fields, indexed by whether the byte order of the record is big-endian.
    """

    __slots__ = ("codecs", "count", "places", "plans", "size")

    def __init__(self, plans: Sequence[FieldPlan], *, big: bool | None) -> None:
        self.plans, self.count = tuple(plans), len(plans)
        primitives = [plan.simple for plan in plans if plan.simple is not None]
        codes = "".join(primitive.code for primitive in primitives)
        self.codecs = tuple(struct.Struct((">" if own else "<") + codes) for own in _orders(big))
        self.size = self.codecs[0].size
        places, at = [], 0
        for plan, primitive in zip(plans, primitives, strict=True):
            places.append((plan.name, plan.field, at, at + primitive.width, primitive))
            at += primitive.width
        self.places = tuple(places)

    def leaves(self, buffer: Buffer, at: int, values: tuple[Any, ...]) -> Iterator[tuple[str, Leaf]]:
        """The names and leaves of values read at a position."""
        for (name, field, start, end, primitive), value in zip(self.places, values, strict=True):
            yield name, Leaf(field, buffer, at + start, at + end, value, primitive=primitive)


def _orders(big: bool | None) -> tuple[bool, bool]:
    return (False, True) if big is None else (big, big)


def steps_of(plans: Sequence[FieldPlan]) -> tuple[FixedRun | FieldPlan, ...]:
    """The fields of a type in reading order: the longest fixed-width runs, and single fields between them."""
    steps: list[FixedRun | FieldPlan] = []
    waiting: list[FieldPlan] = []
    order: str = "any"

    def flush() -> None:
        nonlocal order
        if waiting:
            steps.append(FixedRun(waiting, big={"big": True, "little": False}.get(order)))
            waiting.clear()
        order = "any"

    for plan in plans:
        own = _order(plan)
        if own is None or (own != "any" and order not in ("any", own)):
            flush()
        if own is None:
            steps.append(plan)
        else:
            waiting.append(plan)
            order = own if own != "any" else order
    flush()
    return tuple(steps)


def _order(plan: FieldPlan) -> str | None:
    """Byte order of a field: "big", "little", "record" (inherited), "any" (one byte); None if it cannot be in a run."""
    if plan.simple is None:
        return None
    if plan.simple.width == 1:
        return "any"
    big = plan.simple.big if plan.simple.big is not None else plan.field.big
    return "record" if big is None else "big" if big else "little"
