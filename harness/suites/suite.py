"""Suite: one validated `.suite.yaml`: options of its lane, policy, and positions of its keys."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field, PositiveInt

from harness.core.budget import Schedule
from harness.core.case import Case
from harness.core.document import Key
from harness.core.errors import SuiteError, position
from harness.core.frozen import Frozen
from harness.core.named_path import named_path, named_paths
from harness.core.nearest import MAX_KNOWN, did_you_mean
from harness.core.policy import Finite, Policy, Timing
from harness.core.status import Status


class SuiteOptions(Frozen):
    """The keys that every suite has; a lane adds its own by subclassing this model."""

    lane: str
    """The lane that judges it: toolgen, spec, dsl, kernel, or the lane of a plugin."""
    title: str = ""
    """For readers of the file; a suite is named by its path."""
    attempts: PositiveInt | None = None
    """Seeded repetitions of each case; `--attempts` overrides it."""
    budget: Schedule | None = None
    """How time and memory anneal over the epochs."""
    timing: Timing | None = None
    """cpu (default), exact (wall time in the exclusive phase, marked `timed`) or none."""
    gates: dict[str, Finite] = {}
    """Smallest accepted value of components, or of `score`."""
    expect: dict[str, Status] = {}
    """Negative and positive controls: case name -> the status its verdict must have."""
    require: tuple[str, ...] = ()
    """Statuses (`review`, `noisy`) that fail a case instead of being neutral, and `gpu` if a device is required."""
    tags: tuple[str, ...] = Field(default=())
    """Extra pytest markers for every case."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite file that was read and validated.

    Attributes:
        path: The file, absolute.
        name: The name in node ids: the path relative to pytest's root, with `/`.
        options: An instance of the lane's options model.
        policy: Merged from defaults, pyproject.toml, suite and command line; cases start with it.
        positions: 1-based (line, column) of each key path of the YAML, e.g. `("expect", "wrong")`.
        untrusted: The keys of the lane that name files of untrusted authors.
    """

    path: Path
    name: str
    options: SuiteOptions
    policy: Policy
    positions: dict[Key, tuple[int, int]] = field(default_factory=dict)
    untrusted: tuple[str, ...] = ()

    def where(self, *key: str | int) -> str:
        """`file:line:column` of a key, or of its nearest parent in the file."""
        for end in range(len(key), 0, -1):
            if key[:end] in self.positions:
                return position(self.path, *self.positions[key[:end]])
        return position(self.path)

    def line(self, *key: str | int) -> int | None:
        """1-based line of a key; None if the file does not have it."""
        return self.positions[key][0] if key in self.positions else None

    def resolve(self, relative: str, *key: str | int, allow_folder: bool = False) -> Path:
        """The absolute path of a file, or where it is allowed a folder, that the suite names relative to itself.

        Raises:
            SuiteError: if it does not exist, is a folder, or lies among the untrusted files; the message has the line
                of the suite and the path.
        """
        found = named_path(self.path.parent, relative)
        if found is None:
            fix = _remedy(self.path.parent / relative)
            raise SuiteError(f"{relative!r} does not exist", where=self.where(*key), fix=fix)
        if found.is_dir() and not allow_folder:
            raise SuiteError(f"{relative!r} is a folder", where=self.where(*key), fix="name a file in it")
        self._require_apart(relative, found, key)
        return found

    def _require_apart(self, named: str, path: Path, key: Key) -> None:
        for other in self.untrusted if key and key[0] not in self.untrusted else ():
            patterns = getattr(self.options, other, ())
            for pattern in (patterns,) if isinstance(patterns, str) else patterns:
                if _is_among(path, self.path.parent, pattern):
                    raise SuiteError(
                        f"{named!r} is trusted, but lies where {pattern!r} of `{other}` looks: who writes there "
                        "could change it",
                        where=self.where(*key),
                        fix=f"keep the files of `{other}` in a folder of their own",
                    )

    def glob(self, patterns: str | tuple[str, ...], *key: str | int, follow_links: bool = False) -> list[Path]:
        """All files that the patterns match, sorted, each once.

        Args:
            follow_links: Whether files behind a link to a folder are matched, which only trusted files may be. In place
                of all others the link itself is matched, which lanes refuse.

        Raises:
            SuiteError: if a pattern matches no file, or trusted files lie among the untrusted ones.
        """
        found: dict[Path, Any] = {}
        for pattern in (patterns,) if isinstance(patterns, str) else patterns:
            base = Path(pattern)
            root, parts = (Path(base.anchor), base.parts[1:]) if base.is_absolute() else (self.path.parent, base.parts)
            # Leading `..` must be resolved before globbing: pathlib's glob does not resolve them.
            while parts and not any(c in parts[0] for c in "*?["):
                if len(parts) == 1:
                    break
                root, parts = root / parts[0], parts[1:]
            real = named_path(root, "")
            matches = named_paths(real, str(Path(*parts))) if real is not None else []
            if not matches:
                where = self.where(*key)
                raise SuiteError(f"{pattern!r} matches no file", where=where, fix=_remedy(root / Path(*parts)))
            for path in matches if follow_links else ():
                self._require_apart(pattern, path, key)
            if real is not None and not follow_links:
                matches = [_first_link(real, path) for path in matches]
            found.update(dict.fromkeys(map(recordable, matches)))
        return sorted(found)


def _is_among(path: Path, home: Path, pattern: str) -> bool:
    """Whether a path lies in a folder in which a pattern, relative to `home`, can match files."""
    parts = Path(os.path.normpath(home / pattern)).parts
    fixed = next((n for n, part in enumerate(parts) if any(c in part for c in "*?[")), len(parts))
    start, real = Path(*parts[:fixed]).resolve(), path.resolve()
    if fixed == len(parts) or not real.is_relative_to(start):
        return False
    inner, folders = real.relative_to(start).parts, parts[fixed:-1]
    if "**" in folders:
        folders = folders[: folders.index("**")]
    depth = len(inner) - (not real.is_dir())
    return depth >= len(folders) and all(map(fnmatch.fnmatchcase, inner, folders))


def _remedy(path: Path) -> str:
    """What to do about a path that does not exist: the nearest name where its first missing part should be."""
    path = Path(os.path.normpath(path))
    folder = next((one for one in path.parents if os.path.isdir(one)), path.parent)  # noqa: PTH112 - of any name
    missing = path.relative_to(folder).parts[0]
    try:
        there = [one.name for one in islice(folder.iterdir(), MAX_KNOWN)]
    except OSError:
        there = []
    if hint := did_you_mean(missing, there):
        return f"{hint} (in {folder})"
    return f"put one into {folder}, or correct the path" if "*" in missing else f"create {path}, or correct the path"


def _first_link(root: Path, path: Path) -> Path:
    """The first folder below `root` on the way to a path that is a symbolic link; the path itself if none is."""
    way = path.relative_to(root).parents
    return next((folder for one in reversed(way) if (folder := root / one) != root and folder.is_symlink()), path)


_COMMANDS = ("::", "##[", "##vso[")
"""In a file name, what CI systems read as a command where a line begins with it."""


def recordable(path: Path) -> Path:
    """The path itself, or an escaped one where the name is not UTF-8 or not printable, or could begin a CI command.

    No report, log or ledger then needs to know such names. The escaped path does not exist, so the lane reports the
    file as unreadable, which counts against its author.
    """
    name = path.name
    if name.isprintable() and not any(one in name for one in _COMMANDS):
        return path
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    for one in _COMMANDS:
        text = text.replace(one, "".join(f"\\x{ord(character):02x}" for character in one))
    return path.with_name("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))


class SuiteLane(Protocol):
    """The part of the Lane protocol that reading a suite needs (see `harness.hooks.Lane`)."""

    @property
    def name(self) -> str:
        """The value of `lane:` in suites of this lane."""

    @property
    def options(self) -> type[SuiteOptions]:
        """The model of the keys that a suite of this lane may have."""

    @property
    def untrusted(self) -> tuple[str, ...]:
        """The keys of the suite that name files of untrusted authors."""

    def collect(self, suite: Suite) -> Sequence[Case]:
        """The cases of a suite, in the order of their items."""
