"""ToolgenSuite: the keys of a suite with `lane: toolgen`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, PositiveFloat, model_validator

from harness.suites.suite import SuiteOptions

Milliseconds = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class ToolgenSuite(SuiteOptions):
    """A tool, the files that claim to be it, and how hard they are asked."""

    tool: str
    """Folder with `tool.yaml` (and `oracle.py`), or one JSON file; relative to the suite."""
    candidates: str | tuple[str, ...]
    """Glob patterns of untrusted `.py` files, relative to the suite."""
    questions: Annotated[int, Field(ge=1, le=5000)] = 24
    """Distinct inputs drawn for every attempt, besides the tool's examples and edge inputs."""
    jitter_ms: tuple[Milliseconds, Milliseconds] = (0.0, 10.0)
    """Least and longest of the pauses, in milliseconds, between the questions of each attempt."""

    attempt_seconds: PositiveFloat = 60.0
    """Most wall seconds that loading and all calls of one attempt may take together; beyond it is a `timeout`."""

    @model_validator(mode="after")
    def _jitter_is_a_range(self) -> Self:
        low, high = self.jitter_ms
        if low > high:
            msg = f"jitter_ms must go from the shorter to the longer pause, not from {low:g} to {high:g}"
            raise ValueError(msg)
        return self
