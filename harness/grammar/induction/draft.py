"""Draft: types that were made up for some bytes, with names nobody else uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

FieldDef = dict[str, Any]


@dataclass(slots=True)
class Names:
    """Gives out names of types that are not taken."""

    taken: set[str]

    @classmethod
    def free_in(cls, document: Any) -> Names:
        """Names free in a grammar document."""
        types = document.get("types") if isinstance(document, dict) else None
        return cls(set(types) if isinstance(types, dict) else set())

    def fresh(self, wish: str) -> str:
        """A free name: the wish, or the wish with a number."""
        name, number = wish, 2
        while name in self.taken:
            name, number = f"{wish}{number}", number + 1
        self.taken.add(name)
        return name


@dataclass(slots=True)
class Draft:
    """Types for one kind of bytes.

    Attributes:
        root: The type that reads them.
        types: All types, the root's included: name -> its definition.
        saved: Bits that the idea saves, roughly: the order in which ideas are tried.
        idea: How it was found, in one sentence.
        head: Bytes in front of what it is about; it has seen nothing in them but what all files begin with.
        sure: It rests on lengths that lead to the end of every file, which hardly happens by accident.
    """

    root: str
    types: dict[str, dict[str, Any]] = field(default_factory=dict)
    saved: float = 0.0
    idea: str = ""
    head: int = 0
    sure: bool = False


def numbered(fields: Iterable[FieldDef]) -> list[FieldDef]:
    """Fields with names by what they hold and their place, each once."""
    made, seen = [], set()
    for given in fields:
        name, number = given["name"], 2
        while name in seen:
            name, number = f"{given['name']}_{number}", number + 1
        seen.add(name)
        made.append({**given, "name": name})
    return made
