"""Columns: which column of a report is measured, which one is a reference next to it, and which are parameters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from harness.core.errors import UsageError
from harness.dsl.mining import headers
from harness.dsl.mining.headers import Metric, normalize

MAX_CHOICES = 24  # a column with more distinct values is not a parameter
_NOT_A_PARAMETER = re.compile(
    r"(?:^|_)(?:id|head|rung|value|lower_is_better|metric|time|date|timestamp|why|note|notes|comment|description|path|file|url|commit|error)$"
)
_REFERENCES = frozenset(
    """vendor library lib reference ref baseline base pytorch torch cublas cudnn cutlass sdpa numpy native stock theirs
    competitor original eager""".split()
)
_OURS = frozenset("ours our mine this kernel candidate".split())
_NEUTRAL = frozenset(
    """median p50 p90 p95 p99 mean avg average best min max value cold warm hot cpu wall gpu device total net per of
    in the est vs over to and x sec second""".split()
)
"""Words of a column's name that do not say whose numbers it holds."""


class Chosen(NamedTuple):
    """The column of a task whose numbers are compared.

    Attributes:
        reference: The column with the numbers of a library or baseline, measured with each row; None without one.
    """

    metric: Metric
    reference: Metric | None = None


def choose_metric(found: Sequence[Metric], where: str) -> Chosen:
    """The column that is compared: of several of one kind the one that is ours, never a reference.

    Raises:
        UsageError: if several columns of one kind remain; they are listed.
    """
    best = min(found, key=lambda one: one.rank)
    alike = [one for one in found if one.kind == best.kind]
    by_owner: dict[frozenset[str], Metric] = {}
    for one in sorted(alike, key=lambda one: one.rank):
        by_owner.setdefault(_owner(one), one)
    references = [one for owner, one in by_owner.items() if _is_reference(one) and not owner & _OURS]
    own = {owner: one for owner, one in by_owner.items() if one not in references}
    named = [one for owner, one in own.items() if owner & _OURS] or [one for owner, one in own.items() if not owner]
    candidates = named if len(named) == 1 else list(own.values()) or references
    if len(candidates) > 1:
        listed = ", ".join(repr(one.key) for one in candidates)
        raise UsageError(f"several columns compete: {listed}", where=where, fix="choose one with --metric NAME")
    reference = references[0] if len(references) == 1 and candidates[0] is not references[0] else None
    return Chosen(candidates[0], reference)


def _is_reference(metric: Metric) -> bool:
    """Whether a column's name names a library or baseline; `cuDNN` is the words cu and dnn."""
    words = normalize(metric.key).split("_")
    joined = {a + b for a, b in itertools.pairwise(words)}
    return not _REFERENCES.isdisjoint({*words, *joined})


def _owner(metric: Metric) -> frozenset[str]:
    """The words of a column's name that say whose numbers it holds, or what they are of."""
    words = normalize(metric.key).split("_")
    both = {part for pair in itertools.pairwise(words) if "_".join(pair) in headers.METRIC_WORDS for part in pair}
    return frozenset(word for word in words if word not in headers.METRIC_WORDS | _NEUTRAL | both)


def is_missing(records: Iterable[Mapping[str, Any]], better_than: Metric) -> str:
    """The name of a column that would be preferred, if it says that it was not measured; otherwise empty."""
    columns: dict[str, list[Any]] = {}
    for record in records:
        for key, value in record.items():
            columns.setdefault(key, []).append(value)
    for key, values in columns.items():
        seen = headers.metric(key)
        if seen is None or seen.rank[0] >= better_than.rank[0] or any(headers.number(value) for value in values):
            continue
        if any(isinstance(value, str) and value.strip() for value in values):
            return key
    return ""


def find_parameters(records: Sequence[Mapping[str, Any]]) -> tuple[set[str], set[str]]:
    """(boolean columns, other columns with few values): the parameters of the subjects."""
    seen: dict[str, set[Any]] = {}
    for record in records:
        for key, value in record.items():
            values = seen.setdefault(key, set())
            if isinstance(value, list | dict) or len(values) > MAX_CHOICES:
                values.update(range(MAX_CHOICES + 1))
            else:
                values.add(headers.scalar(value))
    flags, others = set(), set()
    for key, values in seen.items():
        if not may_be_parameter(key):
            continue
        there = values - {None}
        if there and all(isinstance(value, bool) for value in there):
            flags.add(key)
        elif 1 < len(there) <= MAX_CHOICES:
            others.add(key)
    return flags, others


_ROLES = frozenset(
    [
        *headers.NAMES,
        *headers.RUNS,
        *headers.TASKS,
        *headers.RIGHT,
        *headers.PROJECTED,
        *headers.LABELS,
        *headers.PARENTS,
        *headers.SETTINGS,
        "digest",
        "case",
        "type",
        "source",
    ]
)


def may_be_parameter(key: str) -> bool:
    """Whether a column can be a parameter: it has no other meaning."""
    name = normalize(key)
    return not (name in _ROLES or headers.metric(key) or headers.is_auxiliary(key) or _NOT_A_PARAMETER.search(name))
