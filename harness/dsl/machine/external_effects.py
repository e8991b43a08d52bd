"""Outside: what the machine asks when a program wants more than its variables. The machine itself has no effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from harness.dsl.plain import field, plain
from harness.dsl.types import Type
from harness.dsl.values import Value

if TYPE_CHECKING:
    from harness.sweep.measurement import Measurement
    from harness.sweep.space import Point


@plain
class Request:
    """One try of one effect.

    Attributes:
        key: Its key; a repeated try after a crash has the same one.
        label: The instruction's label with the strand's name.
        name: `tool.run` ...
        arguments: Evaluated, by name.
        cases: Names of the trace items it may report.
        timeout_s: Seconds it may take, None for the tools' own limit.
        occurrence: How often the run has begun it.
        seed: Of the run.
        time: Logical seconds since the run began.
    """

    key: str
    label: str
    name: str
    arguments: Mapping[str, Value]
    cases: tuple[str, ...]
    timeout_s: float | None
    occurrence: int
    seed: int
    time: float


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


@plain
class Response:
    """What came of a request or a query.

    Attributes:
        status: `ok`, `simulated` (nothing was done and nothing is known), or a fault's word: `wrong`, `forbidden`,
            `timeout`, `crash`, `memory`, `output`, `protocol`.
        value: The result, JSON; meaningless unless the status is `ok`.
        why: What is wrong, or why nothing is known.
        items: Trace items it reported: (case name, record).
        source: Who answered: provider, model, recording. Part of the chain, so no times and no paths.
        tokens: A model's tokens, both ways.
        recorded: In a replay: the event it became.
    """

    status: str
    value: Value = None
    why: str = ""
    items: tuple[tuple[str, dict[str, Any]], ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict)
    tokens: int = 0
    recorded: Mapping[str, Any] | None = None


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


class Outside(Protocol):
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
