"""Folders of runs: the first run of a log uses the log's folder, each fork and upgrade a separate one.

So a fork cannot change the work files or exports of the run that it was forked from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.dsl.eventlog.fault import LogError

LOG, WORK, FORKS = "log.db", "work", "forks"
FIRST_RUN = 1  # number of a log's first run


def folder_of_run(folder: Path, run: int) -> Path:
    """The folder of a run's exports; its work files are in `work` below it."""
    return folder if run == FIRST_RUN else folder / FORKS / str(run)


def write_input_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into the work folder of a log's first run.

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
