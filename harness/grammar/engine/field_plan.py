"""Field plan: one compiled field: its type, checks, and the closures of its expressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.grammar.language.encodings import codec, unit
from harness.grammar.language.evaluation import Compiler, Evaluate
from harness.grammar.language.expression import Expr
from harness.grammar.language.grammar import Field, TypeDef, TypeRef, Word
from harness.grammar.language.primitive import Kind, Primitive


@dataclass(frozen=True, slots=True)
class Source:
    """The compiled type of one item."""

    ref: TypeRef
    primitive: Primitive | None
    arguments: tuple[Evaluate, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One compiled condition on a value, and its kind for messages."""

    kind: str
    value: Evaluate
    expr: Expr


class FieldPlan:
    """One compiled field; see `Field` for the meaning of each part."""

    __slots__ = (
        "align", "at", "bits", "blob", "checks", "codec", "compute", "condition", "constants", "field", "is_string",
        "length", "name", "offset", "packed", "pad", "positioned", "process", "repeat", "simple", "sized", "skip",
        "source", "sources", "stream", "switch_by", "terminator", "until",
    )  # fmt: skip

    def __init__(self, field: Field, owner: TypeDef, compiler: Compiler, *, batched: bool = True) -> None:
        def made(expr: Expr | Word | None) -> Evaluate | None:
            return None if expr is None or isinstance(expr, Word) else compiler.compile(expr, owner)

        self.field, self.name = field, field.name
        self.condition, self.compute = made(field.condition), made(field.compute)
        self.at, self.offset, self.stream = made(field.at), made(field.offset), made(field.stream)
        self.skip, self.align = made(field.skip), made(field.align)
        self.length, self.repeat, self.until = made(field.length), made(field.repeat), made(field.until)
        self.positioned = field.at is not None or field.offset is not None
        self.codec = codec(field.encoding)
        self.source = self._source(field.type, owner, compiler)
        self.switch_by = compiler.compile(field.switch.by, owner) if field.switch is not None else None
        self.sources: dict[int, Source] = {}
        if field.switch is not None:
            for ref in (*field.switch.cases.values(), *field.switch.spellings.values(), field.switch.default):
                made_source = self._source(ref, owner, compiler)
                if made_source is not None:
                    self.sources[id(ref)] = made_source
        self.process = tuple((p.name, tuple(compiler.compile(a, owner) for a in p.arguments)) for p in field.process)
        self.terminator = terminator_of(field)
        self.pad = field.delimiter.pad if field.delimiter is not None else None
        self.checks, self.constants = self._checks(field, owner, compiler)
        primitive = field.type.primitive if field.type is not None else None
        self.bits = primitive is not None and primitive.bitwise
        plain = field.switch is None and not self.process and field.checks is None and field.length is None
        self.packed = (
            plain
            and primitive is not None
            and primitive.kind in (Kind.INTEGER, Kind.FLOAT)
            and field.until is None
            and field.repeat is not None
        )
        always = not (field.repeat or field.until or field.condition or field.skip or field.align or self.positioned)
        number = primitive is not None and primitive.kind in (Kind.INTEGER, Kind.FLOAT) and bool(primitive.code)
        self.simple = primitive if plain and always and number and field.compute is None else None
        """The primitive of an unconditional number without checks, which the fast path reads; else None."""
        stated = field.length is Word.REST or self.length is not None
        self.sized = stated and self.terminator is None and self.pad is None and not self.process
        """Whether the field has a length, and all its bytes are content."""
        kind = primitive.kind if primitive is not None and field.switch is None and field.checks is None else None
        self.is_string = kind is Kind.STRING
        bare = self.sized and always and field.compute is None and (self.is_string or kind is Kind.BYTES)
        self.blob = primitive if bare and batched else None
        """The primitive of unconditional bytes or strings with a length and without checks; else None."""

    @staticmethod
    def _source(ref: TypeRef | None, owner: TypeDef, compiler: Compiler) -> Source | None:
        if ref is None:
            return None
        return Source(ref, ref.primitive, tuple(compiler.compile(a, owner) for a in ref.arguments))

    @staticmethod
    def _checks(field: Field, owner: TypeDef, compiler: Compiler) -> tuple[tuple[Check, ...], frozenset[Any] | None]:
        checks = field.checks
        if checks is None:
            return (), None
        found: list[Check] = []
        if checks.constants is None:
            if checks.equals is not None:
                found.append(Check("equals", compiler.compile(checks.equals, owner), checks.equals))
            found += [Check("one_of", compiler.compile(e, owner), e) for e in checks.one_of]
        for kind, expr in (
            ("not_equals", checks.not_equals),
            ("min", checks.low),
            ("max", checks.high),
            ("expr", checks.holds),
        ):
            if expr is not None:
                found.append(Check(kind, compiler.compile(expr, owner), expr))
        return tuple(found), checks.constants


def terminator_of(field: Field) -> bytes | None:
    """The bytes that end a value; a string of wider characters ends with the character of that value."""
    terminator, width = field.delimiter.terminator if field.delimiter is not None else None, unit(field.encoding)
    refs = [field.type, *(field.switch.cases.values() if field.switch else ())]
    text = any(r is not None and r.primitive is not None and r.primitive.kind is Kind.STRING for r in refs)
    if terminator is not None and text and len(terminator) == 1 and width > 1:
        return terminator[0].to_bytes(width, "little" if field.encoding.endswith("le") else "big")
    return terminator
