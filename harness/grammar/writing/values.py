"""Values: random values of single fields, within the constants of their checks."""

from __future__ import annotations

import random
from typing import Any

from harness.grammar.engine.node import Leaf
from harness.grammar.language.encodings import unit
from harness.grammar.language.expression import Literal
from harness.grammar.language.grammar import Checks, Field, Grammar
from harness.grammar.language.primitive import Kind, Primitive
from harness.grammar.writing.hints import Hints

_LETTERS = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_MAX_SIZE = 4096


class Values:
    """Random values.

    Args:
        grammar: The grammar, for the labels of its enums.
        hints: Constants that a field is compared with.
    """

    def __init__(self, grammar: Grammar, hints: Hints, rng: random.Random) -> None:
        self.grammar, self.hints, self.rng = grammar, hints, rng

    def number(self, leaf: Leaf, *, tried: int = 0) -> Any:
        """A number for a new field: a constant of its check, a label, a number it is compared with, or a small one."""
        field, checks, rng = leaf.field, leaf.field.checks, self.rng
        if checks is not None and checks.constants:
            return rng.choice(sorted(checks.constants, key=repr))
        hinted = self.hints.pick(field.name, rng, tried)
        if isinstance(hinted, int):
            return hinted
        enum = self.grammar.enums.get(field.enum or "")
        if enum is not None and enum.labels and (rng.random() < 0.9 or (checks is not None and checks.in_enum)):
            return rng.choice(sorted(enum.labels))
        if isinstance(leaf.value, bool):
            return rng.random() < 0.5
        if isinstance(leaf.value, float):
            return float(rng.randint(-1000, 1000))
        low, high = limits(leaf)
        small = max(0, low)
        size = rng.choice((0, 4, 4, 4, 16, 16, 255)) if rng.random() < 0.95 else 1 << 16  # most of them are sizes
        return min(high, rng.randint(small, small + size)) if low <= high else leaf.value

    def other(self, leaf: Leaf) -> Any:
        """Another value for a field of a valid file, from the whole range of its type."""
        field, checks, rng = leaf.field, leaf.field.checks, self.rng
        if checks is not None and checks.constants:
            return rng.choice(sorted(checks.constants, key=repr))
        if isinstance(leaf.value, str | bytes | memoryview):
            is_fixed = isinstance(field.length, Literal) and field.delimiter is None
            old = len(leaf.value)
            keep = is_fixed or rng.random() < 0.5
            size = old if keep else rng.randint(0, min(_MAX_SIZE, 2 * old + 8))
            return self._text(size) if isinstance(leaf.value, str) else rng.randbytes(size)
        enum = self.grammar.enums.get(field.enum or "")
        if enum is not None and checks is not None and checks.in_enum:
            return rng.choice(sorted(enum.labels))
        if isinstance(leaf.value, float):
            return float(rng.randint(-1000, 1000))
        low, high = limits(leaf)
        return rng.choice((low, high, rng.randint(low, high))) if low <= high else leaf.value

    def blob(self, field: Field, primitive: Primitive | None, size: int | None, *, tried: int = 0) -> str | bytes:
        """Bytes or a string for a new field, of a size in bytes; None for a free size."""
        checks, rng = field.checks, self.rng
        if checks is not None and checks.constants:
            return rng.choice([one for one in sorted(checks.constants, key=repr) if isinstance(one, str | bytes)])
        count = rng.choice((0, 1, 3, 8, 20, 60)) if size is None else size
        is_text = primitive is not None and primitive.kind is Kind.STRING
        if checks is not None and checks.all_bytes is not None:
            fill = bytes([checks.all_bytes]) * count
            return fill.decode("latin-1") if is_text else fill
        wide = unit(field.encoding)
        base = self.hints.bases.get(field.name)
        if is_text and base is not None:
            return "".join(rng.choices("0123456789abcdef"[:base], k=max(1, count // wide)))
        one = self.hints.pick(field.name, rng, tried)
        if isinstance(one, str | bytes) and (size is None or len(one) == size // wide):
            return (
                one
                if isinstance(one, str) == is_text
                else one.encode()
                if isinstance(one, str)
                else one.decode("latin-1")
            )
        return self._text(count // wide) if is_text else rng.randbytes(count)

    def _text(self, size: int) -> str:
        return "".join(self.rng.choices(_LETTERS, k=size))


def limits(leaf: Leaf) -> tuple[int, int]:
    """The least and the greatest integer of a leaf, by its type and the constants of its checks."""
    kind = leaf.primitive
    bits = 8 if kind is None or not kind.width else kind.width if kind.bitwise else 8 * kind.width
    if kind is not None and kind.kind is Kind.VARINT:
        bits = 14
    is_signed = kind is not None and kind.signed and kind.kind is not Kind.VARINT
    return _range(leaf.field.checks, -(1 << bits - 1) if is_signed else 0, (1 << bits - is_signed) - 1)


def _range(checks: Checks | None, low: int, high: int) -> tuple[int, int]:
    if checks is not None and isinstance(checks.low, Literal) and isinstance(checks.low.value, int):
        low = max(low, checks.low.value)
    if checks is not None and isinstance(checks.high, Literal) and isinstance(checks.high.value, int):
        high = min(high, checks.high.value)
    return low, high
