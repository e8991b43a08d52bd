"""Named path: the file that a name in a file from outside stands for, if there is one."""

from __future__ import annotations

from pathlib import Path


def named_path(folder: Path, name: str) -> Path | None:
    """The resolved path of an existing file or folder; None for any name that stands for none.

    pathlib raises for some of those: a name that is too long, has a NUL or a lone surrogate, or leads into a folder
    that may not be read or round a loop of links.
    """
    try:
        return (folder / name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None


def named_paths(folder: Path, pattern: str) -> list[Path]:
    """What a pattern matches in a folder, sorted; empty for a pattern that pathlib or the file system refuses."""
    try:
        return sorted(folder.glob(pattern))
    except (OSError, ValueError, RuntimeError, NotImplementedError):
        return []
