"""Draft: proposed types for some bytes, with unused names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

FieldDef = dict[str, Any]


@dataclass(slots=True)
class Names:
    """Generates type names that the draft does not use yet."""

    taken: set[str]

    @classmethod
    def free_in(cls, document: Any) -> Names:
        """Names that a grammar document does not use."""
        types = document.get("types") if isinstance(document, dict) else None
        return cls(set(types) if isinstance(types, dict) else set())

    def fresh(self, wish: str) -> str:
        """An unused name: the wish, or the wish with a number."""
        name, number = wish, 2
        while name in self.taken:
            name, number = f"{wish}{number}", number + 1
        self.taken.add(name)
        return name


@dataclass(slots=True)
class Draft:
    """Proposed types for some bytes.

    Attributes:
        root: The type that reads the bytes.
        types: All types including the root, by name.
        saved: Approximate number of bits that the draft saves; drafts are tried in this order.
        idea: The structure that was found, in one sentence.
        head: Bytes before the structure, in which only the common beginning of all files is described.
        sure: Whether lengths lead to the end of every file, which is unlikely by chance.
    """

    root: str
    types: dict[str, dict[str, Any]] = field(default_factory=dict)
    saved: float = 0.0
    idea: str = ""
    head: int = 0
    sure: bool = False


def numbered(fields: Iterable[FieldDef]) -> list[FieldDef]:
    """Fields with unique names: the given name, and a number if it is taken."""
    made, seen = [], set()
    for given in fields:
        name, number = given["name"], 2
        while name in seen:
            name, number = f"{given['name']}_{number}", number + 1
        seen.add(name)
        made.append({**given, "name": name})
    return made
