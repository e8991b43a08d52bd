"""Evaluate the expressions of Kaitai Struct's `.kst` assertions on the records that the engine read."""

from __future__ import annotations

import math
import operator
from typing import Any

from harness.grammar.engine.node import Record, Window
from harness.kaitai import expression as ast
from harness.kaitai.encodings import python_name
from harness.kaitai.importer import Imported
from harness.kaitai.names import field_name
from harness.kaitai.parser import parse
from harness.kaitai.resolver import find_enum

_BINARY = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "%": operator.mod, "<<": operator.lshift,
    ">>": operator.rshift, "&": operator.and_, "|": operator.or_, "^": operator.xor,
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
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

    def value(self, expression: ast.Expression) -> Any:
        """Evaluate a syntax tree."""
        match expression:
            case ast.Number() | ast.Real() | ast.Text() | ast.Truth():
                return expression.value
            case ast.Name(id="null"):
                return None
            case ast.Name(id=name):
                return self.attribute(self.record, name)
            case ast.Member(enum=enum, name=label):
                found = find_enum(self.imported.library, self.top, enum)
                numbers = [number for number, known in found.members.items() if known == label] if found else []
                if not numbers:
                    raise AbsentError(f"{enum}::{label}")
                return numbers[0]
            case ast.Unary(op=op, operand=operand):
                inner = self.value(operand)
                return not inner if op == "not" else -inner if op == "-" else ~inner if op == "~" else inner
            case ast.Logic(op=op, operands=operands):
                return (all if op == "and" else any)(map(self.value, operands))
            case ast.Binary(op="/", left=left, right=right):
                a, b = self.value(left), self.value(right)
                return a // b if isinstance(a, int) and isinstance(b, int) else a / b
            case ast.Binary(op=op, left=left, right=right) | ast.Compare(op=op, left=left, right=right):
                return _BINARY[op](self.value(left), self.value(right))
            case ast.Index(container=container, index=index):
                return self.value(container)[self.value(index)]
            case ast.Attribute(value=value, name=name):
                return self.attribute(self.value(value), name)
            case ast.Items(values=values):
                found = [self.value(each) for each in values]
                literal = bool(values) and all(isinstance(each, ast.Number) for each in values)
                return bytes(found) if literal and all(each < 256 for each in found) else found
            case ast.Ternary(condition=condition, yes=yes, no=no):
                return self.value(yes if self.value(condition) else no)
            case ast.Call(value=value, method="to_s", arguments=(encoding,)):
                return self.value(value).decode(python_name(self.value(encoding)))
            case ast.Call(value=value, method="substring", arguments=(start, end)):
                return self.value(value)[self.value(start) : self.value(end)]
            case ast.Call(value=value, method="to_i", arguments=(base,)):
                return int(self.value(value), self.value(base))
            case ast.Cast(value=value, type=name):
                inner = self.value(value)
                return bytes(inner) if str(name) == "bytes" and inner == [] else inner
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
