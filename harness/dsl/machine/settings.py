"""RunSettings: settings that a resumed run needs again; stored with the log, not in its chain.

This is not a pydantic model: a run without a back end starts in a fifth of the time if pydantic is not imported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from harness.core.errors import UsageError
from harness.dsl.eventlog.durability import Durability
from harness.dsl.plain import changed, contents, field, names, plain

if TYPE_CHECKING:
    from harness.providers.factory import Backend

MAX_NUMBER = 2**32 - 1
"""Of all settings that are numbers: the most that PYTHONHASHSEED takes; as seconds, a timer of the system holds it."""


@plain
class RunSettings:
    """Settings of a run: effects, providers, durability and limits."""

    live: bool = False
    """Whether effects are performed; otherwise they answer from recordings, and an effect without one is simulated."""
    backend: Backend | None = None
    """Answers questions; None: each question suspends the run."""
    durability: Durability = Durability.PROCESS
    grants: tuple[str, ...] = ()
    """Names of programs that may run outside a box."""
    recordings: str = ""
    """Path of recorded effects: replayed when not live, added to when live."""
    mocks: tuple[tuple[str, str, str], ...] = ()
    """What tools answer while effects are off, before the program's own; see `Program.mocks`."""
    events: str = ""
    """Source of external events: a file, `unix:PATH` or `tcp:HOST:PORT`."""
    seconds: float = 60.0
    """Limit of a command's wall time."""
    query_seconds: float = 120.0
    """Limit of the seconds until a model's answer, retries included, for questions that state none."""
    concurrency: int = 4
    """Questions asked at the same time."""
    memory_mb: float = 256.0
    """Memory of a command in a box, MiB."""
    hash_seed: int = 0
    """The environment variable PYTHONHASHSEED of commands."""
    workers: int = 1
    """Points of a search measured at the same time."""
    limits: dict[str, float] = field(default_factory=dict)
    """Budget of the run: steps, iterations, queries, events, tokens, wall_s."""
    group: int = 64
    """Number of pure events that one commit stores."""
    path: str = ""
    """Path of the program, for messages."""
    source: str = ""
    """Address of the blob with the program's text."""
    resolutions: tuple[dict[str, Any], ...] = ()
    """Effects in doubt that a user allowed to repeat; not part of the chain."""
    repeated: int = 0
    """Number of effects repeated under their key after a crash."""

    @classmethod
    def from_wire(cls, given: Mapping[str, Any]) -> Self:
        """Settings from JSON of a command line, a log or an untrusted bundle.

        Raises:
            UsageError: if a name is unknown or a value does not fit.
        """
        found = {}
        for name, value in given.items():
            if name not in names(cls):
                raise UsageError(f"a run has no setting {name!r}", fix=f"one of {', '.join(names(cls))}")
            try:
                found[name] = _READ[name](value)
            except (TypeError, ValueError) as error:
                raise UsageError(f"setting {name} = {value!r}: {error}", fix="correct it") from error
        return cls(**found)

    def to_wire(self) -> dict[str, Any]:
        """The inverse of `from_wire`, as JSON."""
        kept = {name: list(value) if isinstance(value, tuple) else value for name, value in contents(self).items()}
        backend = {} if self.backend is None else self.backend.to_wire()
        return kept | {"backend": backend, "durability": str(self.durability)}

    def replace(self, **settings: Any) -> Self:
        """A copy with some settings changed."""
        return changed(self, **settings)


def _backend(value: Any) -> Backend | None:
    if not value:
        return None
    from harness.providers.factory import Backend

    return value if isinstance(value, Backend) else Backend.model_validate(value)


def _mocks(value: Any) -> tuple[tuple[str, str, str], ...]:
    found = tuple(_strings(one) for one in value)
    if any(len(one) != len(("tool", "request", "result")) for one in found):
        raise ValueError("each is a tool, a request and a result")
    return tuple((tool, request, result) for tool, request, result in found)


def _strings(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError("expected a list")
    return tuple(_is(str)(item) for item in value)


def _is(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"expected {kind.__name__}")
        return value

    return read


def _number(bound: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError("expected a number")
        if not bound < value <= MAX_NUMBER:
            raise ValueError(f"it must be above {bound:g} and at most {MAX_NUMBER:g}")
        return float(value)

    return read


def _integer(minimum: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not minimum <= _is(int)(value) <= MAX_NUMBER:
            raise ValueError(f"it must be {minimum} to {MAX_NUMBER}")
        return int(value)

    return read


def _limits(value: Any) -> dict[str, float]:
    found = {_is(str)(name): _number(-math.inf)(limit) for name, limit in dict(value).items()}
    if any(limit < 0 for limit in found.values()):
        raise ValueError("a limit is below 0")
    return found


_STRING = _is(str)
_READ: dict[str, Callable[[Any], Any]] = {
    "live": _is(bool), "backend": _backend, "durability": Durability, "grants": _strings, "recordings": _STRING,
    "mocks": _mocks,
    "events": _STRING, "seconds": _number(0), "query_seconds": _number(0), "concurrency": _integer(1),
    "memory_mb": _number(0), "hash_seed": _integer(0), "workers": _integer(1),
    "limits": _limits, "group": _integer(1), "path": _STRING, "source": _STRING,
    "resolutions": lambda value: tuple(_is(dict)(item) for item in value), "repeated": _integer(0),
}  # fmt: skip
