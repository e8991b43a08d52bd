"""Field builder: turns one field of a document into a `Field`; expressions are parsed here and checked later."""

from __future__ import annotations

import re
from typing import Any

from harness.grammar.checksums import ALGORITHMS
from harness.grammar.language.check_builder import check_constants, checks_of
from harness.grammar.language.color import parse_color
from harness.grammar.language.constant import constant_key
from harness.grammar.language.constructs import CHECKSUM, DECODE, FIELD, SWITCH, VALIDATE
from harness.grammar.language.decoders import DECODERS
from harness.grammar.language.expression import Call, Expr, Literal, Method
from harness.grammar.language.finding import Key
from harness.grammar.language.grammar import (
    Checks,
    Checksum,
    Constant,
    Decode,
    Delimiter,
    EnumDef,
    Field,
    Process,
    Switch,
    TypeRef,
    Word,
)
from harness.grammar.language.habits import repeat_hint, type_hint
from harness.grammar.language.primitive import NAMES, Kind, Primitive, primitive
from harness.grammar.language.printer import print_expression
from harness.grammar.language.raw_values import Raw, kind_of, short
from harness.grammar.processing import Processor

_ODD_NUMBER = re.compile(r"([ui])([0-9]+(?:le|be)?)")


class FieldBuilder:
    """Builds the fields of one grammar.

    Args:
        raw: Reads values and reports errors.
        processes: Processors by name.
    """

    def __init__(
        self, raw: Raw, type_names: dict[str, int], enums: dict[str, EnumDef], processes: dict[str, Processor]
    ) -> None:
        self.raw, self.report = raw, raw.report
        self.type_names, self.enums, self.processes = type_names, enums, processes

    def field(
        self, raw: Any, path: Key, *, index: int, name: str | None, lazy: bool, encoding: str, bits_big: bool
    ) -> Field | None:
        """Build a field; None if it has no valid name.

        `index` is its position in its list; `name` is given if it is the key of a mapping; `lazy` makes it an
        instance; `encoding` and `bits_big` are defaults.
        """
        if not isinstance(raw, dict):
            self.report.error("wrong-kind", f"a field is a mapping, not {kind_of(raw)}", path)
            return None
        self.raw.keys(raw, FIELD, path)
        found = self.raw.name(raw.get("name"), (*path, "name"), "a field") if name is None else name
        if found is None:
            return None
        switch = self.switch(raw["switch"], (*path, "switch")) if "switch" in raw else None
        compute = self.raw.optional(raw, "compute", path)
        type_ref = self.type_of(raw, path, switch=switch, computed="compute" in raw)
        length, prefix = self.length(raw, path)
        own_bits = self.raw.order(raw, "bit_order", path)
        delimiter = self.delimiter(raw, path)
        kind = type_ref.primitive if type_ref else None
        process = self.process(raw, path)
        ends = _bounded(raw) or bool(process and self.processes[process[0].name].ends)
        self.lengths(raw, path, kind, has_end=ends, switched=switch is not None)
        enum = self.enum(raw, path)
        checks, checksum = self.validate(raw, path, kind, enum)
        return Field(
            name=found,
            type=type_ref,
            big=self.raw.order(raw, "endian", path),
            bits_big=bits_big if own_bits is None else own_bits,
            length=length,
            prefix=prefix,
            delimiter=delimiter,
            encoding=self.raw.encoding(raw.get("encoding"), (*path, "encoding"), encoding),
            repeat=self.repeat(raw, path),
            until=self.raw.optional(raw, "until", path),
            condition=self.raw.optional(raw, "if", path),
            switch=switch,
            compute=compute,
            at=self.raw.optional(raw, "at", path),
            offset=self.raw.optional(raw, "offset", path),
            stream=self.raw.optional(raw, "stream", path),
            skip=self.raw.optional(raw, "skip", path),
            align=self.raw.optional(raw, "align", path),
            process=process,
            parent=Literal(False) if raw.get("parent") == "none" else self.raw.optional(raw, "parent", path),
            enum=enum,
            checks=checks,
            checksum=checksum,
            decode=self.decode(raw["decode"], (*path, "decode")) if "decode" in raw else None,
            lazy=lazy,
            color=parse_color(raw["color"], found, self.report, (*path, "color")) if "color" in raw else None,
            doc=self.raw.text(raw.get("doc", ""), (*path, "doc"), "doc"),
            index=index,
        )

    def repeat(self, raw: dict[Any, Any], path: Key) -> Expr | Word | None:
        """The number of items: an expression, or `rest`."""
        value = raw.get("repeat")
        if isinstance(value, str) and (hint := repeat_hint(value)):
            self.report.error("wrong-value", f"{short(value)} is not a number of items", (*path, "repeat"), hint=hint)
            return None
        return Word.REST if value == Word.REST else self.raw.optional(raw, "repeat", path)

    def reference(self, value: Any, path: Key) -> TypeRef | None:
        """Read a type reference: a primitive, a type, or a type with arguments."""
        if isinstance(value, str):
            if (found := primitive(value)) is not None:
                return TypeRef(str(value), found)
            if value in self.type_names:
                return TypeRef(str(value))
            if "(" in value:
                parsed = self.raw.expression(value, path)
                if isinstance(parsed, Call) and parsed.name in self.type_names:
                    return TypeRef(parsed.name, None, parsed.arguments)
                if parsed is None:
                    return None
        bits = _ODD_NUMBER.fullmatch(str(value))
        hint = type_hint(value) or self.report.nearest(value, (*self.type_names, *NAMES))
        if not type_hint(value) and bits is not None and primitive(name := f"{'s' * (bits[1] == 'i')}b{bits[2]}"):
            hint = f"{hint} a bit field of that width is {name}".strip()
        self.report.error("unknown-type", f"Unknown type {short(value)}", path, hint=hint)
        return None

    def type_of(self, raw: dict[Any, Any], path: Key, *, switch: Switch | None, computed: bool) -> TypeRef | None:
        """Read the field's type; it is optional with a switch and forbidden in a computed field."""
        if computed:
            for key in ("type", "length", "switch", "repeat", "until", "at", "offset", "process"):
                if key in raw:
                    self.report.error("conflict", f"a computed field cannot have {key}", (*path, key))
            return None
        if "type" not in raw:
            if switch is None and "switch" not in raw:
                self.report.error("missing-type", "a field needs a type", path, hint="or compute, or switch")
            elif "length" in raw:
                return TypeRef("bytes", primitive("bytes"))
            return None
        if raw["type"] == "bytes" and "encoding" in raw:
            return TypeRef("string", primitive("string"))  # the seed guide's spelling of a string
        return self.reference(raw["type"], (*path, "type"))

    def length(self, raw: dict[Any, Any], path: Key) -> tuple[Expr | Word | None, Primitive | None]:
        """Read the length, which has three spellings."""
        given = [key for key in ("length", "length_field", "length_expr") if raw.get(key) is not None]
        if len(given) > 1:
            # as in the seed guide, the longer spelling wins
            self.report.warning("conflict", f"{given[-1]} wins over {given[0]}", (*path, given[0]))
        if not given:
            return None, None
        key = given[-1]
        value = raw[key]
        if value == Word.REST and key == "length":
            return Word.REST, None
        if isinstance(value, dict):
            self.raw.keys(value, ("prefix",), (*path, key))
            found = primitive(str(value.get("prefix")))
            if found is None or found.kind not in (Kind.INTEGER, Kind.VARINT):
                self.report.error(
                    "unknown-type", f"{short(value.get('prefix'))} is not a number type", (*path, key, "prefix")
                )
                return None, None
            return Word.PREFIX, found
        expr = self.raw.expression(value, (*path, key))
        if isinstance(value, int) and value < 0:
            self.report.error("wrong-value", f"a length of {short(value)}", (*path, key))
        return expr, None

    def lengths(self, raw: dict[Any, Any], path: Key, kind: Primitive | None, *, has_end: bool, switched: bool) -> None:
        """Check that bytes and strings have an end, and that numbers have no length or terminator."""
        if kind is None:
            return
        if kind.kind in (Kind.BYTES, Kind.STRING):
            if not has_end:
                hint = "give length (bytes, an expression or rest), terminator, or a process that ends such as zlib"
                self.report.error("missing-length", f"{kind.name} needs a length", path, hint=hint)
        elif "length" in raw and not switched:
            self.report.error("conflict", f"{kind.name} has a fixed length", (*path, "length"))
        elif "terminator" in raw or "pad" in raw:
            self.report.error("conflict", f"{kind.name} has no terminator or pad", path)
        if "process" in raw and kind.kind not in (Kind.BYTES, Kind.STRING) and not switched:
            self.report.error("conflict", f"process is for bytes, not {kind.name}", (*path, "process"))

    def delimiter(self, raw: dict[Any, Any], path: Key) -> Delimiter | None:
        """Read the terminator and the padding."""
        if not {"terminator", "pad", "include", "consume", "require_terminator"} & raw.keys():
            return None
        terminator: bytes | None = None
        if raw.get("terminator") is not None:
            value = raw["terminator"]
            parts = value if isinstance(value, list) else [value]
            found = [self.raw.byte(v, (*path, "terminator")) for v in parts[:16]]
            terminator = bytes(b for b in found if b is not None) or None
        for key in ("include", "consume", "require_terminator"):
            if key in raw and "terminator" not in raw:
                self.report.error("conflict", f"{key} needs a terminator", (*path, key))
        return Delimiter(
            terminator=terminator,
            include=self.raw.flag(raw, "include", False, path),
            consume=self.raw.flag(raw, "consume", True, path),
            required=self.raw.flag(raw, "require_terminator", True, path),
            pad=self.raw.byte(raw["pad"], (*path, "pad")) if raw.get("pad") is not None else None,
        )

    def switch(self, raw: Any, path: Key) -> Switch | None:
        """Read a switch; two cases with equal values are an error, because the second is unreachable."""
        value = self.raw.mapping(raw, path, "switch")
        self.raw.keys(value, SWITCH, path)
        by = self.raw.expression(value.get("by"), (*path, "by"))
        cases: dict[Constant, TypeRef] = {}
        spellings: dict[str, TypeRef] = {}
        for key, target in self.raw.mapping(value.get("cases"), (*path, "cases"), "cases").items():
            place = (*path, "cases", str(key))
            reference = self.reference(target, place)
            constant = constant_key(key, self.enums)
            if constant in cases:
                self.report.error("unreachable-case", f"duplicate case {short(key)}", place)
            elif reference is not None:
                cases[constant] = spellings[str(key)] = reference
        default = self.reference(value["default"], (*path, "default")) if value.get("default") is not None else None
        return None if by is None else Switch(by, cases, default, spellings)

    def enum(self, raw: dict[Any, Any], path: Key) -> str | None:
        """The name of the field's enum; None without one or if it is invalid, which is reported."""
        name = raw.get("enum")
        if name is None:
            return None
        if not isinstance(name, str) or name not in self.enums:
            hint = self.report.nearest(name, self.enums)
            self.report.error("unknown-enum", f"Unknown enum {short(name)}", (*path, "enum"), hint=hint)
            return None
        return str(name)

    def validate(
        self, raw: dict[Any, Any], path: Key, kind: Primitive | None, enum: str | None
    ) -> tuple[Checks | None, Checksum | None]:
        """The checks of `validate` and its checksum; None for each that is absent or invalid."""
        checksum = self.checksum(raw["checksum"], (*path, "checksum")) if "checksum" in raw else None
        if raw.get("validate") is None:
            return None, checksum
        value = self.raw.mapping(raw["validate"], (*path, "validate"), "validate")
        self.raw.keys(value, VALIDATE, (*path, "validate"))
        if value.get("crc32_of") is not None:
            over = {"algorithm": "crc32", "over": value["crc32_of"]}
            checksum = self.checksum(over, (*path, "validate", "crc32_of"))
        labels = self.enums[enum].numbers if enum is not None else {}
        checks = checks_of(value, self.raw, (*path, "validate"), kind, labels)
        if kind is not None:
            check_constants(checks, kind, raw, self.raw.report, (*path, "validate"))
        return checks, checksum

    def checksum(self, raw: Any, path: Key) -> Checksum | None:
        """The checksum of a field; None if it is invalid, which is reported."""
        value = self.raw.mapping(raw, path, "checksum")
        self.raw.keys(value, CHECKSUM, path)
        algorithm = value.get("algorithm")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            hint = self.report.nearest(algorithm, ALGORITHMS) or f"known are {', '.join(ALGORITHMS)}"
            self.report.error(
                "unknown-algorithm", f"unknown checksum {short(algorithm)}", (*path, "algorithm"), hint=hint
            )
            return None
        over = value.get("over", [])
        over = [over] if isinstance(over, str) else over
        if not isinstance(over, list) or not all(isinstance(n, str) for n in over):
            self.report.error("wrong-kind", "over must be a list of field names", (*path, "over"))
            over = []
        of = self.raw.optional(value, "of", path)
        if bool(over) == (of is not None):
            self.report.error("conflict", "a checksum has either over or of", path)
        blank = self.raw.byte(value["blank"], (*path, "blank")) if value.get("blank") is not None else None
        return Checksum(algorithm=str(algorithm), over=tuple(str(n) for n in over), of=of, blank=blank)

    def process(self, raw: dict[Any, Any], path: Key) -> tuple[Process, ...]:
        """Read the processors of the field's bytes."""
        value = raw.get("process")
        steps = value if isinstance(value, list) else [] if value is None else [value]
        found = []
        for step in steps[:8]:
            parsed = self.raw.expression(step, (*path, "process"))
            if parsed is None:
                continue
            made = _process(parsed)
            known = self.processes.get(made.name)
            if known is None:
                hint = self.report.nearest(made.name, self.processes) or f"known are {', '.join(self.processes)}"
                self.report.error("unknown-process", f"unknown process {made.name!r}", (*path, "process"), hint=hint)
            elif known.arguments is not None and len(made.arguments) != known.arguments:
                what = f"{made.name} takes {known.arguments} arguments, not {len(made.arguments)}"
                self.report.error("wrong-arguments", what, (*path, "process"))
            else:
                found.append(made)
        return tuple(found)

    def decode(self, raw: Any, path: Key) -> Decode | None:
        """The decoder of a field; None if it is invalid, which is reported."""
        value = {"as": raw} if isinstance(raw, str) else self.raw.mapping(raw, path, "decode")
        self.raw.keys(value, DECODE, path)
        name = value.get("as", "hex")
        if not isinstance(name, str) or name not in DECODERS:
            hint = self.report.nearest(name, DECODERS) or f"known are {', '.join(DECODERS)}"
            self.report.error("unknown-decoder", f"unknown decoder {short(name)}", (*path, "as"), hint=hint)
            return None
        return Decode(
            decoder=str(name),
            encoding=self.raw.encoding(value.get("encoding"), (*path, "encoding"), "utf-8"),
            big=self.raw.order(value, "endian", path),
            field=self.raw.text(value.get("field", "payload"), (*path, "field"), "field"),
        )


def _process(expr: Expr) -> Process:
    match expr:
        case Call(name, arguments):
            return Process(name, arguments)
        case Method(of, name, arguments):
            return Process(f"{print_expression(of)}.{name}", arguments)
    return Process(print_expression(expr))


def _bounded(raw: dict[Any, Any]) -> bool:
    """Whether a field names its end, validly or not."""
    return any(raw.get(key) is not None for key in ("length", "length_field", "length_expr", "terminator"))
