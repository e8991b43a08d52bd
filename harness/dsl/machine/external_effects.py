"""The external effects of a program: what the machine asks its caller for. The machine itself has no effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

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
        key: Of the effect.
        id: Bound to its place and wording.
        answer: The type the answer must have.
        parameters: What else the program says: `model`, `temperature`, `max_tokens` ...
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


class Points(Protocol):
    """Where the points of one search are kept: a `harness.sweep` store with a hash over all its runs."""

    def get(self, point: Point, rung: int) -> Measurement | None:
        """See `harness.sweep.store.Store`."""
        ...

    def put(self, point: Point, rung: int, measurement: Measurement) -> None:
        """See `harness.sweep.store.Store`."""
        ...

    def head(self) -> str:
        """Hex of one hash over the heads of all its runs, in the order of the points."""
        ...


class ExternalEffects(Protocol):
    """What there is beyond the machine. `perform` and `ask` may be called from several threads.

    Attributes:
        workers: Points of a search that are measured at the same time.
        retry_failed: Whether points that failed before are measured again.
        progress: Takes a short line during long work.
    """

    workers: int
    retry_failed: bool
    progress: Callable[[str], None] | None

    def recorded(self, key: str) -> Mapping[str, Any] | None:
        """In a replay: the event a search became; else None."""
        ...

    def points(self, key: str) -> AbstractContextManager[Points]:
        """The points of the search with this key."""
        ...

    def perform(self, request: Request) -> Response:
        """Have an effect."""
        ...

    def ask(self, query: Query) -> Response | None:
        """The answer to a question; None if nobody answers now: the run is suspended."""
        ...

    def event(self, skip: int) -> tuple[str, dict[str, Any]] | None:
        """The event after the first `skip` ones from outside; None when none can come any more."""
        ...
