"""Process: a script in its own process group, with a private folder and a cleared environment, killed as a whole."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TAIL = 4000
# What a CUDA process needs to find its driver; nothing else of the user's environment is passed on.
_PASSED = ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a script ended.

    Attributes:
        code: Its exit status, negative for a signal; None if it ran out of time.
        seconds: Wall time.
        output: All of its standard output, or its last part if there is a great deal.
        said: The last line of its standard error.
    """

    code: int | None
    seconds: float
    output: str
    said: str


def run_script(script: Path, folder: Path, *, timeout: float, environment: Mapping[str, str]) -> Outcome:
    """Run `python script folder` and wait; when this returns, no process of its group is left.

    Tier D: it is a process with limits of its own making, not a box. A process that left its group on purpose
    survives; a box would end that too.
    """
    home = folder / "home"
    home.mkdir(exist_ok=True)
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    cleared = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "TRITON_CACHE_DIR": str(home / "triton"),
        "LC_ALL": "C.UTF-8",
        # Several items run at once; and one BLAS thread is much the fastest on a busy machine.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    started = time.perf_counter()
    with (home / "stdout").open("wb") as stdout, (home / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-B", str(script), str(folder)],
            cwd=home,
            env=passed | cleared | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end_group(process)
    seconds = time.perf_counter() - started
    lines = _tail(home / "stderr").strip().splitlines()
    return Outcome(code, seconds, _tail(home / "stdout"), lines[-1] if lines else "")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill all of a group, its leader dead or not, and wait until none of it is left (a second at most)."""
    deadline = time.monotonic() + 1
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        while time.monotonic() < deadline:  # raises as soon as the group is empty
            os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.005)
    process.wait()


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL * 16))
        return file.read(_TAIL * 16).decode("utf-8", "replace")
