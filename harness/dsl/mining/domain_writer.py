"""Writing: findings as a domain: a recorded fact for each, a rule or invariant for each that is a law."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness.core.slug import slug
from harness.dsl.language import syntax as s
from harness.dsl.language.printer import print_module
from harness.dsl.mining.axis import AxisLaw, middle_of
from harness.dsl.mining.effect import Effect
from harness.dsl.mining.findings import Law, Lifted, runs_of
from harness.dsl.mining.measurement import Measurement, Scalar
from harness.dsl.mining.technique import known_in, words_in

MAX_RUNS = 500
MAX_SUBJECTS = 50
LONGEST = 300
"""Characters of a name that somebody else gave."""
Pairs = list[tuple[str, s.Value]]


class Writer:
    """Writes one domain; every fact, rule and invariant gets a name of its own.

    Args:
        lifted: What was found.
        name: Of the domain.
    """

    def __init__(self, lifted: Lifted, *, name: str) -> None:
        self._lifted, self._name = lifted, name
        self._names: set[str] = set()
        members = [m for law in lifted.laws for m in law.members]
        members += [m for law in lifted.axes for m in law.axis.members]
        self._varying = _varying(members)

    def text(self) -> str:
        """The domain's text."""
        named: dict[int, str] = {}
        facts: list[s.Declaration] = [self._fact(law, named) for law in self._lifted.laws]
        facts += [self._axis_fact(law, named) for law in self._lifted.axes]
        taken: set[str] = set()
        rules: list[s.Declaration] = [self._rule(laws, named, taken) for laws in self._lifted.holding.values()]
        rules += [self._choice(name, laws, named, taken) for name, laws in self._lifted.choices.items()]
        return print_module(s.Module([s.Group("domain", s.Label(_name(self._name)), [*facts, *rules])]))

    def _fact(self, law: Law, named: dict[int, str]) -> s.Entries:
        technique, made = law.technique.name, law.effect
        where = self.place(law.after)
        name = named[id(law)] = self._unique(f"{_word(technique)}_in_{_word(where)}")
        with_others = f" with {' and '.join(law.together)}" if law.together else ""
        statement = f"{law.after.subject} ({technique}{with_others}) {_verdict(made)} {law.before.subject} in {where}"
        if len(law.pairs) > 1:
            statement += f", and so on in {len(law.pairs)} comparisons"
        before, after = law.numbers
        pairs: Pairs = [("statement", _text(statement)), ("helps", s.Literal(law.helps))]
        pairs += [("metric", _text(law.after.metric)), ("before", _number(before)), ("after", _number(after))]
        pairs += _numbers(made)
        if law.together:
            pairs.append(("together_with", _values(law.together)))
        pairs += self._evidence(law.members)
        return _record(name, pairs)

    def _axis_fact(self, law: AxisLaw, named: dict[int, str]) -> s.Entries:
        axis, made = law.axis, law.effect
        where = self.place(axis.members[0])
        name = named[id(law)] = self._unique(f"{_word(axis.name)}_in_{_word(where)}")
        if law.helps:
            statement = f"{axis.name} of {_list(law.good)} is better than its other values in {where}"
        else:
            statement = f"no value of {axis.name} is beyond noise better than another in {where}"
        pairs: Pairs = [("statement", _text(statement)), ("helps", s.Literal(law.helps))]
        pairs += [("metric", _text(axis.members[0].metric))]
        pairs += [("values", _values(axis.values)), ("good", _values(law.good))]
        pairs += [("medians", _figures(middle_of(axis, value) for value in axis.values))]
        pairs += [("times_worse", _figures(law.levels))]
        return _record(name, [*pairs, *_numbers(made), *self._evidence(axis.members)])

    def _evidence(self, members: Sequence[Measurement]) -> Pairs:
        runs = runs_of(members)
        subjects = list(dict.fromkeys(member.subject for member in members))
        digests = list(dict.fromkeys(member.digest for member in members if member.digest))
        pairs: Pairs = [(key, _text(value)) for key, value in members[0].setting]
        pairs.append(("subjects", _values(subjects[:MAX_SUBJECTS])))
        if digests:
            pairs.append(("digests", _values(digests[:MAX_SUBJECTS])))
        pairs.append(("runs", _values(runs[:MAX_RUNS])))
        if len(runs) > MAX_RUNS:
            pairs.append(("runs_in_all", s.Literal(len(runs))))
        return pairs

    def _rule(self, laws: list[Law], named: dict[int, str], taken: set[str]) -> s.Entries:
        technique = laws[0].technique
        best = max(laws, key=lambda law: (law.effect.known, law.effect.ratio))
        gain = f"{_gain(best.effect)} in {self.place(best.after)}"
        if best.together:
            gain += f", together with {' and '.join(best.together)}"
        against = self._lifted.against(technique.name)
        if against:
            gain += f"; worse in {' and '.join(self.place(law.after) for law in against[:5])}"
        evidence = s.Entry("evidence", _values([named[id(law)] for law in [*laws, *against]]))
        # What is worse somewhere binds no plan: the words say where it helps.
        parameter = [] if against else [s.Parameter(_word(technique.name), s.Sequence([s.Literal(value=True)]))]
        label = _label(_unique(technique.name, taken))
        if technique.is_law:
            entries: list[s.Entry | s.Parameter] = [
                s.Entry("assert", _text(technique.apply)),
                s.Entry("reason", _text(f"{technique.name} was {gain}")),
                evidence,
                *parameter,
            ]
            return s.Entries("invariant", label, entries)
        when = [f"{law.before.subject} of {self.place(law.after)} has no {technique.name}" for law in laws[:20]]
        entries = [s.Entry("when", _values(when)), s.Entry("apply", _text(technique.apply))]
        return s.Entries("rule", label, [*entries, s.Entry("effect", _text(gain)), evidence, *parameter])

    def _choice(self, name: str, laws: list[AxisLaw], named: dict[int, str], taken: set[str]) -> s.Entries:
        known = next(iter(known_in(words_in(name)).values()), None)
        common = [value for value in laws[0].good if all(_has(law.good, value) for law in laws)]
        best = max(laws, key=lambda law: law.effect.ratio)
        when = [f"{name} is chosen in {self.place(law.axis.members[0])}" for law in laws[:20]]
        apply = f"Choose {name} among {_list(common)}." if common else f"What {name} is best depends on the task."
        is_technique = known is not None and common == [True]
        if known is not None and is_technique:
            apply = known.apply
        gain = f"{_gain(best.effect)} in {self.place(best.axis.members[0])}"
        evidence = s.Entry("evidence", _values([named[id(law)] for law in laws]))
        entries: list[s.Entry | s.Parameter] = [
            s.Entry("when", _values(when)),
            s.Entry("apply", _text(apply)),
            s.Entry("effect", _text(gain)),
            evidence,
        ]
        if common and re.fullmatch(r"[A-Za-z_]\w*", name):
            entries.append(s.Parameter(name, _values(common)))
        label = known.name if known is not None and is_technique else name[:LONGEST]
        return s.Entries("rule", _label(_unique(label, taken)), entries)

    def place(self, member: Measurement) -> str:
        """A task with what of its setting tells it from others."""
        task = member.task.rpartition("/")[2].replace(".suite.yaml", "")[:LONGEST] or "the task"
        told = [value[:LONGEST] for key, value in member.setting if key in self._varying]
        return " ".join([task, *told])

    def _unique(self, name: str) -> str:
        return _unique(name, self._names)


