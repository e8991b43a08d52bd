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
        self.fields: dict[str, str] = {}
        taken = set()
        for found in grammar.types.values():
            for name in (*found.params, *(field.name for field in (*found.fields, *found.instances))):
                if name not in self.fields:
                    self.fields[name] = _unique(snake(name), taken)

    def field(self, name: str) -> str:
        """Return a field's name; equal names stay equal in all types."""
        return self.fields.get(name, snake(name))


def snake(name: str) -> str:
    """The snake-case form of a type name: `ChunkHeader2` becomes `chunk_header2`."""
    made = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    made = re.sub(r"__+", "_", re.sub(r"[^a-z0-9_]", "_", made)).strip("_") or "x"
    made = made if made[0].isalpha() else f"x_{made}"
    return f"{made}_" if _RESERVED.fullmatch(made) or made in _RESERVED_WORDS else made


def _unique(name: str, taken: set[str]) -> str:
    made, number = name, 2
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    taken.add(made)
    return made
