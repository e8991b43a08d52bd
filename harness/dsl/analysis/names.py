"""Names: the declarations of a module by kind; duplicate declarations are diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from harness.dsl.analysis.diagnostics import Report
from harness.dsl.language import syntax as s
from harness.dsl.language.printer import print_module


@dataclass(slots=True)
class Names:
    """Declarations of a module. The first declaration of a name is kept; further ones are diagnostics."""

    name: str = ""
    types: dict[str, s.Shape] = field(default_factory=dict)
    variants: list[s.Variant] = field(default_factory=list)
    constants: dict[str, s.Variable] = field(default_factory=dict)
    states: dict[str, s.Variable] = field(default_factory=dict)
    """State variables and inputs of the module."""
    facts: dict[str, s.FactDeclaration] = field(default_factory=dict)
    records: dict[str, s.Entries] = field(default_factory=dict)
    """Recorded facts: statements with their evidence."""
    rules: list[s.Entries] = field(default_factory=list)
    """Rules and hints, in source order."""
    invariants: list[s.Entries] = field(default_factory=list)
    units: dict[str, s.Unit] = field(default_factory=dict)
    models: list[s.Entries] = field(default_factory=list)
    spaces: list[s.Entries] = field(default_factory=list)
    artifacts: list[s.Entries] = field(default_factory=list)
    notes: list[s.Entry] = field(default_factory=list)
    descriptions: list[s.Description] = field(default_factory=list)
    mocks: list[s.Mock] = field(default_factory=list)

    def prose(self, kind: str) -> list[str]:
        """Strings of `axiom`, `heuristic` or `prediction`, in order: `{{axiom.0}}` is the first."""
        entries = (entry for model in self.models for entry in model.entries if isinstance(entry, s.Entry))
        return [str(e.value.value) for e in entries if e.key == kind and isinstance(e.value, s.Literal)]


def collect_names(module: s.Module, report: Report) -> Names:
    """All declarations of a module; nested groups are flattened."""
    names = Names()
    _walk(module.items, names, report)
    if not names.name:
        units = list(names.units)
        names.name = units[0] if units else "module"
    return names


def _walk(items: Iterable[s.Declaration], names: Names, report: Report) -> None:
    for item in items:
        match item:
            case s.Group():
                if item.label and not names.name:
                    names.name = item.label.text
                _walk(item.items, names, report)
            case s.Unit():
                _declare(names.units, item.label.text, item, item.keyword, report)
            case s.Shape():
                _declare(names.types, item.label.text, item, "type", report)
            case s.Variant():
                names.variants.append(item)
            case s.FactDeclaration():
                _declare(names.facts, item.label.text, item, "fact", report)
            case s.Variable(keyword="const"):
                _declare(names.constants, item.name, item, "constant", report)
            case s.Variable():
                _declare(names.states, item.name, item, item.keyword, report)
            case s.Entry():
                names.notes.append(item)
            case s.Description():
                names.descriptions.append(item)
            case s.Mock():
                names.mocks.append(item)
            case s.Entries():
                _entries(item, names, report)


def _entries(item: s.Entries, names: Names, report: Report) -> None:
    match item.keyword:
        case "system_model":
            names.models.append(item)
        case "rule" | "hint":
            names.rules.append(item)
        case "invariant":
            names.invariants.append(item)
        case "fact":
            _declare(names.records, item.label.text if item.label else "", item, "fact", report)
        case "artifact":
            names.artifacts.append(item)
        case _:
            names.spaces.append(item)


def _declare(known: dict[str, Any], name: str, item: Any, what: str, report: Report) -> None:
    first = known.setdefault(name, item)
    if first is item:
        return
    if first == item:
        report.add("W502", f"{what} {name!r} is declared twice, identically", item.span, note="remove one")
        return
    shown = print_module(s.Module([first])).split("\n")
    note = f"the first one is `{' '.join(line.strip() for line in shown)[:100]}`"
    report.add("E405", f"{what} {name!r} is declared twice, and the declarations differ", item.span, note=note)
