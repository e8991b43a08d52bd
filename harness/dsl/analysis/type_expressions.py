"""Type expressions: resolved to types; variants are resolved to the schema of the trace."""

from __future__ import annotations

from typing import Any

from harness.dsl.analysis.diagnostics import Report
from harness.dsl.analysis.names import Names
from harness.dsl.language import syntax as s
from harness.dsl.types import ANY, BOOL, INT, STRING, UNITS, Bound, Case, Field, Kind, Schema, Type, Unit, list_of

_BASIC = {
    "boolean": Kind.BOOL, "bool": Kind.BOOL, "int": Kind.INT, "float": Kind.FLOAT, "string": Kind.STRING,
    "text": Kind.STRING, "any": Kind.ANY,
}  # fmt: skip
_NUMERIC = (Kind.INT, Kind.FLOAT)
MAX_DEPTH, MAX_SIZE = 40, 10_000  # maximum depth of nested types, and maximum number of parts of an expanded type


class Types:
    """The types of a module."""

    def __init__(self, names: Names, report: Report) -> None:
        self._names, self._report = names, report
        self._records: dict[str, Type] = {}
        self._sizes: dict[str, int] = {}
        self._open: list[str] = []
        self.schema = Schema()
        self.schema = Schema(tuple(self._cases()))
        for shape in names.types.values():
            self._record(shape)

    def of(self, node: s.TypeExpression) -> Type:
        """The type that an expression denotes; `any`, with a diagnostic, if it is unknown."""
        match node:
            case s.ListType(of=s.NamedType(name=name, unit="")) if (
                name.isupper() and name not in self._names.types and self.schema.find(name) < 0  # a dimension
            ):
                return list_of(INT)
            case s.ListType():
                return list_of(self.of(node.of))
            case s.EnumType():
                return Type(Kind.ENUM, options=tuple(dict.fromkeys(node.options)))
            case s.RecordType():
                return Type(Kind.RECORD, fields=self.fields(node.fields))
            case s.ShapedType():
                return self._shaped(node)
            case s.DefaultType():
                return self._default(node)[0]
            case s.NamedType():
                return self._named(node)

    def fields(self, nodes: list[s.FieldDeclaration]) -> tuple[Field, ...]:
        """Fields of a record or case; a duplicate name is a diagnostic."""
        found: dict[str, Field] = {}
        for node in nodes:
            if node.name in found:
                self._report.add("E202", f"field {node.name!r} is declared twice", node.span)
                continue
            default = self._default(node.type)[1] if isinstance(node.type, s.DefaultType) else None
            if isinstance(node.type, s.EnumType) and len(node.type.options) == 1:
                default = node.type.options[0]
            found[node.name] = Field(node.name, self.of(node.type), self._bound(node), node.optional, default)
        return tuple(found.values())

    def from_value(self, node: s.Value) -> Type | None:
        """The type that a value denotes, as in `answer: "yes" | "no"`, `answer: [string]`; None if it is not a type."""
        match node:
            case s.Alternatives():
                options = [o.value for o in node.options if isinstance(o, s.Literal) and isinstance(o.value, str)]
                return Type(Kind.ENUM, options=tuple(options)) if len(options) == len(node.options) else None
            case s.Name():
                return self._named(s.NamedType(node.name, "", node.span))
            case s.Sequence(items=[item]):
                inner = self.from_value(item)
                return None if inner is None else list_of(inner)
            case s.Record():
                fields = [(name, self.from_value(value)) for name, value in node.pairs]
                known = [Field(name, kind) for name, kind in fields if kind is not None]
                return Type(Kind.RECORD, fields=tuple(known)) if len(known) == len(fields) else None
            case _:
                return None

    def _shaped(self, node: s.ShapedType) -> Type:
        """`[M, N, K]` is a list of integers; nothing is known of a `Tensor[B, T]` that is not declared."""
        if not node.name:
            return list_of(INT)
        shape = self._names.types.get(node.name)
        return self._record(shape) if shape is not None else ANY

    def _default(self, node: s.DefaultType) -> tuple[Type, Any]:
        """The type of a literal, and its value."""
        sign = -1 if isinstance(node.value, s.Prefix) else 1
        literal = node.value.operand if isinstance(node.value, s.Prefix) else node.value
        value = literal.value if isinstance(literal, s.Literal) else False
        if isinstance(value, bool | str):
            return (BOOL if isinstance(value, bool) else STRING), value
        unit = UNITS.get(literal.unit) if isinstance(literal, s.Literal) and literal.unit else None
        if isinstance(value, int) and unit is None:
            return INT, sign * value
        return Type(Kind.FLOAT, unit=unit), sign * float(value)

    def _named(self, node: s.NamedType) -> Type:
        unit = self._unit(node)
        if node.name in _BASIC:
            kind = _BASIC[node.name]
            if unit is not None and kind not in _NUMERIC:
                self._report.add("E302", f"a {node.name} has no unit", node.span)
                unit = None
            return Type(kind, unit=unit)
        case = self.schema.find(node.name)
        if case >= 0:
            return self.schema.item(case)
        shape = self._names.types.get(node.name)
        if shape is not None:
            return self._record(shape)
        known = [*_BASIC, *self._names.types, *(c.name for c in self.schema.cases)]
        self._report.unknown("E203", "type", node.name, known, node.span)
        return ANY

    def _unit(self, node: s.NamedType) -> Unit | None:
        if node.unit and node.unit not in UNITS:
            self._report.unknown("E302", "unit", node.unit, UNITS, node.span, note=f"known units: {', '.join(UNITS)}")
        return UNITS.get(node.unit)

    def _record(self, shape: s.Shape) -> Type:
        name = shape.label.text
        if name in self._records:
            return self._records[name]
        if name in self._open:
            cycle = " -> ".join([*self._open[self._open.index(name) :], name])
            self._report.add("E410", f"a type contains itself: {cycle}", shape.span, note="values must be finite")
            return ANY
        if len(self._open) >= MAX_DEPTH:
            self._report.add("E107", f"types are nested more than {MAX_DEPTH} deep", shape.span)
            return ANY
        self._open.append(name)
        found = Type(Kind.RECORD, name=name, fields=self.fields(shape.fields))
        self._open.pop()
        self._sizes[name] = 1 + sum(self._size(field.type) for field in found.fields)
        if self._sizes[name] > MAX_SIZE:
            self._report.add("E107", f"type {name} has more than {MAX_SIZE} parts", shape.span)
            self._sizes[name], found = 1, ANY
        self._records[name] = found
        return found

    def _size(self, kind: Type) -> int:
        """The number of parts of an expanded type."""
        if kind.name in self._sizes:
            return self._sizes[kind.name]
        inner = [kind.of] if kind.of is not None else [field.type for field in kind.fields]
        return 1 + sum(self._size(part) for part in inner)

    def _bound(self, node: s.FieldDeclaration) -> Bound | None:
        if node.bound is None:
            return None
        op, value = node.bound
        sign = -1.0 if isinstance(value, s.Prefix) else 1.0
        literal = value.operand if isinstance(value, s.Prefix) else value
        is_number = isinstance(literal, s.Literal) and not isinstance(literal.value, str | bool)
        if not is_number or op not in ("<", "<=", ">", ">="):
            self._report.add("E301", "a bound is one of < <= > >= and a number", node.span)
            return None
        return Bound(op, sign * float(literal.value))  # type: ignore[union-attr]

    def _cases(self) -> list[Case]:
        cases: dict[str, Case] = {}
        for variant in self._names.variants:
            for shape in variant.cases:
                name = f"{variant.label.text}.{shape.label.text}"
                for field in shape.fields:
                    if isinstance(field.type, s.DefaultType):
                        note = "write its type: a default is not a measurement"
                        self._report.add("E301", f"a field of a trace item has no default: {field.name}", field.span,
                                         note=note)  # fmt: skip
                found = Case(name, self.fields(shape.fields))
                if name in cases and cases[name] != found:
                    self._report.add("E405", f"case {name} is declared twice, and the declarations differ", shape.span)
                cases.setdefault(name, found)
        return list(cases.values())
