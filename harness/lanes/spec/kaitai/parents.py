"""Parents: which types hold which, so that `_parent` has a type."""

from __future__ import annotations

from harness.lanes.spec.kaitai.common_type import TypeFaultError
from harness.lanes.spec.kaitai.detecting import Detector
from harness.lanes.spec.kaitai.resolving import users
from harness.lanes.spec.kaitai.source import Library
from harness.lanes.spec.kaitai.structure import Structure
from harness.lanes.spec.kaitai.types import User


def find_parents(library: Library) -> None:
    """Fill in `parents`; the top type of a file may be held by anything, so its parent is unknown."""
    forced: list[tuple[Structure, User]] = []
    for structure in library.structures():
        if structure.outer is None:
            structure.parents.append(None)
        for _, kind in users(structure):
            if kind.target is None or kind.orphan:
                continue
            if kind.parent is not None:
                forced.append((structure, kind))
            else:
                kind.target.parents.append(structure)
    for structure, kind in forced:
        if kind.target is None or kind.parent is None:
            continue
        try:
            found = Detector(library, structure).value(kind.parent)
        except TypeFaultError:
            found = None
        kind.target.parents.append(found.target if isinstance(found, User) else None)
