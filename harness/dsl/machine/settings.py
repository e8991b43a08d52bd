"""RunSettings: what a run was started with and a resumed one needs again; kept beside the log, not in its chain.

No pydantic model, though it crosses a border: a run that asks nobody starts in a fifth of the time without it.
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


@plain
class RunSettings:
    """Settings of one run."""

    live: bool = False
    """Whether effects happen; else they answer from recordings, and what was not recorded is simulated."""
    backend: Backend | None = None
    """Who answers questions; None for nobody."""
    durability: Durability = Durability.PROCESS
    grants: tuple[str, ...] = ()
    """Programs that may run outside of a box."""
    recordings: str = ""
    """Path of recorded effects: replayed when not live, added to when live."""
    events: str = ""
    """Where events of service loops come from: a file, `unix:PATH` or `tcp:HOST:PORT`."""
    seconds: float = 60.0
    """Wall time of a command."""
    memory_mb: float = 256.0
    """Memory of a command in a box."""
    hash_seed: int = 0
    """PYTHONHASHSEED of commands."""
    workers: int = 1
    """Points of a search that are measured at the same time."""
    limits: dict[str, float] = field(default_factory=dict)
    """Budget of the run: steps, iterations, queries, events, tokens, wall_s."""
    group: int = 64
    """Pure events for each commit."""
    path: str = ""
    """Where the program was read from, for messages."""
    source: str = ""
    """Address of the program's text among the blobs."""
    resolutions: tuple[dict[str, Any], ...] = ()
    """Effects in doubt that somebody allowed to repeat: who decided is no part of what happened."""
    repeated: int = 0
    """Effects that were had again under their key after a crash."""

    @classmethod
    def from_wire(cls, given: Mapping[str, Any]) -> Self:
        """Settings from JSON: a command line, a log, a bundle that may be anybody's.

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
        """The same with some of them others."""
        return changed(self, **settings)


def _backend(value: Any) -> Backend | None:
    if not value:
        return None
    from harness.providers.factory import Backend

    return value if isinstance(value, Backend) else Backend.model_validate(value)


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError("a list is wanted")
    return tuple(_is(str)(item) for item in value)


def _is(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"this is no {kind.__name__}")
        return value

    return read


def _number(above: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError("this is no number")
        if not value > above:
            raise ValueError(f"it must be above {above:g}")
        return float(value)

    return read


def _whole(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if _is(int)(value) < least:
            raise ValueError(f"it must be at least {least}")
        return int(value)

    return read


def _limits(value: Any) -> dict[str, float]:
    found = {_is(str)(name): _number(-math.inf)(limit) for name, limit in dict(value).items()}
    if any(limit < 0 for limit in found.values()):
        raise ValueError("a limit is below 0")
    return found


_TEXT = _is(str)
_READ: dict[str, Callable[[Any], Any]] = {
    "live": _is(bool), "backend": _backend, "durability": Durability, "grants": _texts, "recordings": _TEXT,
    "events": _TEXT, "seconds": _number(0), "memory_mb": _number(0), "hash_seed": _whole(0), "workers": _whole(1),
    "limits": _limits, "group": _whole(1), "path": _TEXT, "source": _TEXT,
    "resolutions": lambda value: tuple(_is(dict)(item) for item in value), "repeated": _whole(0),
}  # fmt: skip
