"""Type inference: the type of an expression with the names of a record, before any file is read."""

from __future__ import annotations

from harness.grammar.language import expression as ex
from harness.grammar.language.encodings import canonical
from harness.grammar.language.evaluation import FUNCTIONS, SPECIAL, as_bytes, is_place, nested_path
from harness.grammar.language.grammar import EnumDef, Field, TypeDef, TypeRef
from harness.grammar.language.operations import METHODS
from harness.grammar.language.primitive import Kind
from harness.grammar.language.reach import roots
from harness.grammar.language.types import ANY, BOOL, BYTES, FLOAT, INT, IO, STR, Sort, Type, array_of, common

_PRIMITIVES = {
    Kind.INTEGER: INT, Kind.BITS: INT, Kind.VARINT: INT, Kind.FLOAT: FLOAT, Kind.FLAG: BOOL,
    Kind.BYTES: BYTES, Kind.STRING: STR,
}  # fmt: skip
MAX_CHAIN = 40  # maximum chain of fields computed from computed fields; the type of deeper ones is `ANY`
_COMPARED = ("==", "!=", "<", "<=", ">", ">=")
_NUMBERS = (Sort.INT, Sort.FLOAT, Sort.ANY)
_TEXTS = (Sort.STR, Sort.BYTES)
_METHOD_SORTS: dict[str, tuple[tuple[Sort, ...], Type | None]] = {
    "size": ((Sort.ARRAY, Sort.BYTES, Sort.STR, Sort.IO), INT),
    "length": ((Sort.ARRAY, Sort.BYTES, Sort.STR), INT),
    "first": ((Sort.ARRAY, Sort.BYTES), None),
    "last": ((Sort.ARRAY, Sort.BYTES), None),
    "min": ((Sort.ARRAY, Sort.BYTES), None),
    "max": ((Sort.ARRAY, Sort.BYTES), None),
    "sum": ((Sort.ARRAY, Sort.BYTES), None),
    "substring": ((Sort.STR, Sort.BYTES), None),
    "before": ((Sort.STR, Sort.BYTES), None),
    "to_i": ((Sort.INT, Sort.FLOAT, Sort.BOOL, Sort.STR), INT),
    "to_s": ((Sort.INT, Sort.FLOAT, Sort.BOOL, Sort.BYTES, Sort.STR), STR),
    "pos": ((Sort.IO,), INT),
    "eof": ((Sort.IO,), BOOL),
}


class MistakeError(Exception):
    """An expression has no type.

    Args:
        name: The unknown name, for a hint with the nearest known name.
    """

    def __init__(self, code: str, message: str, *, name: str = "", known: tuple[str, ...] = ()) -> None:
        self.code, self.message, self.name, self.known = code, message, name, known
        super().__init__(message)


class Inference:
    """Infers the types of expressions of one grammar."""

    def __init__(self, types: dict[str, TypeDef], enums: dict[str, EnumDef], root: str) -> None:
        self.types, self.enums, self.root = types, enums, root
        self.members = {name: {f.name: f for f in (*t.fields, *t.instances)} for name, t in types.items()}
        self._known: dict[tuple[str, str], Type] = {}
        self._busy: set[tuple[str, str]] = set()
        self._roots = roots(types, root)

    def infer(self, expr: ex.Expr, owner: TypeDef, *, before: int | None = None, item: Type | None = None) -> Type:
        """Infer the type of an expression.

        The names in scope are the owner's. Fields from index `before` on are not read yet; None means all are read.
        `item` is the type of `_`, or None if `_` is not in scope.

        Raises:
            MistakeError: at the first part that has no type.
        """
        return _Scope(self, owner, before, item).infer(expr)

    def root_of(self, owner: TypeDef) -> Type:
        """Return the type of `_root` in a type: that of the file's top records, or of the first record of its module.

        It is `ANY` if there are several, or if the type itself begins its module, which need not be the top of a file.
        """
        found = self._roots.get(owner.name, {self.root})
        name = next(iter(found))
        known_root = len(found) == 1 and name and (name != owner.name or name == self.root)
        return Type(Sort.RECORD, name) if known_root else ANY

    def of_field(self, owner: TypeDef, field: Field) -> Type:
        """Infer the type of a field's value; a cycle of computed fields is reported by the checker."""
        key = (owner.name, field.name)
        if key in self._known:
            return self._known[key]
        if key in self._busy:
            raise MistakeError("cycle", f"{field.name!r} is computed from itself")
        if len(self._busy) >= MAX_CHAIN:
            return ANY
        self._busy.add(key)
        try:
            found = self._of_field(owner, field)
        finally:
            self._busy.discard(key)
        self._known[key] = found
        return found

    def _of_field(self, owner: TypeDef, field: Field) -> Type:
        if field.compute is not None:
            one = self.infer(field.compute, owner, before=None if field.lazy else field.index)
            return Type(one.sort, field.enum) if field.enum and one.sort is Sort.INT else one
        one = self.of_item(field)
        return array_of(one) if field.repeat is not None or field.until is not None else one

    def of_item(self, field: Field) -> Type:
        """Infer the type of one item of a field."""
        if field.switch is not None:
            found = [
                self.of_reference(ref)
                for ref in (*field.switch.cases.values(), *_given(field.switch.default, field.type))
            ]
            one = found[0] if found else ANY
            for other in found[1:]:
                one = common(one, other) or ANY
            return one
        one = self.of_reference(field.type) if field.type is not None else ANY
        return Type(one.sort, field.enum) if field.enum and one.sort is Sort.INT else one

    def of_reference(self, ref: TypeRef) -> Type:
        """Return the type that a reference names."""
        return _PRIMITIVES[ref.primitive.kind] if ref.primitive is not None else Type(Sort.RECORD, ref.name)


