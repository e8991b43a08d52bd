"""One run of a program is shared by all its cases, also if several processes evaluate them.

The first process that needs a run makes it, under a lock; the others wait and read its result. If that process dies,
the kernel frees the lock, and the next process resumes from the log, so no effect is repeated.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

_PROCESS = f"{os.getpid()}-{time.time_ns()}"


def share_run(scratch: Path, key: str, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """The result of `make`, computed once per test run, whatever the number of processes.

    Args:
        scratch: A private folder that all processes of the run share.
        key: Identifies the result; equal keys share one.
        make: Takes a folder for its files and returns JSON.
    """
    base = _join(scratch / "dsl-runs" / os.environ.get("PYTEST_XDIST_TESTRUNUID", _PROCESS))
    base.mkdir(parents=True, exist_ok=True)
    result_file, folder = base / f"{key}.json", base / key
    with (base / f"{key}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(OSError, ValueError):
            known: dict[str, Any] = json.loads(result_file.read_bytes())
            return known
        result = make(folder)
        fresh = result_file.with_suffix(".new")
        fresh.write_text(json.dumps(result), encoding="utf-8")
        fresh.replace(result_file)
        shutil.rmtree(folder, ignore_errors=True)
        return result


@cache
def _join(base: Path) -> Path:
    """Register this process as a user of a folder until it ends; the last user removes the folder."""
    base.parent.mkdir(parents=True, exist_ok=True)
    ours = base.with_name(f"{base.name}.users")
    for other in set(base.parent.glob("*.users")) - {ours}:
        with contextlib.suppress(OSError), other.open("rb") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while a user lives
            shutil.rmtree(other.with_suffix(""), ignore_errors=True)
            other.unlink()
    while True:
        users = ours.open("ab")
        with contextlib.suppress(OSError):  # a file system without locks: no other run can take it for a dead one's
            fcntl.flock(users, fcntl.LOCK_SH)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(users.fileno()), ours.stat()):
                break
        users.close()  # removed by another run between these lines
    atexit.register(_leave, base, users, os.getpid())
    return base


def _leave(base: Path, users: BinaryIO, process: int) -> None:
    if os.getpid() != process:
        return  # a fork of this process: the original removes the folder
    with contextlib.suppress(OSError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(base, ignore_errors=True)
        Path(users.name).unlink(missing_ok=True)
        base.parent.rmdir()
