"""Reachability: used types, types that contain themselves infinitely, and types that take no bytes."""

from __future__ import annotations

from collections.abc import Iterator

from harness.grammar.language.expression import Literal
from harness.grammar.language.grammar import Field, Grammar, TypeDef, TypeRef


def references(field: Field) -> Iterator[TypeRef]:
    """Iterate over all types that a field may have."""
    if field.type is not None:
        yield field.type
    if field.switch is not None:
        yield from field.switch.cases.values()
        if field.switch.default is not None:
            yield field.switch.default


def tops(grammar: Grammar) -> tuple[str, ...]:
    """Return the types of top-level records."""
    select = grammar.select
    if select is None:
        return (grammar.root,)
    names = (select.header, *select.cases.values(), select.default)
    return tuple(dict.fromkeys(name for name in names if name is not None and name in grammar.types))


def roots(types: dict[str, TypeDef], root: str) -> dict[str, set[str]]:
    """Map each type that the root reaches to the types that `_root` may have in it."""
    found: dict[str, set[str]] = {}
    waiting = [(root, root)] if root else []
    while waiting:
        name, above = waiting.pop()
        known, here = found.setdefault(name, set()), types.get(name)
        if above in known or here is None:
            continue
        known.add(above)
        for field in (*here.fields, *here.instances):
            inner = [types[ref.name] for ref in references(field) if ref.name in types]
            waiting.extend((t.name, above if t.module == here.module else t.name) for t in inner)
    return found


def unused_types(grammar: Grammar) -> list[str]:
    """List the types that no record can have, in the order of the document."""
    seen, waiting = set(), list(tops(grammar))
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        definition = grammar.types[name]
        for field in (*definition.fields, *definition.instances):
            waiting.extend(ref.name for ref in references(field) if ref.primitive is None)
    return [name for name in grammar.types if name not in seen]


def endless_types(grammar: Grammar) -> list[tuple[str, ...]]:
    """Find cycles of types in which each type always contains the next; no finite file matches them."""
    always = {name: [n for f in t.fields if (n := _always(f)) is not None] for name, t in grammar.types.items()}
    cycles: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start, first in always.items():
        stack: list[tuple[str, Iterator[str]]] = [] if start in done else [(start, iter(first))]
        trail = [start] if stack else []
        while stack:
            for name in stack[-1][1]:
                if name in trail:
                    cycles.append(tuple(trail[trail.index(name) :]))
                elif name not in done:
                    stack.append((name, iter(always[name])))
                    trail.append(name)
                    break
            else:
                done.add(stack.pop()[0])
                trail.pop()
    return cycles


def _always(field: Field) -> str | None:
    """Return the type that a field contains unconditionally, or None."""
    if field.type is None or field.type.primitive is not None:
        return None
    if field.switch is not None or field.condition is not None or field.at is not None or field.offset is not None:
        return None
    if field.repeat is not None and not (isinstance(field.repeat, Literal) and field.repeat.value):
        return None
    return field.type.name


def takes_bytes(definition: TypeDef, grammar: Grammar) -> bool:
    """Whether a record of this type can take any bytes."""
    seen, waiting = {definition.name}, [definition]
    while waiting:
        for field in waiting.pop().fields:
            if field.at is not None or field.offset is not None:
                continue
            if field.skip is not None or field.align is not None:
                return True
            if field.length is not None and not (isinstance(field.length, Literal) and field.length.value == 0):
                return True
            if isinstance(field.repeat, Literal) and field.repeat.value == 0:
                continue
            for ref in references(field):
                if ref.primitive is not None:
                    if ref.primitive.numeric or field.delimiter is not None or field.process:
                        return True
                elif ref.name not in seen and ref.name in grammar.types:
                    seen.add(ref.name)
                    waiting.append(grammar.types[ref.name])
    return False
