"""Untrusted: the folders that suites name as machine-made. pytest never imports or collects anything there.

A `conftest.py` or `test_x.py` of a candidate's author would run in the controller, where verdicts are made. So before
pytest enters its first folder, or imports its first conftest.py, the suites of this run are found and their folders
sealed.
Imports nothing heavy: it runs in every pytest run, and reads no file unless it finds a suite.
"""

# Every file pytest visits passes here, and plain strings are several times cheaper than Path.
# ruff: noqa: PTH110, PTH112, PTH118, PTH120, PTH206

from __future__ import annotations

import fnmatch
import os
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.lane.protocol import Lane

SUFFIX = ".suite.yaml"
PLANTED = ("conftest.py", "__init__.py", "pytest.ini", ".pytest.ini", "pyvenv.cfg")
"""Files by which pytest configures itself, which it imports, or by which it skips a folder."""
_WILD = re.compile(r"[*?\[]")
_WILD_FOLDER = re.compile(r"[*?][^\s/]*/")


class SealedFolder(pytest.Collector):
    """An untrusted folder that was named on the command line: it has nothing to collect.

    Not a `pytest.Directory`, because pytest imports the conftest.py of those.
    """

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """An empty list: pytest collects nothing in the folder."""
        return []


class Area:
    """The untrusted paths of one suite: whole folders, or single files where the suite itself is in their folder.

    Attributes:
        own: The pattern that reaches the suite's own folder, or one above it, which cannot be sealed; or empty.
        planted: A file among the untrusted ones, or on the way down to them, by which pytest configures itself or which
            it imports; empty if there is none.
    """

    def __init__(self, suite: str, patterns: Iterable[str]) -> None:
        self.suite = suite
        self.folders: set[str] = set()
        self.files: set[str] = set()
        self.own = self.planted = ""
        for pattern in patterns:
            self._add(pattern)

    def _add(self, pattern: str) -> None:
        home = os.path.dirname(self.suite)
        parts = os.path.normpath(os.path.join(home, pattern)).split(os.sep)
        fixed = next((n for n, part in enumerate(parts) if _WILD.search(part)), len(parts))
        start = os.path.realpath(os.sep.join(parts[:fixed]) or os.sep)
        folder = start if fixed < len(parts) or os.path.isdir(start) else os.path.dirname(start)
        if fixed < len(parts) and _reaches(start, parts[fixed:-1], os.path.realpath(home)):
            self.own = self.own or pattern
        if not _within(self.suite, folder):
            self.folders.add(folder)
        elif fixed == len(parts):
            self.files.add(start)
        else:
            rest = os.sep.join(parts[fixed:])
            self.files.update(os.path.realpath(found) for found in Path(start).glob(rest) if not found.is_dir())
            # The author of `gen7/candidate.py` can write `gen7/conftest.py` too, so every folder that the pattern can
            # reach is sealed, also one that matches nothing yet; but not a folder that holds the suite itself.
            for end in range(fixed + 1, len(parts)):
                for found in Path(start).glob(os.sep.join(parts[fixed:end])):
                    real = os.path.realpath(found)
                    if os.path.isdir(real) and not _within(self.suite, real):
                        self.folders.add(real)
                        if found.is_symlink() and not _within(real, start):
                            self.planted = self.planted or str(found)  # pytest would follow it out of the folder

        self._look_for_planted(os.path.realpath(home), folder, parts[fixed:-1])

    def _look_for_planted(self, home: str, folder: str, inner: list[str]) -> None:
        """Look in the folders from the suite's own, exclusive, down to those that the pattern can match.

        A `conftest.py` next to the candidates is one of them, or is ignored: pytest imports none from a sealed folder.
        """
        common = os.path.commonpath([home, folder])
        way = [folder]
        while way[-1] != common:
            way.append(os.path.dirname(way[-1]))
        below = [
            str(found) for end in range(1, len(inner) + 1) for found in Path(folder).glob(os.sep.join(inner[:end]))
        ]
        depth = folder.count(os.sep) + len(inner)
        for place in [*way[:-1], *below]:
            is_last = place.count(os.sep) == depth and "**" not in inner
            names = [name for name in PLANTED if not (is_last and name == "conftest.py")]
            found = next((name for name in names if os.path.lexists(os.path.join(place, name))), "")
            if found and not self.planted and not _within(home, place):
                self.planted = os.path.join(place, found)
                self.files.add(os.path.realpath(self.planted))  # so that pytest does not import it either

    def covers(self, path: str) -> bool:
        """Whether a resolved path is in the area."""
        return path in self.files or any(_within(path, folder) for folder in self.folders)


