"""Types of values; cases and the schema of trace items."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from harness.dsl.plain import plain


class Kind(StrEnum):
    """The closed set of kinds of values; nothing else can be loaded from a log."""

    BOOL = "boolean"
    INT = "int"
    FLOAT = "float"
    STRING = "string"
    ENUM = "enum"
    LIST = "list"
    RECORD = "record"
    ITEM = "item"
    """A trace item of one case; only exists in expressions."""
    ANY = "any"
    """Any JSON value; operations on it are checked at run time and are undefined where they do not apply."""


Dimension = tuple[int, int, int]
"""Exponents of seconds, bytes and floating-point operations."""
NO_DIMENSION: Dimension = (0, 0, 0)


@plain
class Unit:
    """A unit of measurement.

    Attributes:
        factor: Number of base units (s, B, FLOP, or products of their powers).
        dimension: Exponents of the base units.
    """

    name: str
    factor: float
    dimension: Dimension


UNITS: dict[str, Unit] = {
    name: Unit(name, factor, dimension)
    for name, factor, dimension in (
        ("ns", 1e-9, (1, 0, 0)), ("us", 1e-6, (1, 0, 0)), ("ms", 1e-3, (1, 0, 0)), ("s", 1.0, (1, 0, 0)),
        ("min", 60.0, (1, 0, 0)), ("h", 3600.0, (1, 0, 0)),
        ("B", 1.0, (0, 1, 0)), ("kB", 1e3, (0, 1, 0)), ("MB", 1e6, (0, 1, 0)), ("GB", 1e9, (0, 1, 0)),
        ("TB", 1e12, (0, 1, 0)), ("KiB", 2.0**10, (0, 1, 0)), ("MiB", 2.0**20, (0, 1, 0)), ("GiB", 2.0**30, (0, 1, 0)),
        ("B/s", 1.0, (-1, 1, 0)), ("MB/s", 1e6, (-1, 1, 0)), ("GB/s", 1e9, (-1, 1, 0)), ("TB/s", 1e12, (-1, 1, 0)),
        ("FLOP", 1.0, (0, 0, 1)), ("GFLOP", 1e9, (0, 0, 1)), ("TFLOP", 1e12, (0, 0, 1)),
        ("GFLOPS", 1e9, (-1, 0, 1)), ("TFLOPS", 1e12, (-1, 0, 1)), ("PFLOPS", 1e15, (-1, 0, 1)),
        ("%", 0.01, NO_DIMENSION),
    )
}  # fmt: skip


@plain
class Type:
    """A type.

    Attributes:
        of: Type of the elements of a list.
        options: Options of an enum, in source order.
        name: Name of a record type, or `Variant.Case` of an item.
        fields: Fields of a record or item.
        unit: Unit of a number, None without a unit. Numbers are stored in this unit and compared in base units.
        case: Index of an item's case in `Schema.cases`.
    """

    kind: Kind
    of: Type | None = None
    options: tuple[str, ...] = ()
    name: str = ""
    fields: tuple[Field, ...] = ()
    unit: Unit | None = None
    case: int = -1

    def __str__(self) -> str:
        match self.kind:
            case Kind.LIST:
                return f"[{self.of}]"
            case Kind.ENUM:
                return " | ".join(f'"{option}"' for option in self.options)
            case Kind.RECORD | Kind.ITEM:
                return self.name or "{" + ", ".join(f"{f.name}: {f.type}" for f in self.fields) + "}"
            case _:
                return f"{self.kind} {self.unit.name}" if self.unit else str(self.kind)

    def field(self, name: str) -> Field | None:
        """The field with a name, or None."""
        return next((field for field in self.fields if field.name == name), None)


@plain
class Bound:
    """The bound of a measured number, such as `> 0`; a value outside the bound is undefined."""

    op: str
    """One of < <= > >=."""
    value: float

    def holds(self, number: float) -> bool:
        """Whether a number is within the bound."""
        match self.op:
            case "<":
                return number < self.value
            case "<=":
                return number <= self.value
            case ">":
                return number > self.value
            case _:
                return number >= self.value

    def __str__(self) -> str:
        return f"{self.op} {self.value:g}"


@plain
class Field:
    """A named part of a record or of a trace item."""

    name: str
    type: Type
    bound: Bound | None = None
    optional: bool = False
    default: Any = None
    """The value of a record's field that is left out; None without one."""


@plain
class Case:
    """One case of a variant: the fields of one kind of trace item. Items hold their values in the order of `fields`."""

    name: str
    """`Variant.Case`."""
    fields: tuple[Field, ...]

    def slot(self, field: str) -> int:
        """Index of a field; -1 if the name is unknown."""
        return next((i for i, f in enumerate(self.fields) if f.name == field), -1)


@plain
class Schema:
    """All cases of a program's trace."""

    cases: tuple[Case, ...] = ()

    def find(self, name: str) -> int:
        """Index of `Variant.Case`, or of `Case` if only one variant has it; -1 if the name is unknown or ambiguous."""
        exact = [i for i, case in enumerate(self.cases) if case.name == name]
        loose = exact or [i for i, case in enumerate(self.cases) if case.name.rpartition(".")[2] == name]
        return loose[0] if len(loose) == 1 else -1

    def item(self, case: int) -> Type:
        """The type of an item of a case."""
        return Type(Kind.ITEM, name=self.cases[case].name, fields=self.cases[case].fields, case=case)


BOOL, INT, FLOAT = Type(Kind.BOOL), Type(Kind.INT), Type(Kind.FLOAT)
STRING, ANY = Type(Kind.STRING), Type(Kind.ANY)


def list_of(element: Type) -> Type:
    """The type of a list of elements."""
    return Type(Kind.LIST, of=element)


def json_schema(kind: Type) -> dict[str, Any]:
    """JSON Schema of a type, as a question states it."""
    match kind.kind:
        case Kind.BOOL:
            return {"type": "boolean"}
        case Kind.INT:
            return {"type": "integer"}
        case Kind.FLOAT:
            return {"type": "number"}
        case Kind.STRING:
            return {"type": "string"}
        case Kind.ENUM:
            return {"enum": list(kind.options)}
        case Kind.LIST:
            return {"type": "array", "items": json_schema(kind.of or ANY)}
        case Kind.RECORD | Kind.ITEM:
            return {
                "type": "object",
                "properties": {f.name: json_schema(f.type) for f in kind.fields},
                "required": [f.name for f in kind.fields if not f.optional and f.default is None],
                "additionalProperties": False,
            }
        case _:
            return {}
