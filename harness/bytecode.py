"""Byte code: under pytest, Crucible's modules are read from Python's own cache, and a run without a cache says so.

pytest rewrites the assertions of a plugin's package, and keeps the result in a cache of its own that installing does
not fill. Crucible has no assertions (`tests/test_house.py`), so its modules are imported without pytest's hook: the
cache that `pip` or `compileall` made is used, also where nothing can be written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import cache_from_source
from pathlib import Path
from types import ModuleType

PREFIX = __name__.partition(".")[0] + "."
FOLDER = Path(__file__).parent


class PlainImports:
    """Finds the modules of this package as an import without pytest does."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification of a module of this package; None for any other."""
        return PathFinder.find_spec(fullname, path, target) if fullname.startswith(PREFIX) else None


def describe_missing(source: Path) -> str | None:
    """Return a sentence with its remedy if no byte code of a module is kept, although it was imported; else None."""
    if Path(cache_from_source(str(source))).exists():
        return None
    if os.access(FOLDER, os.W_OK):
        remedy = f"`{sys.executable} -m compileall -q {FOLDER}`, once"
    else:
        remedy = "unset PYTHONDONTWRITEBYTECODE, and set PYTHONPYCACHEPREFIX to a folder that you may write"
    return f"no byte code of Crucible is kept, so every process of every run compiles it again; to end this: {remedy}"


# When pytest has loaded this module as part of the plugin; the modules that the plugin imports next are found here.
sys.meta_path.insert(0, PlainImports())
