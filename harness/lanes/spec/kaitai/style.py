"""Style: warnings about names, as Kaitai Struct's style guide asks for them (https://doc.kaitai.io/ksy_style_guide.html)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.lanes.spec.kaitai.expression import Attribute, Expression, Name, walk
from harness.lanes.spec.kaitai.structure import ByteOrder, Field, Structure
from harness.lanes.spec.kaitai.types import Switch, User, leaves, raw_bytes


def check_style(structure: Structure, everything: Sequence[Structure]) -> None:
    """Warn where a field that serves only as the size or the count of another is not named for it."""
    used = Counter(
        each.id for expression in expressions(structure) for each in walk(expression) if isinstance(each, Name)
    )
    outside = {
        each.name
        for other in everything
        for expression in expressions(other)
        for each in walk(expression)
        if isinstance(each, Attribute)
    }
    for field in (*structure.seq, *structure.instances.values()):
        if field.id.startswith("_"):
            continue
        raw = next((found for kind in leaves(field.type) if (found := raw_bytes(kind))), None)
        for expression, prefix, what in (
            (raw.size if raw and field.kind != "value" else None, "len_", "byte size"),
            (field.repeat_by if field.repeat == "expr" else None, "num_", "number of repetitions"),
        ):
            if not isinstance(expression, Name) or used[expression.id] != 1 or expression.id in outside:
                continue
            target = structure.find(expression.id)
            if target is not None and target.kind != "param" and target.id != prefix + field.id:
                message = f"use `{prefix}{field.id}` instead of `{target.id}`: it is only the {what} of `{field.id}`"
                at = (*target.key, "id") if target.kind == "seq" else target.key
                structure.source.report(at, message, severity="warning")


def expressions(structure: Structure) -> Iterator[Expression]:
    """Every expression in a type, those inside of inner types excepted."""
    if isinstance(structure.order, ByteOrder):
        yield structure.order.on
    if structure.to_string is not None:
        yield structure.to_string
    for field in structure.fields():
        yield from _of_field(field)


def _of_field(field: Field) -> Iterator[Expression]:
    for one in (field.condition, field.repeat_by, field.position, field.io, field.value):
        if one is not None:
            yield one
    for check in field.checks:
        yield from check.expressions
    if isinstance(field.type, Switch):
        yield field.type.on
        yield from (value for value, _ in field.type.cases if value is not None)
    seen: set[int] = set()
    for kind in leaves(field.type):
        raw = raw_bytes(kind)
        if raw is not None and id(raw.size) not in seen:
            seen.add(id(raw.size))
            if raw.size is not None:
                yield raw.size
            if raw.process:
                yield from raw.process.arguments
        if isinstance(kind, User):
            yield from kind.arguments
