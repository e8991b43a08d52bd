"""Parents: finds the types that contain each type, so that `_parent` has a type."""

from __future__ import annotations

from harness.kaitai.common_type import TypeFaultError
from harness.kaitai.library import Library
from harness.kaitai.resolver import users
from harness.kaitai.structure import Structure, User
from harness.kaitai.type_inference import TypeInference


def find_parents(library: Library) -> None:
    """Set `parents` of all structures; the parent of a file's top type is unknown."""
    forced: list[tuple[Structure, User]] = []
    for structure in library.structures():
        if structure.outer is None:
            structure.parents.append(None)
        for _, kind in users(structure):
            if kind.target is None or kind.orphan or kind.target.top is not structure.top:
                continue  # a type of another file gets no `_parent`
            if kind.parent is not None:
                forced.append((structure, kind))
            else:
                kind.target.parents.append(structure)
    for structure, kind in forced:
        if kind.target is None or kind.parent is None:
            continue
        try:
            found = TypeInference(library, structure).value(kind.parent)
        except TypeFaultError:
            found = None
        kind.target.parents.append(found.target if isinstance(found, User) else None)
