"""Pairing: which subjects are compared, and which techniques the later subject adds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.dsl.mining import technique as t
from harness.dsl.mining.effect_size import Group
from harness.dsl.mining.measurement import Measurement

_ONLINE = next(technique for technique in t.KNOWN if technique.name == "Online Softmax")


@dataclass(frozen=True, slots=True)
class Kind:
    """Subjects of one setting that are made the same way.

    Attributes:
        members: At least one subject; all are correct and measured.
        known: The known techniques they use, by name.
        words: Other distinctive words of their names and labels.
        mentioned: Names of the known techniques that their names and labels mention.
    """

    members: Group
    known: dict[str, t.Technique]
    words: tuple[str, ...]
    mentioned: frozenset[str]

    @property
    def merit(self) -> float:
        """The median merit of the members."""
        return statistics.median(member.merit for member in self.members)

    @property
    def features(self) -> frozenset[str]:
        """Names of the known techniques and the distinctive words."""
        return frozenset([*self.known, *self.words])

    @property
    def rank(self) -> int:
        """The highest rank of their techniques; 0 without techniques."""
        return max((technique.rank for technique in self.known.values()), default=1 if self.words else 0)

    def beyond(self, other: Kind) -> tuple[t.Technique, ...]:
        """The techniques that the other kind lacks."""
        fresh = [technique for name, technique in self.known.items() if name not in other.known]
        words = [word for word in self.words if word not in other.words]
        return (*fresh, t.technique_named_by(words)) if words else tuple(fresh)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two kinds that are compared.

    Attributes:
        before: The kind without the techniques.
        brings: The techniques that only `after` has; the shares of several cannot be separated.
    """

    before: Kind
    after: Kind
    brings: tuple[t.Technique, ...]


def kinds_of(members: Sequence[Measurement]) -> list[Kind]:
    """The usable subjects of a setting, grouped by features; ladder steps and derived subjects stay alone."""
    usable = [member for member in members if member.usable]
    words = {id(member): t.words_of(member) for member in members}
    common = set.intersection(*(set(found) for found in words.values())) if len(words) > 1 else set()
    is_ladder = _is_ladder(usable)
    groups: dict[object, list[Measurement]] = {}
    made: dict[object, tuple[dict[str, t.Technique], tuple[str, ...], frozenset[str]]] = {}
    for member in usable:
        known = t.known_in((word for word in words[id(member)] if word not in common), t.about(member))
        mentioned = frozenset(known)
        if "Fusion" in known and t.is_attention(member):
            # A single pass over the scores can only normalise them online.
            known.setdefault(_ONLINE.name, _ONLINE)
        # Labels describe a subject; its name is used only without labels.
        label_words = [word for label in member.labels for word in t.words_in(label)]
        is_labelled = t.distinctive_words(label_words, t.about(member)) or t.known_in(label_words, t.about(member))
        own_words = tuple(
            w
            for w in t.distinctive_words(label_words if is_labelled else words[id(member)], t.about(member))
            if w not in common
        )
        alone = is_ladder or member.parents or t.is_library(member) or (not known and not own_words)
        key = id(member) if alone else (tuple(known), own_words)
        groups.setdefault(key, []).append(member)
        made[key] = (known, own_words, mentioned)
    return [Kind(group, *made[key]) for key, group in groups.items()]


