"""Expression importer: converts Kaitai Struct expressions to expressions of a grammar."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from harness.grammar.language import expression as ours
from harness.grammar.language.printer import print_expression
from harness.kaitai import expression as ast
from harness.kaitai.common_type import TypeFaultError
from harness.kaitai.library import Library
from harness.kaitai.names import Names, field_name
from harness.kaitai.resolver import find_enum
from harness.kaitai.sizes import DynamicSizeError, size_of_field, size_of_type
from harness.kaitai.structure import Array, Boolean, Bytes, DataType, Enum, Integer, String, Structure, User
from harness.kaitai.type_inference import TypeInference

_SPECIAL = frozenset({"_io", "_root", "_parent", "_index", "_"})
_UNSUPPORTED = {"_buf": "raw bytes of an item", "_on": "the value of a switch", "_is_le": "a computed byte order"}


class UnsupportedError(Exception):
    """A grammar cannot express this."""


class ExpressionImporter:
    """Converts the expressions of one structure."""

    def __init__(self, library: Library, names: Names, structure: Structure) -> None:
        self.library, self.names, self.structure = library, names, structure
        self.inference = TypeInference(library, structure)

    def text(self, expression: ast.Expression, *, item: DataType | None = None) -> str | int | bool:
        """Convert an expression to a YAML value: a number or boolean if it is one, otherwise a string.

        Args:
            expression: The expression.
            item: The type of `_`, or None if `_` is not in scope.

        Raises:
            UnsupportedError: if a grammar cannot express it.
        """
        self.inference.item = item
        made = self.translate(expression)
        self.inference.item = None
        if isinstance(made, ours.Literal) and isinstance(made.value, int):
            return made.value
        printed = print_expression(made)
        return f"({printed})" if printed == "rest" else printed

    def kind(self, expression: ast.Expression) -> DataType | None:
        """Return the type of an expression, or None."""
        try:
            return self.inference.value(expression)
        except TypeFaultError:
            return None

    def translate(self, expression: ast.Expression) -> ours.Expr:
        """Convert an expression to a syntax tree of the grammar language.

        Raises:
            UnsupportedError: if a grammar cannot express it.
        """
        match expression:
            case ast.Number(value=value) | ast.Text(value=value) | ast.Truth(value=value) | ast.Real(value=value):
                return ours.Literal(value)
            case ast.Format(parts=parts):
                return self.formatted(parts)
            case ast.Name(id=name):
                return self.name(name)
            case ast.Member(enum=enum, name=label):
                found = find_enum(self.library, self.structure, enum)
                if found is None:
                    raise UnsupportedError(f"unknown enum {enum}")
                return ours.EnumLiteral(self.names.enums[found], label)
            case ast.Unary(op="-", operand=ast.Number(value=value)):
                return ours.Literal(-value)
            case ast.Unary(op="-", operand=ast.Real(value=real)):
                return ours.Literal(-real)
            case ast.Unary(op="+", operand=operand):
                return self.translate(operand)
            case ast.Unary(op=op, operand=operand):
                return ours.Unary(op, self.translate(operand))
            case ast.Binary(op=op, left=left, right=right) | ast.Compare(op=op, left=left, right=right):
                return ours.Binary(op, self.translate(left), self.translate(right))
            case ast.Logic(op=op, operands=operands):
                return _joined(op, [self.translate(operand) for operand in operands])
            case ast.Ternary(condition=condition, yes=yes, no=no):
                return ours.Ternary(self.translate(condition), self.translate(yes), self.translate(no))
            case ast.Index(container=container, index=index):
                return ours.Item(self.translate(container), self.translate(index))
            case ast.Attribute(value=value, name=name):
                return self.attribute(value, name)
            case ast.Call(value=value, method=method, arguments=arguments):
                if method == "to_s" and isinstance(self.kind(value), Integer):
                    return ours.Attribute(self.translate(value), "to_s")
                if method == "to_b":
                    raise UnsupportedError("text as bytes (`to_b`)")
                return ours.Method(self.translate(value), method, tuple(map(self.translate, arguments)))
            case ast.Items(values=values):
                return self.items(values, wanted=self.kind(expression))
            case ast.Cast(value=value, type=name):
                if isinstance(value, ast.Items):
                    return self.items(value.values, wanted=self.kind(expression))
                return self.cast(value, name)
            case ast.SizeOf(type=name, bits=in_bits):
                return self.size(lambda: size_of_type(self.inference.named_type(name)), bits=in_bits)
        assert_never(expression)

    def name(self, name: str) -> ours.Expr:
        """Convert a name; sizes become numbers."""
        if name in ("_sizeof", "_bitsizeof"):
            top = User(ast.TypeName(self.structure.path), target=self.structure)
            return self.size(lambda: size_of_type(top), bits=name == "_bitsizeof")
        if name in _UNSUPPORTED:
            raise UnsupportedError(f"`{name}`, {_UNSUPPORTED[name]}")
        return ours.Name(name if name in _SPECIAL else field_name(name))

    def attribute(self, value: ast.Expression, name: str) -> ours.Expr:
        """The expression for `value.name`, where `name` is a field or a built-in attribute."""
        if name in ("_sizeof", "_bitsizeof"):
            return self.size_of(value, bits=name == "_bitsizeof")
        kind = self.kind(value)
        inner = self.translate(value)
        match kind:
            case Bytes() | String() | Array():
                return ours.Attribute(inner, "size" if name == "length" else name)
            case Boolean() if name == "to_i":
                return ours.Ternary(inner, ours.Literal(1), ours.Literal(0))
            case Enum() if name == "to_i":
                return inner
        return ours.Attribute(inner, name if name in _SPECIAL else field_name(name))

    def formatted(self, parts: tuple[str | ast.Expression, ...]) -> ours.Expr:
        """Convert an f-string to a sum of strings."""
        made: list[ours.Expr] = [ours.Literal("")] if not parts else []
        for part in parts:
            if isinstance(part, str):
                made.append(ours.Literal(part))
                continue
            inner = self.translate(part)
            made.append(inner if isinstance(self.kind(part), String) else ours.Attribute(inner, "to_s"))
        return _joined("+", made)

    def items(self, values: tuple[ast.Expression, ...], *, wanted: DataType | None) -> ours.Expr:
        """Convert a list. In a grammar it is bytes if each item is a constant byte, in Kaitai Struct if its type is."""
        made = ours.ArrayOf(tuple(map(self.translate, values)))
        constant = all(isinstance(v, ast.Number) and v.value < 256 for v in values)
        if isinstance(wanted, Array) and constant:
            return ours.Attribute(made, "to_array")
        return ours.Attribute(made, "to_bytes") if isinstance(wanted, Bytes) and not constant else made

    def cast(self, value: ast.Expression, name: ast.TypeName) -> ours.Expr:
        """Convert a cast; a cast to a number or string has no effect."""
        inner = self.translate(value)
        try:
            kind = self.inference.named_type(name)
        except TypeFaultError:
            return inner
        if isinstance(kind, User) and kind.target is not None:
            return ours.Method(inner, "as", (ours.Name(self.names.types[kind.target]),))
        return inner

    def size_of(self, value: ast.Expression, *, bits: bool) -> ours.Expr:
        """Convert `value._sizeof` to a number."""
        match value:
            case ast.Name(id=name):
                holder: Structure | None = self.structure
            case ast.Attribute(value=outer, name=name):
                kind = self.kind(outer)
                holder = kind.target if isinstance(kind, User) else None
            case _:
                raise UnsupportedError("the size of a computed value")
        field = holder.find(name) if holder else None
        if field is None:
            raise UnsupportedError("the size of a value whose type is not known")
        return self.size(lambda: size_of_field(field), bits=bits)

    def size(self, measure: Callable[[], int], *, bits: bool) -> ours.Expr:
        """Convert a size in bits to a number."""
        try:
            found = measure()
        except DynamicSizeError as error:
            raise UnsupportedError(f"a size that is not constant: {error}") from None
        return ours.Literal(found if bits else (found + 7) // 8)


def _joined(op: str, parts: list[ours.Expr]) -> ours.Expr:
    made = parts[0]
    for part in parts[1:]:
        made = ours.Binary(op, made, part)
    return made
