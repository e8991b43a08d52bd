"""Lifting: which techniques made a difference, by how much, and what it rests on; as a domain of laws."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.core.slug import slug
from harness.lanes.dsl.language import syntax as s
from harness.lanes.dsl.language.printer import print_module
from harness.lanes.dsl.lift.measurement import Effect, Measurement, effect
from harness.lanes.dsl.lift.sources import has_step
from harness.lanes.dsl.lift.technique import Technique, is_baseline, is_yardstick, techniques_of

LEAST = 1.05
"""What a difference between two single measurements must be before it is called one."""
MOST_RUNS = 50


@dataclass(frozen=True, slots=True)
class Law:
    """What was found of one technique in one task.

    Attributes:
        technique: Which.
        before: What it was compared with.
        after: The subject that brought it.
        effect: How much better.
        helps: Whether that is beyond noise; else it is recorded, and no law.
        only_right: Whether subjects without it were wrong: then it is needed, whatever the speed.
    """

    technique: Technique
    before: Measurement
    after: Measurement
    effect: Effect
    helps: bool
    only_right: bool = False

    @property
    def fact(self) -> str:
        """Name of its recorded fact."""
        return f"{_word(self.technique.name)}_in_{_word(_task(self.after.task))}"


def find(measurements: Iterable[Measurement], *, least: float = LEAST) -> list[Law]:
    """The best evidence for each technique in each task, in the order in which they appear."""
    tasks: dict[str, list[Measurement]] = {}
    for measurement in measurements:
        tasks.setdefault(measurement.task, []).append(measurement)
    found: dict[tuple[str, str], Law] = {}
    for task, members in tasks.items():
        for law in _of_task(sorted(members, key=lambda m: m.order), least):
            key = (task, law.technique.name)
            known = found.get(key)
            better = known is None or (law.helps, law.effect.ratio) > (known.helps, known.effect.ratio)
            if better:
                found[key] = law
    return list(found.values())


def _of_task(members: list[Measurement], least: float) -> Iterator[Law]:
    usable = [m for m in members if m.usable]
    if len(usable) < 2:
        return
    known = {id(m): techniques_of(m) for m in members}
    for after in usable:
        before = _predecessor(after, usable, known)
        if before is None:
            continue
        fresh = [t for name, t in known[id(after)].items() if name not in known[id(before)]]
        for technique in fresh:
            made = effect(before, after)
            yield Law(technique, before, after, made, made.helps(least=least), _needed(technique, members, known))


def _predecessor(
    after: Measurement, usable: list[Measurement], known: dict[int, dict[str, Technique]]
) -> Measurement | None:
    """What a subject is fairly compared with: its parent, else the step before it, else the plain one."""
    named = [m for m in usable if m is not after and (m.digest in after.parents or m.subject in after.parents)]
    if named:
        return named[0]
    if not known[id(after)]:
        return None
    others = [m for m in usable if m is not after and not is_yardstick(m)]
    if _is_ladder(usable):
        earlier = [m for m in others if m.order < after.order]
        return max(earlier, key=lambda m: m.order, default=None)
    rank = _rank(known[id(after)])
    below = [m for m in others if _rank(known[id(m)]) < rank]
    if not below:
        return None
    highest = max(_rank(known[id(m)]) for m in below)
    nearest = [m for m in below if _rank(known[id(m)]) == highest]
    # Of equals the one that calls itself the baseline, else the best: no gain is made of a poor opponent.
    named_base = [m for m in nearest if is_baseline(m)]
    return min(named_base or nearest, key=lambda m: m.middle if m.lower_is_better else -m.middle)


def _rank(techniques: dict[str, Technique]) -> int:
    return max((technique.rank for technique in techniques.values()), default=0)


def _is_ladder(usable: list[Measurement]) -> bool:
    """Whether the names count steps: then each is compared with the one before it."""
    return sum(has_step(m.subject) for m in usable) > 1


def _needed(technique: Technique, members: list[Measurement], known: dict[int, dict[str, Technique]]) -> bool:
    without = [m for m in members if technique.name not in known[id(m)]]
    return bool(without) and not any(m.right for m in without)


def write(laws: Iterable[Law], *, name: str) -> str:
    """The domain of some laws: a recorded fact for each finding, and a rule or invariant for each that helps."""
    laws = list(laws)
    facts: list[s.Declaration] = [_fact(law) for law in laws]
    by_technique: dict[str, list[Law]] = {}
    for law in laws:
        if law.helps or law.only_right:
            by_technique.setdefault(law.technique.name, []).append(law)
    rules: list[s.Declaration] = [_rule(found) for found in by_technique.values()]
    return print_module(s.Module([s.Group("domain", s.Label(_name(name)), [*facts, *rules])]))


def _fact(law: Law) -> s.Entries:
    before, after, made = law.before, law.after, law.effect
    runs = list(dict.fromkeys([*before.runs, *after.runs]))
    words = "is better than" if law.helps else "is not beyond noise better than" if made.ratio > 1 else "is worse than"
    pairs: list[tuple[str, s.Value]] = [
        ("statement", _text(f"{after.subject} ({law.technique.name}) {words} {before.subject} in {_task(after.task)}")),
        ("helps", s.Literal(law.helps)),
        ("metric", _text(after.metric)),
        ("before", _number(before.middle)),
        ("after", _number(after.middle)),
        ("ratio", _number(made.ratio)),
        ("interval", s.Sequence([_number(made.low), _number(made.high)])),
        ("samples", s.Literal(made.samples)),
        ("subjects", s.Sequence([_text(before.subject), _text(after.subject)])),
        ("digests", s.Sequence([_text(m.digest) for m in (before, after) if m.digest])),
        ("runs", s.Sequence([_text(run) for run in runs[:MOST_RUNS]])),
    ]
    return s.Entries("fact", s.Label(law.fact), [s.Entry(key, value) for key, value in pairs])


def _rule(laws: list[Law]) -> s.Entries:
    technique = laws[0].technique
    best = max(laws, key=lambda law: law.effect.ratio)
    made = best.effect
    gain = f"{made.ratio:.2f} times better in {_task(best.after.task)} ({made.low:.2f} to {made.high:.2f})"
    evidence = s.Entry("evidence", s.Sequence([_text(law.fact) for law in laws]))
    parameter = s.Parameter(_word(technique.name), s.Sequence([s.Literal(value=True)]))
    if technique.is_law:
        entries: list[s.Entry | s.Parameter] = [
            s.Entry("assert", _text(technique.apply)),
            s.Entry("reason", _text(f"{technique.name} was {gain}")),
            evidence,
            parameter,
        ]
        return s.Entries("invariant", _label(technique.name), entries)
    when = s.Sequence(
        [_text(f"{law.before.subject} of {_task(law.after.task)} has no {technique.name}") for law in laws]
    )
    entries = [
        s.Entry("when", when),
        s.Entry("apply", _text(technique.apply)),
        s.Entry("effect", _text(gain)),
        evidence,
        parameter,
    ]
    return s.Entries("rule", _label(technique.name), entries)


def _label(name: str) -> s.Label:
    return s.Label(name, quoted=not name.isidentifier())


def _text(value: str) -> s.Literal:
    return s.Literal(value, "", '"')


def _number(value: float) -> s.Literal:
    return s.Literal(float(f"{value:.6g}"))


def _word(text: str) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return word if word and not word[0].isdigit() else f"n{word}"


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", slug(text)).strip("_") or "Lifted"


def _task(suite: str) -> str:
    return suite.rpartition("/")[2].replace(".suite.yaml", "") or "the task"
