"""Expr importer: converts Kaitai Struct expressions to expressions of a grammar."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

from harness.grammar.language import expression as ex
from harness.grammar.language.printer import print_expression
from harness.kaitai.common_type import TypeFaultError
from harness.kaitai.expression import SPECIAL, TypeName, is_byte, joined
from harness.kaitai.library import Library
from harness.kaitai.names import Names, field_name
from harness.kaitai.resolver import find_enum
from harness.kaitai.sizes import DynamicSizeError, size_of_field, size_of_type
from harness.kaitai.structure import Array, Boolean, Bytes, DataType, Enum, Integer, String, Structure, User
from harness.kaitai.type_inference import TypeInference


class UnsupportedError(Exception):
    """A grammar cannot express this."""


class ExpressionImporter:
    """Converts the expressions of one structure."""

    def __init__(self, library: Library, names: Names, structure: Structure) -> None:
        self.library, self.names, self.structure = library, names, structure
        self.inference = TypeInference(library, structure)

    def text(self, expression: ex.Expr, *, item: DataType | None = None) -> str | int | bool:
        """Convert an expression to a YAML value: a number or boolean if it is one, otherwise a string.

        Args:
            item: The type of `_`, or None if `_` is not in scope.

        Raises:
            UnsupportedError: if a grammar cannot express it.
        """
        self.inference.item = item
        made = self.translate(expression)
        self.inference.item = None
        if isinstance(made, ex.Literal) and isinstance(made.value, int):
            return made.value
        printed = print_expression(made)
        return f"({printed})" if printed == "rest" else printed

    def kind(self, expression: ex.Expr) -> DataType | None:
        """Return the type of an expression, or None."""
        try:
            return self.inference.value(expression)
        except TypeFaultError:
            return None

    def translate(self, expression: ex.Expr) -> ex.Expr:
        """Convert an expression to a syntax tree of the grammar language.

        Raises:
            UnsupportedError: if a grammar cannot express it.
        """
        match expression:
            case ex.Literal(value=value):
                if isinstance(value, float) and not isfinite(value):
                    raise UnsupportedError("a number that is too large for 64 bits")
                return expression
            case ex.Name(name=name):
                return self.name(name)
            case ex.EnumLiteral(enum=enum, label=label):
                found = find_enum(self.library, self.structure, TypeName.of(enum))
                if found is None:
                    raise UnsupportedError(f"unknown enum {enum}")
                return ex.EnumLiteral(self.names.enums[found], label)
            case ex.Unary(operator="-", of=ex.Literal(value=int() | float() as value)):
                return ex.Literal(-value)
            case ex.Unary(operator="+", of=of):
                return self.translate(of)
            case ex.Unary(operator=operator, of=of):
                return ex.Unary(operator, self.translate(of))
            case ex.Binary(operator=operator, left=left, right=right):
                return ex.Binary(operator, self.translate(left), self.translate(right))
            case ex.Ternary(condition=condition, then=then, otherwise=otherwise):
                return ex.Ternary(self.translate(condition), self.translate(then), self.translate(otherwise))
            case ex.Item(of=of, index=index):
                return ex.Item(self.translate(of), self.translate(index))
            case ex.Attribute(of=of, name=name):
                return self.attribute(of, name)
            case ex.Method(of=of, name="as", arguments=(ex.Literal(value=str() as type_name),)):
                if isinstance(of, ex.ArrayOf):
                    return self.items(of.items, wanted=self.kind(expression))
                return self.cast(of, type_name)
            case ex.Method(of=of, name=name, arguments=arguments):
                if name == "to_s" and isinstance(self.kind(of), Integer):
                    return ex.Attribute(self.translate(of), "to_s")
                if name == "to_b":
                    raise UnsupportedError("text as bytes (`to_b`)")
                return ex.Method(self.translate(of), name, tuple(map(self.translate, arguments)))
            case ex.ArrayOf(items=items):
                return self.items(items, wanted=self.kind(expression))
            case ex.Call(name="f", arguments=parts):
                return self.formatted(parts)
            case ex.Call(name=name, arguments=(ex.Literal(value=str() as type_name),)):
                named = TypeName.of(type_name)
                return self.size(lambda: size_of_type(self.inference.named_type(named)), bits=name == "bitsizeof")
        raise UnsupportedError(f"the expression {expression}")

    def name(self, name: str) -> ex.Expr:
        """Convert a name; sizes become numbers."""
        if name in ("_sizeof", "_bitsizeof"):
            top = User(TypeName(self.structure.path), target=self.structure)
            return self.size(lambda: size_of_type(top), bits=name == "_bitsizeof")
        return ex.Name(name if name in SPECIAL else field_name(name))

    def attribute(self, of: ex.Expr, name: str) -> ex.Expr:
        """The expression for `value.name`, where `name` is a field or a built-in attribute."""
        if name in ("_sizeof", "_bitsizeof"):
            return self.size_of(of, bits=name == "_bitsizeof")
        kind = self.kind(of)
        inner = self.translate(of)
        match kind:
            case Bytes() | String() | Array():
                return ex.Attribute(inner, "size" if name == "length" else name)
            case Boolean() if name == "to_i":
                return ex.Ternary(inner, ex.Literal(1), ex.Literal(0))
            case Enum() if name == "to_i":
                return inner
        return ex.Attribute(inner, name if name in SPECIAL else field_name(name))

    def formatted(self, parts: tuple[ex.Expr, ...]) -> ex.Expr:
        """Convert an f-string to a sum of strings."""
        made: list[ex.Expr] = [ex.Literal("")] if not parts else []
        for part in parts:
            inner = self.translate(part)
            made.append(inner if isinstance(self.kind(part), String) else ex.Attribute(inner, "to_s"))
        return joined("+", made)

    def items(self, values: tuple[ex.Expr, ...], *, wanted: DataType | None) -> ex.Expr:
        """Convert a list. In a grammar it is bytes if each item is a constant byte, in Kaitai Struct if its type is."""
        made = ex.ArrayOf(tuple(map(self.translate, values)))
        constant = all(map(is_byte, values))
        if isinstance(wanted, Array) and constant:
            return ex.Attribute(made, "to_array")
        return ex.Attribute(made, "to_bytes") if isinstance(wanted, Bytes) and not constant else made

    def cast(self, value: ex.Expr, name: str) -> ex.Expr:
        """Convert a cast; a cast to a number or string has no effect."""
        inner = self.translate(value)
        try:
            kind = self.inference.named_type(TypeName.of(name))
        except TypeFaultError:
            return inner
        if isinstance(kind, User) and kind.target is not None:
            return ex.Method(inner, "as", (ex.Name(self.names.types[kind.target]),))
        return inner

    def size_of(self, value: ex.Expr, *, bits: bool) -> ex.Expr:
        """Convert `value._sizeof` to a number."""
        whole = self.kind(value)
        if isinstance(value, ex.Name | ex.Attribute) and value.name in SPECIAL and isinstance(whole, User):
            return self.size(lambda: size_of_type(whole), bits=bits)
        match value:
            case ex.Name(name=name):
                holder: Structure | None = self.structure
            case ex.Attribute(of=outer, name=name):
                kind = self.kind(outer)
                holder = kind.target if isinstance(kind, User) else None
            case _:
                raise UnsupportedError("the size of a computed value")
        field = holder.find(name) if holder else None
        if field is None:
            raise UnsupportedError("the size of a value whose type is not known")
        return self.size(lambda: size_of_field(field), bits=bits)

    def size(self, measure: Callable[[], int], *, bits: bool) -> ex.Expr:
        """Convert a size in bits to a number."""
        try:
            found = measure()
        except DynamicSizeError as error:
            raise UnsupportedError(f"a size that is not constant: {error}") from None
        return ex.Literal(found if bits else (found + 7) // 8)
