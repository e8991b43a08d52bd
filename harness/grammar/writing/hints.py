"""Hints: constants of a grammar that make sense as the value of a field, and the least nesting of each type."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from harness.grammar.explanation.expression_walk import names_in
from harness.grammar.language.expression import Attribute, Binary, EnumLiteral, Expr, Literal, Method, Name, walk
from harness.grammar.language.grammar import Checks, Field, Grammar, Word

_FAR = 1 << 20
_FREE = 4  # values tried before the constants one by one
_CASE = 0.8  # share of values that select a type
_COMPARED = 0.3  # share of other values that an expression compares the field with
TRUE = Literal(value=True)


class Hints:
    """What the expressions of a grammar tell about the values of its fields.

    Attributes:
        cases: Constants by which a field of this name selects a type.
        values: Constants that a field of this name is compared with.
        seen: How often each of them was chosen.
        bases: The base of the digits of a string whose number is used.
        checks: By type and field, the conditions of computed instances that must be true and name the field.
        nesting: For each type, the least number of levels of records below it.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.cases: dict[str, list[Any]] = {}
        self.values: dict[str, list[Any]] = {}
        self.seen: Counter[tuple[str, Any]] = Counter()
        self.bases: dict[str, int] = {}
        self.checks: dict[tuple[str, str], list[Expr]] = {}
        for definition in grammar.types.values():
            for field in (*definition.fields, *definition.instances):
                self._note(field)
            for field in definition.instances:
                checks = field.checks
                if field.compute is not None and field.condition is None and checks and checks.equals == TRUE:
                    for name in set(names_in(field.compute)):
                        self.checks.setdefault((definition.name, name), []).append(field.compute)
        self.nesting = self._levels()

    def _note(self, field: Field) -> None:
        if field.switch is not None and isinstance(field.switch.by, Name | Attribute):
            self.cases.setdefault(field.switch.by.name, []).extend(field.switch.cases)
        for expr in _expressions(field):
            for part in walk(expr):
                if (
                    isinstance(part, Method | Attribute)
                    and part.name == "to_i"
                    and isinstance(part.of, Name | Attribute)
                ):
                    base = part.arguments[0] if isinstance(part, Method) and part.arguments else Literal(10)
                    self.bases[part.of.name] = int(base.value) if isinstance(base, Literal) else 10
                elif isinstance(part, Binary) and part.operator == "==" and isinstance(part.left, Name | Attribute):
                    constant = self._constant(part.right)
                    if constant is not None:
                        self.values.setdefault(part.left.name, []).append(constant)

    def pick(self, name: str, rng: random.Random, tried: int) -> Any:
        """A constant for a field of this name, rather one that was not chosen often; None for another value.

        The constants follow one after another once a few values were not accepted.
        """
        known = list(dict.fromkeys((*self.values.get(name, ()), *self.cases.get(name, ()))))
        if not known:
            return None
        if _FREE <= tried < _FREE + len(known):
            chosen = known[tried - _FREE]
        elif name in self.cases and rng.random() < _CASE:
            chosen = min(rng.choices(self.cases[name], k=2), key=lambda one: self.seen[name, one])
        elif name in self.values and rng.random() < _COMPARED:
            chosen = rng.choice(self.values[name])
        else:
            return None
        self.seen[name, chosen] += 1
        return chosen

    def _constant(self, expr: Expr) -> Any:
        if isinstance(expr, EnumLiteral) and expr.enum in self.grammar.enums:
            return self.grammar.enums[expr.enum].numbers.get(expr.label)
        return expr.value if isinstance(expr, Literal) else None

    def _levels(self) -> dict[str, int]:
        found = dict.fromkeys(self.grammar.types, _FAR)
        for _ in found:
            before = dict(found)
            for name, definition in self.grammar.types.items():
                found[name] = 1 + max((_below(field, found) for field in definition.fields), default=0)
            if found == before:
                break
        return found


def _below(field: Field, levels: dict[str, int]) -> int:
    if field.condition is not None or field.repeat is not None or field.at is not None or field.offset is not None:
        return 0
    refs = [field.type]
    if field.switch is not None:
        refs = [*field.switch.cases.values(), field.switch.default or field.type]
    return min((0 if ref is None else levels.get(ref.name, 0) for ref in refs), default=0)


def _expressions(field: Field) -> Iterator[Expr]:
    checks = field.checks or Checks()
    for expr in (
        field.condition, field.compute, field.length, field.repeat, field.until, field.at, field.offset,
        checks.holds, checks.equals,
    ):  # fmt: skip
        if expr is not None and not isinstance(expr, Word):
            yield expr


def chain_of(expr: Expr) -> tuple[str, ...] | None:
    """The names after `_` in `_.header.kind`; empty for `_` itself, None for another expression."""
    match expr:
        case Name("_"):
            return ()
        case Attribute(of, name):
            outer = chain_of(of)
            return None if outer is None else (*outer, name)
    return None


def wanted_by(condition: Expr) -> list[tuple[tuple[str, ...], Expr]]:
    """What parts of the item `_` may equal so that a condition on it is true; of alternatives, the first."""
    match condition:
        case Binary("and", left, right):
            return [*wanted_by(left), *wanted_by(right)]
        case Binary("or", left, right):
            return wanted_by(left) or wanted_by(right)
        case Binary("==" | ">=" | "<=", left, right):
            for side, other in ((left, right), (right, left)):
                chain = chain_of(side)
                if chain is not None:
                    return [(chain, other)]
    return []
