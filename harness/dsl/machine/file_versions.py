"""FileVersions: which work files changed, and their contents as blobs, so that a fork gets the files of its event."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.dsl.eventlog.fault import LogError
from harness.dsl.eventlog.runlog import Files, RunLog
from harness.dsl.machine.value_storage import BlobStore
from harness.dsl.tools.request import Request

Kept = tuple[str, int]
"""Address of a file's content, empty if it was too large to be kept; and its mode."""


class FileVersions:
    """The work files of a run, as recorded in its log.

    Args:
        blobs: Receives the contents.
        log: Of the run; read at first use.
    """

    def __init__(self, work: Path, blobs: BlobStore, log: RunLog) -> None:
        self._work, self._blobs, self._log = work, blobs, log
        self._known: dict[str, Kept] | None = None
        self._seen: dict[str, tuple[int, ...]] = {}

    def changes(self) -> dict[str, Kept | None]:
        """The files that changed since the last call; None for a removed one."""
        known = self._known
        if known is None:
            known = self._known = files_at(self._log)
        found, total, seen = {}, 0, dict[str, tuple[int, ...]]()
        for number, (path, status) in enumerate(_regular_files(self._work)):
            mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            total += status.st_size
            seen[path] = mark
            if self._seen.get(path) == mark and path in known:
                continue
            mode, address = status.st_mode & 0o777, self._keep(path, number, total)
            if known.get(path) != (address, mode):
                found[path] = (address, mode)
        changed: dict[str, Kept | None] = {**found, **{path: None for path in known if path not in seen}}
        self._known = {path: kept for path, kept in {**known, **found}.items() if path in seen}
        self._seen = seen
        return changed

    def _keep(self, path: str, number: int, total: int) -> str:
        from harness.dsl.tools.fault import ToolFault
        from harness.dsl.tools.folder import MAX_FILES, MAX_FOLDER_BYTES, Folder

        if number >= MAX_FILES or total > MAX_FOLDER_BYTES:
            return ""
        try:
            return self._blobs.put(Folder(self._work).read(path)).hex()
        except ToolFault:  # too large, or removed by a command that is still running
            return ""

    def changes_by_key(self, performed: Sequence[Request]) -> dict[str, Files]:
        """The changes since the last call by the key of the effect that made them.

        Args:
            performed: The effects since then. A written file belongs to its `tool.write`; other changes belong to the
                last other effect, because commands that run at the same time cannot be distinguished.
        """
        changed = self.changes()
        found: dict[str, dict[str, Kept | None]] = {}
        for request in performed:
            path = os.path.normpath(str(request.arguments.get("path", "")))
            if request.name == "tool.write" and path in changed:
                found.setdefault(_key(request), {})[path] = changed.pop(path)
        if changed:
            others = [request for request in performed if request.name != "tool.write"] or list(performed)
            found.setdefault(_key(others[-1]), {}).update(changed)
        return dict(found)


def files_at(log: RunLog, *, stop: int | None = None) -> dict[str, Kept]:
    """The work files of a run before an event: after its last event, if none is named."""
    return _folded(files for _, files in log.files(stop=stop))


def restore_files(files: dict[str, Kept], target: Path, blobs: BlobStore) -> None:
    """Make a work folder with these files, or none of them; does nothing if the folder exists.

    Raises:
        LogError: if they cannot be written, or one was too large to be kept.
    """
    if target.exists():
        return
    import contextlib
    import tempfile

    from harness.dsl.tools.fault import ToolFault
    from harness.dsl.tools.folder import Folder

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
        fresh.chmod(0o755)
        folder = Folder(fresh)
        for path, (address, mode) in files.items():
            if not address:
                raise LogError(f"{path} was too large to be kept", where=str(target), fix="fork an earlier event")
            folder.write(path, blobs.get(bytes.fromhex(address)))
            (fresh / path).chmod(mode)
        with contextlib.suppress(FileExistsError):
            fresh.rename(target)
    except ToolFault as fault:
        raise LogError(f"the work files cannot be restored: {fault.why}", where=str(target)) from fault
    except (KeyError, ValueError) as error:
        why = f"the content of a work file is missing: {error}"
        raise LogError(why, where=str(target), fix="restore a copy of the log") from error
    except OSError as error:
        why = f"the work files cannot be restored: {error.strerror}"
        raise LogError(why, where=str(target), fix="free space, then try again") from error


def _folded(deltas: Iterable[Files]) -> dict[str, Kept]:
    found: dict[str, Kept] = {}
    for files in deltas:
        for path, kept in files.items():
            if kept is None:
                found.pop(path, None)
            else:
                found[path] = kept
    return found


def _regular_files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    for directory, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            full = Path(directory, name)
            try:
                status = full.lstat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield full.relative_to(root).as_posix(), status


def _key(request: Request) -> str:
    return request.key.partition(".")[0]  # a point of a search has the key of the search before the dot
