"""Type inference: the type of a Kaitai Struct expression, or why it has none."""

from __future__ import annotations

from harness.grammar.language import expression as ex
from harness.kaitai import structure as st
from harness.kaitai.common_type import TypeFaultError, combined, comparable, is_unknown, literal_type, settled, user
from harness.kaitai.expression import COMPARISONS, TypeName, integer
from harness.kaitai.library import Library
from harness.kaitai.resolver import enum_named, find_enum, find_type, type_named
from harness.kaitai.scanner import ExpressionError
from harness.kaitai.sizes import DynamicSizeError, size_of_field, size_of_type
from harness.kaitai.type_reader import parameter_type

BYTE = st.Integer(1, signed=False)
MAX_CHAIN = 20  # maximum chain of instances computed from instances; deeper ones have an unknown type
_BITWISE = frozenset({"<<", ">>", "&", "|", "^"})


class TypeInference:
    """Infers the types of the expressions of one structure."""

    def __init__(self, library: Library, structure: st.Structure, *, level: int = 0) -> None:
        self.library, self.structure, self.level = library, structure, level
        self.item: st.DataType | None = None
        """The type of `_`, or None if `_` is not in scope."""

    def type_of(self, expression: ex.Expr) -> st.DataType:
        """Infer the type of an expression.

        Raises:
            TypeFaultError: if it has none; the message says why.
        """
        match expression:
            case ex.Literal(value=value):
                return literal_type(value)
            case ex.Name(name=name):
                return self.name(name)
            case ex.EnumLiteral():
                return self.member(expression)
            case ex.Unary(operator=operator, of=of):
                return self.unary(operator, of)
            case ex.Binary(operator="and" | "or" as operator, left=left, right=right):
                for operand in (left, right):
                    self.require(operand, st.Boolean, f"`{operator}` needs booleans")
                return st.BOOLEAN
            case ex.Binary(operator=operator, left=left, right=right) if operator in COMPARISONS:
                comparable(operator, self.value(left), self.value(right))
                return st.BOOLEAN
            case ex.Binary(operator=operator, left=left, right=right):
                return self.binary(operator, self.value(left), self.value(right))
            case ex.Ternary(condition=condition, then=then, otherwise=otherwise):
                self.require(condition, st.Boolean, "the condition of `? :` must be a boolean")
                return combined(self.type_of(then), self.type_of(otherwise))
            case ex.Item(of=of, index=index):
                return self.index(self.value(of), index)
            case ex.Attribute(of=of, name=name):
                return self.attribute(of, name)
            case ex.Method(of=of, name="as", arguments=(ex.Literal(value=str() as type_name),)):
                self.type_of(of)
                return self.named_type(TypeName.of(type_name))
            case ex.Method(of=of, name=name, arguments=arguments):
                kind = self.value(of)
                if isinstance(kind, st.Bytes) and name == "to_s":
                    match arguments:
                        case (ex.Literal(value=str()), *_):
                            pass
                        case _:
                            raise TypeFaultError("to_s needs the name of an encoding, as a string literal")
                return self.call(kind, name, [self.value(each) for each in arguments])
            case ex.ArrayOf(items=items):
                return self.items(items)
            case ex.Call(name="f", arguments=parts):
                for part in parts:
                    if not isinstance(kind := self.value(part), st.Integer | st.String | st.Anything):
                        raise TypeFaultError(f"{st.describe(kind)} cannot be converted to a string")
                return st.STRING
            case ex.Call(arguments=(ex.Literal(value=str() as type_name),)):
                kind = self.named_type(TypeName.of(type_name))
                try:
                    size_of_type(kind)
                except DynamicSizeError as error:
                    raise TypeFaultError(f"sizeof<{type_name}> is not known: {error}") from None
                return st.INTEGER
        raise TypeFaultError(f"{expression} has no type")

    def value(self, expression: ex.Expr) -> st.DataType:
        """Infer the type of an expression; a switch becomes the common type of its cases."""
        return settled(self.type_of(expression))

    def require(self, expression: ex.Expr, kind: type, what: str) -> None:
        """Require that an expression has a type of a given kind."""
        found = self.value(expression)
        if not isinstance(found, kind):
            raise TypeFaultError(f"{what}, this is {st.describe(found)}")

    def name(self, name: str) -> st.DataType:
        """Infer the type of a name, including special names."""
        match name:
            case "_root":
                return user(self.structure.top)
            case "_parent":
                return self.parent(self.structure)
            case "_io":
                return st.STREAM
            case "_index" | "_sizeof" | "_bitsizeof":
                if name != "_index":
                    self.sized(None, self.structure)
                return st.INTEGER
            case "_":
                if self.item is None:
                    raise TypeFaultError("`_` is not defined here")
                return self.item
        return self.field(self.structure, name)

    def field(self, structure: st.Structure, name: str) -> st.DataType:
        """Infer the type of a field of a structure; an array if it repeats."""
        found = structure.find(name)
        if found is None:
            raise TypeFaultError(f"{structure.name} has no {name!r}")
        self.derive(structure, found)
        return st.Array(found.type) if found.repeat else found.type

    def derive(self, structure: st.Structure, field: st.Field) -> None:
        """Infer and set the type of a value instance."""
        if field.derived or field.value is None:
            return
        field.derived = True  # an instance that depends on itself has an unknown type
        if self.level > MAX_CHAIN:
            field.type = st.ANY
            return
        there = TypeInference(self.library, structure, level=self.level + 1)
        try:
            found = there.type_of(field.value)
        except TypeFaultError:
            field.type = st.ANY
            return
        if field.enum:
            found = enum_named(self.library, structure, field.enum, (*field.key, "enum")) or found
        field.type = found

    def parent(self, structure: st.Structure) -> st.DataType:
        """Return the type of `_parent`: the only structure that contains this one, otherwise unknown."""
        parents = list(dict.fromkeys(structure.parents))
        return user(parents[0]) if len(parents) == 1 and parents[0] is not None else st.STRUCT

    def member(self, expression: ex.EnumLiteral) -> st.DataType:
        """Infer the type of `enum::member`."""
        name = TypeName.of(expression.enum)
        found = find_enum(self.library, self.structure, name)
        if found is None:
            raise TypeFaultError(f"unknown enum {expression.enum!r}, looked for from {self.structure.name}")
        if expression.label not in found.members.values():
            raise TypeFaultError(f"the enum {expression.enum} has no member {expression.label!r}")
        return st.Enum(name, st.INTEGER, found)

    def unary(self, op: str, operand: ex.Expr) -> st.DataType:
        """Infer the type of `-x`, `~x`, `not x`."""
        kind = self.value(operand)
        if op == "not" and isinstance(kind, st.Boolean):
            return st.BOOLEAN
        if op == "-" and (number := integer(operand)) is not None and number <= 128:
            return st.Integer(1, signed=True)
        if op in "+-~" and isinstance(kind, st.Integer):
            return st.INTEGER
        if op in "+-" and isinstance(kind, st.Float):
            return st.FLOAT
        raise TypeFaultError(f"`{op}` does not apply to {st.describe(kind)}")

    def binary(self, op: str, left: st.DataType, right: st.DataType) -> st.DataType:
        """Infer the type of an arithmetic operation."""
        if isinstance(left, st.Integer) and isinstance(right, st.Integer):
            return st.INTEGER
        if isinstance(left, st.Integer | st.Float) and isinstance(right, st.Integer | st.Float) and op not in _BITWISE:
            return st.FLOAT
        if op == "+" and isinstance(left, st.String) and isinstance(right, st.String):
            return st.STRING
        if is_unknown(left) or is_unknown(right):
            return st.ANY
        raise TypeFaultError(f"`{op}` does not apply to {st.describe(left)} and {st.describe(right)}")

    def index(self, container: st.DataType, index: ex.Expr) -> st.DataType:
        """Infer the type of an item."""
        self.require(index, st.Integer, "an index must be an integer")
        match container:
            case st.Array(of=of):
                return of
            case st.Bytes():
                return BYTE
            case st.Anything(structure=False):
                return st.ANY
        raise TypeFaultError(f"{st.describe(container)} cannot be indexed")

    def attribute(self, value: ex.Expr, name: str) -> st.DataType:
        """Infer the type of `value.name`."""
        if name in ("_sizeof", "_bitsizeof"):
            return self.size_of(value)
        kind = self.value(value)
        if isinstance(kind, st.Array) and name in ("first", "last", "min", "max"):
            return kind.of
        match kind:
            case st.User(target=st.Structure() as target):
                return self.member_of(target, name)
            case st.User() | st.Anything(structure=True):
                if name in ("_io", "_parent", "_root"):
                    return st.STREAM if name == "_io" else st.STRUCT
            case st.Anything():
                return st.ANY
            case st.Bytes():
                if name in ("length", "size", "first", "last", "min", "max"):
                    return st.INTEGER if name in ("length", "size") else BYTE
            case st.String():
                if name in ("length", "reverse", "to_i"):
                    return st.STRING if name == "reverse" else st.INTEGER
            case st.Integer() | st.Float():
                if name == ("to_s" if isinstance(kind, st.Integer) else "to_i"):
                    return st.STRING if name == "to_s" else st.INTEGER
            case st.Boolean() | st.Enum():
                if name == "to_i":
                    return st.INTEGER
            case st.Array() if name == "size":
                return st.INTEGER
            case st.Stream():
                if name in ("size", "pos", "eof"):
                    return st.BOOLEAN if name == "eof" else st.INTEGER
        raise TypeFaultError(f"{st.describe(kind)} has no {name!r}")

    def member_of(self, target: st.Structure, name: str) -> st.DataType:
        """Infer the type of a name of another structure."""
        if name == "_io":
            return st.STREAM
        if name == "_root":
            return user(target.top)
        if name == "_parent":
            return self.parent(target)
        return self.field(target, name)

    def call(self, kind: st.DataType, method: str, arguments: list[st.DataType]) -> st.DataType:
        """Infer the type of `value.method(arguments)`."""
        forms: dict[str, tuple[type, ...]] = {}
        result: st.DataType = st.STRING
        match kind:
            case st.Bytes():
                forms = {"to_s": (st.String,)}
            case st.String():
                forms = {"substring": (st.Integer, st.Integer), "to_i": (st.Integer,), "to_b": (st.String,)}
                result = st.INTEGER if method == "to_i" else st.BYTES if method == "to_b" else st.STRING
            case st.Integer():
                forms = {"to_s": ()}
            case st.Anything():
                return st.ANY
        wanted = forms.get(method)
        if wanted is None:
            raise TypeFaultError(f"{st.describe(kind)} has no method {method!r}")
        if len(wanted) != len(arguments) or not all(map(isinstance, arguments, wanted)):
            got = ", ".join(map(st.describe, arguments))
            names = ", ".join(each.__name__.lower() for each in wanted)
            raise TypeFaultError(f"{method} takes ({names}), got ({got})")
        return result

    def items(self, values: tuple[ex.Expr, ...]) -> st.DataType:
        """Infer the type of a list: bytes if every item is a byte."""
        if not values:
            return st.BYTES
        found = self.value(values[0])
        for each in values[1:]:
            found = combined(found, self.value(each))
        literal = isinstance(found, st.Integer) and found.width == 1
        return st.BYTES if literal else st.Array(found)

    def named_type(self, name: TypeName) -> st.DataType:
        """Resolve the type that a cast or `sizeof` names."""
        try:
            kind = parameter_type(str(name), self.structure)
        except ExpressionError as error:
            raise TypeFaultError(str(error)) from None
        resolved = type_named(self.library, self.structure, kind)
        element = kind.of if isinstance(kind, st.Array) else kind
        if isinstance(element, st.User) and find_type(self.library, self.structure, element.name) is None:
            raise TypeFaultError(f"unknown type {str(name)!r}, looked for from {self.structure.name}")
        return resolved

    def size_of(self, value: ex.Expr) -> st.DataType:
        """Infer the type of `value._sizeof`; the size must be constant."""
        match value:
            case ex.Name(name=name) if not name.startswith("_"):
                holder: st.Structure | None = self.structure
            case ex.Attribute(of=outer, name=name):
                kind = self.value(outer)
                holder = kind.target if isinstance(kind, st.User) else None
            case _:
                found = self.value(value)
                holder, name = (found.target if isinstance(found, st.User) else None), ""
        field = holder.find(name) if holder and name else None
        if name and field is None:
            raise TypeFaultError(f"{holder.name if holder else 'a value of unknown type'} has no {name!r}")
        self.sized(field, holder)
        return st.INTEGER

    def sized(self, field: st.Field | None, structure: st.Structure | None) -> None:
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
