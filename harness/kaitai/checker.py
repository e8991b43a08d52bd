"""Checker: every expression must have a type, and the type that its key requires."""

from __future__ import annotations

from collections.abc import Callable

from harness.core.document import Key
from harness.grammar.language.expression import Expr, Literal, Method, walk
from harness.kaitai import structure as st
from harness.kaitai.common_type import TypeFaultError, comparable, settled
from harness.kaitai.encodings import canonical_name
from harness.kaitai.expression import case_label
from harness.kaitai.library import Library
from harness.kaitai.parents import find_parents
from harness.kaitai.resolver import enum_named
from harness.kaitai.style import check_style
from harness.kaitai.type_inference import TypeInference


def check(library: Library) -> None:
    """Check the types of a library; errors are added to the findings of its files."""
    find_parents(library)
    structures = library.structures()
    for structure in structures:
        _Checker(library, structure).run()
    check_style(library)


class _Checker:
    def __init__(self, library: Library, structure: st.Structure) -> None:
        self.library, self.structure = library, structure
        self.inference = TypeInference(library, structure)

    def report(self, key: Key, message: str, *, last: str | None = None) -> None:
        self.structure.source.report(key, message, last=last)

    def type_of(self, expression: Expr | None, key: Key, *, last: str | None = None) -> st.DataType | None:
        if expression is None:
            return None
        for each in walk(expression):
            match each:
                case Method(name="to_s", arguments=(Literal(value=str() as name),)):
                    self.encoding(name, key)
        try:
            return self.inference.value(expression)
        except TypeFaultError as fault:
            self.report(key, str(fault), last=last)
            return None

    def require(self, expression: Expr | None, key: Key, kind: type, name: str) -> None:
        found = self.type_of(expression, key)
        if found is not None and not isinstance(found, kind) and found != st.Anything(structure=False):
            self.report(key, f"expected {name}, got {st.describe(found)}")

    def run(self) -> None:
        structure = self.structure
        if isinstance(structure.order, st.ByteOrder):
            self.byte_order(structure.order)
        if structure.to_string is not None:
            self.require(structure.to_string, (*structure.key, "to-string"), st.String, "a string")
        self.encoding(structure.encoding if structure.outer is None else None, (*structure.key, "meta", "encoding"))
        for field in structure.fields():
            if field.kind == "value":
                self.value_instance(field)
            elif field.kind != "param":
                self.field(field)

    def encoding(self, name: str | None, key: Key) -> None:
        if not name:
            return
        wanted = canonical_name(name)
        if wanted is None:
            self.structure.source.report(key, f"unrecognized encoding {name!r}", severity="warning")
        elif wanted != name:
            self.structure.source.report(key, f"write {wanted!r} for the encoding {name!r}", severity="warning")

    def byte_order(self, order: st.ByteOrder) -> None:
        found = self.type_of(order.on, (*order.key, "switch-on"))
        for label, (value, _) in zip(order.labels, order.cases, strict=True):
            if value is not None:
                self.same(found, value, (*order.key, "cases", label), last=case_label(value, label))

    def same(self, left: st.DataType | None, right: Expr, key: Key, *, op: str = "==", last: str | None = None) -> None:
        found = self.type_of(right, key, last=last)
        if left is None or found is None:
            return
        try:
            comparable(op, left, found)
        except TypeFaultError as fault:
            self.report(key, str(fault), last=last)

    def value_instance(self, field: st.Field) -> None:
        if field.value is None:
            return
        self.require(field.condition, (*field.key, "if"), st.Boolean, "a boolean")
        found = self.type_of(field.value, (*field.key, "value"))
        at = (*field.key, "enum")
        if field.enum is not None:
            named = enum_named(self.library, self.structure, field.enum, at)
            if found is not None and not isinstance(found, st.Integer | st.Anything):
                self.report(at, f"only an integer can be an enum, not {st.describe(found)}")
            found = named
        self.inference.derive(self.structure, field)
        self.checks(field, found)

    def field(self, field: st.Field) -> None:
        key = field.key
        self.require(field.condition, (*key, "if"), st.Boolean, "a boolean")
        self.require(field.position, (*key, "pos"), st.Integer, "an integer")
        self.require(field.io, (*key, "io"), st.Stream, "a stream")
        if field.repeat == "expr":
            self.require(field.repeat_by, (*key, "repeat-expr"), st.Integer, "an integer")
        if field.repeat == "until":
            self.of_item(field, lambda: self.require(field.repeat_by, (*key, "repeat-until"), st.Boolean, "a boolean"))
        if isinstance(field.type, st.Switch):
            on = self.type_of(field.type.on, (*key, "type", "switch-on"))
            for label, (value, _) in zip(field.type.labels, field.type.cases, strict=False):
                if value is not None:
                    self.same(on, value, (*key, "type", "cases", label), last=case_label(value, label))
        seen_bytes: set[int] = set()
        for kind in st.leaves(field.type):
            raw = st.raw_bytes(kind)
            if raw is not None and id(raw) not in seen_bytes:
                seen_bytes.add(id(raw))
                self.bytes(raw, key)
            if isinstance(kind, st.String):
                inherited = kind.encoding == self.structure.encoding
                self.encoding(None if inherited else kind.encoding, (*key, "encoding"))
            if isinstance(kind, st.User):
                self.require(kind.parent, (*key, "parent"), st.User | st.Anything, "a structure")  # type: ignore[arg-type]
                self.arguments(kind, (*key, "type"))
        self.checks(field, field.type)

    def of_item(self, field: st.Field, action: Callable[[], None]) -> None:
        self.inference.item = field.type
        try:
            action()
        finally:
            self.inference.item = None

    def bytes(self, raw: st.Bytes, key: Key) -> None:
        self.require(raw.size, (*key, "size"), st.Integer, "an integer")
        if raw.process is None:
            return
        at = (*key, "process")
        for argument in raw.process.arguments:
            found = self.type_of(argument, at)
            name = raw.process.name
            wrong = (name == "xor" and not isinstance(found, st.Integer | st.Bytes | st.Anything)) or (
                name in ("rol", "ror") and not isinstance(found, st.Integer | st.Anything)
            )
            if found is not None and wrong:
                expected = "an integer or bytes" if name == "xor" else "an integer"
                self.report(at, f"{name} takes {expected}, got {st.describe(found)}")

    def arguments(self, kind: st.User, key: Key) -> None:
        if kind.target is None:
            return
        params = kind.target.params
        if len(params) != len(kind.arguments):
            self.report(key, f"{kind.name} takes {len(params)} argument(s), {len(kind.arguments)} are given")
        for place, argument in enumerate(kind.arguments):
            found = self.type_of(argument, key)
            if found is not None and place < len(params) and not fits(found, params[place].type):
                wanted = st.describe(params[place].type)
                self.report(key, f"argument {place + 1} is {st.describe(found)}; {params[place].id} takes {wanted}")

    def checks(self, field: st.Field, kind: st.DataType | None) -> None:
        if kind is None:
            for check_ in field.checks:
                for expression in check_.expressions if check_.rule != "expr" else ():
                    self.type_of(expression, check_.key)
            return
        for check_ in field.checks:
            match check_.rule:
                case "expr":
                    at = check_.key
                    self.inference.item = kind
                    self.require(check_.expressions[0], at, st.Boolean, "a boolean")
                    self.inference.item = None
                case "in-enum":
                    if not isinstance(settled(kind), st.Enum):
                        self.report(check_.key, f"`in-enum` is for enums, not for {st.describe(kind)}")
                case "any-of":
                    for place, expression in enumerate(check_.expressions):
                        self.same(kind, expression, (*check_.key, place))
                case rule:
                    op = {"min": ">=", "max": "<="}.get(rule, "==")
                    self.same(kind, check_.expressions[0], check_.key, op=op)


def fits(given: st.DataType, wanted: st.DataType) -> bool:
    """Whether a value of type `given` can be passed for a parameter of type `wanted`."""
    given, wanted = settled(given), settled(wanted)
    match given, wanted:
        case (_, st.Anything(structure=False)) | (st.Anything(structure=False), _):
            return True
        case st.Integer(), (st.Integer() | st.Float()):
            return True
        case st.User(target=a), st.User(target=b):
            return a is b or a is None or b is None
        case ((st.User() | st.Anything()), st.Anything()):
            return True
        case st.Enum(target=a), st.Enum(target=b):
            return a is b
        case st.Array(of=a), st.Array(of=b):
            return fits(a, b)
    return type(given) is type(wanted)
