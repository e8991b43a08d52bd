"""Knowledge: the verdicts of facts, rules, hints and invariants over a trace, updated item by item.

All of it is a pure function of the items so far, so the items in the log suffice. A replay computes the verdicts again
and compares them with the log.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from harness.dsl.expressions import nodes as n
from harness.dsl.expressions.compiled import ItemCode, compiled, compiled_for_item
from harness.dsl.facts.record import Broken, FactRecord, Fired, Spread
from harness.dsl.facts.trace import Trace
from harness.dsl.ir import Fact, Invariant, Program, Rule
from harness.dsl.plain import plain
from harness.dsl.types import BOOL, Kind
from harness.dsl.values import Undefined, Value

_NUMBERS = (Kind.INT, Kind.FLOAT)


@plain
class Findings:
    """What one item changed: verdicts, fired rules and broken invariants."""

    facts: tuple[FactRecord, ...] = ()
    fired: tuple[Fired, ...] = ()
    broken: tuple[Broken, ...] = ()


_NOTHING = Findings()


class Knowledge:
    """The knowledge of one run.

    Attributes:
        verdicts: The newest verdict of each fact: True, False or Undefined.
        hints: Suggestions of the rules and hints whose facts are all true now, in the order in which they fired.
        broken: Names of invariants that some item broke.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self.trace = Trace(len(program.schema.cases))
        self.verdicts: list[Value] = [Undefined(f"no item of {_case(program, f)} yet") for f in program.facts]
        self.hints: list[str] = []
        self.broken: set[str] = set()
        self._active: dict[int, str] = {}
        cases = range(len(program.schema.cases))
        self._facts = [[_Prepared(i, f) for i, f in enumerate(program.facts) if f.case == case] for case in cases]
        # Invariants with parameters are checked against plans, not traces.
        self._invariants = [
            [i for i in program.invariants if case in i.cases and i.conditions and not i.parameters] for case in cases
        ]
        self._rules = [(number, rule) for number, rule in enumerate(program.rules) if rule.executable]

    def observe(self, case: int, item: tuple[Value, ...], seq: int) -> Findings:
        """Add an item to the trace and evaluate all facts and invariants of its case.

        Args:
            case: Index of the item's case.
            item: Its values, in the order of the case's fields.
            seq: Sequence number of the event that traced it.
        """
        self.trace.append(case, item, seq)
        facts = self._facts[case]
        if not facts and not self._invariants[case]:
            return _NOTHING
        records = tuple(self._evaluate(fact, item, seq) for fact in facts)
        fired = tuple(self._fire({fact.index for fact in facts}))
        broken = tuple(self._find_broken(self._invariants[case]))
        self.broken.update(found.invariant for found in broken)
        return Findings(records, fired, broken)

    def status(self, invariant: Invariant) -> str:
        """The current status of an invariant: `held`, `broken`, `undefined` or `prose`."""
        if not invariant.conditions:
            return "prose"
        if invariant.name in self.broken:
            return "broken"
        frame = self._frame(len(invariant.slots))
        values = [compiled(condition)(frame) for condition in invariant.conditions]
        if any(isinstance(value, Undefined) for value in values):
            return "undefined"
        return "held" if all(value is True for value in values) else "broken"

    def _evaluate(self, fact: _Prepared, item: tuple[Value, ...], seq: int) -> FactRecord:
        items: Sequence[tuple[Value, ...]] = (item,)
        first = seq
        if fact.over_all:
            items, first = self.trace.of_case(fact.case), self.trace.seqs(fact.case)[0]
        verdict = fact.code(self._frame(fact.slots), items if fact.over_all else item)
        self.verdicts[fact.index] = verdict
        undefined = isinstance(verdict, Undefined)
        return FactRecord(
            fact=fact.name,
            verdict=None if undefined else bool(verdict),
            reason=verdict.reason if isinstance(verdict, Undefined) else "",
            samples=len(items),
            spread={name: _spread([i[index] for i in items]) for index, name in fact.reads},
            source=(first, seq),
        )

    def _fire(self, changed: set[int]) -> Iterator[Fired]:
        for number, rule in self._rules:
            if changed.isdisjoint(rule.facts):
                continue
            if all(self.verdicts[fact] is True for fact in rule.facts):
                self._active.setdefault(number, rule.suggestion)
                yield Fired(rule.kind, rule.name, self._names(rule), rule.suggestion)
            else:
                self._active.pop(number, None)
        self.hints[:] = list(dict.fromkeys(self._active.values()))

    def _names(self, rule: Rule) -> tuple[str, ...]:
        return tuple(self._program.facts[fact].name for fact in rule.facts)

    def _find_broken(self, invariants: Iterable[Invariant]) -> Iterator[Broken]:
        for invariant in invariants:
            frame = self._frame(len(invariant.slots))
            for number, condition in enumerate(invariant.conditions):
                if compiled(condition)(frame) is False:
                    yield Broken(invariant.name, number)

    def _frame(self, slots: int) -> n.Frame:
        return n.Frame([Undefined("has no value yet")] * slots, [], self.trace, self.verdicts, self.hints)


class _Prepared:
    """A fact with its compiled code and the numeric fields that it reads."""

    __slots__ = ("case", "code", "index", "name", "over_all", "reads", "slots")

    def __init__(self, index: int, fact: Fact) -> None:
        self.index, self.name, self.case, self.over_all = index, fact.name, fact.case, fact.over_all
        self.slots = len(fact.slots)
        self.code = code_of(fact)
        self.reads = _reads(fact)


def code_of(fact: Fact) -> ItemCode:
    """Compile a fact to a function of a frame and an item, or of a list of items if it is over all items."""
    body = fact.result
    for slot, value in reversed(fact.lets):
        body = n.Within(slot, value, body, BOOL, fact.span)
    return compiled_for_item(body, 0)


def evaluate_fact(fact: Fact, items: Iterable[tuple[Value, ...]]) -> list[Value]:
    """The verdict of a fact for each item alone; for reports and back-tests."""
    code = code_of(fact)
    frame = n.Frame([Undefined("has no value yet")] * len(fact.slots), [], Trace(0), [])
    return [code(frame, item) for item in items]


def _reads(fact: Fact) -> tuple[tuple[int, str], ...]:
    """(index, name) of the item's numeric fields that the fact reads, each once."""
    found: dict[int, str] = {}
    stack: list[object] = [fact.result, *(value for _, value in fact.lets)]
    while stack:
        node = stack.pop()
        if isinstance(node, n.FieldOf) and node.base.type.kind is Kind.ITEM and node.base.type.case == fact.case:
            if node.type.kind in _NUMBERS and node.index >= 0:
                found[node.index] = node.name
        elif isinstance(node, tuple):
            stack.extend(node)
        else:
            stack.extend(n.parts(node))
    return tuple(sorted(found.items()))


def _spread(values: Iterable[Value]) -> Spread:
    defined = [float(value) for value in values if not isinstance(value, Undefined)]
    if not defined:
        return Spread(0)
    try:
        mean = math.fsum(defined) / len(defined)
        squares = math.fsum((value - mean) ** 2 for value in defined)
    except OverflowError:
        return Spread(len(defined), min(defined), max(defined))
    stdev = math.sqrt(squares / (len(defined) - 1)) if len(defined) > 1 else None
    return Spread(len(defined), min(defined), max(defined), mean, stdev)


def _case(program: Program, fact: Fact) -> str:
    return program.schema.cases[fact.case].name if fact.case >= 0 else "any case"
