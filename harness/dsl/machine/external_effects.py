"""The external effects of a program: what the machine asks its caller for. The machine itself has no effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from harness.dsl.eventlog.runlog import Files
from harness.dsl.plain import field, plain
from harness.dsl.tools.request import Request, Response
from harness.dsl.types import Type
from harness.dsl.values import Value

if TYPE_CHECKING:
    from harness.sweep.measurement import Measurement
    from harness.sweep.space import Point


@plain
class Query:
    """A question to a model or a person.

    Attributes:
        id: Digest of its place and wording.
        answer: The type the answer must have.
        parameters: Further arguments: `model`, `temperature`, `max_tokens` ...
    """

    key: str
    id: str
    label: str
    role: str
    prompt: str
    answer: Type
    schema: Mapping[str, Any]
    to: str
    """`llm` or `human`."""
    parameters: Mapping[str, Value] = field(default_factory=dict)
    occurrence: int = 1
    """Number of this question among equal ones of the run, from 1."""
    timeout_s: float | None = None
    """Limit of the seconds until the answer; None for the provider's limit."""


class Interrupted(Exception):  # noqa: N818 - not a fault: the effect was ended with its run
    """An effect was ended because its run was stopped or cancelled."""


class Points(Protocol):
    """The stored points of one search: a `harness.sweep` store with a hash over all its runs."""

    def get(self, point: Point, rung: int) -> Measurement | None:
        """The measurement of a point at a rung; None if there is none."""

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """Store the measurement of a point at a rung."""

    def head(self) -> str:
        """Hex of one hash over the heads of all its runs, in the order of the points."""


class ExternalEffects(Protocol):
    """Performs the external effects of a machine. `perform` and `ask` may be called from several threads.

    Attributes:
        workers: Points of a search that are measured at the same time.
        retry_failed: Whether points that failed before are measured again.
        progress: Takes a short line during long work.
        is_interactive: Whether `ask` waits for a person at the terminal: it is then called in the main thread.
    """

    is_interactive: bool
    workers: int
    retry_failed: bool
    progress: Callable[[str], None] | None

    def points(self, key: str) -> AbstractContextManager[Points]:
        """The points of the search with this key."""

    def perform(self, request: Request) -> Response:
        """Perform an effect and return its response."""

    def changed_files(self) -> Mapping[str, Files]:
        """The work files changed since the last call, by the key of the effect that changed them."""

    def ask(self, query: Query) -> Response | None:
        """The answer to a question; None if there is none now: the run is suspended."""

    def interrupt(self) -> None:
        """End the processes of the effects that are running: their `perform` raises `Interrupted`."""

    def event(self, skip: int, seconds: float) -> tuple[str, dict[str, Any]] | None:
        """The external event after the first `skip` ones; None at the end of the events.

        Raises:
            TimeoutError: if none comes within some seconds.
        """

    def messages(self, known: list[str]) -> list[tuple[str, str, dict[str, Any]]]:
        """New messages from other processes: name, event and fields of each; `known` are the names of earlier ones."""

    def cancelled(self) -> str | None:
        """The reason of a request to cancel the run; None if there is none."""
