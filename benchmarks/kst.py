"""Evaluate the expressions of Kaitai Struct's `.kst` assertions on the records that the engine read."""

from __future__ import annotations

import math
import operator as python
from typing import Any

from harness.grammar.engine.node import Record, Window
from harness.grammar.language.expression import (
    ArrayOf,
    Attribute,
    Binary,
    EnumLiteral,
    Expr,
    Item,
    Literal,
    Method,
    Name,
    Ternary,
    Unary,
)
from harness.kaitai.encodings import python_name
from harness.kaitai.expression import TypeName, is_byte
from harness.kaitai.importer import Imported
from harness.kaitai.names import field_name
from harness.kaitai.parser import parse
from harness.kaitai.resolver import find_enum

_BINARY = {
    "+": python.add, "-": python.sub, "*": python.mul, "%": python.mod, "<<": python.lshift,
    ">>": python.rshift, "&": python.and_, "|": python.or_, "^": python.xor,
    "==": python.eq, "!=": python.ne, "<": python.lt, "<=": python.le, ">": python.gt, ">=": python.ge,
}  # fmt: skip


class AbsentError(Exception):
    """An expected field was not read."""


class Evaluator:
    """Evaluates expressions with the names of one record."""

    def __init__(self, imported: Imported, record: Record | None) -> None:
        self.imported, self.record = imported, record
        self.top = imported.library.top

    def text(self, text: str) -> Any:
        """Parse and evaluate an expression."""
        return self.value(parse(text))

    def value(self, expression: Expr) -> Any:
        """Evaluate a syntax tree."""
        match expression:
            case Literal(value=value):
                return value
            case Name(name="null"):
                return None
            case Name(name=name):
                return self.attribute(self.record, name)
            case EnumLiteral(enum=enum, label=label):
                found = find_enum(self.imported.library, self.top, TypeName.of(enum))
                numbers = [number for number, known in found.members.items() if known == label] if found else []
                if not numbers:
                    raise AbsentError(f"{enum}::{label}")
                return numbers[0]
            case Unary(operator=operator, of=of):
                inner = self.value(of)
                return not inner if operator == "not" else -inner if operator == "-" else ~inner
            case Binary(operator="and", left=left, right=right):
                return self.value(left) and self.value(right)
            case Binary(operator="or", left=left, right=right):
                return self.value(left) or self.value(right)
            case Binary(operator="/", left=left, right=right):
                a, b = self.value(left), self.value(right)
                return a // b if isinstance(a, int) and isinstance(b, int) else a / b
            case Binary(operator=operator, left=left, right=right):
                return _BINARY[operator](self.value(left), self.value(right))
            case Item(of=of, index=index):
                return self.value(of)[self.value(index)]
            case Attribute(of=of, name=name):
                return self.attribute(self.value(of), name)
            case ArrayOf(items=items):
                found = [self.value(each) for each in items]
                return bytes(found) if items and all(map(is_byte, items)) else found
            case Ternary(condition=condition, then=then, otherwise=otherwise):
                return self.value(then if self.value(condition) else otherwise)
            case Method(of=of, name="as", arguments=(Literal(value=name),)):
                inner = self.value(of)
                return bytes(inner) if name == "bytes" and inner == [] else inner
            case Method(of=of, name="to_s", arguments=(encoding,)):
                return self.value(of).decode(python_name(self.value(encoding)))
            case Method(of=of, name="substring", arguments=(start, end)):
                return self.value(of)[self.value(start) : self.value(end)]
            case Method(of=of, name="to_i", arguments=(base,)):
                return int(self.value(of), self.value(base))
        raise TypeError(f"{type(expression).__name__} is not understood in an assertion")

    def attribute(self, value: Any, name: str) -> Any:
        """`value.name`."""
        if isinstance(value, Record) and name in ("_io", "_parent", "_root"):
            top = value
            while name == "_root" and top.parent is not None:
                top = top.parent
            return {"_io": value.window, "_parent": value.parent, "_root": top}[name]
        if isinstance(value, Record):
            node = value.nodes.get(field_name(name))
            if node is not None:
                return node.value
            if field_name(name) in value.arguments:
                return value.arguments[field_name(name)]
            fields = {field.name for field in (*value.type.fields, *value.type.instances)}
            if field_name(name) in fields:
                return None
            raise AbsentError(f"{value.type.name} has no {name}")
        if isinstance(value, Window):
            size = value.end - value.start
            known = {"pos": value.pos - value.start, "size": size, "eof": value.pos >= value.end and not value.bit}
            return known[name]
        if value is None:
            raise AbsentError(f"nothing has a {name}")
        if name in ("size", "length"):
            return len(value)
        if name == "first":
            return value[0]
        if name == "last":
            return value[-1]
        if name in ("min", "max"):
            return {"min": min, "max": max}[name](value)
        if name in ("to_s", "to_i"):
            return str(value) if name == "to_s" else int(value)
        if name == "reverse":
            return value[::-1]
        raise TypeError(f"{value!r} has no {name}")


def same(actual: Any, expected: Any) -> bool:
    """Whether a value equals the expected one; floats may differ by the precision of `f4`."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return actual is expected
    if isinstance(expected, float) or isinstance(actual, float):
        return isinstance(actual, int | float) and math.isclose(actual, expected, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(expected, list | tuple | bytes) and isinstance(actual, list | tuple | bytes):
        return len(actual) == len(expected) and all(map(same, actual, expected))
    return type(actual) is type(expected) and bool(actual == expected)
