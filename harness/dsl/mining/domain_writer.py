"""Domain writer: a recorded fact for each finding, and a rule or invariant for each technique that is supported."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence

from harness.core.slug import slug
from harness.dsl.language import syntax as s
from harness.dsl.language.printer import print_module
from harness.dsl.mining.axis import AxisFinding, median_of
from harness.dsl.mining.effect_size import Effect
from harness.dsl.mining.findings import Findings, TechniqueFinding, runs_of
from harness.dsl.mining.measurement import Measurement, Scalar
from harness.dsl.mining.technique import known_in, words_in

MAX_RUNS = 500
MAX_SUBJECTS = 50
MAX_LENGTH = 300  # characters kept of a name from a report
Pairs = list[tuple[str, s.Value]]


class Writer:
    """Writes one domain; every fact, rule and invariant gets a unique name."""

    def __init__(self, findings: Findings, *, name: str) -> None:
        self._findings, self._name = findings, name
        self._names: set[str] = set()
        members = [m for finding in findings.techniques for m in finding.members]
        members += [m for finding in findings.axes for m in finding.axis.members]
        self._varying = _varying(members)

    def text(self) -> str:
        """The source of the domain."""
        named: dict[int, str] = {}
        facts: list[s.Declaration] = [self._fact(finding, named) for finding in self._findings.techniques]
        facts += [self._axis_fact(finding, named) for finding in self._findings.axes]
        taken: set[str] = set()
        rules: list[s.Declaration] = [self._rule(found, named, taken) for found in self._findings.supported.values()]
        rules += [self._choice(name, found, named, taken) for name, found in self._findings.choices.items()]
        return print_module(s.Module([s.Group("domain", s.Label(_name(self._name)), [*facts, *rules])]))

    def _fact(self, finding: TechniqueFinding, named: dict[int, str]) -> s.Entries:
        technique, made = finding.technique.name, finding.effect
        where = self.place(finding.after)
        name = named[id(finding)] = self._unique(f"{_word(technique)}_in_{_word(where)}")
        with_others = f" with {' and '.join(finding.together)}" if finding.together else ""
        statement = (
            f"{finding.after.subject} ({technique}{with_others}) {_verdict(made)} {finding.before.subject} in {where}"
        )
        joint = "and" if made.hurts else "but"
        statement += "".join(f", {joint} {key} is worse" for key in finding.fallen)
        if finding.is_first:
            statement += ", and no step before it has numbers"
        if len(finding.pairs) > 1:
            statement += f", and so on in {len(finding.pairs)} comparisons"
        before, after = finding.numbers
        pairs: Pairs = [("statement", _text(statement)), ("helps", s.Literal(finding.helps))]
        pairs += [("metric", _text(finding.after.metric)), ("before", _number(before)), ("after", _number(after))]
        if finding.against_reference is not None:
            pairs += [
                ("reference", _text(finding.after.reference_name)),
                (
                    "reference_numbers",
                    _figures(statistics.median(m.reference) for m in (finding.before, finding.after)),
                ),
                ("against_reference", _figures(finding.against_reference)),
            ]
        for key, numbers in finding.fallen.items():
            pairs.append((f"worse_{_word(key)}", _figures(numbers)))
        pairs += _numbers(made)
        if finding.together:
            pairs.append(("together_with", _values(finding.together)))
        pairs += self._evidence(finding.members)
        return _record(name, pairs)

    def _axis_fact(self, finding: AxisFinding, named: dict[int, str]) -> s.Entries:
        axis, made = finding.axis, finding.effect
        where = self.place(axis.members[0])
        name = named[id(finding)] = self._unique(f"{_word(axis.name)}_in_{_word(where)}")
        if finding.helps:
            statement = f"{axis.name} of {_list(finding.good)} is better than its other values in {where}"
        elif finding.depends_on:
            best = "; ".join(
                f"{_list([value])} if {finding.depends_on} is {_list([of])}" for of, value in finding.best_by
            )
            statement = f"the best {axis.name} depends on {finding.depends_on} in {where}: {best}"
        else:
            statement = f"no value of {axis.name} is beyond noise better than another in {where}"
        pairs: Pairs = [("statement", _text(statement)), ("helps", s.Literal(finding.helps))]
        pairs += [("metric", _text(axis.members[0].metric))]
        if finding.depends_on:
            pairs.append(("interacts_with", _text(finding.depends_on)))
        pairs += [("values", _values(axis.values)), ("good", _values(finding.good))]
        pairs += [("medians", _figures(median_of(axis, value) for value in axis.values))]
        pairs += [("times_worse", _figures(finding.levels))]
        numbers = [] if finding.depends_on else _numbers(made)  # one interval says nothing of an interaction
        return _record(name, [*pairs, *numbers, *self._evidence(axis.members)])

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

    def _rule(self, found: list[TechniqueFinding], named: dict[int, str], taken: set[str]) -> s.Entries:
        technique = found[0].technique
        best = max(found, key=lambda finding: (finding.effect.known, finding.effect.ratio))
        gain = f"{_gain(best.effect)} in {self.place(best.after)}"
        if best.against_reference is not None:
            old, new = best.against_reference
            gain += f", from {old:.2f} to {new:.2f} of {best.after.reference_name}"
        gain += "".join(f", but {key} went from {a:g} to {b:g}" for key, (a, b) in best.fallen.items())
        if best.together:
            gain += f", together with {' and '.join(best.together)}"
        against = self._findings.against(technique.name)
        if against:
            gain += f"; worse in {' and '.join(self.place(finding.after) for finding in against[:5])}"
        evidence = s.Entry("evidence", _values([named[id(finding)] for finding in [*found, *against]]))
        # A technique that is worse in some setting does not bind a plan: the prose says where it helps.
        parameter = [] if against else [s.Parameter(_word(technique.name), s.Sequence([s.Literal(value=True)]))]
        label = _label(_unique(technique.name, taken))
        if technique.is_invariant:
            entries: list[s.Entry | s.Parameter] = [
                s.Entry("assert", _text(technique.apply)),
                s.Entry("reason", _text(f"{technique.name} was {gain}")),
                evidence,
                *parameter,
            ]
            return s.Entries("invariant", label, entries)
        when = [
            f"{finding.before.subject} of {self.place(finding.after)} has no {technique.name}" for finding in found[:20]
        ]
        entries = [s.Entry("when", _values(when)), s.Entry("apply", _text(technique.apply))]
        return s.Entries("rule", label, [*entries, s.Entry("effect", _text(gain)), evidence, *parameter])

    def _choice(self, name: str, found: list[AxisFinding], named: dict[int, str], taken: set[str]) -> s.Entries:
        known = next(iter(known_in(words_in(name)).values()), None)
        common = [value for value in found[0].good if all(_has(finding.good, value) for finding in found)]
        best = max(found, key=lambda finding: finding.effect.ratio)
        when = [f"{name} is chosen in {self.place(finding.axis.members[0])}" for finding in found[:20]]
        apply = f"Choose {name} among {_list(common)}." if common else f"What {name} is best depends on the task."
        is_technique = known is not None and common == [True]
        if known is not None and is_technique:
            apply = known.apply
        gain = f"{_gain(best.effect)} in {self.place(best.axis.members[0])}"
        evidence = s.Entry("evidence", _values([named[id(finding)] for finding in found]))
        entries: list[s.Entry | s.Parameter] = [
            s.Entry("when", _values(when)),
            s.Entry("apply", _text(apply)),
            s.Entry("effect", _text(gain)),
            evidence,
        ]
        if common and re.fullmatch(r"[A-Za-z_]\w*", name):
            entries.append(s.Parameter(name, _values(common)))
        label = known.name if known is not None and is_technique else name[:MAX_LENGTH]
        return s.Entries("rule", _label(_unique(label, taken)), entries)

    def place(self, member: Measurement) -> str:
        """A task with the values that distinguish its setting from the others."""
        task = member.task.rpartition("/")[2].replace(".suite.yaml", "")[:MAX_LENGTH] or "the task"
        varying = [value[:MAX_LENGTH] for key, value in member.setting if key in self._varying]
        return " ".join([task, *varying])

    def _unique(self, name: str) -> str:
        return _unique(name, self._names)


def write(findings: Findings, *, name: str) -> str:
    """The source of a domain that states the findings."""
    return Writer(findings, name=name).text()


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
    if made.p_value:
        pairs.append(("by_chance", _number(made.p_value)))
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
    return s.Literal(value[: 4 * MAX_LENGTH], "", '"')


def _number(value: float) -> s.Literal:
    return s.Literal(float(f"{value:.6g}"))


def _word(text: str) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:120]
    return word if word and not word[0].isdigit() else f"n{word}"


def _name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]+", "_", slug(text)).strip("_") or "Lifted"
    return name if not name[0].isdigit() else f"n{name}"
