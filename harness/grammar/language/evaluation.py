"""Evaluation: compiles an expression tree to a closure over a scope, which returns a value or raises `NoValueError`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from harness.grammar.language import expression as ex
from harness.grammar.language.grammar import EnumDef, TypeDef
from harness.grammar.language.operations import BINARY, NoValueError, as_boolean, attribute, call_method, item, root_of


class Scope(Protocol):
    """The scope in which an expression is evaluated."""

    @property
    def record(self) -> Any:
        """The record whose names are in scope."""

    @property
    def item(self) -> Any:
        """`_`: the value or item that a condition is about."""

    @property
    def index(self) -> int | None:
        """`_index`: position in the array that is being read."""

    @property
    def run(self) -> Host:
        """The parser that reads fields and instances on demand."""


class Host(Protocol):
    """The part of a parser that expressions use."""

    def value_of(self, record: Any, name: str) -> Any:
        """Return the value of a field or instance; it is read first if necessary.

        Raises:
            NoValueError: if it has no value.
        """

    def node_of(self, record: Any, name: str) -> Any:
        """Return the node of a field or instance, or None if it is absent.

        Raises:
            NoValueError: if it cannot be read.
        """

    def charge(self, steps: int) -> None:
        """Count work that grows with the data against the limits."""


Evaluate = Callable[[Scope], Any]
_UNREAD = object()


class Compiler:
    """Compiles the expressions of one grammar.

    Args:
        types: All types, for names that belong to nested records.
    """

    def __init__(self, types: dict[str, TypeDef], enums: dict[str, EnumDef]) -> None:
        self.types, self.enums = types, enums

    def compile(self, expr: ex.Expr, type: TypeDef | None) -> Evaluate:
        """Compile an expression with the names of a type to a closure."""
        match expr:
            case ex.Literal(value):
                return lambda scope: value
            case ex.ArrayOf(items):
                return self._array(items, type)
            case ex.Name(name):
                return self._name(name, type)
            case ex.EnumLiteral(enum, label):
                number = self.enums[enum].numbers[label]
                return lambda scope: number
            case ex.Attribute(of, name):
                return self._attribute(of, name, type)
            case ex.Item(of, index):
                array, place = self.compile(of, type), self.compile(index, type)
                return lambda scope: item(array(scope), place(scope))
            case ex.Method(of, "as", _):
                return self.compile(of, type)
            case ex.Method(of, name, arguments):
                inner, given = self.compile(of, type), [self.compile(a, type) for a in arguments]
                return lambda scope: call_method(inner(scope), name, [a(scope) for a in given], scope.run)
            case ex.Call(name, arguments):
                return self._call(name, arguments, type)
            case ex.Unary("not", of):
                inner = self.compile(of, type)
                return lambda scope: not as_boolean(inner(scope))
            case ex.Unary(operator, of):
                inner, apply = self.compile(of, type), BINARY["unary" + operator]
                return lambda scope: apply(inner(scope), 0)
            case ex.Binary("and", left, right):
                a, b = self.compile(left, type), self.compile(right, type)
                return lambda scope: as_boolean(a(scope)) and as_boolean(b(scope))
            case ex.Binary("or", left, right):
                a, b = self.compile(left, type), self.compile(right, type)
                return lambda scope: as_boolean(a(scope)) or as_boolean(b(scope))
            case ex.Binary(operator, left, right):
                return self._binary(operator, left, right, type)
            case ex.Ternary(condition, then, otherwise):
                test = self.compile(condition, type)
                yes, no = self.compile(then, type), self.compile(otherwise, type)
                return lambda scope: yes(scope) if as_boolean(test(scope)) else no(scope)

    def _binary(self, operator: str, left: ex.Expr, right: ex.Expr, type: TypeDef | None) -> Evaluate:
        a, b, apply = self.compile(left, type), self.compile(right, type), BINARY[operator]
        return lambda scope: apply(a(scope), b(scope))

    def _array(self, items: tuple[ex.Expr, ...], type: TypeDef | None) -> Evaluate:
        constants = as_bytes(items)
        if constants is not None:
            return lambda scope: constants
        inner = [self.compile(i, type) for i in items]
        return lambda scope: [i(scope) for i in inner]

    def _name(self, name: str, type: TypeDef | None) -> Evaluate:
        if name in _SPECIAL:
            return _SPECIAL[name]
        if type is not None and name in type.params:
            return lambda scope: attribute(scope.record, name, scope.run)
        path = nested_path(name, type, self.types) if type is not None else None
        if path is not None:
            outer = self._name(path[0], type)
            return lambda scope: attribute(outer(scope), name, scope.run)

        def field(scope: Scope) -> Any:
            record = scope.record
            found = record.get(name, _UNREAD)
            return scope.run.value_of(record, name) if found is _UNREAD else found

        return field

    def _attribute(self, of: ex.Expr, name: str, type: TypeDef | None) -> Evaluate:
        if name == "_sizeof":
            return self._extent("sizeof", of, type)
        value = self.compile(of, type)
        return lambda scope: attribute(value(scope), name, scope.run)

    def _call(self, name: str, arguments: tuple[ex.Expr, ...], type: TypeDef | None) -> Evaluate:
        if name in _EXTENTS or name == "exists":
            return self._extent(name, arguments[0], type)
        given = [self.compile(a, type) for a in arguments]
        if name in ("read_u8", "read_u16", "read_u32"):
            width = int(name[6:]) // 8
            return lambda scope: int.from_bytes(
                _peek(scope.record, given[0](scope), width), "big" if scope.record.big else "little"
            )
        if name == "read_bytes":
            return lambda scope: _peek(scope.record, given[0](scope), given[1](scope))
        return lambda scope: call_method([a(scope) for a in given], name, [], scope.run)

    def _extent(self, what: str, of: ex.Expr, type: TypeDef | None) -> Evaluate:
        node = self._node(of, type)

        def extent(scope: Scope) -> Any:
            found = node(scope)
            if what == "exists":
                return found is not None
            if found is None:
                raise NoValueError("an absent field has no position")
            return _EXTENTS[what](found) - (0 if what == "sizeof" else scope.record.window.start)

        return extent

    def _node(self, of: ex.Expr, type: TypeDef | None) -> Evaluate:
        match of:
            case ex.Name("_io" | "_index" | "_start"):
                raise ValueError(of)  # lint rejects it
            case ex.Name(("_parent" | "_root" | "_") as special):
                return _SPECIAL[special]
            case ex.Name("_self"):
                return lambda scope: scope.record
            case ex.Name(name):
                return lambda scope: scope.run.node_of(scope.record, name)
            case ex.Attribute(inner, name):
                outer = self._node(inner, type)
                return lambda scope: _step(outer(scope), name, scope.run)
            case ex.Item(inner, index):
                array, place = self._node(inner, type), self.compile(index, type)
                return lambda scope: item(getattr(array(scope), "items", None), place(scope))
            case ex.Method(inner, "as", _):
                return self._node(inner, type)
            case _:
                raise ValueError(of)


def is_place(expr: ex.Expr) -> bool:
    """Whether an expression names a node, as `sizeof` and similar functions need."""
    match expr:
        case ex.Name(name):
            return name not in ("_io", "_index", "_start")
        case ex.Attribute(of, _) | ex.Item(of, _) | ex.Method(of, "as", _):
            return is_place(of)
    return False


def as_bytes(items: tuple[ex.Expr, ...]) -> bytes | None:
    """Convert a list of constants 0 to 255 to bytes; None for any other list. An empty list is empty bytes."""
    values = [i.value for i in items if isinstance(i, ex.Literal) and type(i.value) is int and 0 <= i.value <= 255]
    return bytes(values) if len(values) == len(items) else None


def nested_path(name: str, type: TypeDef, types: dict[str, TypeDef]) -> tuple[str, str] | None:
    """Find the last nested record that has a field of this name, for a name that the type itself does not have."""
    own = {f.name for f in (*type.fields, *type.instances)}
    if name in own:
        return None
    for field in reversed(type.fields):
        inner = types.get(field.type.name) if field.type is not None and field.type.primitive is None else None
        if (
            inner is not None
            and field.repeat is None
            and field.until is None
            and any(f.name == name for f in inner.fields)
        ):
            return field.name, name
    return None


def _parent(scope: Scope) -> Any:
    found = scope.record.parent
    if found is None:
        raise NoValueError(f"{scope.record.type.name!r} has no parent here")
    return found


def _root(scope: Scope) -> Any:
    return root_of(scope.record)


def _index(scope: Scope) -> int:
    found = scope.index
    return scope.record.index if found is None else found


def _item(scope: Scope) -> Any:
    return scope.item


_SPECIAL: dict[str, Evaluate] = {
    "_": _item,
    "_index": _index,
    "_io": lambda scope: scope.record.window,
    "_parent": _parent,
    "_root": _root,
    "_self": lambda scope: scope.record,
    "_start": lambda scope: scope.record.start - scope.record.window.start,
    "_sizeof": lambda scope: scope.record.end - scope.record.start,
}
SPECIAL = frozenset(_SPECIAL)
_EXTENTS: dict[str, Callable[[Any], int]] = {
    "sizeof": lambda node: node.end - node.start,
    "start_of": lambda node: node.start,
    "end_of": lambda node: node.end,
}
FUNCTIONS = {
    "sizeof": 1, "start_of": 1, "end_of": 1, "exists": 1, "len": 1, "abs": 1, "min": 2, "max": 2,
    "read_u8": 1, "read_u16": 1, "read_u32": 1, "read_bytes": 2,
}  # fmt: skip
"""The built-in functions and their numbers of arguments."""


def _peek(record: Any, position: Any, size: Any) -> bytes:
    """The bytes at a position of the stream of a record."""
    window = record.window
    if not isinstance(position, int) or not isinstance(size, int):
        raise NoValueError("a position and a size are integers")
    if position < 0 or size < 0 or window.start + position + size > window.end:
        raise NoValueError(f"fewer than {size} bytes follow at {position}")
    at = window.start + position
    return bytes(window.buffer.data[at : at + size])


def _step(node: Any, name: str, run: Host) -> Any:
    if node is None or not hasattr(node, "packed"):
        raise NoValueError(f"no record for the name {name!r}")
    if name in ("_parent", "_root"):
        return attribute(node, name, run)
    return run.node_of(node, name)
