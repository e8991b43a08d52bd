"""Type inference: the type of a Kaitai Struct expression, or why it has none."""

from __future__ import annotations

from harness.grammar.language.expression import (
    ArrayOf,
    Attribute,
    Binary,
    Call,
    EnumLiteral,
    Expr,
    Item,
    Literal,
    Method,
    Name,
    Ternary,
    Unary,
)
from harness.kaitai.common_type import TypeFaultError, combined, comparable, is_unknown, literal_type, settled, user
from harness.kaitai.expression import COMPARISONS, TypeName, integer
from harness.kaitai.library import Library
from harness.kaitai.resolver import enum_named, find_enum, find_type, type_named
from harness.kaitai.scanner import ExpressionError
from harness.kaitai.sizes import DynamicSizeError, size_of_field, size_of_type
from harness.kaitai.structure import (
    ANY,
    BOOLEAN,
    BYTES,
    FLOAT,
    INTEGER,
    STREAM,
    STRING,
    STRUCT,
    Anything,
    Array,
    Boolean,
    Bytes,
    DataType,
    Enum,
    Field,
    Float,
    Integer,
    Stream,
    String,
    Structure,
    User,
    describe,
)
from harness.kaitai.type_reader import parameter_type

BYTE = Integer(1, signed=False)
MAX_CHAIN = 20
"""Maximum chain of instances computed from instances; deeper ones have an unknown type."""
_BITWISE = frozenset({"<<", ">>", "&", "|", "^"})


