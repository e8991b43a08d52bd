"""ToolgenSuite: the keys of a suite with `lane: toolgen`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, field_validator

from harness.suites.suite import SuiteOptions

Milliseconds = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class ToolgenSuite(SuiteOptions):
    """A tool, the candidate files that implement it, and how many questions each candidate is asked."""

    tool: str
    """Folder with `tool.yaml` (and `oracle.py`), or one JSON file; relative to the suite."""
    candidates: str | tuple[str, ...]
    """Glob patterns of untrusted `.py` files, relative to the suite."""
    questions: Annotated[int, Field(ge=1, le=5000)] = 24
    """Number of distinct sampled inputs of every attempt, in addition to the tool's examples and edge inputs."""
    jitter_ms: tuple[Milliseconds, Milliseconds] = (0.0, 10.0)
    """Shortest and longest pause between the questions of an attempt, in milliseconds, where a candidate can notice it:
    it can tell the machine's time, or has threads."""

    weights: dict[str, Annotated[float, Field(strict=True, ge=0, le=1)]] = {}
    """Weights of the components in the total, which sum to 1; a component that is not named does not count."""
    attempt_seconds: PositiveFloat = 60.0
    """Limit on the wall seconds of loading and all calls of one attempt together; beyond it the status is `timeout`."""
    full: bool = False
    """Whether questions continue after the first wrong answer, so that the score of a wrong candidate is the share of
    its right answers."""

    strict: bool = False
    """Whether a candidate may do nothing but compute: clocks, threads, descriptors and metadata that cannot be read are
    forbidden too, whatever the tool's own list says. Reward functions judge so."""

    @field_validator("jitter_ms")
    @classmethod
    def _is_a_range(cls, value: tuple[float, float]) -> tuple[float, float]:
        low, high = value
        if low > high:
            msg = f"the shorter pause comes first, not {low:g} before {high:g}"
            raise ValueError(msg)
        return value
