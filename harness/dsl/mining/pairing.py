"""Pairing: which subjects are fairly compared, and which techniques the later ones bring."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.dsl.mining.effect import Group
from harness.dsl.mining.measurement import Measurement
from harness.dsl.mining.technique import (
    KNOWN,
    Technique,
    about,
    is_attention,
    is_baseline,
    is_yardstick,
    known_in,
    own,
    step_of,
    telling,
    words_in,
    words_of,
)

_ONLINE = next(technique for technique in KNOWN if technique.name == "Online Softmax")


@dataclass(frozen=True, slots=True)
class Kind:
    """Subjects of one setting that are made the same way.

    Attributes:
        members: At least one; right and measured.
        known: The known techniques they have.
        words: Their other telling words.
        spoken: The names of those of the known ones that they say themselves.
    """

    members: Group
    known: dict[str, Technique]
    words: tuple[str, ...]
    spoken: frozenset[str]

    @property
    def merit(self) -> float:
        """The middle one of their merits."""
        return statistics.median(member.merit for member in self.members)

    @property
    def features(self) -> frozenset[str]:
        """Everything that tells them from others."""
        return frozenset([*self.known, *self.words])

    @property
    def rank(self) -> int:
        """The place of their highest technique on the usual ladder; 0 if they have none."""
        return max((technique.rank for technique in self.known.values()), default=1 if self.words else 0)

    def beyond(self, other: Kind) -> tuple[Technique, ...]:
        """The techniques they have and others do not."""
        fresh = [technique for name, technique in self.known.items() if name not in other.known]
        words = [word for word in self.words if word not in other.words]
        return (*fresh, own(words)) if words else tuple(fresh)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two kinds that are compared.

    Attributes:
        before: What it is compared with.
        after: What brings something.
        brings: The techniques that only `after` has; more than one cannot be told apart.
    """

    before: Kind
    after: Kind
    brings: tuple[Technique, ...]


def kinds_of(members: Sequence[Measurement]) -> list[Kind]:
    """The usable subjects of a setting, by what they are made of; each step of a ladder, and each child, alone."""
    usable = [member for member in members if member.usable]
    words = {id(member): words_of(member) for member in members}
    common = set.intersection(*(set(found) for found in words.values())) if len(words) > 1 else set()
    climbs = _is_ladder(usable)
    groups: dict[object, list[Measurement]] = {}
    made: dict[object, tuple[dict[str, Technique], tuple[str, ...], frozenset[str]]] = {}
    for member in usable:
        known = known_in((word for word in words[id(member)] if word not in common), about(member))
        spoken = frozenset(known)
        if "Fusion" in known and is_attention(member):
            # One pass over the scores has no other way to normalise them.
            known.setdefault(_ONLINE.name, _ONLINE)
        # A label says what a subject is; a name says it only where there is no label.
        label_words = [word for label in member.labels for word in words_in(label)]
        speaks = telling(label_words, about(member)) or known_in(label_words, about(member))
        own_words = tuple(
            w for w in telling(label_words if speaks else words[id(member)], about(member)) if w not in common
        )
        alone = climbs or member.parents or is_yardstick(member) or (not known and not own_words)
        key = id(member) if alone else (tuple(known), own_words)
        groups.setdefault(key, []).append(member)
        made[key] = (known, own_words, spoken)
    return [Kind(group, *made[key]) for key, group in groups.items()]


