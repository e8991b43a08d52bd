"""Style: warnings about names, from Kaitai Struct's style guide (https://doc.kaitai.io/ksy_style_guide.html)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.grammar.language.expression import Attribute, Expr, Name, walk
from harness.kaitai.common_type import TypeFaultError
from harness.kaitai.library import Library
from harness.kaitai.structure import ByteOrder, Field, Structure, Switch, User, leaves, raw_bytes
from harness.kaitai.type_inference import TypeInference


def check_style(library: Library) -> None:
    """Warn about fields that are only the size, count or position of another field but are not named after it."""
    structures = library.structures()
    uses = Counter(
        found
        for structure in structures
        for expression in expressions(structure)
        for each in walk(expression)
        if (found := _meant(library, structure, each)) is not None
    )
    for structure in structures:
        for field in (*structure.seq, *structure.instances.values()):
            if field.id.startswith("_"):
                continue
            for expression, prefix, what in _roles(field):
                target = _meant(library, structure, expression) if expression is not None else None
                if target is None or uses[target] != 1 or target.kind == "param" or target.id == prefix + field.id:
                    continue
                message = f"use `{prefix}{field.id}` instead of `{target.id}`: it is only the {what} of `{field.id}`"
                at = (*target.key, "id") if target.kind == "seq" else target.key
                structure.source.report(at, message, severity="warning")


def _roles(field: Field) -> Iterator[tuple[Expr | None, str, str]]:
    raw = next((found for kind in leaves(field.type) if (found := raw_bytes(kind))), None)
    if field.kind != "value":
        yield raw.size if raw else None, "len_", "byte size"
        yield field.repeat_by if field.repeat == "expr" else None, "num_", "number of repetitions"
        yield field.position, "ofs_", "position"


def _meant(library: Library, structure: Structure, expression: Expr) -> Field | None:
    """Find the field that a name or an attribute refers to."""
    match expression:
        case Name(name=name):
            return structure.find(name)
        case Attribute(of=of, name=name):
            try:
                kind = TypeInference(library, structure).value(of)
            except TypeFaultError:
                return None
            return kind.target.find(name) if isinstance(kind, User) and kind.target else None
    return None


def expressions(structure: Structure) -> Iterator[Expr]:
    """Iterate over all expressions of a type, except those in inner types."""
    if isinstance(structure.order, ByteOrder):
        yield structure.order.on
    if structure.to_string is not None:
        yield structure.to_string
    for field in structure.fields():
        yield from _of_field(field)


def _of_field(field: Field) -> Iterator[Expr]:
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
