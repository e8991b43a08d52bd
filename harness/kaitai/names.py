"""Import names: flat, unique names for the nested types and enums of Kaitai Struct."""

from __future__ import annotations

from harness.kaitai.library import Library
from harness.kaitai.structure import Enumeration, Structure

_RESERVED = frozenset({"true", "false", "and", "or", "not"})
MAX_NAME = 64


class Names:
    """The names of types, enums and fields in the grammar."""

    def __init__(self, library: Library) -> None:
        structures = library.structures()
        enums = [enum for structure in structures for enum in structure.enums.values()]
        self.types: dict[Structure, str] = {}
        self.enums: dict[Enumeration, str] = {}
        taken: set[str] = set()
        for structure in structures:
            self.types[structure] = _unique(structure.path, taken)
        taken = set()
        for enum in enums:
            self.enums[enum] = _unique((*enum.owner.path, enum.name), taken)


def field_name(name: str) -> str:
    """Return a field's name; anonymous and reserved names are replaced."""
    if name.startswith("_unnamed"):
        return f"unnamed_{name.removeprefix('_unnamed')}"
    return f"{name}_" if name in _RESERVED else name[:MAX_NAME]


def camel(name: str) -> str:
    """The camel-case form of a type name: `chunk_dir` becomes `ChunkDir`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name


def _unique(path: tuple[str, ...], taken: set[str]) -> str:
    made = camel(path[-1])
    for outer in reversed(path[:-1]):
        if made not in taken:
            break
        made = f"{camel(outer)}_{made}"
    made, number = made[:MAX_NAME], 2
    while made in taken:
        made = f"{made[: MAX_NAME - 4]}_{number}"
        number += 1
    taken.add(made)
    return made
