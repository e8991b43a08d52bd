"""Scope: the meaning of names in a unit, fact or invariant, and the data that all scopes of a module share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from harness.dsl.analysis.diagnostics import Report
from harness.dsl.analysis.names import Names
from harness.dsl.analysis.type_expressions import Types
from harness.dsl.expressions import nodes as n
from harness.dsl.ir import Target, Variable
from harness.dsl.language import syntax as s
from harness.dsl.language.diagnostic import Span
from harness.dsl.language.printer import print_value
from harness.dsl.types import ANY, BOOL, Type
from harness.dsl.values import Undefined

MAX_FACT_NODES = 20_000
"""Maximum number of nodes from expanded facts: facts that each refer to two facts grow exponentially."""
MAX_DEPTH = 40  # maximum depth of facts that refer to facts


@dataclass(slots=True)
class Shared:
    """Data that all scopes of a module share.

    Attributes:
        constants: Values of `const` by name.
        state: State variables and module inputs, in order.
        facts: Index of each fact by name.
        used: Names of facts, constants and units that are referred to.
        described: Blocks and properties that the language does not evaluate: what it is, its text, its span.
    """

    names: Names
    report: Report
    types: Types
    constants: dict[str, n.Const] = field(default_factory=dict)
    state: list[Variable] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    fact_nodes: int = 0
    described: list[tuple[str, str, Span]] = field(default_factory=list)

    def describe(self, what: str, node: s.Entry | s.Setting) -> None:
        """Keep a property that the language does not evaluate."""
        values = node.values if isinstance(node, s.Setting) else [node.value]
        self.described.append((what, " ".join(map(print_value, values)), node.span))

    def state_index(self, name: str) -> int:
        """Index of a state variable; -1 if the name is unknown."""
        return next((i for i, variable in enumerate(self.state) if variable.name == name), -1)


@dataclass(slots=True)
class Scope:
    """Names of one unit, fact or invariant.

    Attributes:
        slots: Variables, including hidden ones.
        visible: Slot of each visible name.
        templates: Whether strings can contain `{{name}}`: in units, not in facts and invariants.
        open_facts: Names of the facts that are being expanded, to detect recursion.
        look_up: Appends the effect that looks for a file, and returns its result; None outside of units.
    """

    shared: Shared
    slots: list[Variable] = field(default_factory=list)
    visible: dict[str, int] = field(default_factory=dict)
    templates: bool = False
    open_facts: list[str] = field(default_factory=list)
    look_up: Callable[[n.Expr, Span], n.Expr] | None = None
    _hidden: int = 0

    @property
    def report(self) -> Report:
        """The report of the module."""
        return self.shared.report

    def bind(self, name: str, kind: Type, *, initial: n.Expr | None = None, is_input: bool = False) -> int:
        """Bind a name to a new slot; a previous meaning is shadowed."""
        self.slots.append(Variable(name, kind, initial, is_input))
        self.visible[name] = len(self.slots) - 1
        return len(self.slots) - 1

    def bind_hidden(self, what: str, kind: Type) -> int:
        """Add a slot that a program cannot name: the counter of a loop, the outcome of a check."""
        self._hidden += 1
        self.slots.append(Variable(f"${what}{self._hidden}", kind))
        return len(self.slots) - 1

    def bind_target(self, name: str, kind: Type) -> tuple[Target, Type]:
        """The target of an assignment and its type: the visible slot, the state variable, or a new slot."""
        if name in self.visible:
            index = self.visible[name]
            return Target(index, name), self.slots[index].type
        index = self.shared.state_index(name)
        if index >= 0:
            return Target(index, name, is_state=True), self.shared.state[index].type
        return Target(self.bind(name, kind), name), kind

    def resolve(self, name: str, span: Span) -> n.Expr | None:
        """The node that a name refers to, or None."""
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
        """The names of all visible variables, state, constants and facts; for suggestions."""
        shared = self.shared
        return [*self.visible, *(v.name for v in shared.state), *shared.constants, *shared.facts]


def error_node(span: Span) -> n.Const:
    """Placeholder for an invalid expression; its type is `any`, so that one mistake causes one diagnostic."""
    return n.Const(Undefined("the program has an error here"), ANY, span)