class TypeInference:
    """Infers the types of the expressions of one structure."""

    def __init__(self, library: Library, structure: Structure, *, level: int = 0) -> None:
        self.library, self.structure, self.level = library, structure, level
        self.item: DataType | None = None
        """The type of `_`, or None if `_` is not in scope."""

    def type_of(self, expression: Expr) -> DataType:
        """Infer the type of an expression.

        Raises:
            TypeFaultError: if it has none; the message says why.
        """
        match expression:
            case Literal(value=value):
                return literal_type(value)
            case Name(name=name):
                return self.name(name)
            case EnumLiteral():
                return self.member(expression)
            case Unary(operator=operator, of=of):
                return self.unary(operator, of)
            case Binary(operator="and" | "or" as operator, left=left, right=right):
                for operand in (left, right):
                    self.require(operand, Boolean, f"`{operator}` needs booleans")
                return BOOLEAN
            case Binary(operator=operator, left=left, right=right) if operator in COMPARISONS:
                comparable(operator, self.value(left), self.value(right))
                return BOOLEAN
            case Binary(operator=operator, left=left, right=right):
                return self.binary(operator, self.value(left), self.value(right))
            case Ternary(condition=condition, then=then, otherwise=otherwise):
                self.require(condition, Boolean, "the condition of `? :` must be a boolean")
                return combined(self.type_of(then), self.type_of(otherwise))
            case Item(of=of, index=index):
                return self.index(self.value(of), index)
            case Attribute(of=of, name=name):
                return self.attribute(of, name)
            case Method(of=of, name="as", arguments=(Literal(value=str() as type_name),)):
                self.type_of(of)
                return self.named_type(TypeName.of(type_name))
            case Method(of=of, name=name, arguments=arguments):
                kind = self.value(of)
                if isinstance(kind, Bytes) and name == "to_s":
                    match arguments:
                        case (Literal(value=str()), *_):
                            pass
                        case _:
                            raise TypeFaultError("to_s needs the name of an encoding, as a string literal")
                return self.call(kind, name, [self.value(each) for each in arguments])
            case ArrayOf(items=items):
                return self.items(items)
            case Call(name="f", arguments=parts):
                for part in parts:
                    if not isinstance(kind := self.value(part), Integer | String | Anything):
                        raise TypeFaultError(f"{describe(kind)} cannot be converted to a string")
                return STRING
            case Call(arguments=(Literal(value=str() as type_name),)):
                kind = self.named_type(TypeName.of(type_name))
                try:
                    size_of_type(kind)
                except DynamicSizeError as error:
                    raise TypeFaultError(f"sizeof<{type_name}> is not known: {error}") from None
                return INTEGER
        raise TypeFaultError(f"{expression} has no type")

    def value(self, expression: Expr) -> DataType:
        """Infer the type of an expression; a switch becomes the common type of its cases."""
        return settled(self.type_of(expression))

    def require(self, expression: Expr, kind: type, what: str) -> None:
        """Require that an expression has a type of a given kind."""
        found = self.value(expression)
        if not isinstance(found, kind):
            raise TypeFaultError(f"{what}, this is {describe(found)}")

    def name(self, name: str) -> DataType:
        """Infer the type of a name, including special names."""
        match name:
            case "_root":
                return user(self.structure.top)
            case "_parent":
                return self.parent(self.structure)
            case "_io":
                return STREAM
            case "_index" | "_sizeof" | "_bitsizeof":
                if name != "_index":
                    self.sized(None, self.structure)
                return INTEGER
            case "_":
                if self.item is None:
                    raise TypeFaultError("`_` is not defined here")
                return self.item
        return self.field(self.structure, name)

    def field(self, structure: Structure, name: str) -> DataType:
        """Infer the type of a field of a structure; an array if it repeats."""
        found = structure.find(name)
        if found is None:
            raise TypeFaultError(f"there is no {name!r} in {structure.name}")
        self.derive(structure, found)
        return Array(found.type) if found.repeat else found.type

    def derive(self, structure: Structure, field: Field) -> None:
        """Infer and set the type of a value instance."""
        if field.derived or field.value is None:
            return
        field.derived = True  # an instance that depends on itself has an unknown type
        if self.level > MAX_CHAIN:
            field.type = ANY
            return
        there = TypeInference(self.library, structure, level=self.level + 1)
        try:
            found = there.type_of(field.value)
        except TypeFaultError:
            field.type = ANY
            return
        if field.enum:
            found = enum_named(self.library, structure, field.enum, (*field.key, "enum")) or found
        field.type = found

    def parent(self, structure: Structure) -> DataType:
        """Return the type of `_parent`: the only structure that contains this one, otherwise unknown."""
        parents = list(dict.fromkeys(structure.parents))
        return user(parents[0]) if len(parents) == 1 and parents[0] is not None else STRUCT

    def member(self, expression: EnumLiteral) -> DataType:
        """Infer the type of `enum::member`."""
        name = TypeName.of(expression.enum)
        found = find_enum(self.library, self.structure, name)
        if found is None:
            raise TypeFaultError(f"unknown enum {expression.enum!r}, looked for from {self.structure.name}")
        if expression.label not in found.members.values():
            raise TypeFaultError(f"the enum {expression.enum} has no member {expression.label!r}")
        return Enum(name, INTEGER, found)

    def unary(self, op: str, operand: Expr) -> DataType:
        """Infer the type of `-x`, `~x`, `not x`."""
        kind = self.value(operand)
        if op == "not" and isinstance(kind, Boolean):
            return BOOLEAN
        if op == "-" and (number := integer(operand)) is not None and number <= 128:
            return Integer(1, signed=True)
        if op in "+-~" and isinstance(kind, Integer):
            return INTEGER
        if op in "+-" and isinstance(kind, Float):
            return FLOAT
        raise TypeFaultError(f"`{op}` does not apply to {describe(kind)}")

    def binary(self, op: str, left: DataType, right: DataType) -> DataType:
        """Infer the type of an arithmetic operation."""
        if isinstance(left, Integer) and isinstance(right, Integer):
            return INTEGER
        if isinstance(left, Integer | Float) and isinstance(right, Integer | Float) and op not in _BITWISE:
            return FLOAT
        if op == "+" and isinstance(left, String) and isinstance(right, String):
            return STRING
        if is_unknown(left) or is_unknown(right):
            return ANY
        raise TypeFaultError(f"`{op}` does not apply to {describe(left)} and {describe(right)}")

    def index(self, container: DataType, index: Expr) -> DataType:
        """Infer the type of an item."""
        self.require(index, Integer, "an index must be an integer")
        match container:
            case Array(of=of):
                return of
            case Bytes():
                return BYTE
            case Anything(structure=False):
                return ANY
        raise TypeFaultError(f"{describe(container)} cannot be indexed")

    def attribute(self, value: Expr, name: str) -> DataType:
        """Infer the type of `value.name`."""
        if name in ("_sizeof", "_bitsizeof"):
            return self.size_of(value)
        kind = self.value(value)
        if isinstance(kind, Array) and name in ("first", "last", "min", "max"):
            return kind.of
        match kind:
            case User(target=Structure() as target):
                return self.member_of(target, name)
            case User() | Anything(structure=True):
                if name in ("_io", "_parent", "_root"):
                    return STREAM if name == "_io" else STRUCT
            case Anything():
                return ANY
            case Bytes():
                if name in ("length", "size", "first", "last", "min", "max"):
                    return INTEGER if name in ("length", "size") else BYTE
            case String():
                if name in ("length", "reverse", "to_i"):
                    return STRING if name == "reverse" else INTEGER
            case Integer() | Float():
                if name == ("to_s" if isinstance(kind, Integer) else "to_i"):
                    return STRING if name == "to_s" else INTEGER
            case Boolean() | Enum():
                if name == "to_i":
                    return INTEGER
            case Array() if name == "size":
                return INTEGER
            case Stream():
                if name in ("size", "pos", "eof"):
                    return BOOLEAN if name == "eof" else INTEGER
        raise TypeFaultError(f"{describe(kind)} has no {name!r}")

    def member_of(self, target: Structure, name: str) -> DataType:
        """Infer the type of a name of another structure."""
        if name == "_io":
            return STREAM
        if name == "_root":
            return user(target.top)
        if name == "_parent":
            return self.parent(target)
        return self.field(target, name)

    def call(self, kind: DataType, method: str, arguments: list[DataType]) -> DataType:
        """Infer the type of `value.method(arguments)`."""
        forms: dict[str, tuple[type, ...]] = {}
        result: DataType = STRING
        match kind:
            case Bytes():
                forms = {"to_s": (String,)}
            case String():
                forms = {"substring": (Integer, Integer), "to_i": (Integer,), "to_b": (String,)}
                result = INTEGER if method == "to_i" else BYTES if method == "to_b" else STRING
            case Integer():
                forms = {"to_s": ()}
            case Anything():
                return ANY
        wanted = forms.get(method)
        if wanted is None:
            raise TypeFaultError(f"{describe(kind)} has no method {method!r}")
        if len(wanted) != len(arguments) or not all(map(isinstance, arguments, wanted)):
            got = ", ".join(map(describe, arguments))
            names = ", ".join(each.__name__.lower() for each in wanted)
            raise TypeFaultError(f"{method} takes ({names}), got ({got})")
        return result

    def items(self, values: tuple[Expr, ...]) -> DataType:
        """Infer the type of a list: bytes if every item is a byte."""
        if not values:
            return BYTES
        found = self.value(values[0])
        for each in values[1:]:
            found = combined(found, self.value(each))
        literal = isinstance(found, Integer) and found.width == 1
        return BYTES if literal else Array(found)

    def named_type(self, name: TypeName) -> DataType:
        """Resolve the type that a cast or `sizeof` names."""
        try:
            kind = parameter_type(str(name), self.structure)
        except ExpressionError as error:
            raise TypeFaultError(str(error)) from None
        resolved = type_named(self.library, self.structure, kind)
        element = kind.of if isinstance(kind, Array) else kind
        if isinstance(element, User) and find_type(self.library, self.structure, element.name) is None:
            raise TypeFaultError(f"unknown type {str(name)!r}, looked for from {self.structure.name}")
        return resolved

    def size_of(self, value: Expr) -> DataType:
        """Infer the type of `value._sizeof`; the size must be constant."""
        match value:
            case Name(name=name) if not name.startswith("_"):
                holder: Structure | None = self.structure
            case Attribute(of=outer, name=name):
                kind = self.value(outer)
                holder = kind.target if isinstance(kind, User) else None
            case _:
                found = self.value(value)
                holder, name = (found.target if isinstance(found, User) else None), ""
        field = holder.find(name) if holder and name else None
        if name and field is None:
            raise TypeFaultError(f"there is no {name!r} in {holder.name if holder else 'a value of unknown type'}")
        self.sized(field, holder)
        return INTEGER

    def sized(self, field: Field | None, structure: Structure | None) -> None:
        """Require that a size is constant."""
        try:
            if field is not None:
                size_of_field(field)
            elif structure is not None:
                size_of_type(user(structure))
            else:
                raise DynamicSizeError("its type is not known")
        except DynamicSizeError as error:
            raise TypeFaultError(f"its size is not constant: {error}") from None