class _Scope:
    def __init__(self, inference: Inference, owner: TypeDef, before: int | None, item: Type | None) -> None:
        self.inference, self.owner, self.before, self.item = inference, owner, before, item

    def infer(self, expr: ex.Expr) -> Type:
        match expr:
            case ex.Literal(value):
                return _literal(value)
            case ex.ArrayOf(items):
                return self.array(items)
            case ex.Name(name):
                return self.name(name)
            case ex.EnumLiteral(enum, label):
                return self.enum(enum, label)
            case ex.Attribute(of, name):
                return self.attribute(of, name)
            case ex.Item(of, index):
                return self.element(self.infer(of), self.infer(index))
            case ex.Method(of, "as", arguments):
                return self.cast(of, arguments)
            case ex.Method(of, name, arguments):
                return self.method(self.infer(of), name, arguments)
            case ex.Call(name, arguments):
                return self.call(name, arguments)
            case ex.Unary(operator, of):
                inner = self.infer(of)
                if operator == "not":
                    self.require(inner, (Sort.BOOL, Sort.INT, Sort.ANY), "not")
                    return BOOL
                self.require(inner, _NUMBERS if operator == "-" else (Sort.INT, Sort.ANY), operator)
                return Type(inner.sort)  # a number without the labels of the operand
            case ex.Binary(operator, left, right):
                return self.binary(operator, self.infer(left), self.infer(right))
            case ex.Ternary(condition, then, otherwise):
                self.require(self.infer(condition), (Sort.BOOL, Sort.INT, Sort.ANY), "? :")
                found = common(self.infer(then), self.infer(otherwise))
                return ANY if found is None else found

    def require(self, found: Type, sorts: tuple[Sort, ...], operator: str) -> None:
        if found.sort not in sorts:
            raise MistakeError("type-mismatch", f"{operator!r} does not apply to {found}")

    def array(self, items: tuple[ex.Expr, ...]) -> Type:
        if as_bytes(items) is not None:
            return BYTES
        found = [self.infer(i) for i in items]
        one = found[0] if found else ANY
        for other in found[1:]:
            one = common(one, other) or ANY
        return array_of(one)

    def name(self, name: str) -> Type:
        if name in SPECIAL:
            return self.special(name)
        if name in self.owner.params:
            return ANY
        field = self.inference.members[self.owner.name].get(name)
        if field is None:
            path = nested_path(name, self.owner, self.inference.types)
            if path is None:
                known = (*self.inference.members[self.owner.name], *self.owner.params)
                raise MistakeError("unknown-name", f"unknown name {name!r}", name=name, known=known)
            outer = self.inference.members[self.owner.name][path[0]]
            self.order(outer)
            inner = self.inference.types[outer.type.name] if outer.type is not None else self.owner
            return self.inference.of_field(inner, self.inference.members[inner.name][name])
        self.order(field)
        return self.inference.of_field(self.owner, field)

    def order(self, field: Field) -> None:
        if self.before is not None and not field.lazy and field.index >= self.before:
            what = "itself" if field.index == self.before else f"{field.name!r}, which comes later"
            raise MistakeError("forward-reference", f"it refers to {what}")

    def special(self, name: str) -> Type:
        if name == "_":
            if self.item is None:
                raise MistakeError("unknown-name", "`_` is not defined here: it is the item in `until` and `validate`")
            return self.item
        if name == "_io":
            return IO
        if name == "_root":
            return self.inference.root_of(self.owner)
        if name == "_self":
            return Type(Sort.RECORD, self.owner.name)
        return ANY if name == "_parent" else INT

    def enum(self, enum: str, label: str) -> Type:
        known = self.inference.enums.get(enum)
        if known is None:
            raise MistakeError("unknown-enum", f"Unknown enum {enum!r}", name=enum, known=tuple(self.inference.enums))
        if label not in known.numbers:
            raise MistakeError("unknown-label", f"{enum!r} has no {label!r}", name=label, known=tuple(known.numbers))
        return Type(Sort.INT, enum)

    def attribute(self, of: ex.Expr, name: str) -> Type:
        if name == "_sizeof":
            return INT
        found = self.infer(of)
        if found.sort is not Sort.RECORD:
            return self.method(found, name, ())
        if name in ("_io", "_root", "_parent", "_index"):
            return {"_io": IO, "_index": INT}.get(name, ANY)
        members = self.inference.members.get(found.name)
        if members is None:
            return ANY
        inner = self.inference.types[found.name]
        if name in inner.params:
            return ANY
        if name not in members:
            raise MistakeError("unknown-name", f"{found.name!r} has no field {name!r}", name=name, known=tuple(members))
        return self.inference.of_field(inner, members[name])

    def element(self, of: Type, index: Type) -> Type:
        self.require(index, (Sort.INT, Sort.ANY), "[ ]")
        self.require(of, (Sort.ARRAY, Sort.BYTES, Sort.STR, Sort.ANY), "[ ]")
        return INT if of.sort is Sort.BYTES else STR if of.sort is Sort.STR else of.item or ANY

    def method(self, of: Type, name: str, arguments: tuple[ex.Expr, ...]) -> Type:
        for argument in arguments:
            self.infer(argument)
        if name == "reverse":
            self.require(of, (Sort.ARRAY, Sort.BYTES, Sort.STR, Sort.ANY), name)
            return of
        if name == "to_array":
            self.require(of, (Sort.ARRAY, Sort.BYTES, Sort.ANY), name)
            return array_of(INT) if of.sort is Sort.BYTES else of
        if name == "to_bytes":
            self.require(of, (Sort.ARRAY, Sort.BYTES, Sort.ANY), name)
            return BYTES
        if name not in _METHOD_SORTS:
            if of.sort is Sort.ANY:
                return ANY
            raise MistakeError("unknown-name", f"{of} has no {name!r}", name=name, known=tuple(METHODS))
        sorts, found = _METHOD_SORTS[name]
        if of.sort not in (*sorts, Sort.ANY):
            raise MistakeError("type-mismatch", f"{of} has no {name!r}")
        if name == "to_s" and len(arguments) == 1 and isinstance(arguments[0], ex.Literal):
            encoding = arguments[0].value
            if not isinstance(encoding, str) or canonical(encoding) is None:
                raise MistakeError("unknown-encoding", f"unknown encoding {encoding!r}")
        if found is not None:
            return found
        if name in ("first", "last", "min", "max"):
            return INT if of.sort is Sort.BYTES else of.item or ANY
        return of if name in ("substring", "before") else ANY

    def cast(self, of: ex.Expr, arguments: tuple[ex.Expr, ...]) -> Type:
        self.infer(of)
        if len(arguments) == 1 and isinstance(arguments[0], ex.Name):
            name = arguments[0].name
            return Type(Sort.RECORD, name) if name in self.inference.types else ANY
        return ANY

    def call(self, name: str, arguments: tuple[ex.Expr, ...]) -> Type:
        if name not in FUNCTIONS:
            raise MistakeError("unknown-name", f"unknown function {name!r}", name=name, known=tuple(FUNCTIONS))
        if len(arguments) != FUNCTIONS[name]:
            raise MistakeError("wrong-arguments", f"{name} takes {FUNCTIONS[name]} arguments, not {len(arguments)}")
        if name in ("sizeof", "start_of", "end_of", "exists") and not is_place(arguments[0]):
            raise MistakeError("wrong-arguments", f"{name} takes a field")
        found = [self.infer(a) for a in arguments]
        if name == "exists":
            return BOOL
        if name in ("min", "max", "abs"):
            for one in found:
                self.require(one, _NUMBERS, name)
            return Type(found[0].sort)
        if name == "len":
            self.require(found[0], (Sort.ARRAY, Sort.BYTES, Sort.STR, Sort.ANY), name)
        return BYTES if name == "read_bytes" else INT

    def binary(self, operator: str, left: Type, right: Type) -> Type:
        if operator in ("and", "or"):
            for one in (left, right):
                self.require(one, (Sort.BOOL, Sort.INT, Sort.ANY), operator)
            return BOOL
        if operator in _COMPARED:
            if common(left, right) is None:
                raise MistakeError("type-mismatch", f"{left} and {right} cannot be compared")
            return BOOL
        if operator == "+" and left.sort in _TEXTS:
            if right.sort not in (left.sort, Sort.ANY):
                raise MistakeError("type-mismatch", f"{right} cannot be appended to {left}")
            return left
        if operator in "&|^" and left.sort is Sort.BOOL and right.sort is Sort.BOOL:
            return BOOL
        if operator == "+" and left.sort is Sort.ANY:
            return right if right.sort in _TEXTS else ANY
        whole = operator in ("&", "|", "^", "<<", ">>")
        for one in (left, right):
            self.require(one, (Sort.INT, Sort.ANY) if whole else _NUMBERS, operator)
        if whole:
            return INT
        return FLOAT if Sort.FLOAT in (left.sort, right.sort) else ANY if ANY in (left, right) else INT


def _literal(value: object) -> Type:
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT
    if isinstance(value, float):
        return FLOAT
    return STR if isinstance(value, str) else BYTES


def _given(*refs: TypeRef | None) -> tuple[TypeRef, ...]:
    return tuple(ref for ref in refs if ref is not None)
