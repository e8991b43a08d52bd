"""Grammar checker: names, types, order, recursion, sizes and reachability of a grammar that could be built."""

from __future__ import annotations

from harness.grammar.language.expression import ArrayOf, EnumLiteral, Expr, Literal, walk
from harness.grammar.language.finding import Key, Report
from harness.grammar.language.grammar import Constant, Field, Grammar, TypeDef, TypeRef, Word
from harness.grammar.language.inference import Inference, MistakeError
from harness.grammar.language.primitive import Kind
from harness.grammar.language.printer import print_expression
from harness.grammar.language.reach import endless_types, takes_bytes, tops, unused_types
from harness.grammar.language.types import Sort, Type

_WHOLE = (Sort.INT, Sort.ANY)
_TRUTH = (Sort.BOOL, Sort.INT, Sort.ANY)


def check(grammar: Grammar, report: Report) -> None:
    """Report all errors and warnings of a grammar."""
    _Checker(grammar, report).run()


class _Checker:
    def __init__(self, grammar: Grammar, report: Report) -> None:
        self.grammar, self.report = grammar, report
        root = grammar.root if grammar.select is None else ""
        self.inference = Inference(grammar.types, grammar.enums, root)

    def run(self) -> None:
        for definition in self.grammar.types.values():
            path: Key = ("types", definition.name)
            if not isinstance(definition.endian, bool | None):
                self.expression(definition.endian.by, definition, (*path, "endian", "by"), None, before=0)
            for where, fields in (("fields", definition.fields), ("instances", definition.instances)):
                for field in fields:
                    self.field(field, definition, (*path, where, field.index if where == "fields" else field.name))
        self.check_grammar()

    def expression(
        self,
        expr: Expr | None,
        owner: TypeDef,
        path: Key,
        wanted: tuple[Sort, ...] | None,
        *,
        before: int | None,
        item: Type | None = None,
    ) -> Type | None:
        if expr is None:
            return None
        try:
            found = self.inference.infer(expr, owner, before=before, item=item)
        except MistakeError as mistake:
            hint = self.report.nearest(mistake.name, mistake.known) if mistake.name else ""
            self.report.error(mistake.code, mistake.message, path, hint=hint)
            return None
        if wanted is not None and found.sort not in wanted:
            self.report.error("type-mismatch", f"{wanted[0].value} is needed here, not {found}", path)
        return found

    def field(self, field: Field, owner: TypeDef, path: Key) -> None:
        before = None if field.lazy else field.index
        for key, expr, wanted in (
            ("if", field.condition, _TRUTH),
            ("at", field.at, _WHOLE),
            ("offset", field.offset, _WHOLE),
            ("stream", field.stream, (Sort.IO, Sort.ANY)),
            ("parent", field.parent, (Sort.RECORD, Sort.ANY, Sort.BOOL)),
            ("skip", field.skip, _WHOLE),
            ("align", field.align, _WHOLE),
            ("compute", field.compute, None),
            ("repeat", field.repeat if not isinstance(field.repeat, Word) else None, _WHOLE),
        ):
            self.expression(expr, owner, (*path, key), wanted, before=before)
        # A check may use the value itself, and an item of an array the items before it.
        checked = None if before is None else before + 1
        before = checked if field.repeat is not None or field.until is not None else before
        length = field.length if not isinstance(field.length, Word) else None
        self.expression(length, owner, (*path, "length"), _WHOLE, before=before)
        item = self.inference.of_item(field)
        if field.compute is not None:
            try:
                item = self.inference.of_field(owner, field)
            except MistakeError:
                return  # reported above
        self.expression(field.until, owner, (*path, "until"), _TRUTH, before=before, item=item)
        if field.until is not None and field.repeat is not None:
            self.report.error("conflict", "repeat and until exclude each other", (*path, "until"))
        for process in field.process:
            for argument in process.arguments:
                self.expression(argument, owner, (*path, "process"), None, before=before)
        self.references(field, owner, path, before)
        self.validation(field, owner, path, checked, item)
        if field.stream is not None and field.at is None:
            self.report.error("conflict", "stream needs at", (*path, "stream"))
        if field.at is not None and field.offset is not None:
            self.report.error("conflict", "at and offset exclude each other", (*path, "offset"))
        if field.enum is not None and item.sort not in (Sort.INT, Sort.BOOL, Sort.ANY):
            self.report.error("conflict", f"an enum labels integers, not {item}", (*path, "enum"))

    def references(self, field: Field, owner: TypeDef, path: Key, before: int | None) -> None:
        if field.type is not None:
            self.reference(field.type, owner, (*path, "type"), before)
        if field.switch is None:
            return
        at = (*path, "switch")
        by = self.expression(field.switch.by, owner, (*at, "by"), None, before=before)
        spellings = {id(ref): text for text, ref in field.switch.spellings.items()}
        for case, ref in field.switch.cases.items():
            place = (*at, "cases", spellings.get(id(ref), str(case)))
            self.reference(ref, owner, place, before)
            self.case(case, by, field, owner, place)
            if ref.primitive is not None and ref.primitive.kind in (Kind.BYTES, Kind.STRING) and not self.ends(field):
                self.report.error("missing-length", f"{ref.name} needs a length", place, hint="give the field a length")
        if field.switch.default is None and field.type is None and field.length is None:
            self.report.warning("no-default", "other values read no bytes", at, hint="give a default")

    def ends(self, field: Field) -> bool:
        delimited = field.delimiter is not None and field.delimiter.terminator is not None
        processed = bool(field.process) and self.grammar.processes[field.process[0].name].ends
        return field.length is not None or delimited or processed

    def case(self, case: Constant, by: Type | None, field: Field, owner: TypeDef, path: Key) -> None:
        if by is None or by.sort is Sort.ANY:
            return
        if by.sort is Sort.INT and isinstance(case, str):
            labels = self.grammar.enums[by.name].numbers if by.name in self.grammar.enums else {}
            if case in labels and field.switch is not None:
                # A label may replace its number. Nothing else refers to the tree yet, so it may be changed here.
                field.switch.cases.setdefault(labels[case], field.switch.cases[case])
                return
            self.report.error("type-mismatch", f"{case!r} is not an integer", path)
        elif by.sort is Sort.INT and isinstance(case, int):
            bounds = self.bounds(field, owner)
            if bounds is not None and not bounds[0] <= case <= bounds[1]:
                self.report.warning("unreachable-case", f"the value is never {case}", path)

    def bounds(self, field: Field, owner: TypeDef) -> tuple[int, int] | None:
        by = field.switch.by if field.switch is not None else None
        tag = self.inference.members[owner.name].get(getattr(by, "name", ""))
        if tag is None or tag.type is None or tag.type.primitive is None or tag.switch or tag.compute:
            return None
        kind = tag.type.primitive
        bits = kind.width if kind.kind is Kind.BITS else kind.width * 8 if kind.kind is Kind.INTEGER else 0
        if not bits:
            return None
        return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if kind.signed else (0, (1 << bits) - 1)

    def reference(self, ref: TypeRef, owner: TypeDef, path: Key, before: int | None) -> None:
        for argument in ref.arguments:
            self.expression(argument, owner, path, None, before=before)
        if ref.primitive is None and len(ref.arguments) != len(self.grammar.types[ref.name].params):
            wanted = len(self.grammar.types[ref.name].params)
            self.report.error("wrong-arguments", f"{ref.name} takes {wanted} arguments, not {len(ref.arguments)}", path)

    def validation(self, field: Field, owner: TypeDef, path: Key, before: int | None, item: Type) -> None:
        at = (*path, "validate")
        if (checks := field.checks) is not None:
            parts: list[tuple[str, Expr | None]] = [
                ("equals", checks.equals),
                ("not_equals", checks.not_equals),
                ("min", checks.low),
                ("max", checks.high),
                *(("one_of", value) for value in checks.one_of),
            ]
            for key, expr in parts:
                found = self.expression(expr, owner, (*at, key), None, before=before, item=item)
                if found is not None and not _comparable(found, item):
                    self.report.error("type-mismatch", f"{found} is never equal to {item}", (*at, key))
            self.expression(checks.holds, owner, (*at, "expr"), _TRUTH, before=before, item=item)
            if checks.in_enum and field.enum is None:
                self.report.error("conflict", "in_enum needs an enum", (*at, "in_enum"))
            if checks.all_bytes is not None and item.sort not in (Sort.BYTES, Sort.STR, Sort.ANY):
                self.report.error("conflict", "all_bytes needs a field of bytes", (*at, "all_bytes"))
        if field.checksum is not None:
            self.checksum(field, owner, (*path, "checksum"), item)

    def checksum(self, field: Field, owner: TypeDef, path: Key, item: Type) -> None:
        checksum = field.checksum
        if checksum is None:
            return
        # A checksum is computed after the whole record was read, so it may name later fields.
        self.expression(checksum.of, owner, (*path, "of"), (Sort.BYTES, Sort.STR, Sort.ANY), before=None)
        if item.sort not in _WHOLE and item.sort is not Sort.STR:
            self.report.error("type-mismatch", f"a checksum is an integer, not {item}", path)
        places = {f.name: f.index for f in owner.fields}
        for name in checksum.over:
            if name not in places:
                hint = self.report.nearest(name, places)
                self.report.error("unknown-name", f"unknown name {name!r}", (*path, "over"), hint=hint)
        order = [places[name] for name in checksum.over if name in places]
        if order and order != list(range(order[0], order[0] + len(order))):
            self.report.error("wrong-value", "over must name consecutive fields in order", (*path, "over"))

    def check_grammar(self) -> None:
        grammar = self.grammar
        for cycle in endless_types(grammar):
            what = " -> ".join((*cycle, cycle[0]))
            self.report.error(
                "endless", f"infinite type cycle: {what}", ("types", cycle[0]), hint="make a field optional"
            )
        for definition in grammar.types.values():
            path: Key = ("types", definition.name)
            if not takes_bytes(definition, grammar):
                self.report.warning("zero-size", f"records of {definition.name!r} take no bytes", path)
            for field in definition.fields:
                inner = grammar.types.get(field.type.name) if field.type is not None else None
                if field.repeat is Word.REST and inner is not None and not takes_bytes(inner, grammar):
                    what = f"{inner.name!r} takes no bytes, so repeating it never ends"
                    self.report.error("zero-size", what, (*path, "fields", field.index))
        if not grammar.once and grammar.select is None and not takes_bytes(grammar.types[grammar.root], grammar):
            what = f"{grammar.root!r} takes no bytes, so repeating it never ends"
            self.report.error("zero-size", what, ("types", grammar.root))
        self.parameters()
        self.selection()
        unused = unused_types(grammar)
        if unused:
            self.report.warning("unused-types", f"Unused types: {', '.join(unused)}", ("types", unused[0]))
        if len(grammar.registry) > len(grammar.types):
            what = f"Registry has {len(grammar.registry)} entries but only {len(grammar.types)} types defined"
            self.report.warning("registry", what, ("registry",))

    def selection(self) -> None:
        select = self.grammar.select
        if select is None:
            return
        owner = self.grammar.types[select.header]
        path: Key = ("record", "switch", "expr")
        for part in select.path:
            member = self.inference.members[owner.name].get(part)
            if member is None:
                hint = self.report.nearest(part, self.inference.members[owner.name])
                self.report.error("unknown-name", f"{owner.name!r} has no field {part!r}", path, hint=hint)
                return
            if member.type is not None and member.type.primitive is None:
                owner = self.grammar.types[member.type.name]

    def parameters(self) -> None:
        grammar = self.grammar
        params, given = grammar.types[grammar.root].params, grammar.arguments
        for name in tops(grammar):
            if grammar.types[name].params and grammar.select is not None:
                self.report.error("wrong-arguments", f"{name!r} has parameters that nothing passes", ("types", name))
        if params and not given and grammar.select is None:
            hint = f"write root: {grammar.root}({', '.join(params)}) with constants"
            self.report.warning("no-arguments", "the parameters of the root have no values", ("root",), hint=hint)
        elif len(params) != len(given):
            what = f"{grammar.root} takes {len(params)} arguments, not {len(given)}"
            self.report.error("wrong-arguments", what, ("root",))
        for argument in given:
            if not all(isinstance(part, Literal | EnumLiteral | ArrayOf) for part in walk(argument)):
                self.report.error("wrong-arguments", f"{print_expression(argument)} is not a constant", ("root",))
            else:
                self.expression(argument, grammar.types[grammar.root], ("root",), None, before=0)


def _comparable(a: Type, b: Type) -> bool:
    numbers = (Sort.INT, Sort.FLOAT, Sort.BOOL)
    return (
        Sort.ANY in (a.sort, b.sort)
        or a.sort is b.sort
        or (a.sort in numbers and b.sort in numbers)
        or b.sort in (Sort.RECORD, Sort.ARRAY)
    )
