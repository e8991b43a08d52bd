"""Zygote: a warm process that has PyTorch and Triton loaded, and forks once for each kernel; it holds nothing secret.

It was exec'd, never forked from pytest. It reads one JSON line for a job and answers one; what the job leaves lies in
the job's folder and is believed by nobody. When it answers, no process of the job is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

from harness.lanes.kernel.confinement import adopt_orphans, confine

MODES = ("interpret", "compile")
_CHANNELS = 3  # the first descriptor that is nobody's standard stream


def main(mode: str) -> None:
    """Serve until the parent is gone."""
    adopt_orphans()
    if mode == "interpret":
        from harness.lanes.kernel import kernel_worker as work
    else:
        from harness.lanes.kernel import compile_worker as work  # type: ignore[no-redef]
    work.prepare()
    sys.stdout.write(json.dumps({"ready": True}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        reply = _serve(json.loads(line), work.work, may_execute=mode == "compile")
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def _serve(job: dict[str, Any], work: Any, *, may_execute: bool) -> dict[str, Any]:
    started = time.monotonic()
    told, telling = os.pipe()
    child = os.fork()
    if child == 0:
        # Pages of files are not mapped anew by a fork, so what it begins with is less than this process has.
        os.write(telling, f"{_resident_mb()}".encode())
        _become(job, work, may_execute=may_execute)
    os.close(telling)
    watched = os.pidfd_open(child)
    try:
        base = float(os.read(told, 64) or b"inf")
        ready, _, _ = select.select([watched], [], [], job["timeout"])
    finally:
        os.close(told)
        os.close(watched)
    if not ready:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    _end_orphans()
    return {
        "code": os.waitstatus_to_exitcode(status) if ready else None,
        "seconds": time.monotonic() - started,
        "cpu_ms": (usage.ru_utime + usage.ru_stime) * 1000,
        "peak_mb": max(0.0, usage.ru_maxrss / 1024 - base),
    }


def _become(job: dict[str, Any], work: Any, *, may_execute: bool) -> None:
    """The child: confined, with nothing of the zygote's but its memory."""
    code = 120
    try:
        os.setsid()
        folder = Path(job["folder"])
        home = folder / "home"
        null = os.open(os.devnull, os.O_RDWR)
        log = os.open(home / "stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(null, 0)
        os.dup2(null, 1)
        os.dup2(log, 2)
        os.closerange(_CHANNELS, 1024)
        sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
        os.chdir(home)
        os.environ.update(HOME=str(home), TMPDIR=str(home), TRITON_CACHE_DIR=str(home / "triton"))
        layers = confine(job["folder"], job["limits"], may_execute=may_execute)
        (folder / "out" / "layers.json").write_text(json.dumps({"layers": layers}))
        work(job["folder"])
        code = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _end_orphans() -> None:
    """Kill what the job left behind: as a subreaper this process is its parent now."""
    while True:
        children = [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
        if not children:
            return
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


if __name__ == "__main__":
    main(sys.argv[1])
