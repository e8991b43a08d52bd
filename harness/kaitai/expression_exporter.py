"""Expression exporter: converts expressions of a grammar to text in Kaitai Struct's expression language."""

from __future__ import annotations

from collections.abc import Callable

from harness.grammar.language import expression as ex
from harness.grammar.language.grammar import Field, TypeDef
from harness.grammar.language.inference import Inference, MistakeError
from harness.grammar.language.printer import print_expression
from harness.grammar.language.reach import references
from harness.grammar.language.types import ANY, Sort, Type
from harness.kaitai.expression import COMPARISONS, SPECIAL

_MAX_LEVELS = 20


class UnwritableError(Exception):
    """Kaitai Struct's expression language cannot express this."""


class ExpressionWriter:
    """Exports the expressions of one type.

    Args:
        owner: The type whose names are in scope.
        field_id: Maps a field's name to its Kaitai Struct name.
        type_id: Maps a type's name.
        label_id: Maps an enum and one of its labels to `enum::label`.
        parameter_kind: Returns the type of a parameter of a type.
    """

    def __init__(
        self,
        inference: Inference,
        owner: TypeDef,
        *,
        field_id: Callable[[str], str],
        type_id: Callable[[str], str],
        label_id: Callable[[str, str], str],
        parameter_kind: Callable[[TypeDef, str], Type],
    ) -> None:
        self.inference, self.owner = inference, owner
        self.field_id, self.type_id, self.label_id = field_id, type_id, label_id
        self.parameter_kind = parameter_kind
        self.parents = holders(inference.types)
        self.item: Type | None = None
        """The type of `_`, or None if `_` is not in scope."""

    def kind(self, expr: ex.Expr) -> Type:
        """Infer the type of an expression; `_parent` has a known type if only one type contains the owner."""
        try:
            found = self.inference.infer(expr, self.owner, item=self.item)
        except MistakeError:
            found = ANY
        if found.sort is not Sort.ANY:
            return found
        match expr:
            case ex.Name(name=name) if name in self.owner.params:
                return self.parameter_kind(self.owner, name)
            case ex.Attribute(of=of, name="first" | "last") | ex.Item(of=of):
                return self.kind(of).item or ANY
            case ex.Name(name="_parent"):
                return self.parent_of(self.owner.name)
            case ex.Attribute(of=of, name="_parent"):
                return self.parent_of(self.kind(of).name)
            case ex.Attribute(of=of, name=name):
                holder = self.kind(of).name
                field = self.inference.members.get(holder, {}).get(name)
                return self.inference.of_field(self.inference.types[holder], field) if field else ANY
        return ANY

    def parent_of(self, name: str) -> Type:
        """Return the only type that contains a type, or None if there are several or none."""
        holders = self.parents.get(name, frozenset())
        return Type(Sort.RECORD, next(iter(holders))) if len(holders) == 1 else ANY

    def number(self, expr: ex.Expr) -> str:
        """Export an expression as a number; enums become integers.

        Raises:
            UnwritableError: if Kaitai Struct cannot express it.
        """
        kind = self.kind(expr)
        return f"{self.inner(expr)}.to_i" if kind.sort is Sort.INT and kind.name else self.text(expr)

    def condition(self, expr: ex.Expr) -> str:
        """Export an expression as a boolean.

        Raises:
            UnwritableError: if Kaitai Struct cannot express it.
        """
        return self.text(expr) if self.kind(expr).sort in (Sort.BOOL, Sort.ANY) else f"{self.operand(expr)} != 0"

    def operand(self, expr: ex.Expr) -> str:
        """Export a number, in parentheses if needed."""
        text, kind = self.number(expr), self.kind(expr)
        labelled = kind.sort is Sort.INT and bool(kind.name)  # then `number` has added the parentheses
        return f"({text})" if isinstance(expr, ex.Binary | ex.Unary | ex.Ternary) and not labelled else text

    def inner(self, expr: ex.Expr) -> str:
        """Add parentheses unless the text is a primary expression."""
        text = self.text(expr)
        negative = isinstance(expr, ex.Literal) and text.startswith("-")
        return f"({text})" if isinstance(expr, ex.Binary | ex.Unary | ex.Ternary) or negative else text

    def boolean(self, expr: ex.Expr) -> str:
        """Export a boolean, in parentheses if needed."""
        text = self.condition(expr)
        simple = isinstance(expr, ex.Name | ex.Attribute | ex.Literal | ex.Item) and " " not in text
        return text if simple else f"({text})"

    def text(self, expr: ex.Expr) -> str:
        """Export an expression.

        Raises:
            UnwritableError: if Kaitai Struct cannot express it.
        """
        match expr:
            case ex.Literal(value=value):
                return print_expression(expr) if value != b"" else "[].as<bytes>"
            case ex.ArrayOf(items=items):
                return f"[{', '.join(self.number(item) for item in items)}]"
            case ex.Name(name=name):
                return self.name(name)
            case ex.EnumLiteral(enum=enum, label=label):
                return self.label_id(enum, label)
            case ex.Attribute(of=of, name=name):
                return self.attribute(of, name)
            case ex.Item(of=of, index=index):
                return f"{self.inner(of)}[{self.number(index)}]"
            case ex.Method(of=of, name="as", arguments=(ex.Name(name=name),)):
                return f"{self.inner(of)}.as<{self.type_id(name)}>"
            case ex.Method(name="before"):
                raise UnwritableError("`.before`")
            case ex.Method(of=of, name=name, arguments=arguments):
                return f"{self.inner(of)}.{name}({', '.join(map(self.number, arguments))})"
            case ex.Call(name=name, arguments=arguments):
                return self.call(name, arguments)
            case ex.Unary(operator="not", of=of):
                return f"not {self.boolean(of)}"
            case ex.Unary(operator=operator, of=of):
                return f"{operator}{self.operand(of)}"
            case ex.Binary(operator=operator, left=left, right=right):
                return self.binary(operator, left, right)
            case ex.Ternary(condition=condition, then=then, otherwise=otherwise):
                write = self.inner if self.kind(then) == self.kind(otherwise) else self.operand
                return f"{self.boolean(condition)} ? {write(then)} : {write(otherwise)}"

    def name(self, name: str) -> str:
        """Export a name of the type, or a special name."""
        if name in SPECIAL:
            return name
        known = name in self.owner.params or name in self.inference.members[self.owner.name]
        if not known:
            raise UnwritableError(f"`{name}`, which is not a field of the type itself")
        return self.field_id(name)

    def attribute(self, of: ex.Expr, name: str) -> str:
        """`value.name`."""
        kind, inner = self.kind(of), self.inner(of)
        if name == "_index":
            raise UnwritableError("the index of another record")
        if name not in SPECIAL and self.varies(of):
            raise UnwritableError("a field of a value that has one of several types")
        match kind.sort, name:
            case Sort.RECORD, _ if name not in SPECIAL:
                return f"{inner}.{self.field_id(name)}"
            case (Sort.STR, "size") | (Sort.STR, "length"):
                return f"{inner}.length"
            case (Sort.INT, "to_i") | (_, "sum"):
                if name == "sum":
                    raise UnwritableError("`.sum`")
                return self.number(of)
            case Sort.INT, "to_s":
                return f"{self.operand(of)}.to_s"
            case Sort.BOOL, "to_s":
                return f'({inner} ? "true" : "false")'
            case Sort.BYTES, "to_s":
                return f'{inner}.to_s("UTF-8")'
            case Sort.BYTES, "reverse":
                raise UnwritableError("reversed bytes")
            case _, "to_array":
                return f"{inner}.as<u1[]>"
            case _, "to_bytes":
                return f"{inner}.as<bytes>"
        return f"{inner}.{name if name in SPECIAL or kind.sort is not Sort.ANY else self.field_id(name)}"

    def field(self, of: ex.Expr) -> Field | None:
        """Return the field that a name or an attribute refers to, or None."""
        holder = self.kind(of.of).name if isinstance(of, ex.Attribute) else self.owner.name
        return self.inference.members.get(holder, {}).get(of.name if isinstance(of, ex.Attribute | ex.Name) else "")

    def is_fixed(self, field: Field, *, level: int = 0) -> bool:
        """Whether the size of a field is constant, as Kaitai Struct's `_sizeof` needs."""
        constant = isinstance(field.length, ex.Literal)
        if field.condition or field.until or field.switch or field.type is None or level > _MAX_LEVELS:
            return False
        if not isinstance(field.repeat, ex.Literal | None) or (field.length is not None and not constant):
            return False
        if field.type.primitive is not None:
            return constant or field.type.primitive.width > 0
        inner = self.inference.types[field.type.name].fields
        return constant or all(self.is_fixed(each, level=level + 1) for each in inner)

    def varies(self, of: ex.Expr) -> bool:
        """Whether a value may be a record of several types."""
        field = self.field(of)
        return field is not None and len({ref.name for ref in references(field) if ref.primitive is None}) > 1

    def binary(self, operator: str, left: ex.Expr, right: ex.Expr) -> str:
        """Export a binary operation with operands of the same type."""
        if operator in ("and", "or"):
            return f"{self.boolean(left)} {operator} {self.boolean(right)}"
        one, two = self.kind(left), self.kind(right)
        if operator in COMPARISONS and one.sort is two.sort is Sort.INT and one.name == two.name and one.name:
            return f"{self.inner(left)} {operator} {self.inner(right)}"
        if operator == "+" and Sort.BYTES in (one.sort, two.sort):
            raise UnwritableError("bytes joined with `+`")
        if operator in "&|^" and one.sort is two.sort is Sort.BOOL:
            raise UnwritableError(f"`{operator}` of booleans")
        return f"{self.operand(left)} {operator} {self.operand(right)}"

    def call(self, name: str, arguments: tuple[ex.Expr, ...]) -> str:
        """Export a built-in function, if another expression is equivalent."""
        match name, arguments:
            case "len", (of,):
                return self.attribute(of, "size")
            case "sizeof", (ex.Name() | ex.Attribute() as of,) if (held := self.field(of)) and self.is_fixed(held):
                return f"{self.inner(of)}._sizeof"
            case (("min" | "max"), (a, b)):
                one, two = self.operand(a), self.operand(b)
                return f"({one} {'<' if name == 'min' else '>'} {two} ? {one} : {two})"
            case "abs", (a,):
                one = self.operand(a)
                return f"({one} < 0 ? -{one} : {one})"
        raise UnwritableError(f"the function `{name}`")


def holders(types: dict[str, TypeDef]) -> dict[str, frozenset[str]]:
    """Map each type to the types that contain it."""
    made: dict[str, set[str]] = {}
    for name, found in types.items():
        for field in (*found.fields, *found.instances):
            for ref in references(field):
                made.setdefault(ref.name, set()).add(name)
    return {name: frozenset(above) for name, above in made.items()}
