"""The paths that are visible in a box: the standard library and shared libraries, nothing else."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from harness.sandbox.shared_objects import closure

THIRD_PARTY_FOLDERS = ("site-packages", "dist-packages")
"""Directories inside a standard library that hold third-party packages."""
UNUSED = ("test", "idlelib", "lib2to3", "turtledemo", "turtle.py", "tkinter", "ensurepip", "pydoc_data", "venv")
"""Parts of the standard library that are of no use in a box."""
TESTS = ("test", "tests")
"""Directories inside packages that hold their tests."""


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


@functools.cache
def extension_libraries() -> dict[str, str]:
    """The real paths, by name, of the shared libraries that the interpreter and its extension modules load."""
    folders = [Path(base, "lib-dynload") for base in standard_library()]
    modules = [str(path) for folder in folders for path in folder.glob("*.so") if not path.name.startswith("_tkinter")]
    own_folders = dict.fromkeys(os.path.dirname(path) for path in interpreter_libraries())
    every = [os.path.realpath(sys.executable), *interpreter_libraries(), *modules]
    return closure(every, [*own_folders, *library_directories()])


@functools.cache
def readable() -> tuple[list[str], list[str]]:
    """What a box may read, as Landlock rules: (directories that may only be listed, paths that may be read).

    It is little, so that all of it can be kept in memory (`residency`): boxes could see what others have read first.
    """
    listable: list[str] = []
    paths = [*extension_libraries().values(), *interpreter_libraries()]
    for base in standard_library():
        listable.append(base)
        # Landlock cannot exclude a subdirectory, so entries are listed one by one. A symbolic link (Debian's
        # sitecustomize) may point outside the library and gets no rule.
        paths += [
            entry.path
            for entry in os.scandir(base)
            if entry.name not in (*THIRD_PARTY_FOLDERS, *UNUSED) and not entry.name.startswith("config-")
            if not entry.is_symlink()
        ]
    return listable, paths
