"""The paths that are visible in a box: the standard library and shared libraries, nothing else."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

THIRD_PARTY_FOLDERS = ("site-packages", "dist-packages")
"""Directories inside a standard library that hold third-party packages."""


@functools.cache
def standard_library() -> tuple[str, ...]:
    """The directories of the standard library (pure and platform), without duplicates."""
    found = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
    # A virtual environment reports its own directory for `platstdlib`, which holds only site-packages.
    return tuple(sorted(path for path in found if Path(path, "os.py").exists() or Path(path, "lib-dynload").exists()))


@functools.cache
def library_directories() -> tuple[str, ...]:
    """The system's shared-library directories; never all of /usr or /usr/lib, where projects may live."""
    triplet = sysconfig.get_config_var("MULTIARCH") or ""
    candidates = [f"/usr/lib/{triplet}", f"/lib/{triplet}"] if triplet else []
    candidates += ["/usr/lib64", "/lib64"]
    return tuple(dict.fromkeys(real for path in candidates if os.path.isdir(real := os.path.realpath(path))))


@functools.cache
def interpreter_libraries() -> tuple[str, ...]:
    """Shared libraries next to the interpreter (libpython, and those of a relocatable Python)."""
    directory = Path(sys.base_prefix, "lib").resolve()
    if str(directory) in library_directories() or not directory.is_dir():
        return ()
    return tuple(sorted(str(path) for path in directory.glob("*.so*") if path.is_file() and not path.is_symlink()))


def binds() -> list[str]:
    """All paths that are bound into a box's root."""
    return [*standard_library(), *library_directories(), *interpreter_libraries()]


def masks(protect: Iterable[Path]) -> list[str]:
    """Paths below the binds that are hidden by empty mounts: third-party packages and the protected paths."""
    hidden = [str(path) for base in binds() for name in THIRD_PARTY_FOLDERS if (path := Path(base, name)).is_dir()]
    for path in protect:
        real = os.path.realpath(path)
        if any(real == base or real.startswith(base + os.sep) for base in binds()):
            hidden.append(real)
    return sorted(set(hidden))


def readable() -> tuple[list[str], list[str]]:
    """The same paths as Landlock rules: (directories that may only be listed, paths that may be read)."""
    listable: list[str] = []
    paths = [*library_directories(), *interpreter_libraries()]
    for base in standard_library():
        listable.append(base)
        # Landlock cannot exclude a subdirectory, so entries are listed one by one. A symbolic link (Debian's
        # sitecustomize) may point outside the library and gets no rule.
        paths += [
            entry.path for entry in os.scandir(base) if entry.name not in THIRD_PARTY_FOLDERS and not entry.is_symlink()
        ]
    return listable, paths
