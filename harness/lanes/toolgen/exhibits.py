"""Exhibits of a candidate: growth, ordinary questions, budget used, and the schedule of budgets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from harness.core.budget import Schedule
from harness.core.evidence import Evidence
from harness.core.exhibit import Exhibit, pack
from harness.core.exhibit_kinds import Axis, Bars, Line, Series
from harness.core.number import readable
from harness.core.policy import Policy
from harness.lanes.toolgen.performance import growth
from harness.lanes.toolgen.score import memory_limit, time_limit

MAX_EPOCHS = 41  # points of a schedule
_TIME = Axis(label="time of a call", unit="ms", log=True)


def candidate_exhibits(evidence: Evidence, policy: Policy) -> tuple[Exhibit, ...]:
    """What the report shows of a candidate that answered questions; empty for one that did not."""
    facts = evidence.facts
    if not evidence.attempts:
        return ()
    return (
        *_growth(facts["profile"], policy.budget.cpu_factor, status=evidence.status),
        *_ordinary(facts.get("ordinary")),
        pack("budget", _budget(evidence, policy)),
        _schedule(policy.schedule, policy.epoch, tuple((k, v) for k, v in facts["limits"].items() if v is not None)),
    )


def _growth(profile: dict[str, Any], factor: float, *, status: str) -> Iterator[Exhibit]:
    rows: list[dict[str, Any]] = profile["rows"]
    if not rows:
        yield _no_growth("the tool has no workload" if status == "ok" else f"not timed: the verdict is {status}")
        return
    sizes = tuple(row["size"] for row in rows)
    exponent, usual = growth(rows), growth(rows, "reference_s")
    said = (
        "" if exponent is None or usual is None else f": it grows as n^{exponent:.2f}, the reference as n^{usual:.2f}"
    )
    candidate = Line(
        name="candidate",
        x=sizes,
        y=_milliseconds(rows, "candidate_s"),
        low=_milliseconds(rows, "candidate_low_s"),
        high=_milliseconds(rows, "candidate_high_s"),
    )
    reference = _milliseconds(rows, "reference_s")
    limit = tuple(None if value is None else value * factor for value in reference)
    yield pack(
        "growth",
        Series(
            title="Time against size",
            sentence=f"{profile.get('clock') or 'CPU'} time of one call{said}".replace("cpu", "CPU"),
            x=Axis(label="size of the workload", log=True),
            y=_TIME,
            lines=(
                candidate,
                Line(name="reference", x=sizes, y=reference, role="reference"),
                Line(name=f"limit: {factor:.3g} x reference", x=sizes, y=limit, role="limit"),
            ),
        ),
    )


@lru_cache(maxsize=32)
def _no_growth(why: str) -> Exhibit:
    return pack("growth", Series(title="Time against size", x=Axis(label="size"), y=_TIME, absent=why))


def _milliseconds(rows: Sequence[dict[str, Any]], name: str) -> tuple[float | None, ...]:
    return tuple(None if row.get(name) is None else row[name] * 1e3 for row in rows)


def _ordinary(costs: dict[str, Any] | None) -> Iterator[Exhibit]:
    """The times of ordinary questions, sorted, so that the slowest are at the right."""
    if costs is None:
        return
    lines = []
    for name, role in (("candidate", "subject"), ("reference", "reference")):
        values = sorted(costs[f"{name}_us"])
        shares = _shares(len(values))
        lines.append(Line(name=name, x=shares, y=tuple(values), role=role))
    yield pack(
        "ordinary questions",
        Series(
            title="Time of ordinary questions",
            sentence="the time of each question, from the quickest to the slowest",
            x=Axis(label="questions", unit="%"),
            y=Axis(label=f"{costs['clock']} time".replace("cpu", "CPU"), unit="µs", log=True),
            lines=tuple(lines),
        ),
    )


@lru_cache(maxsize=32)
def _shares(count: int) -> tuple[float, ...]:
    return tuple(100 * (index + 0.5) / count for index in range(count))


def _budget(evidence: Evidence, policy: Policy) -> Bars:
    facts = evidence.facts
    used = {
        "time of the slowest call": (facts["slowest_ms"], time_limit(facts, policy), "ms"),
        "peak memory": (evidence.peak_mb, memory_limit(facts, policy), "MB"),
    }
    absent = [name for name, (value, *_) in used.items() if value is None]
    scheduled = {"time": policy.budget.time_ms, "memory": policy.budget.memory_mb}
    own = [name for (name, most), (_, limit, _) in zip(scheduled.items(), used.values(), strict=True) if limit < most]
    shares = {
        f"{name}: {readable(value)} of {readable(limit)} {unit}": 100 * value / limit
        for name, (value, limit, unit) in used.items()
        if value is not None
    }
    return Bars(
        title="Budget used",
        sentence=f"shares of the limits of epoch {policy.epoch}"
        + (f"; that of {' and '.join(own)} is the tool's own, lower than the schedule's" if own else ""),
        absent=f"not measured: {', '.join(absent)}" if absent else "",
        value=Axis(label="share of the budget", unit="%"),
        labels=tuple(shares),
        values=tuple(shares.values()),
        limits=(100.0,) * len(shares),
    )


@lru_cache(maxsize=16)
def _schedule(schedule: Schedule, epoch: int, own: tuple[tuple[str, float], ...]) -> Exhibit:
    """The budgets of all epochs, at most the tool's own; the same for all of a suite, so the ledger keeps it once."""
    step = max(1, schedule.epochs // (MAX_EPOCHS - 1))
    epochs = tuple(range(0, schedule.epochs + 1, step))
    most = dict(own)
    lines = []
    for name in ("time_ms", "memory_mb", "cpu_factor"):
        start, now, *later = (
            min(getattr(schedule.at(one), name), most.get(name, math.inf)) for one in (0, epoch, *epochs)
        )
        shares = tuple(100 * value / start for value in later)
        text = f"{name}: {readable(start)} at epoch 0, {readable(now)} now"
        lines.append(Line(name=text, x=epochs, y=shares))
    here = min(epoch, schedule.epochs)
    lines.append(Line(name=f"epoch {epoch}", x=(here, here), y=(0.0, 100.0), role="limit"))
    return pack(
        "schedule",
        Series(
            title="Schedule of the budget",
            sentence=f"limits over {schedule.epochs} epochs, as shares of those of epoch 0",
            x=Axis(label="epoch"),
            y=Axis(label="share of the first limit", unit="%"),
            lines=tuple(lines),
        ),
    )
