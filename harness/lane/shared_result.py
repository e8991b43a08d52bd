"""Shared results: what several processes of a run need is computed by one of them and read by the others."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.core.digest import digest_bytes


def compute_once(file: Path, compute: Callable[[], bytes]) -> bytes:
    """The content of a file; if it has none yet, `compute` is called under a lock and its result is written.

    Args:
        file: In a folder that no candidate can write to; made at need. If its process dies, the next one computes.
        compute: What it raises is raised here, and nothing is kept.
    """
    with locked(file):
        data = read_result(file)
        if data is None:
            data = compute()
            write_result(file, data)
        return data


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock of a file; where there is no room or no lock, each process computes for itself."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fcntl.flock(stack.enter_context(file.with_suffix(".lock").open("ab")), fcntl.LOCK_EX)
        yield


def read_result(file: Path) -> bytes | None:
    """What `write_result` wrote; None if there is nothing, or if it was damaged."""
    try:
        digest, _, data = file.read_bytes().partition(b"\n")
    except OSError:
        return None
    return data if digest.decode("ascii", "replace") == digest_bytes(data) else None


def write_result(file: Path, data: bytes) -> None:
    """Write a file in one step, with a digest; a full disk leaves no file."""
    partial = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_bytes(digest_bytes(data).encode() + b"\n" + data)
        partial.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