def pairs_of(kinds: Sequence[Kind], members: Sequence[Measurement]) -> Iterator[Pair]:
    """What each kind is fairly compared with: its parent, the step before it, or the one that only lacks one thing."""
    climbers = [kind for kind in kinds if not is_yardstick(kind.members[0])]
    climbs = _is_ladder([kind.members[0] for kind in kinds])
    # Names that list all they are made of need no ladder of ours.
    said = {kind.spoken | set(kind.words) for kind in climbers} - {frozenset()}
    stacked = any(one < other for one in said for other in said)
    for after in kinds:
        parent = _parent(after, kinds)
        if parent is not None:
            found = [parent]
        elif is_yardstick(after.members[0]) or not after.features:
            continue
        elif climbs:
            found = _step_before(after, climbers)
        else:
            found = _lesser(after, climbers) or ([] if stacked else _lower(after, climbers))
            found = found or _plain(after, climbers) or _next_best(after, climbers)
        for before in found:
            brings = after.beyond(before)
            grown = bool(before.features) and before.features < after.features
            if brings and parent is None and (climbs or not grown):
                brings = (*brings, *_skipped(before, after, members, brings, climbs=climbs))
            if brings:
                yield Pair(before, after, brings)


def _is_ladder(members: Iterable[Measurement]) -> bool:
    """Whether the names count steps: then each is compared with the one before it."""
    return len({member.order for member in members if step_of(member.subject) is not None}) > 1


def _parent(after: Kind, kinds: Sequence[Kind]) -> Kind | None:
    if len(after.members) > 1:
        return None
    named = after.members[0].parents
    for kind in kinds:
        if kind is not after and any(m.digest in named or m.subject in named for m in kind.members):
            return kind
    return None


def _step_before(after: Kind, kinds: Sequence[Kind]) -> list[Kind]:
    order = after.members[0].order
    earlier = [kind for kind in kinds if kind.members[0].order < order]
    last = max((kind.members[0].order for kind in earlier), default=order)
    return _best([kind for kind in earlier if kind.members[0].order == last])


def _skipped(
    before: Kind, after: Kind, members: Sequence[Measurement], brings: Sequence[Technique], *, climbs: bool
) -> Iterator[Technique]:
    """Techniques of steps in between that were not right or not measured: what comes after may well contain them."""
    low, high = before.members[0].order, after.members[0].order
    have = {technique.name for technique in (*brings, *before.known.values())}
    for member in members:
        if member.usable:
            continue
        known = known_in(words_of(member), about(member))
        rank = max((technique.rank for technique in known.values()), default=0)
        if climbs:
            between = step_of(member.subject) is not None and low < member.order < high
        else:
            between = before.rank < rank < after.rank and not after.words
        for name, technique in known.items() if between else ():
            if name not in have:
                have.add(name)
                yield technique


def _lesser(after: Kind, kinds: Sequence[Kind]) -> list[Kind]:
    """All kinds that have everything but one thing; else those that have the most of it."""
    less = [kind for kind in kinds if kind.features and kind.features < after.features]
    single = [kind for kind in less if len(after.beyond(kind)) == 1]
    if single:
        return single
    most = max((len(kind.features) for kind in less), default=0)
    return _best([kind for kind in less if len(kind.features) == most])


def _lower(after: Kind, kinds: Sequence[Kind]) -> list[Kind]:
    """Of the kinds whose techniques one usually begins with, the highest."""
    if after.words:
        return []
    below = [kind for kind in kinds if kind.known and kind.rank < after.rank]
    highest = max((kind.rank for kind in below), default=0)
    return _best([kind for kind in below if kind.rank == highest])


def _plain(after: Kind, kinds: Sequence[Kind]) -> list[Kind]:
    """What has nothing special: what calls itself the baseline, else the best: no gain is made of a poor opponent."""
    plain = [kind for kind in kinds if kind is not after and not kind.features]
    named = [kind for kind in plain if any(is_baseline(member) for member in kind.members)]
    return _best(named or plain)


def _next_best(after: Kind, kinds: Sequence[Kind]) -> list[Kind]:
    """Where nothing says what began: the best kind against the next best."""
    others = [kind for kind in kinds if kind is not after]
    if any(kind.merit > after.merit for kind in others):
        return []
    return _best(others)


def _best(kinds: Sequence[Kind]) -> list[Kind]:
    return [max(kinds, key=lambda kind: kind.merit)] if kinds else []