class Seal:
    """The untrusted paths of a run.

    Args:
        lanes: Gives the lanes known so far; called only when a suite was found.
    """

    def __init__(self, config: pytest.Config, lanes: Callable[[], Mapping[str, Lane]]) -> None:
        self._config = config
        self._lanes = lanes
        self._suites: list[str] | None = None
        self._areas: list[Area] | None = None
        self._documents: dict[str, Any] = {}
        self.refused: dict[str, str] = {}
        """Why a suite is not collected, by the resolved path of its file."""
        self.dropped: list[tuple[str, str]] = []
        """Pairs: a suite file that is among another suite's untrusted files, and that other suite."""

    def covers(self, path: str | os.PathLike[str]) -> bool:
        """Whether pytest must not import or collect a file or folder."""
        self._areas = self._survey() if self._areas is None else self._areas
        if not self._areas:
            return False
        real = os.path.realpath(path)
        return any(area.covers(real) for area in self._areas)

    def folders(self) -> list[str]:
        """Absolute paths of the sealed folders, sorted."""
        self._areas = self._survey() if self._areas is None else self._areas
        return sorted({folder for area in self._areas for folder in area.folders})

    def renew(self) -> None:
        """Read the suites again when they are needed next: another lane is known now."""
        self._areas = None

    def _survey(self) -> list[Area]:
        if self._suites is None:
            own = {os.path.realpath(path) for path in self._find()}
            near = {os.path.realpath(path) for path in self._neighbours()} - own
            self._suites = sorted(own | {path for path in near if self._mentions_arguments(path)})
        if not self._suites:
            return []
        from harness.core.document import read_document
        from harness.core.errors import CrucibleError, UsageError

        areas: list[Area] = []
        for suite in self._suites:
            if suite not in self._documents:
                try:
                    self._documents[suite] = read_document(Path(suite)).value
                except CrucibleError:
                    self._documents[suite] = None  # it is reported where it is collected
            value = self._documents[suite]
            if isinstance(value, dict):
                lane = self._lane(str(value.get("lane")))
                # The conftest.py that defines the lane may not be loaded yet: until then every path is untrusted.
                keys = lane.untrusted if lane is not None else [key for key in value if key != "lane"]
                patterns = [text for key in keys for text in _strings(value.get(key))]
                if lane is None:
                    patterns = [text for text in patterns if _WILD.search(text) or _exists(suite, text)]
                areas.append(Area(suite, patterns))
        # A suite among untrusted files is itself machine-made: it may not seal (or judge) anything.
        covered = {area: [other for other in areas if other is not area and other.covers(area.suite)] for area in areas}
        genuine = {area for area in areas if not covered[area]}
        for area in areas:
            if area not in genuine:
                by = next((other for other in covered[area] if other in genuine), None)
                if by is None:
                    raise UsageError(
                        f"this suite and {covered[area][0].suite} call each other's folders untrusted",
                        where=area.suite,
                        fix="one of them is not yours: keep suites out of folders that hold candidates",
                    )
                self.dropped.append((area.suite, by.suite))
            elif area.own:  # whatever lies there may already be imported when the suite is collected
                raise UsageError(
                    f"its pattern {area.own!r} reaches the suite's own folder, from which pytest imports files",
                    where=area.suite,
                    fix="keep candidates in a folder of their own, and name that",
                )
            elif area.planted:
                self.refused[area.suite] = (
                    f"{area.planted} is among its candidates, and pytest would read, import or follow it"
                )
        return [area for area in areas if area in genuine]

    def _lane(self, name: str) -> Lane | None:
        try:
            return self._lanes().get(name)
        except Exception:  # one that cannot be imported is reported where it is collected
            return None

    def _find(self) -> Iterator[str]:
        """Suite files that pytest will collect: its arguments and what lies below them."""
        skip = self._skip()
        seen: set[str] = set()
        for start in _arguments(self._config):
            if start.endswith(SUFFIX):
                yield start
            elif os.path.isdir(start):
                yield from _walk(start, skip, seen)

    def _neighbours(self) -> Iterator[str]:
        """Suite files that may call an argument untrusted: in its parents, two levels below the root, in `suites/`."""
        root = str(self._config.rootpath)
        upwards = {root}
        for start in _arguments(self._config):
            parent = os.path.dirname(start)
            while _within(parent, root) and parent not in upwards:
                upwards.add(parent)
                parent = os.path.dirname(parent)
        skip = self._skip()
        upwards.update(path for path, is_folder, _ in _scan(root) if is_folder and not skip.match(_name(path)))
        for folder in upwards:
            yield from (path for path, is_folder, _ in _scan(folder) if not is_folder and path.endswith(SUFFIX))
        yield from _walk(os.path.join(root, "suites"), skip, set())

    def _mentions_arguments(self, suite: str) -> bool:
        # Parsing a suite needs imports that would slow down a run of ordinary tests.
        try:
            text = Path(suite).read_text("utf-8", "replace")
        except OSError:
            return False
        root = str(self._config.rootpath)
        return _WILD_FOLDER.search(text) is not None or any(
            part in text
            for start in _arguments(self._config)
            for part in os.path.relpath(os.path.realpath(start), root).split(os.sep)
            if part not in (".", "..")
        )

    def _skip(self) -> re.Pattern[str]:
        return re.compile("|".join(fnmatch.translate(p) for p in self._config.getini("norecursedirs")) or r"(?!)")