def write(lifted: Lifted, *, name: str) -> str:
    """The domain of what was found."""
    return Writer(lifted, name=name).text()


def _varying(members: Sequence[Measurement]) -> set[str]:
    seen: dict[str, set[str]] = {}
    for member in members:
        for key, value in member.setting:
            seen.setdefault(key, set()).add(value)
    return {key for key, values in seen.items() if len(values) > 1}


def _verdict(made: Effect) -> str:
    if made.helps:
        return "is better than"
    return "is worse than" if made.hurts else "is not beyond noise better than"


def _gain(made: Effect) -> str:
    seen = "" if made.known else ", one measurement each"
    return f"{made.ratio:.2f} times better ({made.low:.2f} to {made.high:.2f}{seen})"


def _numbers(made: Effect) -> Pairs:
    pairs: Pairs = [("ratio", _number(made.ratio)), ("interval", _figures((made.low, made.high)))]
    pairs += [("samples", s.Literal(made.samples)), ("comparisons", s.Literal(made.pairs))]
    if made.spread is not None:
        pairs.append(("spread", _number(made.spread)))
    if made.chance:
        pairs.append(("by_chance", _number(made.chance)))
    basis = "seen scatter; 95 % for all facts together" if made.known else "single numbers; the interval is assumed"
    return [*pairs, ("basis", _text(basis))]


def _record(name: str, pairs: Pairs) -> s.Entries:
    unique: dict[str, s.Value] = {}
    for key, value in pairs:
        unique.setdefault(_word(key), value)
    return s.Entries("fact", s.Label(name), [s.Entry(key, value) for key, value in unique.items()])


def _unique(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found.lower())
    return found


def _has(values: Sequence[Scalar], value: Scalar) -> bool:
    return any(one == value and type(one) is type(value) for one in values)


def _list(values: Sequence[Scalar]) -> str:
    return ", ".join(str(value).lower() if isinstance(value, bool) else str(value)[:80] for value in values)


def _values(values: Sequence[Scalar]) -> s.Sequence:
    return s.Sequence([_text(value) if isinstance(value, str) else s.Literal(value) for value in values])


def _figures(numbers: Iterable[float]) -> s.Sequence:
    return s.Sequence([_number(number) for number in numbers])


def _label(name: str) -> s.Label:
    return s.Label(name, quoted=not name.isidentifier())


def _text(value: str) -> s.Literal:
    return s.Literal(value[: 4 * LONGEST], "", '"')


def _number(value: float) -> s.Literal:
    return s.Literal(float(f"{value:.6g}"))


def _word(text: str) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:120]
    return word if word and not word[0].isdigit() else f"n{word}"


def _name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]+", "_", slug(text)).strip("_") or "Lifted"
    return name if not name[0].isdigit() else f"n{name}"
