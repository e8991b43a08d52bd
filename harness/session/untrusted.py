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

from harness.session.untrusted_area import WILD, Area, is_within

if TYPE_CHECKING:
    from harness.lane.protocol import Lane

SUFFIX = ".suite.yaml"
RESULT_OPTIONS = {"--junitxml": "xmlpath", "--ctrf": "ctrf", "--log-file": "log_file"}
"""Options of pytest and its plugins that name a file which is written, with the names of their values."""
_WILD_FOLDER = re.compile(r"[*?][^\s/]*/")


class SealedFolder(pytest.Collector):
    """An untrusted folder that was named on the command line: it has nothing to collect.

    Not a `pytest.Directory`, because pytest imports the conftest.py of those.
    """

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """An empty list: pytest collects nothing in the folder."""
        return []


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

    def require_own_configuration(self) -> None:
        """Refuse a run that pytest configured from among untrusted files, such as `-p c.evil` in `c/tox.ini`.

        Also one in which another plugin would write its results there: through a link, over any file.

        What that configuration names was imported before any plugin was asked. This reports the fault; it does not stop
        code that hides it.

        Raises:
            pytest.UsageError: naming the file and the suite.
        """
        self._areas = self._survey() if self._areas is None else self._areas
        used = [("configuration", self._config.inipath), ("root folder", self._config.rootpath)] if self._areas else []
        for what, path in used:
            suite = next((a.suite for a in self._areas if path and a.configures(os.path.realpath(path))), None)
            if suite is not None:
                raise pytest.UsageError(
                    f"{path}: pytest's {what} is among the untrusted files of {suite}, whose author could have put it "
                    "there; fix: check what it names, then name suites as arguments, and a configuration of your own "
                    "with -c"
                )
        for option, name in RESULT_OPTIONS.items():
            path = getattr(self._config.option, name, None)
            if path and (self.covers(path) or self.covers(os.path.dirname(path) or ".")):
                raise pytest.UsageError(
                    f"{path}: it is among untrusted files, whose authors could have put it there; "
                    f"fix: name a file outside of the candidates' folders with {option}"
                )

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
                    patterns = [text for text in patterns if WILD.search(text) or _exists(suite, text)]
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
        """Suite files that may call an argument untrusted: in its parents, two levels below the root, in `suites/`.

        The root may itself be untrusted, so the folders from where pytest was started down to it are looked at, too.
        """
        root = str(self._config.rootpath)
        above = list(self._above(root))
        upwards = {root, *above}
        for start in _arguments(self._config):
            parent = os.path.dirname(start)
            while is_within(parent, root) and parent not in upwards:
                upwards.add(parent)
                parent = os.path.dirname(parent)
        skip = self._skip()
        upwards.update(path for path, is_folder, _ in _scan(root) if is_folder and not skip.match(_name(path)))
        for folder in upwards:
            yield from (path for path, is_folder, _ in _scan(folder) if not is_folder and path.endswith(SUFFIX))
        seen: set[str] = set()
        for folder in (root, *above):
            yield from _walk(os.path.join(folder, "suites"), skip, seen)

    def _above(self, root: str) -> Iterator[str]:
        started = str(self._config.invocation_params.dir)
        while is_within(parent := os.path.dirname(root), started) and parent != root:
            yield parent
            root = parent

    def _mentions_arguments(self, suite: str) -> bool:
        # Parsing a suite needs imports that would slow down a run of ordinary tests.
        try:
            text = Path(suite).read_text("utf-8", "replace")
        except OSError:
            return False
        root = str(self._config.rootpath)
        root = next(reversed([root, *self._above(root)]))
        return _WILD_FOLDER.search(text) is not None or any(
            part in text
            for start in _arguments(self._config)
            for part in os.path.relpath(os.path.realpath(start), root).split(os.sep)
            if part not in (".", "..")
        )

    def _skip(self) -> re.Pattern[str]:
        return re.compile("|".join(fnmatch.translate(p) for p in self._config.getini("norecursedirs")) or r"(?!)")


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