def _reaches(start: str, inner: list[str], home: str) -> bool:
    """Whether a pattern, from a folder on, matches files in the folder `home` or in one above it."""
    if not _within(home, start):
        return False
    names = [name for name in os.path.relpath(home, start).split(os.sep) if name != "."]
    return any(_matches(names[:end], inner) for end in range(len(names) + 1))


def _matches(names: list[str], patterns: list[str]) -> bool:
    if not patterns:
        return not names
    if patterns[0] == "**":
        return _matches(names, patterns[1:]) or (bool(names) and _matches(names[1:], patterns))
    return bool(names) and fnmatch.fnmatchcase(names[0], patterns[0]) and _matches(names[1:], patterns[1:])


SEAL = pytest.StashKey[Seal]()


def guard_conftests(manager: Any, covers: Callable[[str], bool]) -> None:
    """Keep pytest from importing a conftest.py in a sealed folder.

    pytest has no hook for this: initial conftest.py files are imported before any plugin is called. All imports go
    through one method, which is replaced on this one manager.
    """
    genuine = getattr(manager, "_importconftest", None)
    if genuine is None or getattr(manager, "_crucible_guard", False):
        return

    def import_conftest(path: Path, *args: Any, **kwargs: Any) -> types.ModuleType:
        if covers(str(path)):
            return types.ModuleType("conftest")
        module: types.ModuleType = genuine(path, *args, **kwargs)
        return module

    manager._importconftest = import_conftest
    manager._crucible_guard = True


def _arguments(config: pytest.Config) -> list[str]:
    # Before pytest has parsed everything, config.args is empty.
    known = getattr(config, "known_args_namespace", None)
    where = str(config.invocation_params.dir)
    named = list(config.args or getattr(known, "file_or_dir", None) or ())
    if not named and config.invocation_params.dir == config.rootpath:
        named = [str(path) for pattern in config.getini("testpaths") for path in Path(where).glob(pattern)]
    return [os.path.normpath(os.path.join(where, str(name).split("::")[0])) for name in named or [where]]


def _walk(start: str, skip: re.Pattern[str], seen: set[str]) -> Iterator[str]:
    stack = [start]
    while stack:
        folder = stack.pop()
        if folder in seen:
            continue
        seen.add(folder)
        inner: list[str] = []
        for path, is_folder, is_link in _scan(folder):
            name = _name(path)
            if name == "pyvenv.cfg":
                inner.clear()
                break
            if is_folder:
                if not skip.match(name):
                    inner.append(os.path.realpath(path) if is_link else path)
            elif name.endswith(SUFFIX):
                yield path
        stack += inner


def _name(path: str) -> str:
    return path[path.rfind(os.sep) + 1 :]


def _scan(folder: str) -> list[tuple[str, bool, bool]]:
    try:
        with os.scandir(folder) as entries:
            return [(entry.path, entry.is_dir(), entry.is_symlink()) for entry in entries]
    except OSError:
        return []


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


def _exists(suite: str, text: str) -> bool:
    try:
        return os.path.exists(os.path.join(os.path.dirname(suite), text))
    except ValueError:
        return False


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    if isinstance(value, dict):
        return [text for part in value.values() for text in _strings(part)]
    return []
