"""Result: what a search came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.core.trial import Trial
from harness.evolve.archive import Member
from harness.evolve.cascade import STAGES


@dataclass(slots=True)
class Champion:
    """The best candidate of a tool.

    Attributes:
        trial: The trial that brought it.
        confirmed: Whether further rounds on fresh inputs passed, with enough hash seeds.
        faster: Whether paired timing says that it is faster than its seed parent; None where nothing was compared.
        why: What paired timing says.
    """

    tool: str
    trial: Trial
    confirmed: bool
    faster: bool | None
    why: str


@dataclass(slots=True)
class Result:
    """What a search came to.

    Attributes:
        experiment: Its key in the ledger.
        champions: One for each tool that has a feasible candidate.
        trace: Epoch and tool of each generation.
        stages: For each stage the number of trials that ended there, and the seconds spent in it.
        judged: Number of trials that this process judged.
        money: US dollars of all replies.
    """

    experiment: str
    reason: str
    champions: list[Champion]
    fronts: dict[str, list[Member]]
    trace: list[tuple[int, str]]
    stages: dict[str, dict[str, float]]
    trials: int
    judged: int
    tokens: int
    money: float


def count_stages(trials: Iterable[Trial]) -> dict[str, dict[str, float]]:
    """For each stage the number of trials that ended there, and the seconds spent in it."""
    found = {stage: {"trials": 0, "seconds": 0.0} for stage in STAGES}
    for trial in trials:
        if not trial.is_judged:
            continue
        found[trial.stage]["trials"] += 1
        for stage, seconds in trial.verdict.get("spent", {trial.stage: trial.seconds}).items():
            found["parse" if stage == "check" else stage]["seconds"] += seconds
    return found
