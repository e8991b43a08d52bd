"""Plan: a compiled grammar: expressions are closures, constants are evaluated; a type is compiled at first use."""

from __future__ import annotations

import struct

from harness.grammar.engine.field_plan import FieldPlan
from harness.grammar.engine.fixed_run import FixedRun, steps_of
from harness.grammar.language.encodings import codec
from harness.grammar.language.evaluation import Compiler
from harness.grammar.language.expression import Literal
from harness.grammar.language.grammar import EndianSwitch, Grammar, TypeDef
from harness.grammar.language.primitive import Kind, Primitive


class TypePlan:
    """A type compiled to plans of its fields."""

    __slots__ = ("checksums", "definition", "endian_by", "fields", "flat", "instances", "magic", "places", "steps")

    def __init__(self, definition: TypeDef, compiler: Compiler, *, big: bool | None, batched: bool = True) -> None:
        self.definition = definition
        self.fields = tuple(FieldPlan(field, definition, compiler, batched=batched) for field in definition.fields)
        self.steps: tuple[FixedRun | FieldPlan, ...] = steps_of(self.fields) if batched else self.fields
        stretches = [step for step in self.steps if isinstance(step, FixedRun)]
        self.places = {plan.name: (fixed_run, i) for fixed_run in stretches for i, plan in enumerate(fixed_run.plans)}
        """For each field in a fixed-width run: the run and the index in it."""
        self.instances = {f.name: FieldPlan(f, definition, compiler) for f in definition.instances}
        endian = definition.endian
        self.endian_by = compiler.compile(endian.by, definition) if isinstance(endian, EndianSwitch) else None
        self.checksums = tuple(
            (f, None if f.checksum.of is None else compiler.compile(f.checksum.of, definition))
            for f in definition.fields
            if f.checksum is not None
        )
        flat = len(self.steps) == 1 and not self.instances and self.endian_by is None
        self.flat = stretches[0] if flat and stretches and not self.checksums else None
        """The run of a type that consists of a single fixed-width run; else None."""
        self.magic = magic(definition, big=endian if isinstance(endian, bool) else big)


class Program:
    """A grammar compiled to plans of its types.

    Args:
        batched: Whether adjacent numbers are read at once; else field by field.
    """

    def __init__(self, grammar: Grammar, *, batched: bool = True) -> None:
        self.grammar, self._batched = grammar, batched
        self.compiler = Compiler(grammar.types, grammar.enums)
        self._plans: dict[str, TypePlan] = {}
        self.order = order_of(grammar)

    def plan(self, name: str) -> TypePlan:
        """The plan of a type, compiled at first use."""
        found = self._plans.get(name)
        if found is None:
            found = self._plans[name] = TypePlan(
                self.grammar.types[name], self.compiler, big=self.order, batched=self._batched
            )
        return found


def order_of(grammar: Grammar) -> bool | None:
    """Whether the whole grammar is big-endian; None if its records may differ."""
    for definition in grammar.types.values():
        named = [definition.endian, *(f.big for f in (*definition.fields, *definition.instances))]
        if any(order is not None and order is not grammar.big for order in named):
            return None
    return grammar.big


def magic(definition: TypeDef, *, big: bool | None) -> bytes:
    """The constant bytes that every record of a type begins with; empty if there are none.

    `big` is the byte order of fields without one; None if it depends on the record that holds them.
    """
    if not definition.fields:
        return b""
    field = definition.fields[0]
    primitive = field.type.primitive if field.type is not None else None
    plain = not (
        field.condition or field.repeat or field.until or field.switch or field.skip or field.align or field.process
    )
    if field.checks is None or primitive is None or not plain or field.at is not None or field.offset is not None:
        return b""
    constants = field.checks.constants
    if constants is None or len(constants) != 1:
        return b""
    (value,) = constants
    if primitive.kind is Kind.INTEGER and isinstance(value, int):
        order = primitive.big if primitive.big is not None else big if field.big is None else field.big
        if order is None and primitive.width > 1:
            return b""
        try:
            return value.to_bytes(primitive.width, "big" if order else "little", signed=primitive.signed)
        except OverflowError:
            return b""
    if isinstance(field.length, Literal) and field.delimiter is None:
        data = value.encode(codec(field.encoding), "replace") if isinstance(value, str) else value
        if isinstance(data, bytes) and len(data) == field.length.value:
            return data
    return b""


_programs: dict[int, Program] = {}
_MAX_KEPT_PROGRAMS = 64


def program_of(grammar: Grammar) -> Program:
    """The compiled grammar; the most recent are cached by identity."""
    found = _programs.get(id(grammar))
    if found is None or found.grammar is not grammar:
        if len(_programs) >= _MAX_KEPT_PROGRAMS:
            _programs.clear()
        found = _programs[id(grammar)] = Program(grammar)
    return found


def number_codec(primitive: Primitive, *, big: bool) -> struct.Struct | None:
    """The `struct` of a number; None for widths without a struct code."""
    return _STRUCTS.get((primitive.code, big))


_STRUCTS = {(code, big): struct.Struct((">" if big else "<") + code) for code in "BbHhIiQqefd" for big in (True, False)}
