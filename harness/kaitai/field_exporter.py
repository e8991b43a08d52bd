"""Field exporter: converts the fields of one type to `seq` and `instances` of a `.ksy` file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from harness.grammar.language import grammar as g
from harness.grammar.language.expression import Attribute, EnumLiteral, Expr, Literal, Name, walk
from harness.grammar.language.inference import Inference
from harness.grammar.language.primitive import Kind, Primitive
from harness.grammar.language.types import Sort
from harness.kaitai.byte_orders import Order
from harness.kaitai.encodings import canonical_name
from harness.kaitai.export_names import ExportNames
from harness.kaitai.expression_exporter import ExpressionWriter, UnwritableError

_PROCESSES = frozenset({"zlib", "xor", "rol", "ror"})


class Lose(Protocol):
    """Reports what Kaitai Struct cannot express."""

    def __call__(self, path: str, what: str, *, serious: bool = True) -> None:
        """Report a construct at a path; `serious` if other values are read without it."""


class FieldExporter:
    """Exports the fields of one type, which is read in the given byte order, if that is known."""

    def __init__(
        self,
        inference: Inference,
        names: ExportNames,
        owner: g.TypeDef,
        writer: ExpressionWriter,
        *,
        order: Order | None,
        report_lost: Lose,
    ) -> None:
        self.inference, self.names, self.owner, self.writer = inference, names, owner, writer
        self._lose, self.path, self.order = report_lost, owner.name, order

    def report_lost(self, what: str, *, serious: bool = True) -> None:
        """Report a construct of the current field that cannot be expressed."""
        self._lose(self.path, what, serious=serious)

    def text(self, expr: Expr, write: Callable[[Expr], str] | None = None) -> Any:
        """Convert an expression to YAML; one that cannot be expressed is reported and becomes 0 or false."""
        try:
            written = (write or self.writer.text)(expr)
        except UnwritableError as error:
            self.report_lost(f"{error} in an expression")
            if write == self.writer.condition:
                return "true"
            return "false" if self.writer.kind(expr).sort is Sort.BOOL else 0
        return int(written) if written.isdecimal() else written

    def number(self, expr: Expr) -> Any:
        """Convert a count, a length or a position."""
        return self.text(expr, self.writer.number)

    def fields(self) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
        """Convert all fields to `seq` and `instances`."""
        seq: list[dict[str, Any]] = []
        instances: dict[str, dict[str, Any]] = {}
        for field in (*self.owner.fields, *self.owner.instances):
            self.path = f"{self.owner.name}.{field.name}"
            name = self.names.field(field.name)
            if field.offset is not None:
                self.report_lost("a position relative to the start of the record")
            made = self.field(field)
            if made.get("type") in ("str", "strz") and "process" in made:
                name = self.raw_text(field, name, made, instances)
            if field.compute is not None or field.at is not None or field.lazy:
                instances[name] = made
                if field.prefix is not None and field.at is not None:
                    instances.update(self.prefix_at(field, field.prefix, made))
                continue
            seq.extend(self.before(field))
            seq.append({"id": name, **made})
        return seq, instances

    def raw_text(self, field: g.Field, name: str, made: dict[str, Any], instances: dict[str, dict[str, Any]]) -> str:
        """Make the bytes of a processed string a field of their own, because only bytes can be processed."""
        made.pop("type")
        encoding = made.pop("encoding")
        if made.pop("valid", None) is not None:
            self.report_lost("a check of a processed string", serious=False)
        if "repeat" in made:
            self.report_lost("a processed string in an array")
            return name
        raw = self.names.field(field.name, prefix="raw")
        condition = {"if": made["if"]} if "if" in made else {}
        instances[name] = {"value": f'{raw}.to_s("{encoding}")', **condition}
        return raw

    def prefix_at(self, field: g.Field, prefix: Primitive, value: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the instance for the length prefix of a positioned value, which then begins after it."""
        place: dict[str, Any] = {key: value[key] for key in ("pos", "io", "if") if key in value}
        value["pos"] = f"({value['pos']}) + {prefix.width}"
        if field.repeat is not None or field.until is not None:
            self.report_lost("a length prefix of each item")
        return {self.names.field(field.name, prefix="len"): {**place, **self.primitive(prefix, field)}}

    def before(self, field: g.Field) -> list[dict[str, Any]]:
        """Return the additional fields for skipped bytes, alignment, or a length prefix."""
        made: list[dict[str, Any]] = []
        if field.skip is not None:
            made.append({"size": self.number(field.skip)})
        if field.align is not None:
            step = self.number(field.align)
            made.append({"size": f"({step} - _io.pos % {step}) % {step}"})
        if field.prefix is not None:
            made.append({"id": self.names.field(field.name, prefix="len"), **self.primitive(field.prefix, field)})
            if field.repeat is not None or field.until is not None:
                self.report_lost("a length prefix of each item")
        if field.condition is not None:
            condition = self.text(field.condition, self.writer.condition)
            for each in made:
                each["if"] = condition
        return made

    def field(self, field: g.Field) -> dict[str, Any]:
        """Convert a field to its keys, without `id`."""
        made: dict[str, Any] = {}
        if field.compute is not None:
            made["value"] = self.text(field.compute)
            moves = any(isinstance(part, Attribute) and part.name in ("pos", "eof") for part in walk(field.compute))
            if moves and not field.lazy:
                self.report_lost("the position in the stream when the field is computed")
        else:
            if field.at is not None:
                made["pos"] = self.number(field.at)
            if field.stream is not None:
                made["io"] = self.text(field.stream)
            self.data_type(field, made)
        if field.enum is not None:
            made["enum"] = self.names.enums[field.enum]
        if field.repeat is g.Word.REST:
            made["repeat"] = "eos"
        elif isinstance(field.repeat, Expr):
            made["repeat"], made["repeat-expr"] = "expr", self.number(field.repeat)
        elif field.until is not None:
            self.writer.item = self.inference.of_item(field)
            made["repeat"], made["repeat-until"] = "until", self.text(field.until, self.writer.condition)
            self.writer.item = None
        if field.condition is not None:
            made["if"] = self.text(field.condition, self.writer.condition)
        if field.checks is not None and field.compute is not None:
            self.report_lost("a check of a computed value", serious=False)
        elif field.checks is not None:
            self.checks(field, field.checks, made)
        if field.checksum is not None:
            self.report_lost(f"the checksum {field.checksum.algorithm}", serious=False)
            made["-checksum"] = field.checksum.algorithm
        if field.decode is not None:
            made["-decode"] = field.decode.decoder
        if field.doc:
            made["doc"] = field.doc
        return made

    def data_type(self, field: g.Field, made: dict[str, Any]) -> None:
        """Convert the type to `type` and the keys of its bytes."""
        if field.switch is not None:
            made["type"] = self.switch(field, field.switch)
        elif field.type is not None:
            made.update(self.reference(field.type, field))
        blob = made.get("type") in (None, "str", "strz")
        if field.length is g.Word.REST:
            made["size-eos"] = True
        elif field.prefix is not None:
            made["size"] = self.names.field(field.name, prefix="len")
        elif isinstance(field.length, Expr):
            made["size"] = self.number(field.length)
        self.delimiter(field, made)
        if field.process and not {"size", "size-eos", "terminator"} & made.keys():
            self.report_lost("compressed bytes without a length")
            made["size-eos"] = True
        if len(field.process) > 1 or any(each.name not in _PROCESSES for each in field.process):
            self.report_lost(f"the process {', '.join(each.name for each in field.process)}")
        for each in field.process[:1]:
            arguments = ", ".join(str(self.number(a)) for a in each.arguments)
            made["process"] = f"{each.name}({arguments})" if arguments else each.name
        if field.parent is not None:
            made["parent"] = False if field.parent == Name("none") else self.text(field.parent)
        if not blob and field.type is None and field.switch is None:
            self.report_lost("a field without a type")

    def delimiter(self, field: g.Field, made: dict[str, Any]) -> None:
        """Convert the end to `terminator`, `include`, `consume`, `eos-error`, `pad-right`."""
        if (found := field.delimiter) is None:
            return
        if found.terminator is not None:
            if len(found.terminator) == 1:
                made["terminator"] = found.terminator[0]
            elif made.get("type") == "str" and not any(found.terminator):
                made["type"] = "strz"
            else:
                self.report_lost("a terminator of several bytes")
                made["terminator"] = found.terminator[0]
            if found.include:
                made["include"] = True
            if not found.consume:
                made["consume"] = False
            if not found.required and field.length is None:
                made["eos-error"] = False
        if found.pad is not None:
            made["pad-right"] = found.pad

    def reference(self, ref: g.TypeRef, field: g.Field) -> dict[str, Any]:
        """Convert a type reference to `type`, and `encoding` of a string."""
        if ref.primitive is not None:
            return self.primitive(ref.primitive, field)
        name = self.names.types[ref.name]
        if self.inference.types[ref.name].module != self.owner.module:
            self.report_lost("a record of another module")
        if not ref.arguments:
            return {"type": name}
        return {"type": f"{name}({', '.join(str(self.text(argument)) for argument in ref.arguments)})"}

    def primitive(self, found: Primitive, field: g.Field) -> dict[str, Any]:
        """Return the name of a built-in type."""
        match found.kind:
            case Kind.BYTES:
                return {}
            case Kind.STRING:
                return {"type": "str", "encoding": canonical_name(field.encoding) or field.encoding}
            case Kind.FLAG | Kind.BITS:
                big = field.bits_big if found.big is None else found.big
                if found.signed:
                    self.report_lost(f"the signed bit field {found.name}")
                if found.kind is Kind.BITS and found.width == 1:
                    self.report_lost("a bit as a number (Kaitai Struct reads true or false)", serious=False)
                return {"type": f"b{1 if found.kind is Kind.FLAG else found.width}" + ("" if big else "le")}
            case Kind.VARINT:
                self.report_lost(f"the variable-length number {found.name}")
                return {"type": "u1"}
        order = found.big if found.big is not None else field.big
        suffix = "" if order is None or found.width == 1 else "be" if order else "le"
        if found.width in (1, 2, 4, 8) and (found.kind is not Kind.FLOAT or found.width > 2):
            letter = "f" if found.kind is Kind.FLOAT else "s" if found.signed else "u"
            return {"type": f"{letter}{found.width}{suffix}"}
        known = self.order if order is None else order
        if found.signed or not isinstance(known, bool):
            self.report_lost(f"the number type {found.name}")
        return {"type": f"b{8 * found.width}{'be' if known is True else 'le'}"}

    def switch(self, field: g.Field, found: g.Switch) -> dict[str, Any]:
        """Convert a switch to `type` with `switch-on` and `cases`."""
        default = found.default or field.type
        numbers = all(isinstance(key, int) and not isinstance(key, bool) for key in found.cases)
        cases: dict[Any, str] = {}
        for key, ref in found.cases.items():
            cases[_case(key)] = self.case(ref, field)
        if default is not None and not (default.primitive and default.primitive.kind is Kind.BYTES):
            cases["_"] = self.case(default, field)
        return {"switch-on": self.number(found.by) if numbers else self.text(found.by), "cases": cases}

    def case(self, ref: g.TypeRef, field: g.Field) -> str:
        """Return the type of one case."""
        made = self.reference(ref, field)
        if "type" not in made:
            self.report_lost("bytes as one of the cases of a switch")
        return str(made.get("type", "u1"))

    def byte_order(self, found: g.EndianSwitch) -> dict[str, Any]:
        """Return the value of `meta/endian`."""
        cases: dict[Any, str] = {_case(key): "be" if big else "le" for key, big in found.cases.items()}
        if found.default is not None:
            cases["_"] = "be" if found.default else "le"
        return {"switch-on": self.number(found.by), "cases": cases}

    def checks(self, field: g.Field, found: g.Checks, made: dict[str, Any]) -> None:
        """Convert checks to `valid`; checks without a key become a condition."""
        item = self.inference.of_item(field)
        self.writer.item = item
        value = "_.to_i" if item.sort is Sort.INT and field.enum else "_"
        try:
            conditions = self.conditions(found, value)
        except UnwritableError as error:
            self.report_lost(f"{error} in a check", serious=False)
            conditions = []
        self.writer.item = None
        if found.in_enum and not conditions:
            made["valid"] = {"in-enum": True}
        elif len(conditions) == 1 and found.equals is not None and value == "_" and not found.in_enum:
            made["valid"] = {"eq": conditions[0].removeprefix("_ == ")}
        elif conditions:
            if found.in_enum:
                self.report_lost("in_enum with another check", serious=False)
            made["valid"] = {"expr": " and ".join(f"({each})" if len(conditions) > 1 else each for each in conditions)}
        if found.all_bytes is not None:
            self.report_lost("all_bytes", serious=False)

    def conditions(self, found: g.Checks, value: str) -> list[str]:
        """Return conditions on the value `_`."""
        write = self.writer.operand if value != "_" else self._tight
        made = [
            f"{value} {operator} {write(expr)}"
            for operator, expr in (
                ("==", found.equals),
                ("!=", found.not_equals),
                (">=", found.low),
                ("<=", found.high),
            )
            if expr is not None
        ]
        if found.one_of:
            made.append(" or ".join(f"{value} == {write(expr)}" for expr in found.one_of))
        if found.holds is not None:
            made.append(self.writer.condition(found.holds))
        return made

    def _tight(self, expr: Expr) -> str:
        return self.writer.inner(expr) if isinstance(expr, EnumLiteral | Literal) else self.writer.operand(expr)


def _case(key: g.Constant) -> Any:
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, int | float):
        return key
    if isinstance(key, bytes):
        return f"[{', '.join(map(str, key))}]"
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