def pairs_of(kinds: Sequence[Kind], members: Sequence[Measurement]) -> Iterator[Pair]:
    """The comparisons of each kind: with its parent, the step before it, or the kind that lacks one feature."""
    candidates = [kind for kind in kinds if not t.is_library(kind.members[0])]
    is_ladder = _is_ladder([kind.members[0] for kind in kinds])
    # Names that list all features define the order themselves: ranks are not used.
    feature_sets = {kind.mentioned | set(kind.words) for kind in candidates} - {frozenset()}
    stacked = any(one < other for one in feature_sets for other in feature_sets)
    for after in kinds:
        parent = _parent(after, kinds)
        if parent is not None:
            found = [parent]
        elif t.is_library(after.members[0]) or not after.features:
            continue
        elif is_ladder:
            found = _step_before(after, candidates) or _references(after, kinds)
        else:
            found = _nearest_subsets(after, candidates) or ([] if stacked else _highest_below(after, candidates))
            found = found or _baseline(after, candidates) or _next_best(after, candidates)
        for before in found:
            brings = after.beyond(before)
            grown = bool(before.features) and before.features < after.features
            if brings and parent is None and (is_ladder or not grown):
                brings = (*brings, *_skipped(before, after, members, brings, is_ladder=is_ladder))
            if brings:
                yield Pair(before, after, brings)


def _is_ladder(members: Iterable[Measurement]) -> bool:
    """Whether the names number steps: then each step is compared with the one before it."""
    return len({member.order for member in members if t.step_of(member.subject) is not None}) > 1


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


def _references(after: Kind, kinds: Sequence[Kind]) -> list[Kind]:
    """What the first step is compared with: the library in its column or, without one, the best library in a row."""
    first = after.members[0]
    if first.reference:
        samples = [(run, value) for (run, _), value in zip(first.samples, first.reference, strict=False)]
        library = replace(first, subject=first.reference_name, samples=samples, reference=[], others={}, labels=())
        return [Kind((library,), {}, (), frozenset())]
    return _best([kind for kind in kinds if t.is_library(kind.members[0])])


def _skipped(
    before: Kind, after: Kind, members: Sequence[Measurement], brings: Sequence[t.Technique], *, is_ladder: bool
) -> Iterator[t.Technique]:
    """Techniques of skipped steps (wrong or not measured) between two kinds: the later kind may contain them."""
    low, high = before.members[0].order, after.members[0].order
    have = {technique.name for technique in (*brings, *before.known.values())}
    for member in members:
        if member.usable:
            continue
        known = t.known_in(t.words_of(member), t.about(member))
        rank = max((technique.rank for technique in known.values()), default=0)
        if is_ladder:
            between = t.step_of(member.subject) is not None and low < member.order < high
        else:
            between = before.rank < rank < after.rank and not after.words
        for name, technique in known.items() if between else ():
            if name not in have:
                have.add(name)
                yield technique


def _nearest_subsets(after: Kind, kinds: Sequence[Kind]) -> list[Kind]:
    """All kinds that lack exactly one feature; otherwise the best of those with the most features."""
    less = [kind for kind in kinds if kind.features and kind.features < after.features]
    single = [kind for kind in less if len(after.beyond(kind)) == 1]
    if single:
        return single
    most = max((len(kind.features) for kind in less), default=0)
    return _best([kind for kind in less if len(kind.features) == most])


def _highest_below(after: Kind, kinds: Sequence[Kind]) -> list[Kind]:
    """The best kind of the highest rank below."""
    if after.words:
        return []
    below = [kind for kind in kinds if kind.known and kind.rank < after.rank]
    highest = max((kind.rank for kind in below), default=0)
    return _best([kind for kind in below if kind.rank == highest])


def _baseline(after: Kind, kinds: Sequence[Kind]) -> list[Kind]:
    """The kind without features: a named baseline, otherwise the best, so that a weak baseline yields no gain."""
    plain = [kind for kind in kinds if kind is not after and not kind.features]
    named = [kind for kind in plain if any(t.is_baseline(member) for member in kind.members)]
    return _best(named or plain)


def _next_best(after: Kind, kinds: Sequence[Kind]) -> list[Kind]:
    """Without any baseline, the best kind is compared with the next best."""
    others = [kind for kind in kinds if kind is not after]
    return [] if any(kind.merit > after.merit for kind in others) else _best(others)


def _best(kinds: Sequence[Kind]) -> list[Kind]:
    return [max(kinds, key=lambda kind: kind.merit)] if kinds else []
