"""Pinned files: the path and digest of what a suite names, as it was when the suite was collected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.core.digest import digest_bytes, digest_json
from harness.core.errors import SuiteError, UsageError
from harness.dsl.machine.input_files import read_input_files
from harness.lane.pinned_file import pin, require_unchanged
from harness.suites.suite import Suite


def pin_file(suite: Suite, name: str, key: str) -> dict[str, str] | None:
    """Path and digest of the file that a suite's key names; None if the name is empty.

    Raises:
        SuiteError: if there is no such file.
    """
    return None if not name else pin(suite.resolve(name, key))


def pin_work_file(suite: Suite, name: str, number: int) -> dict[str, str]:
    """Path and digest of an entry of the suite's `files`: a file or a folder.

    Raises:
        SuiteError: if it does not exist, cannot be read, or is too large.
    """
    path = suite.resolve(name, "files", number, allow_folder=True)
    try:
        return {"path": str(path), "digest": digest_of_copy(path)}
    except UsageError as error:
        raise SuiteError(f"{error.where}: {error.what}", where=suite.where("files", number), fix=error.fix) from error


def digest_of_copy(path: Path) -> str:
    """Digest of what a file or folder adds to the work folder, hidden files included; raises as `read_input_files`."""
    return digest_json({name: digest_bytes(data) for name, data in read_input_files([path]).items()})


def unchanged_path(
    entry: dict[str, str], digest: Callable[[Path], str] = lambda path: digest_bytes(path.read_bytes())
) -> Path:
    """The path of a pinned file or folder.

    Raises:
        InfraError: if its content has changed since collection.
    """
    path = Path(entry["path"])
    require_unchanged(path, entry["digest"], digest(path))
    return path
