"""Anchors: evidence after a field whose position depends on a length or a count, without which any value would do."""

from __future__ import annotations

from collections.abc import Mapping

from harness.grammar.explanation.description import expressions_of, sources_of
from harness.grammar.explanation.expression_walk import names_in
from harness.grammar.explanation.size_consistency import names_following
from harness.grammar.explanation.usage import FieldKey, Use
from harness.grammar.language.grammar import Field, Grammar, Word
from harness.grammar.language.reach import references, tops

ANCHORED_BITS = 16.0  # bits after a length at which it is certain


def anchored_shares(
    grammar: Grammar,
    known: Mapping[FieldKey, Use],
    fields: Mapping[FieldKey, float],
    types: Mapping[str, float],
    ends: Mapping[str, float],
) -> dict[FieldKey, float]:
    """How far the bytes after it confirm each field that is a length or a count, from 0 to 1.

    Args:
        fields: Bits saved by each field, less its description.
        types: Bits saved by each type.
        ends: Bits by type for records that end exactly where their bytes end.
    """
    search = _Search(grammar, fields, types, ends)
    return {
        key: min(1.0, search.after(key[0], use.field, use.sets_size) / ANCHORED_BITS)
        for key, use in known.items()
        if use.sets_size
    }


class _Search:
    def __init__(
        self, grammar: Grammar, fields: Mapping[FieldKey, float], types: Mapping[str, float], ends: Mapping[str, float]
    ) -> None:
        self.grammar, self.fields, self.types, self.ends = grammar, fields, types, ends
        self.tops, self.sources = tops(grammar), sources_of(grammar)
        self.holders: dict[str, list[tuple[str, Field]]] = {}  # by type: the fields that it may follow in place
        for owner, definition in grammar.types.items():
            for field in definition.fields:
                if field.length is None and field.at is None and field.offset is None:
                    for ref in references(field):
                        self.holders.setdefault(ref.name, []).append((owner, field))

    def after(self, owner: str, field: Field, sized: frozenset[str]) -> float:
        """Bits of the fields after a length, up to one that takes what is left whatever the length is."""
        following = names_following(frozenset({"_io", field.name, *sized}), self.sources)
        return self._from(owner, field.index + 1, sized, following, set())

    def _from(self, owner: str, index: int, sized: frozenset[str], following: frozenset[str], seen: set[str]) -> float:
        total = 0.0
        for field in self.grammar.types[owner].fields[index:]:
            if field.compute is not None or field.at is not None or field.offset is not None:
                continue
            if field.name not in sized and (_takes_rest(field) or _adapts(field, following)):
                return total + self._worth(owner, field)
            total += self._worth(owner, field)
        return total + self._outside(owner, following, seen)

    def _worth(self, owner: str, field: Field) -> float:
        inner = sum(max(0.0, self.types[ref.name]) for ref in references(field) if ref.name in self.types)
        return max(0.0, self.fields.get((owner, field.name), 0.0)) + inner

    def _outside(self, owner: str, following: frozenset[str], seen: set[str]) -> float:
        """Bits of what is read after a record of a type, where nothing else gives its end."""
        found = self.ends.get(owner, 0.0)
        if owner in seen:
            return found
        seen.add(owner)
        if owner in self.tops and not self.grammar.once:
            found = max(found, self.types[owner])
        for name, field in self.holders.get(owner, ()):
            repeated = max(0.0, self.types[owner]) if field.repeat is not None or field.until is not None else 0.0
            rest = self._from(name, field.index + 1, frozenset(), following, seen)
            found = max(found, repeated + rest)
        return found


def _takes_rest(field: Field) -> bool:
    lax = field.delimiter is not None and not field.delimiter.required and field.length is None
    return lax or Word.REST in (field.length, field.repeat) or field.align is not None


def _adapts(field: Field, following: frozenset[str]) -> bool:
    """Whether the size or the position of a field can make up for a wrong length before it."""
    return any(not following.isdisjoint(names_in(expr)) for expr in expressions_of(field))
