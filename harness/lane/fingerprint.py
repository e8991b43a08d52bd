"""Fingerprint: digests of everything that a verdict may depend on: this package, the lane, versions of libraries."""

from __future__ import annotations

import contextlib
import importlib.metadata
import inspect
import os
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.core.digest import digest_bytes, digest_json
from harness.lane.protocol import Lane

PACKAGE = Path(__file__).resolve().parent.parent
DEPENDENCIES = ("hypothesis", "lark", "numpy", "pydantic", "pyyaml")
"""Distributions that the verdicts of this package depend on; a lane names more in `engine()`."""


def engine_of(lanes: Mapping[str, Lane], names: Iterable[str]) -> dict[str, str]:
    """For each lane of a run the digest of all code that judges its cases, by `engine:NAME` (16 hex digits)."""
    return {f"engine:{name}": _engine(lanes[name]) for name in sorted(set(names)) if name in lanes}


def _engine(lane: Lane) -> str:
    more: Mapping[str, str] = getattr(lane, "engine", dict)()
    return digest_json([_ours(), sys.version, _source(type(lane)), dict(more)])[:16]


@cache
def _ours() -> str:
    """Digest of this package and its dependencies; the version alone would not detect a patched installation.

    Not only of its modules: a program is read by `grammar.lark`. Byte code may be written at this moment.
    """
    found = {}
    for folder, folders, names in os.walk(PACKAGE):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for path in (f"{folder}/{name}" for name in names):
            if os.path.isfile(path):  # noqa: PTH113 - a Path for each of 900 files takes as long as reading them
                with open(path, "rb") as file:  # noqa: PTH123
                    found[path[len(str(PACKAGE)) + 1 :]] = digest_bytes(file.read())
    return digest_json([found, {name: importlib.metadata.version(name) for name in DEPENDENCIES}])


def _source(lane: type) -> str:
    """Digest of the source files of a lane's methods."""
    methods: list[Any] = [getattr(lane, name, None) for name in ("collect", "evaluate", "score")]
    functions = [inspect.unwrap(method) for method in methods if callable(method)]
    files = {function.__code__.co_filename for function in functions if inspect.isfunction(function)}
    found = {}
    for file in files:
        with contextlib.suppress(OSError):  # defined in an interactive session: it has no file
            found[file] = digest_bytes(Path(file).read_bytes())
    return digest_json(sorted(found.values()))
