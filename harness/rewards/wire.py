"""Wire: the requests and responses of the judge's HTTP service."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, InstanceOf, field_validator

from harness.core.frozen import Frozen

MAX_SOURCES = 1024  # of one request
MAX_BODY = 32 << 20  # bytes of one request
MAX_SOURCE = 1 << 20  # characters; a client cuts longer ones, which no lane takes
VERSION = "1"


class JudgeRequest(Frozen):
    """Candidates to judge."""

    model_config = ConfigDict(json_schema_extra={"description": "Candidates to judge."})

    tool: str | None = None
    """Name of the tool; may be left out where the service has one."""
    sources: Annotated[tuple[Any, ...], Field(max_length=MAX_SOURCES)]
    """Each a string, or `{"base64": …}` for bytes that are not UTF-8."""
    mode: Literal["pass", "graded"] = "pass"
    """What `reward` is: 1 or 0, or half the share of right answers for a wrong candidate."""

    @field_validator("sources")
    @classmethod
    def _read(cls, sources: tuple[Any, ...]) -> tuple[InstanceOf[str] | bytes, ...]:
        return tuple(_source_of(number, source) for number, source in enumerate(sources))


class VerdictRow(Frozen):
    """The verdict on one candidate. It names no hidden input: a service may be asked by what it judges."""

    status: str
    passed: bool
    score: float | None
    reward: float | None
    graded: float | None
    feedback: str
    digest: str


class JudgeResponse(Frozen):
    """Verdicts in the order of the sources."""

    verdicts: tuple[VerdictRow, ...]
    degraded: str = ""
    """Why no reward of this service counts; empty while all do."""


class ToolRow(Frozen):
    """A tool of the service."""

    name: str
    entry: str
    """The function that a candidate defines; empty if it is not known."""


class Health(Frozen):
    """The state of the service. Without a token only `status` and `version` are shown."""

    status: Literal["ok", "degraded"]
    version: str = VERSION
    degraded: str = ""
    tools: tuple[ToolRow, ...] = ()
    waiting: int = 0
    """Candidates that are being judged or wait."""
    queue: int = 0
    """The most that may wait."""
    judged: dict[str, int] = {}
    """Candidates by status."""
    checks: dict[str, int] = {}
    """Controls that were judged, by name."""


def _source_of(number: int, source: Any) -> str | bytes:
    if isinstance(source, str):
        return source
    if isinstance(source, dict) and set(source) == {"base64"} and isinstance(source["base64"], str):
        try:
            return base64.b64decode(source["base64"], validate=True)
        except ValueError as error:
            msg = f"source {number} is not base64: {error}"
            raise ValueError(msg) from None
    msg = f'source {number} is neither a string nor {{"base64": …}}'
    raise ValueError(msg)
