"""Job: a trial on its way through the cascade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.core.trial import Trial

Measures = Mapping[str, Any]


@dataclass(slots=True)
class Batch:
    """Trials of one tool and epoch on their way.

    Attributes:
        known: The first trial of each digest.
        other_of: The digest of what a trial is measured next to; empty if nothing is.
        measures_of: The measures of a digest; None of one without a full verdict.
        in_flight: Verdicts that are waited for.
        copies: Trials whose bytes an earlier one has.
    """

    known: Mapping[str, Trial]
    other_of: Callable[[Trial], str]
    measures_of: Callable[[str], Measures | None]
    in_flight: int = 0
    copies: list[Trial] = field(default_factory=list)


@dataclass(slots=True)
class Job:
    """A trial on its way.

    Attributes:
        size: Its syntax elements.
        spent: Seconds by stage.
        retried: Whether an `infra` verdict was asked for once more.
        looks: Further verdicts that were asked for because the machine may have been too busy.
    """

    batch: Batch
    trial: Trial
    text: str
    size: int = 0
    spent: dict[str, float] = field(default_factory=dict)
    retried: bool = False
    looks: int = 0
