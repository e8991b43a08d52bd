"""Sharing: one run of a program for all its cases, whichever processes they land in.

The first process that needs a run makes it, under a lock; the others wait and read what it said. If it dies half-way,
the lock is free, and the next one goes on from the log: no effect that happened happens again.
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
STALE_S = 24 * 3600.0
"""After this long a folder nobody uses is swept, should a whole run have been killed."""


def shared(scratch: Path, key: str, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """What `make` says of a folder of its own: computed once per test run, whatever the number of processes.

    Args:
        scratch: A private folder that all processes of the run share.
        key: Names what is made; equal keys are the same thing.
        make: Gets the folder; what it returns is JSON.
    """
    base = _joined(scratch / "dsl-runs" / os.environ.get("PYTEST_XDIST_TESTRUNUID", _PROCESS))
    base.mkdir(parents=True, exist_ok=True)
    said, folder = base / f"{key}.json", base / key
    with (base / f"{key}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(OSError, ValueError):
            known: dict[str, Any] = json.loads(said.read_bytes())
            return known
        result = make(folder)
        fresh = said.with_suffix(".new")
        fresh.write_text(json.dumps(result), encoding="utf-8")
        fresh.replace(said)
        shutil.rmtree(folder, ignore_errors=True)
        return result


@cache
def _joined(base: Path) -> Path:
    """Take part in a folder until this process ends; the last one out removes it."""
    base.parent.mkdir(parents=True, exist_ok=True)
    for other in base.parent.glob("*.users"):
        with contextlib.suppress(OSError):
            if time.time() - other.stat().st_mtime > STALE_S:
                shutil.rmtree(other.with_suffix(""), ignore_errors=True)
                other.unlink()
    users = base.with_name(f"{base.name}.users").open("ab")
    fcntl.flock(users, fcntl.LOCK_SH)
    atexit.register(_leave, base, users, os.getpid())
    return base


def _leave(base: Path, users: BinaryIO, process: int) -> None:
    if os.getpid() != process:
        return  # a fork of this process: not its to tidy
    with contextlib.suppress(OSError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(base, ignore_errors=True)
        Path(users.name).unlink(missing_ok=True)
        base.parent.rmdir()
