"""Untrusted area: the folders and files that one suite names as machine-made.

Imports nothing heavy: it is loaded in every pytest run.
"""

# ruff: noqa: PTH112, PTH118, PTH120, PTH206

from __future__ import annotations

import fnmatch
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

_FOUND = getattr(sys.modules.get("_pytest.config.findpaths"), "CONFIG_LOADERS_BY_NAME", ())  # a list since pytest 9.2
_KNOWN = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
CONFIGURATIONS = tuple(dict.fromkeys((*_KNOWN, *_FOUND)))
"""Names of files in which pytest looks for its configuration."""
PLANTED = ("conftest.py", "__init__.py", "pyvenv.cfg", *CONFIGURATIONS)
"""Files by which pytest configures itself, which it imports, or by which it skips a folder."""
WILD = re.compile(r"[*?\[]")


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
        fixed = next((n for n, part in enumerate(parts) if WILD.search(part)), len(parts))
        start = os.path.realpath(os.sep.join(parts[:fixed]) or os.sep)
        folder = start if fixed < len(parts) or os.path.isdir(start) else os.path.dirname(start)
        if fixed < len(parts) and _reaches(start, parts[fixed:-1], os.path.realpath(home)):
            self.own = self.own or pattern
        if not is_within(self.suite, folder):
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
                    if os.path.isdir(real) and not is_within(self.suite, real):
                        self.folders.add(real)
                        if found.is_symlink() and not is_within(real, start):
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
            if found and not self.planted and not is_within(home, place):
                self.planted = os.path.join(place, found)
                self.files.add(os.path.realpath(self.planted))  # so that pytest does not import it either

    def covers(self, path: str) -> bool:
        """Whether a resolved path is in the area."""
        return path in self.files or any(is_within(path, folder) for folder in self.folders)

    def configures(self, path: str) -> bool:
        """Whether the candidates' author could have written the configuration file, or be in the root, at a path."""
        planted = os.path.realpath(self.planted or os.devnull)
        return path == planted or any(is_within(path, folder) for folder in self.folders)


def _reaches(start: str, inner: list[str], home: str) -> bool:
    """Whether a pattern, from a folder on, matches files in the folder `home` or in one above it."""
    if not is_within(home, start):
        return False
    names = [name for name in os.path.relpath(home, start).split(os.sep) if name != "."]
    return any(_matches(names[:end], inner) for end in range(len(names) + 1))


def _matches(names: list[str], patterns: list[str]) -> bool:
    if not patterns:
        return not names
    if patterns[0] == "**":
        return _matches(names, patterns[1:]) or (bool(names) and _matches(names[1:], patterns))
    return bool(names) and fnmatch.fnmatchcase(names[0], patterns[0]) and _matches(names[1:], patterns[1:])


def is_within(path: str, folder: str) -> bool:
    """Whether a path is a folder or below it."""
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)
