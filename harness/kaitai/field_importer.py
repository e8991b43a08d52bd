"""Field importer: converts one Kaitai Struct field to a field of a grammar."""

from __future__ import annotations

from typing import Any

from harness.core.document import Key
from harness.grammar.language.expression import ArrayOf, Attribute, Binary, EnumLiteral, Expr, Literal, Name
from harness.grammar.language.syntax import MAX_CASES
from harness.grammar.processing import PROCESSORS
from harness.kaitai import structure as st
from harness.kaitai.encodings import python_name
from harness.kaitai.expression import integer, is_byte, joined, place
from harness.kaitai.expression_importer import ExpressionImporter, UnsupportedError
from harness.kaitai.library import Library
from harness.kaitai.names import Names, field_name

ORDERS = {"le": "little", "be": "big"}


class FieldWriter:
    """Converts the fields of one structure.

    Args:
        names: Names of types and enums in the grammar.
        order: Default byte order (`le`, `be`); a field in another order names it. None: every field names its order.
        processes: Names of custom processes that the caller provides.
    """

    def __init__(
        self, library: Library, names: Names, structure: st.Structure, order: str | None, processes: frozenset[str]
    ) -> None:
        self.names, self.structure, self.order, self.processes = names, structure, order, processes
        self.expressions = ExpressionImporter(library, names, structure)

    def report_unsupported(self, key: Key, what: str) -> None:
        """Report a construct that a grammar cannot express."""
        self.structure.source.report(key, f"cannot be carried over: {what}")

    def text(self, expression: Expr, key: Key, *, item: st.DataType | None = None) -> Any:
        """Convert an expression to YAML; one that cannot be expressed is reported and becomes 0."""
        try:
            return self.expressions.text(expression, item=item)
        except UnsupportedError as error:
            self.report_unsupported(key, str(error))
            return 0

    def field(self, field: st.Field) -> dict[str, Any]:
        """Convert a field to its mapping in the grammar."""
        made: dict[str, Any] = {"name": field_name(field.id)}
        if field.value is not None:
            made["compute"] = self.text(field.value, (*field.key, "value"))
            enum = field.type
            if isinstance(enum, st.Enum) and enum.target and field.enum:
                made["enum"] = self.names.enums[enum.target]
        else:
            if field.kind == "parse":
                self.position(field, made)
            self.data_type(field.type, field, made)
        if field.repeat == "eos":
            made["repeat"] = "rest"
        elif field.repeat == "expr" and field.repeat_by is not None:
            made["repeat"] = self.text(field.repeat_by, (*field.key, "repeat-expr"))
        elif field.repeat_by is not None:
            made["until"] = self.text(field.repeat_by, (*field.key, "repeat-until"), item=field.type)
        if field.condition is not None:
            made["if"] = self.text(field.condition, (*field.key, "if"))
        self.checks(field, made)
        if field.doc:
            made["doc"] = field.doc
        return made

    def position(self, field: st.Field, made: dict[str, Any]) -> None:
        """Add `at` and `stream` for the `pos` and `io` of an instance."""
        at = field.position if field.position is not None else Attribute(field.io or Name("_io"), "pos")
        made["at"] = self.text(at, (*field.key, "pos"))
        if field.io is not None:
            made["stream"] = self.text(field.io, (*field.key, "io"))

    def data_type(self, kind: st.DataType, field: st.Field, made: dict[str, Any]) -> None:
        """Add `type` and the keys that belong to it."""
        key = field.key
        match kind:
            case st.Bytes() as raw:
                made["type"] = "bytes"
                self.bytes(raw, key, made, item=kind)
            case st.String(bytes=raw, encoding=encoding):
                made["type"] = "string"
                self.encoding(encoding, key, made)
                if raw is not None:
                    self.bytes(raw, key, made, item=kind)
            case st.User(bytes=raw):
                made["type"] = self.reference(kind, key)
                if raw is not None:
                    self.bytes(raw, key, made, item=kind)
                self.parent(kind, key, made)
            case st.Enum(base=base, target=target):
                self.data_type(base, field, made)
                if target is not None:
                    made["enum"] = self.names.enums[target]
            case st.Switch():
                self.switch(kind, field, made)
            case st.Boolean(order=order):
                made["type"] = "flag"
                if order != self.structure.bit_order:
                    made["bit_order"] = "little" if order == "le" else "big"
            case st.Integer() | st.Float():
                made["type"] = self.number(kind)
            case _:
                self.report_unsupported(key, "a field without a type")

    def number(self, kind: st.Integer | st.Float) -> str:
        """Return the name of a number type."""
        if isinstance(kind, st.Integer) and kind.bits is not None:
            return f"b{kind.bits}" + ("" if kind.order == self.structure.bit_order else kind.order or "")
        letter = "f" if isinstance(kind, st.Float) else "i" if kind.signed else "u"
        width = kind.width or 1
        suffix = kind.order if kind.order and kind.order != self.order and width > 1 else ""
        return f"{letter}{8 * width}{suffix}"

    def reference(self, kind: st.User, key: Key) -> str:
        """Return a type's name with its arguments."""
        name = self.names.types[kind.target] if kind.target else str(kind.name)
        if not kind.arguments:
            return name
        given = [self.text(argument, (*key, "type")) for argument in kind.arguments]
        return f"{name}({', '.join(_word(each) for each in given)})"

    def parent(self, kind: st.User, key: Key, made: dict[str, Any]) -> None:
        """Add `parent`, if it is not the enclosing record."""
        if kind.target is not None and kind.target.top is not self.structure.top:
            return  # a type of another file has no `_parent`
        if kind.orphan:
            made["parent"] = "none"
        elif kind.parent is not None:
            made["parent"] = self.text(kind.parent, (*key, "parent"))

    def encoding(self, name: str, key: Key, made: dict[str, Any]) -> None:
        """Add `encoding`; an unknown encoding is reported."""
        found = python_name(name)
        if found is None:
            self.report_unsupported((*key, "encoding"), f"the encoding {name!r}")
        made["encoding"] = found or "ascii"

    def bytes(self, raw: st.Bytes, key: Key, made: dict[str, Any], *, item: st.DataType) -> None:
        """Add `length`, `terminator`, `pad` and `process`."""
        if raw.form == "eos":
            made["length"] = "rest"
        elif raw.size is not None:
            made["length"] = self.text(raw.size, (*key, "size"))
        if raw.terminator is not None:
            made["terminator"] = raw.terminator[0] if len(raw.terminator) == 1 else list(raw.terminator)
            if raw.include:
                made["include"] = True
            if not raw.consume:
                made["consume"] = False
            if not raw.eos_error or raw.form != "terminator":
                made["require_terminator"] = False
        if raw.pad is not None and raw.terminator != bytes(
            [raw.pad]
        ):  # with the same byte for both, Kaitai Struct only applies the terminator
            made["pad"] = raw.pad
        if raw.process is not None:
            made["process"] = self.process(raw.process, (*key, "process"))

    def process(self, process: st.Process, key: Key) -> str:
        """Return the text of a process."""
        if process.name not in PROCESSORS and process.name not in self.processes:
            self.report_unsupported(key, f"the custom process {process.name!r}, which is not provided")
        if not process.arguments:
            return process.name
        return f"{process.name}({', '.join(_word(self.text(each, key)) for each in process.arguments)})"

    def switch(self, kind: st.Switch, field: st.Field, made: dict[str, Any]) -> None:
        """Add `switch` with the keys that its cases need."""
        key = (*field.key, "type")
        strings = [case for case in st.leaves(kind) if isinstance(case, st.String)]
        if len({(case.encoding, case.bytes) for case in strings}) > 1:
            self.report_unsupported(key, "a switch over strings that end in different ways")
        cases: dict[str, str] = {}
        default: str | None = None
        plain = all(value is None or is_constant(value) for value, _ in kind.cases)
        for number, (value, case) in enumerate(kind.cases):
            name = self.case(case, field, made)
            if value is None:
                default = name
            elif plain:
                cases[self.label(value)] = name
            else:
                cases[str(number)] = name
        if not plain and len(kind.cases) > MAX_CASES:
            self.report_unsupported(key, f"more than {MAX_CASES} cases that are not constants")
            plain = True
        on = kind.on if plain else place(kind.on, [value for value, _ in kind.cases])
        switch: dict[str, Any] = {"by": self.text(on, (*key, "switch-on")), "cases": cases}
        if default is not None:
            switch["default"] = default
        made["switch"] = switch

    def case(self, kind: st.DataType, field: st.Field, made: dict[str, Any]) -> str:
        """Return the type of one case; its other keys are added to the field."""
        scratch: dict[str, Any] = {}
        self.data_type(kind, field, scratch)
        name = str(scratch.pop("type", "bytes"))
        made.update(scratch)
        return name

    def label(self, value: Expr) -> str:
        """Return a constant as the key of a case."""
        match value:
            case Literal(value=bool() as truth):
                return "true" if truth else "false"
        return str(self.expressions.text(value))

    def checks(self, field: st.Field, made: dict[str, Any]) -> None:
        """Convert `valid` and `contents` to `validate`."""
        validate: dict[str, Any] = {}
        if field.contents is not None and not isinstance(field.type, st.Bytes):
            self.report_unsupported((*field.key, "contents"), "fixed contents of a field that is not bytes")
        elif field.contents is not None:
            validate["equals"] = _bytes_constant(field.contents)
        conditions: list[Expr] = []
        kind = field.type
        for check in field.checks:
            # A bare string in a computed field is an expression.
            self.check(
                check, None if field.value is not None and isinstance(kind, st.String) else kind, validate, conditions
            )
        if conditions:
            validate["expr"] = self.text(joined("and", conditions), (*field.key, "valid"), item=kind)
        if validate:
            made["validate"] = validate

    def check(
        self, check: st.Check, kind: st.DataType | None, validate: dict[str, Any], conditions: list[Expr]
    ) -> None:
        """Add a condition to `validate`, or to the list of conditions without a key."""
        values = check.expressions
        constants = [_plain(value, kind) for value in values]
        simple = None not in constants
        item = Name("_")
        match check.rule:
            case "in-enum":
                validate["in_enum"] = True
            case "expr":
                conditions.append(values[0])
            case "any-of" if simple:
                validate["one_of"] = constants
            case "any-of":
                conditions.append(joined("or", [Binary("==", item, value) for value in values]))
            case rule if simple and (rule == "eq" or isinstance(kind, st.Integer)):
                validate[{"eq": "equals"}.get(rule, rule)] = constants[0]
            case rule:
                conditions.append(Binary({"min": ">=", "max": "<="}.get(rule, "=="), item, values[0]))


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Expr, kind: st.DataType | None) -> Any:
    """Return the value of a constant in a field of this type, or None."""
    match kind, value:
        case st.Integer(), _:
            return integer(value)
        case st.String(), Literal(value=str() as text):
            return text
        case st.Bytes(), ArrayOf(items=items) if items:
            found = [integer(item) for item in items]
            return found if all(each is not None and 0 <= each <= 255 for each in found) else None
    return None


def is_constant(value: Expr) -> bool:
    """Whether a value can be the key of a case."""
    match value:
        case Literal(value=int() | str()) | EnumLiteral():
            return True
        case ArrayOf(items=items):
            return all(is_byte(each) for each in items)
    return integer(value) is not None


def _bytes_constant(data: bytes) -> Any:
    text = data.decode("latin-1")
    return text if text.isascii() and text.isprintable() else list(data)
