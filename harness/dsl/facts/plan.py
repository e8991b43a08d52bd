"""Plan: the parameters that a program decides, checked against the rules and invariants of a domain before a run."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.dsl.expressions.nodes import Frame
from harness.dsl.expressions.walker import evaluate
from harness.dsl.facts.trace import Trace
from harness.dsl.ir import Choice, Invariant, Program, Rule
from harness.dsl.values import Undefined

MAX_COMBINATIONS = 100_000


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule or invariant that a plan breaks.

    Attributes:
        law: Its name in the domain file.
        kind: rule, hint or invariant.
        where: `file:line:column` of the choice in the plan.
        law_where: `file:line:column` of the law.
    """

    law: str
    kind: str
    where: str
    law_where: str
    why: str

    def __str__(self) -> str:
        return f"{self.where}: breaks {self.kind} {self.law!r} ({self.law_where}): {self.why}"


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """The result of checking a plan.

    Attributes:
        breaches: In the order of the domain file.
        held: Rules and invariants about parameters that the plan decides, and that hold.
        silent: Rules and invariants about other parameters, or prose: shown, never counted as held.
    """

    breaches: tuple[Breach, ...]
    held: tuple[str, ...]
    silent: tuple[str, ...]


def check_plan(plan: Program, laws: Program) -> PlanCheck:
    """Check a plan against all rules and invariants of a domain.

    A `parameter` lists the allowed values; conditions must be true for each combination of the values that the plan
    would try. Case and underscores of names are ignored (`TILE_M`, `tile-m`, `TileM`).
    """
    choices = {_key(choice.name): choice for choice in plan.choices}
    breaches: list[Breach] = []
    held, silent = [], []
    every: list[Rule | Invariant] = [*laws.rules, *laws.invariants]
    for law in every:
        if not any(_key(parameter.name) in choices for parameter in law.parameters):
            silent.append(law.name)
            continue
        found = list(_breaches(plan, laws, law, choices))
        breaches += found
        if not found:
            held.append(law.name)
    return PlanCheck(tuple(breaches), tuple(held), tuple(silent))


def _key(name: str) -> str:
    return re.sub(r"[_\W]", "", name).lower()


def _breaches(plan: Program, laws: Program, law: Rule | Invariant, choices: Mapping[str, Choice]) -> Iterator[Breach]:
    kind = law.kind if isinstance(law, Rule) else "invariant"
    law_where = laws.where(law.span)
    for parameter in law.parameters:
        choice = choices.get(_key(parameter.name))
        if choice is None:
            continue
        wrong = [value for value in choice.values if not any(_same(value, allowed) for allowed in parameter.values)]
        if wrong:
            allowed = _list(parameter.values)
            why = f"{choice.name} may be {_list(wrong)}, and the law knows {allowed}"
            yield Breach(law.name, kind, plan.where(choice.span), law_where, why)
            return
    if isinstance(law, Invariant) and law.conditions:
        yield from _conditions(plan, law, choices, law_where)


def _conditions(plan: Program, law: Invariant, choices: Mapping[str, Choice], law_where: str) -> Iterator[Breach]:
    # A parameter that the plan does not decide is free: one of the listed values must satisfy the conditions.
    decided = [(p, choices[_key(p.name)]) for p in law.parameters if _key(p.name) in choices]
    free = [p for p in law.parameters if _key(p.name) not in choices]
    size = math.prod(len(c.values) for _, c in decided) * math.prod(len(p.values) for p in free)
    where = plan.where(decided[0][1].span)
    if size > MAX_COMBINATIONS:
        yield Breach(law.name, "invariant", where, law_where, f"{size} combinations are too many to hold against it")
        return
    for values in itertools.product(*(choice.values for _, choice in decided)):
        slots: list[Any] = [Undefined("is not decided")] * len(law.slots)
        for (parameter, _), value in zip(decided, values, strict=True):
            slots[parameter.slot] = value
        verdict = _possible(law, slots, free)
        if verdict is not True:
            point = ", ".join(f"{choice.name} = {value}" for (_, choice), value in zip(decided, values, strict=True))
            reason = f"undefined: {verdict.reason}" if isinstance(verdict, Undefined) else "not true"
            yield Breach(law.name, "invariant", where, law_where, f"with {point} it is {reason}")
            return


def _possible(law: Invariant, slots: list[Any], free: list[Choice]) -> Any:
    worst: Any = False
    for others in itertools.product(*(parameter.values for parameter in free)):
        filled = list(slots)
        for parameter, value in zip(free, others, strict=True):
            filled[parameter.slot] = value
        frame = Frame(filled, [], Trace(0), [])
        verdicts = [evaluate(condition, frame) for condition in law.conditions]
        if all(verdict is True for verdict in verdicts):
            return True
        worst = next((v for v in verdicts if isinstance(v, Undefined)), worst)
    return worst


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, str) and isinstance(b, str):
        return _key(a) == _key(b)
    return bool(a == b)


def _list(values: Any) -> str:
    shown = [str(v).lower() if isinstance(v, bool) else str(v) for v in values]
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")
