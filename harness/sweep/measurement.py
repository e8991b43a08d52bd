"""Measurement: the samples of one point, or the reason why there are none."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from harness.core.frozen import Frozen
from harness.core.stats import median


class Measurement(Frozen):
    """The samples of one point, or the status that explains why there are none."""

    samples: tuple[float, ...] = ()
    """One number per repetition, in order; never a placeholder."""
    status: str = "ok"
    """`ok`, or the kind of failure: `crash`, `timeout`, `wrong`, `simulated` and others."""
    why: str = ""
    """The reason of a failure."""
    detail: dict[str, Any] = {}
    """Further observations, such as the head of the child run, registers or memory."""

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Measurement:
        if (self.status == "ok") != bool(self.samples):
            raise ValueError("a measurement has status ok if and only if it has samples")
        return self

    @property
    def value(self) -> float | None:
        """The median of the samples; None without samples."""
        return median(self.samples) if self.samples else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Minimum and maximum of the samples; few repetitions allow no narrower interval. None without samples."""
        return (min(self.samples), max(self.samples)) if self.samples else None
