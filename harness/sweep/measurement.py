"""Measurement: what one point came to."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from harness.core.frozen import Frozen
from harness.core.stats import median


class Measurement(Frozen):
    """What measuring a point gave: samples, or the reason why there are none."""

    samples: tuple[float, ...] = ()
    """One number per repetition, in order; never a placeholder."""
    status: str = "ok"
    """`ok`, or the word for what went wrong: `crash`, `timeout`, `wrong`, `simulated` ..."""
    why: str = ""
    """What went wrong."""
    detail: dict[str, Any] = {}
    """What else is worth keeping: the head of the child run, registers, memory ..."""

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Measurement:
        if (self.status == "ok") != bool(self.samples):
            raise ValueError("a measurement is ok exactly if it has samples")
        return self

    @property
    def value(self) -> float | None:
        """The median; None if nothing was measured."""
        return median(self.samples) if self.samples else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lowest and highest sample: with few repetitions no narrower claim is honest; None if nothing was measured."""
        return (min(self.samples), max(self.samples)) if self.samples else None
