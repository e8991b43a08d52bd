"""Self-information of checks: how unlikely a random value is to pass; 0 for checks that cannot fail."""

from __future__ import annotations

import math

from harness.grammar.explanation.lookahead import unplain_names
from harness.grammar.language.expression import Attribute, Call, Expr, Literal, Name, walk
from harness.grammar.language.grammar import Field, Grammar, TypeDef
from harness.grammar.language.primitive import Kind


def self_information(owner: TypeDef, field: Field, grammar: Grammar) -> float | None:
    """Self-information of a random value that passes its checks, in bits per value.

    The author of a grammar may write checks that always pass. A check therefore counts only if it compares with
    constants, or with fields that were read earlier at other offsets. None without checks.
    """
    width = width_bits(field)
    if field.checksum is None and field.checks is None:
        return None
    if field.at is not None or field.offset is not None:
        return 0.0  # it could overlap the bytes it is compared with
    if field.checksum is not None:
        of = field.checksum.of
        summed = field.checksum.over if of is None else (of.name,) if isinstance(of, Name) else ()
        return width if summed and all(_is_plain(owner, name, field) for name in summed) else 0.0
    checks = field.checks
    if checks is None:
        return 0.0
    if checks.constants is not None:
        sizes = [8.0 * len(value) for value in checks.constants if isinstance(value, str | bytes)]
        return max(0.0, (min(sizes) if sizes else width) - math.log2(max(1, len(checks.constants))))
    if checks.in_enum and field.enum is not None and field.enum in grammar.enums:
        return max(0.0, width - math.log2(max(1, len(grammar.enums[field.enum].labels))))
    if checks.equals is not None:
        return width if _is_size(checks.equals) or _compares_with_others(owner, field, checks.equals, grammar) else 0.0
    if checks.all_bytes is not None:
        return 8.0
    return _range(field, checks.low, checks.high, width)


def _range(field: Field, low: Expr | None, high: Expr | None, width: float) -> float:
    primitive = field.type.primitive if field.type is not None else None
    if primitive is None or primitive.kind is not Kind.INTEGER:
        return 0.0
    least, most = (
        (-(1 << int(width) - 1), (1 << int(width) - 1) - 1) if primitive.signed else (0, (1 << int(width)) - 1)
    )
    if isinstance(low, Literal) and isinstance(low.value, int):
        least = max(least, low.value)
    if isinstance(high, Literal) and isinstance(high.value, int):
        most = min(most, high.value)
    return max(0.0, width - math.log2(most - least + 1)) if most >= least else 0.0


def _is_size(expr: Expr) -> bool:
    """Whether an expression is the size of the stream: a random value is unlikely to equal it."""
    return isinstance(expr, Attribute) and expr.name == "size" and expr.of == Name("_io")


def _compares_with_others(owner: TypeDef, field: Field, expr: Expr, grammar: Grammar) -> bool:
    """Whether an expression uses only constants and earlier fields of the same record."""
    parts = list(walk(expr))
    names = [part.name for part in parts if isinstance(part, Name)]
    unplain = unplain_names(grammar.types.values())
    return (
        not any(isinstance(part, Attribute) and part.name in unplain for part in parts)
        and not any(isinstance(part, Call) for part in parts)
        and bool(names)
        and all(_is_plain(owner, name, field) for name in names)
    )


def _is_plain(owner: TypeDef, name: str, than: Field) -> bool:
    """Whether a name is a sequential field that is read before another one."""
    found = next((field for field in owner.fields if field.name == name), None)
    if found is None or than.lazy or found.index >= than.index:
        return False
    return found.compute is None and found.at is None and found.offset is None


def width_bits(field: Field) -> float:
    """Bits of one value: of a number, or of bytes or a string of constant length; else 8."""
    primitive = field.type.primitive if field.type is not None else None
    if primitive is None:
        return 8.0
    if primitive.kind in (Kind.BITS, Kind.FLAG):
        return float(primitive.width)
    if primitive.width:
        return 8.0 * primitive.width
    if isinstance(field.length, Literal) and isinstance(field.length.value, int):
        return 8.0 * max(0, field.length.value)
    return 8.0
