"""Resolver: finds the definitions of type names and enum names."""

from __future__ import annotations

from dataclasses import replace

from harness.core.document import Key
from harness.kaitai import structure as st
from harness.kaitai.expression import TypeName, case_label
from harness.kaitai.library import Library
from harness.kaitai.parser import parse_type
from harness.kaitai.scanner import ExpressionError


def resolve(library: Library) -> None:
    """Set the targets of all type and enum names; unknown names are findings."""
    for structure in library.structures():
        for field in structure.fields():
            key = (*field.key, "type")
            field.type = _resolved(library, structure, field.type, field, key)


def _resolved(
    library: Library, structure: st.Structure, kind: st.DataType, field: st.Field, key: Key, *, last: str | None = None
) -> st.DataType:
    match kind:
        case st.User():
            target = find_type(library, structure, kind.name)
            if target is None and not structure.opaque:
                what = f"unknown type {str(kind.name)!r}, looked for from {structure.name}"
                structure.source.report(key, what, last=last)
            return replace(kind, target=target)
        case st.Array(of=of):
            return st.Array(_resolved(library, structure, of, field, key))
        case st.Enum():
            found = find_enum(library, structure, kind.name)
            if found is None:
                at = (*field.key, "enum")
                structure.source.report(at, f"unknown enum {str(kind.name)!r}, looked for from {structure.name}")
            return replace(kind, target=found)
        case st.Switch():
            labels = kind.labels
            made = []
            for place, (value, case) in enumerate(kind.cases):
                label = labels[place] if place < len(labels) else "_"
                shown = case_label(value, label)
                made.append((value, _resolved(library, structure, case, field, (*key, "cases", label), last=shown)))
            return replace(kind, cases=tuple(made))
    return kind


def find_type(library: Library, start: st.Structure, name: TypeName) -> st.Structure | None:
    """Find the type of a name: first in the structure, then in the enclosing ones, then among the files' top types."""
    outer: st.Structure | None = None if name.absolute else start
    while outer:
        found = _descend(outer.types.get(name.path[0]), name.path[1:])
        if found:
            return found
        outer = outer.outer
    return _descend(library.tops.get(name.path[0]), name.path[1:])


def _descend(found: st.Structure | None, path: tuple[str, ...]) -> st.Structure | None:
    for part in path:
        found = found.types.get(part) if found else None
    return found


def find_enum(library: Library, start: st.Structure, name: TypeName) -> st.Enumeration | None:
    """Find the enum of a name, in the same order as types."""
    holder = replace(name, path=name.path[:-1])
    if holder.path:
        owner = find_type(library, start, holder)
        return owner.enums.get(name.path[-1]) if owner else None
    outer: st.Structure | None = None if name.absolute else start
    while outer:
        if name.path[0] in outer.enums:
            return outer.enums[name.path[0]]
        outer = outer.outer
    return None


def enum_named(library: Library, structure: st.Structure, text: str, key: Key) -> st.Enum | None:
    """Return the enum that a value instance names; an unknown name is a finding."""
    try:
        name = parse_type(text)[0]
    except ExpressionError as error:
        structure.source.report(key, str(error))
        return None
    found = find_enum(library, structure, name)
    if found is None:
        structure.source.report(key, f"unknown enum {text!r}, looked for from {structure.name}")
        return None
    return st.Enum(name, st.INTEGER, found)


def type_named(library: Library, structure: st.Structure, kind: st.DataType) -> st.DataType:
    """Resolve the type that a cast or `sizeof` names; an unknown name gives a structure of unknown type."""
    match kind:
        case st.User():
            target = find_type(library, structure, kind.name)
            return replace(kind, target=target) if target else st.STRUCT
        case st.Array(of=of):
            return st.Array(type_named(library, structure, of))
    return kind


def users(structure: st.Structure) -> list[tuple[st.Field, st.User]]:
    """Iterate over the structures that a type contains: those of its fields and positioned instances."""
    return [
        (field, kind)
        for field in (*structure.seq, *structure.instances.values())
        if field.kind != "value"
        for kind in st.leaves(field.type)
        if isinstance(kind, st.User)
    ]
