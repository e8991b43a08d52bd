"""Exporter: converts a grammar to a `.ksy` document and lists what Kaitai Struct cannot express."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.grammar.language.grammar import EndianSwitch, Grammar, TypeDef
from harness.grammar.language.inference import Inference
from harness.grammar.language.reach import references
from harness.grammar.language.types import ANY, Sort, Type
from harness.kaitai.byte_orders import Orders, find_orders
from harness.kaitai.export_names import ExportNames
from harness.kaitai.expression_exporter import ExpressionWriter
from harness.kaitai.field_exporter import FieldExporter

_PARAMETERS = {
    Sort.INT: "s8", Sort.FLOAT: "f8", Sort.BOOL: "bool", Sort.STR: "str", Sort.BYTES: "bytes", Sort.IO: "io",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lost:
    """Something that Kaitai Struct cannot express.

    Attributes:
        path: `Type.field`.
        serious: True if the `.ksy` file reads other values; False if only a check or a label is missing.
    """

    path: str
    what: str
    serious: bool = True

    def __str__(self) -> str:
        return f"{self.path}: {'cannot be expressed' if self.serious else 'is left out'}: {self.what}"


@dataclass(frozen=True, slots=True)
class Exported:
    """A `.ksy` document as YAML values, and the constructs that are missing in it."""

    document: dict[str, Any]
    lost: tuple[Lost, ...]

    @property
    def complete(self) -> bool:
        """Whether the document reads the same values as the grammar."""
        return not any(each.serious for each in self.lost)


def export_ksy(grammar: Grammar) -> Exported:
    """Convert a grammar to a `.ksy` document; a repeating root becomes a top type with an array `records`."""
    return _Exporter(grammar).run()


class _Exporter:
    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.names = ExportNames(grammar)
        self.inference = Inference(grammar.types, grammar.enums, grammar.root)
        self.orders: Orders = find_orders(grammar)
        self.lost: list[Lost] = []
        self._parameters: dict[tuple[str, str], Type] = {}

    def report_lost(self, path: str, what: str, *, serious: bool = True) -> None:
        self.lost.append(Lost(path, what, serious))

    def run(self) -> Exported:
        grammar, names = self.grammar, self.names
        root = grammar.types[grammar.root]
        top = names.top
        meta: dict[str, Any] = {"id": top}
        if grammar.title:
            meta["title"] = grammar.title
        meta["endian"] = "be" if grammar.big else "le"
        if grammar.select is not None:
            self.report_lost("record.switch", "a header type that selects the record's type")
        if root.params:
            self.report_lost("root", "the arguments of the root")
        if grammar.registry:
            self.report_lost("registry", "the registry of discriminators", serious=False)
        nested = {name for name, order in self.orders.single.items() if order not in (True, False, name)}
        for name in self.orders.several:
            self.report_lost(name, "the type is read in more than one byte order")
        outside = [t for n, t in grammar.types.items() if n not in nested and (not grammar.once or t is not root)]
        made: dict[str, Any] = {"meta": meta}
        if grammar.once:
            body = self.type(root)
            meta.update(body.pop("meta", {}))
            made.update(body)
        else:
            made["seq"] = [{"id": "records", "type": names.types[grammar.root], "repeat": "eos"}]
        types = {names.types[t.name]: self.type(t) for t in outside}
        if types:
            made["types"] = {**types, **made.get("types", {})}
        if grammar.enums:
            made["enums"] = {names.enums[name]: members for name, members in names.members.items()}
        return Exported(made, tuple(self.lost))

    def writer(self, owner: TypeDef) -> ExpressionWriter:
        names = self.names
        return ExpressionWriter(
            self.inference,
            owner,
            field_id=names.field,
            type_id=lambda name: names.types.get(name, name),
            label_id=self.label,
            parameter_kind=self.parameter_kind,
        )

    def label(self, enum: str, label: str) -> str:
        number = self.grammar.enums[enum].numbers[label]
        return f"{self.names.enums[enum]}::{self.names.members[enum][number]}"

    def parameter_kind(self, found: TypeDef, name: str) -> Type:
        """Infer the type of the arguments of a parameter; unknown if they have several types."""
        if (found.name, name) in self._parameters:
            return self._parameters[found.name, name]
        self._parameters[found.name, name] = ANY
        kinds: set[Type] = set()
        for owner in self.grammar.types.values():
            for field in (*owner.fields, *owner.instances):
                for ref in references(field):
                    if ref.name == found.name:
                        kinds.add(self.writer(owner).kind(ref.arguments[found.params.index(name)]))
        if len({(kind.sort, kind.name) for kind in kinds}) == 1:
            self._parameters[found.name, name] = kinds.pop()
        return self._parameters[found.name, name]

    def parameter(self, found: TypeDef, name: str) -> str:
        kind = self.parameter_kind(found, name)
        if kind.sort is Sort.RECORD:
            return self.names.types.get(kind.name, "struct")
        return _PARAMETERS.get(kind.sort, "any")

    def type(self, found: TypeDef) -> dict[str, Any]:
        names = self.names
        order = self.orders.single.get(found.name)
        exporter = FieldExporter(
            self.inference, names, found, self.writer(found), order=order, report_lost=self.report_lost
        )
        made: dict[str, Any] = {}
        meta: dict[str, Any] = {}
        if isinstance(found.endian, EndianSwitch):
            meta["endian"] = exporter.byte_order(found.endian)
        elif isinstance(order, bool) and order != self.grammar.big:
            meta["endian"] = "be" if order else "le"
        if meta:
            made["meta"] = meta
        if found.doc:
            made["doc"] = found.doc
        if found.params:
            made["params"] = [{"id": names.field(name), "type": self.parameter(found, name)} for name in found.params]
        seq, instances = exporter.fields()
        if seq:
            made["seq"] = seq
        if instances:
            made["instances"] = instances
        below = [name for name, order in self.orders.single.items() if order == found.name and name != found.name]
        if below:
            made["types"] = {names.types[name]: self.type(self.grammar.types[name]) for name in below}
        return made
