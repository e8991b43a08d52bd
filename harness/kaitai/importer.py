"""Importer: converts a checked `.ksy` library to a grammar and lists what could not be converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.document import Key
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.lint import lint_value
from harness.grammar.processing import Processor
from harness.kaitai.checker import check
from harness.kaitai.expression import place
from harness.kaitai.field_importer import ORDERS, FieldWriter, is_constant
from harness.kaitai.findings import Finding
from harness.kaitai.library import Library
from harness.kaitai.loader import load
from harness.kaitai.names import Names, field_name
from harness.kaitai.structure import ByteOrder, Structure, User, leaves


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of importing a `.ksy` file.

    Attributes:
        document: The grammar as YAML values; None if the file has errors.
        grammar: The linted grammar; None if something could not be converted.
        findings: Errors of the file, and constructs that could not be converted.
        names: Names of its types and enums in the grammar.
    """

    document: dict[str, Any] | None
    grammar: Grammar | None
    findings: tuple[Finding, ...]
    library: Library
    names: Names

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that are not warnings."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def import_ksy(
    path: Path, *, search: tuple[Path, ...] = (), processes: Mapping[str, Processor] | None = None
) -> Imported:
    """Convert a `.ksy` file and its imports to one grammar.

    Args:
        search: Folders for absolute imports.
        processes: Implementations of custom processes by name.

    Raises:
        SuiteError: if a file cannot be read or is not YAML.
    """
    library = load(path, search=search)
    check(library)
    names = Names(library)
    top = library.top
    if top is None or any(finding.severity == "error" for finding in library.findings):
        return Imported(None, None, tuple(library.findings), library, names)
    document = _Writer(library, names, top, frozenset(processes or ())).document()
    carried = not any(finding.severity == "error" for finding in library.findings)
    lint = lint_value(document, processes=processes) if carried else None
    for error in lint.errors if lint else ():
        structure, key = _origin(names, top, error.path)
        structure.source.report(key, f"cannot be carried over: {error.message} ({error.code})")
    return Imported(document, lint.grammar if lint else None, tuple(library.findings), library, names)


def _origin(names: Names, top: Structure, path: Key) -> tuple[Structure, Key]:
    """Find the key in the `.ksy` file that a path in the grammar comes from."""
    structure = next((found for found, name in names.types.items() if path[:2] == ("types", name)), top)
    match path[2:4]:
        case ("fields", int() as place) if place < len(structure.seq):
            return structure, structure.seq[place].key
        case ("instances", int() as place) if place < len(structure.instances):
            return structure, list(structure.instances.values())[place].key
    return structure, structure.key


class _Writer:
    def __init__(self, library: Library, names: Names, top: Structure, processes: frozenset[str]) -> None:
        self.library, self.names, self.top, self.processes = library, names, top, processes
        self.order = top.order if isinstance(top.order, str) else "be"
        computed = any(isinstance(structure.order, ByteOrder) for structure in library.structures())
        # A number without a suffix below a type that computes its byte order would inherit that byte order.
        self.stated = None if computed else self.order

    def document(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self.top.title:
            made["title"] = self.top.title
        if self.top.doc:
            made["doc"] = self.top.doc
        made["endian"] = ORDERS[self.order]
        made["root"] = self.names.types[self.top]
        made["framing"] = {"repeat": "once"}
        used = _reachable(self.library, self.top)
        enums = {
            self.names.enums[enum]: {str(number): label for number, label in enum.members.items()}
            for structure in self.library.structures()
            for enum in structure.enums.values()
        }
        if enums:
            made["enums"] = enums
        made["types"] = {self.names.types[structure]: self.type(structure) for structure in used}
        return made

    def type(self, structure: Structure) -> dict[str, Any]:
        writer = FieldWriter(self.library, self.names, structure, self.stated, self.processes)
        made: dict[str, Any] = {}
        if structure.doc and structure is not self.top:
            made["doc"] = structure.doc
        if isinstance(structure.order, ByteOrder):
            made["endian"] = self.byte_order(structure.order, writer)
        if structure.top is not self.top:
            made["module"] = self.names.types[structure.top]
        if structure.bit_order == "le":
            made["bit_order"] = "little"
        if structure.params:
            made["params"] = [field_name(param.id) for param in structure.params]
        made["fields"] = [writer.field(field) for field in structure.seq]
        if structure.instances:
            made["instances"] = [writer.field(field) for field in structure.instances.values()]
        return made

    def byte_order(self, order: ByteOrder, writer: FieldWriter) -> dict[str, Any]:
        cases: dict[str, str] = {}
        made: dict[str, Any] = {"by": 0, "cases": cases}
        plain = all(value is None or is_constant(value) for value, _ in order.cases)
        for number, (value, name) in enumerate(order.cases):
            if value is None:
                made["default"] = ORDERS[name]
            else:
                cases[writer.label(value) if plain else str(number)] = ORDERS[name]
        on = order.on if plain else place(order.on, [value for value, _ in order.cases])
        made["by"] = writer.text(on, (*order.key, "switch-on"))
        return made


def _reachable(library: Library, top: Structure) -> list[Structure]:
    """List the file's own types and the used types of imported files, in the order of their definition."""
    wanted = set(top.family())
    waiting = list(wanted)
    while waiting:
        structure = waiting.pop()
        for field in structure.fields():
            for kind in leaves(field.type):
                target = kind.target if isinstance(kind, User) else None
                if target is not None and target not in wanted:
                    wanted.add(target)
                    waiting.append(target)
    return [structure for structure in library.structures() if structure in wanted]
