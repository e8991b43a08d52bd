"""Own: where the files of one run are. The first run of a log has its folder, each fork and upgrade one of its own.

So nothing that a fork does to its files can reach the run it left: not its work files, nor its exports.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from harness.dsl.eventlog.fault import LogError

LOG, WORK, FORKS = "log.db", "work", "forks"
FIRST_RUN = 1
"""Number of the first run of a log."""


def folder_of_run(folder: Path, run: int) -> Path:
    """Where the exports of a run are; its work files are in `work` below.

    Args:
        folder: Of the log.
        run: The run's number in it.
    """
    return folder if run == FIRST_RUN else folder / FORKS / str(run)


def copy_work_files(folder: Path, run: int, new: int) -> None:
    """Copy the work files of a run for one that leaves it: all of them, or none. Safe to repeat.

    Args:
        folder: Of the log.
        run: Number of the run that is left.
        new: Number of the one that begins.

    Raises:
        LogError: if they cannot be copied, or are too large to be.
    """
    target = folder_of_run(folder, new) / WORK
    if target.exists():
        return
    import tempfile

    from harness.dsl.tools.fault import ToolFault
    from harness.dsl.tools.folder import Folder

    source = folder_of_run(folder, run) / WORK
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
        fresh.chmod(0o755)
        copy = Folder(fresh)
        for path, data in (Folder(source).files() if source.is_dir() else {}).items():
            copy.write(path, data)
            (fresh / path).chmod((source / path).stat().st_mode & 0o777)
        with contextlib.suppress(FileExistsError):
            fresh.rename(target)
    except ToolFault as fault:
        raise LogError(f"the work files cannot be copied: {fault.why}", where=str(source), fix="remove some") from fault
    except OSError as error:
        why = f"the work files cannot be copied: {error.strerror}"
        raise LogError(why, where=str(source), fix="free space, then try again") from error


def write_input_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put files into the work folder of a log's first run.

    Raises:
        LogError: if one cannot be written.
    """
    from harness.dsl.tools.fault import ToolFault
    from harness.dsl.tools.folder import Folder

    work = folder / WORK
    try:
        work.mkdir(parents=True, exist_ok=True)
        for path, data in files.items():
            Folder(work).write(path, data)
    except ToolFault as fault:
        raise LogError(f"the run's files cannot be written: {fault.why}", where=str(work)) from fault
    except OSError as error:
        raise LogError(f"the run's files cannot be written: {error.strerror}", where=str(work)) from error
