"""Scope: what names mean at one place: variables, state, constants, facts; and the module all scopes share."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.dsl.analysis.names import Names
from harness.dsl.analysis.report import Report
from harness.dsl.analysis.type_expressions import Types
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import Target, Variable
from harness.dsl.language.diagnostic import Span
from harness.dsl.types import ANY, BOOL, Type
from harness.dsl.values import Undefined

MAX_FACT_NODES = 20_000
"""Nodes that facts add where they are asked: facts that ask facts twice each would double for ever."""
MAX_DEPTH = 40
"""Facts that ask facts, and types that hold types, inside of each other."""


@dataclass(slots=True)
class Shared:
    """What all scopes of a module share.

    Attributes:
        names: Its declarations.
        report: Where findings go.
        types: Its types.
        constants: Values of `const`.
        state: State variables and module inputs, in order.
        facts: Name of each fact -> its index.
        tools: Signatures of tools by name; see `calls`.
        used: Facts, constants, types and units that something refers to.
        fact_nodes: Nodes made of facts so far.
    """

    names: Names
    report: Report
    types: Types
    constants: dict[str, n.Const] = field(default_factory=dict)
    state: list[Variable] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    fact_nodes: int = 0

    def state_index(self, name: str) -> int:
        """Index of a state variable, -1 if there is none."""
        return next((i for i, variable in enumerate(self.state) if variable.name == name), -1)


@dataclass(slots=True)
class Scope:
    """Names of one unit, fact or law.

    Attributes:
        shared: The module.
        slots: Its variables, hidden ones included.
        visible: Name -> slot.
        templates: Whether texts may hold `{{name}}`: in units, not in facts and laws.
        open_facts: Facts that are being written into this place, for recursion.
    """

    shared: Shared
    slots: list[Variable] = field(default_factory=list)
    visible: dict[str, int] = field(default_factory=dict)
    templates: bool = False
    open_facts: list[str] = field(default_factory=list)
    _hidden: int = 0

    @property
    def report(self) -> Report:
        """Where findings go."""
        return self.shared.report

    def bind(self, name: str, kind: Type, *, initial: n.Expr | None = None, is_input: bool = False) -> int:
        """A new slot for a name; what the name meant before is hidden from here on."""
        self.slots.append(Variable(name, kind, initial, is_input))
        self.visible[name] = len(self.slots) - 1
        return len(self.slots) - 1

    def bind_hidden(self, what: str, kind: Type) -> int:
        """A slot no program can name: a loop's counter, a check's outcome."""
        self._hidden += 1
        self.slots.append(Variable(f"${what}{self._hidden}", kind))
        return len(self.slots) - 1

    def bind_target(self, name: str, kind: Type) -> tuple[Target, Type]:
        """Where an assignment to a name goes: its slot, the state variable, or a new slot of that type."""
        if name in self.visible:
            index = self.visible[name]
            return Target(index, name), self.slots[index].type
        index = self.shared.state_index(name)
        if index >= 0:
            return Target(index, name, is_state=True), self.shared.state[index].type
        return Target(self.bind(name, kind), name), kind

    def resolve(self, name: str, span: Span) -> n.Expr | None:
        """What a name means here, None if nothing."""
        if name in self.visible:
            index = self.visible[name]
            return n.Slot(index, name, self.slots[index].type, span)
        index = self.shared.state_index(name)
        if index >= 0:
            return n.State(index, name, self.shared.state[index].type, span)
        constant = self.shared.constants.get(name)
        if constant is not None:
            self.shared.used.add(name)
            return n.Const(constant.value, constant.type, span)
        if name in self.shared.facts:
            self.shared.used.add(name)
            return n.Verdict(self.shared.facts[name], name, BOOL, span)
        return None

    def known_names(self) -> list[str]:
        """All names that mean something here."""
        shared = self.shared
        return [*self.visible, *(v.name for v in shared.state), *shared.constants, *shared.facts]


def error_node(span: Span) -> n.Const:
    """Stands where an expression was wrong; its type is `any`, so that one mistake is one finding."""
    return n.Const(Undefined("the program is wrong here"), ANY, span)
