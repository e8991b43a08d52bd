"""Export names: names of a grammar in the form of Kaitai Struct: lower-case letters, digits and `_`."""

from __future__ import annotations

import re

from harness.grammar.language.grammar import Grammar

_RESERVED = re.compile(r"str|strz|bytes|bool|struct|io|any|[us][1248](le|be)?|f[48](le|be)?|b[0-9]+(le|be)?")
_RESERVED_WORDS = frozenset({"true", "false", "and", "or", "not", "sizeof", "bitsizeof"})


class ExportNames:
    """The names of types, enums and fields in the `.ksy` file."""

    def __init__(self, grammar: Grammar) -> None:
        taken: set[str] = set()
        self.types = {name: _unique(snake(name), taken) for name in dict.fromkeys((grammar.root, *grammar.types))}
        self.top = self.types[grammar.root] if grammar.once else _unique(f"{self.types[grammar.root]}_file", taken)
        taken = set()
        self.enums = {name: _unique(snake(name), taken) for name in grammar.enums}
        self.members: dict[str, dict[int, str]] = {}
        """The labels of each enum by number; in Kaitai Struct no two numbers have the same."""
        for enum in grammar.enums.values():
            taken = set()
            self.members[enum.name] = {number: _unique(_plain(label), taken) for number, label in enum.labels.items()}
        self.fields: dict[str, str] = {}
        self._taken: set[str] = set()
        for found in grammar.types.values():
            for name in (*found.params, *(field.name for field in (*found.fields, *found.instances))):
                if name not in self.fields:
                    self.fields[name] = _unique(snake(name), self._taken)

    def field(self, name: str, *, prefix: str = "") -> str:
        """Return a field's name; equal names stay equal in all types. With a prefix, a name of a field next to it."""
        key = f"{prefix} {name}" if prefix else name
        if key not in self.fields:
            self.fields[key] = _unique(snake(f"{prefix}_{name}") if prefix else snake(name), self._taken)
        return self.fields[key]


def snake(name: str) -> str:
    """The snake-case form of a type name: `ChunkHeader2` becomes `chunk_header2`."""
    made = _plain(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name))
    return f"{made}_" if _RESERVED.fullmatch(made) or made in _RESERVED_WORDS else made


def _plain(name: str) -> str:
    made = re.sub(r"__+", "_", re.sub(r"[^a-z0-9_]", "_", name.lower())).strip("_") or "x"
    return made if made[0].isalpha() else f"x_{made}"


def _unique(name: str, taken: set[str]) -> str:
    made, number = name, 2
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    taken.add(made)
    return made
