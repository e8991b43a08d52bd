"""Record query: a condition in the expression language, evaluated over the records of a parse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.core.errors import SpecError
from harness.core.nearest import did_you_mean
from harness.grammar.engine.node import Node, Record
from harness.grammar.engine.scope import Scope
from harness.grammar.language.evaluation import SPECIAL, Compiler, Evaluate
from harness.grammar.language.expression import EnumLiteral, Name, walk
from harness.grammar.language.grammar import Grammar
from harness.grammar.language.operations import NoValueError, as_boolean
from harness.grammar.language.syntax import parse_expression
from harness.grammar.language.tokens import ExpressionError

_ABOUT: dict[str, Callable[[Record], Any]] = {
    "type": lambda record: record.type.name,
    "offset": lambda record: record.start,
    "size": lambda record: record.end - record.start,
    "complete": lambda record: record.complete,
}
"""Names that mean the record itself, unless it has a field of this name; with `_` before they always do."""


class RecordQuery:
    """A condition such as `type == "Entry" and size > 4096`.

    Names are the fields of each record, its instances and the fields of its nested records, and `type`, `offset`,
    `size` and `complete` of the record itself. A record for which the condition has no value is not selected.

    Raises:
        SpecError: if the text is not an expression, or uses a name that no type has.
    """

    def __init__(self, text: str, grammar: Grammar) -> None:
        try:
            self._expr = parse_expression(text)
        except ExpressionError as error:
            raise SpecError(f"{text!r} is not a condition: {error}", fix='write one such as type == "Entry"') from None
        self._grammar, self._compiler = grammar, Compiler(grammar.types, grammar.enums)
        self._compiled: dict[str, Evaluate] = {}
        self.why = ""
        """Why a record had no value, for the last of those that had none."""
        self._check_names()

    def selects(self, record: Record) -> bool:
        """Whether the condition is true for a record."""
        closure = self._compiled.get(record.type.name)
        if closure is None:
            closure = self._compiled[record.type.name] = self._compiler.compile(self._expr, record.type)
        try:
            return as_boolean(closure(Scope(record, _Host())))
        except NoValueError as error:
            self.why = str(error)
            return False

    def _check_names(self) -> None:
        types = self._grammar.types.values()
        known = {field.name for one in types for field in (*one.fields, *one.instances)} | {
            name for one in types for name in one.params
        }
        about = set(_ABOUT) | {f"_{name}" for name in _ABOUT}
        for node in walk(self._expr):
            if isinstance(node, Name) and node.name not in known | about | SPECIAL:
                fix = did_you_mean(node.name, known | about)
                there = ", ".join(sorted(known)[:12])
                raise SpecError(f"no type has a field {node.name!r}", fix=fix or f"names are {there}")
            if isinstance(node, EnumLiteral):
                enum = self._grammar.enums.get(node.enum)
                if enum is None or node.label not in enum.numbers:
                    near = (node.label, list(enum.numbers)) if enum else (node.enum, list(self._grammar.enums))
                    fix = did_you_mean(*near)
                    raise SpecError(f"unknown value {node.enum}::{node.label}", fix=fix or "see `enums` of the grammar")


class _Host:
    """Values of records that were read; nothing is read on demand."""

    def __init__(self) -> None:
        self._steps = 0

    def value_of(self, record: Record, name: str) -> Any:
        node = record.nodes.get(name)
        if node is not None:
            return node.value
        about = _ABOUT.get(name) or _ABOUT.get(name.removeprefix("_"))
        if about is None:
            raise NoValueError(f"{record.type.name!r} has no {name!r}")
        return about(record)

    def node_of(self, record: Record, name: str) -> Node | None:
        return record.nodes.get(name)

    def charge(self, steps: int) -> None:
        self._steps += steps
        if self._steps > 1_000_000:
            raise NoValueError("too many steps")
