"""Suite: one `.suite.yaml`, validated: what to run, on what, under which policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field, PositiveInt

from harness.core.budget import Schedule
from harness.core.case import Case
from harness.core.document import Key
from harness.core.errors import SuiteError, position
from harness.core.frozen import Frozen
from harness.core.policy import Finite, Policy, Timing
from harness.core.status import Status


class SuiteOptions(Frozen):
    """The keys every suite has; a lane adds its own by subclassing this model."""

    lane: str
    """Which lane judges it: toolgen, spec, dsl, kernel, or a third party's."""
    title: str = ""
    attempts: PositiveInt | None = None
    """Seeded repetitions of each case; `--attempts` overrides it."""
    budget: Schedule | None = None
    """How time and memory anneal over the epochs."""
    timing: Timing | None = None
    """cpu (default), exact (quiet lane, marked `timed`) or none."""
    gates: dict[str, Finite] = {}
    """Least accepted value of components, or of `score`."""
    expect: dict[str, Status] = {}
    """Planted controls: case name -> the status its verdict must have."""
    require: tuple[str, ...] = ()
    """`review`, `noisy`, `gpu` ...: what must not be shrugged off."""
    tags: tuple[str, ...] = Field(default=())
    """Extra pytest markers for every case."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite file that was read and validated.

    Attributes:
        path: The file, absolute.
        name: What node ids call it: relative to pytest's root, `/` separated.
        options: The lane's own options model.
        policy: Defaults, pyproject, suite and command line already merged; cases start from it.
        positions: 1-based (line, column) of each key path of the YAML, e.g. `("expect", "wrong")`.
    """

    path: Path
    name: str
    options: SuiteOptions
    policy: Policy
    positions: dict[Key, tuple[int, int]] = field(default_factory=dict)

    def where(self, *key: str | int) -> str:
        """`file:line:column` of a key, or of its nearest known parent."""
        for end in range(len(key), 0, -1):
            if key[:end] in self.positions:
                return position(self.path, *self.positions[key[:end]])
        return position(self.path)

    def line(self, *key: str | int) -> int | None:
        """1-based line of a key."""
        return self.positions[key][0] if key in self.positions else None

    def resolve(self, relative: str, *key: str | int) -> Path:
        """A path the suite names, relative to the suite file.

        Raises:
            SuiteError: if nothing is there; the message names the suite's line and the path that was tried.
        """
        found = (self.path.parent / relative).resolve()
        if not found.exists():
            raise SuiteError(
                f"{relative!r} does not exist", where=self.where(*key), fix=f"create {found} or correct the path"
            )
        return found

    def glob(self, patterns: str | tuple[str, ...], *key: str | int) -> list[Path]:
        """All files the patterns match, sorted, each once.

        Raises:
            SuiteError: if a pattern matches no file at all.
        """
        found: dict[Path, Any] = {}
        for pattern in (patterns,) if isinstance(patterns, str) else patterns:
            base = Path(pattern)
            root, parts = (Path(base.anchor), base.parts[1:]) if base.is_absolute() else (self.path.parent, base.parts)
            # Leading `..` must be walked before globbing: pathlib's glob does not resolve them.
            while parts and not any(c in parts[0] for c in "*?["):
                if len(parts) == 1:
                    break
                root, parts = root / parts[0], parts[1:]
            matches = sorted(root.resolve().glob(str(Path(*parts)))) if root.is_dir() else []
            if not matches:
                raise SuiteError(
                    f"{pattern!r} matches no file", where=self.where(*key), fix=f"looked in {root.resolve()}"
                )
            found.update(dict.fromkeys(map(_recordable, matches)))
        return sorted(found)


def _recordable(path: Path) -> Path:
    """The path itself, or where a name is not UTF-8 what can be shown of it: no report and no ledger holds such a name.

    Nothing lies there, so the lane finds the file unreadable, which counts against its author.
    """
    text = str(path)
    return path if text.isascii() else Path(text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


class SuiteLane(Protocol):
    """What reading a suite needs of its lane (`harness.hooks.Lane` has more)."""

    @property
    def name(self) -> str:
        """The value of `lane:`."""
        ...

    @property
    def options(self) -> type[SuiteOptions]:
        """The keys a suite of this lane may have."""
        ...

    def collect(self, suite: Suite) -> Sequence[Case]:
        """The suite's cases."""
        ...
