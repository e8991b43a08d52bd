"""Zygote: a warm process that has PyTorch and Triton loaded and forks once for each job; it holds no secret.

It is started by exec, never forked from pytest. A request names a job and its folder: `record` runs a candidate and may
write nothing, its answer goes through a pipe to `plans.jsonl`; `interpret` and `compile` execute its plans. When the
zygote answers, no process of the job is left.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.lane.json_worker import answer_requests, claim_channel, send_answer
from harness.lanes.kernel.confinement import adopt_orphans, confine
from harness.lanes.kernel.plan_worker import prepare, run_job

_FIRST_DESCRIPTOR = 3  # the first that is not a standard stream
_MAX_ANSWER = 32 << 20  # bytes of all plans of a job


def main() -> None:
    """Run jobs until the parent closes the channel."""
    adopt_orphans()
    requests, answers = claim_channel()
    prepare()
    send_answer({"ready": True}, answers)
    answer_requests(_run, requests, answers)


def _run(job: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    base_read, base_write = os.pipe()
    answer_read, answer_write = os.pipe()
    child = os.fork()
    if child == 0:
        # A fork does not map pages of files again, so the child begins with less memory than this process has.
        os.write(base_write, f"{_resident_mb()}".encode())
        _become_job(job, answer_write)
    os.close(base_write)
    os.close(answer_write)
    watched = os.pidfd_open(child)
    try:
        base = float(os.read(base_read, 64) or b"inf")
        answer, ready = _read_answer(answer_read, watched, started + job["timeout"])
    finally:
        for descriptor in (base_read, answer_read, watched):
            os.close(descriptor)
    if job["do"] == "record":
        (Path(job["folder"]) / "plans.jsonl").write_bytes(answer)
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


def _read_answer(pipe: int, watched: int, deadline: float) -> tuple[bytes, bool]:
    """What the child writes until it ends or the time is over, and whether it ended."""
    answer, waiting = b"", [pipe, watched]
    while waiting:
        ready, _, _ = select.select(waiting, [], [], max(0.0, deadline - time.monotonic()))
        if not ready or len(answer) > _MAX_ANSWER:
            return b"", False
        if pipe in ready:
            data = os.read(pipe, 1 << 20)
            answer += data
            if not data:
                waiting.remove(pipe)
        else:  # it ended, and what it left behind may hold the pipe
            return answer, True
    return answer, True


def _become_job(job: dict[str, Any], answer: int) -> None:
    """Confine this child, close all descriptors of the zygote, run the job and exit."""
    code = 120
    try:
        os.setsid()
        folder = Path(job["folder"])
        home = folder / "home"
        null = os.open(os.devnull, os.O_RDWR)
        log = os.open(home / "stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(null, 0)
        os.dup2(answer, 1)
        os.dup2(log, 2)
        os.closerange(_FIRST_DESCRIPTOR, 1024)
        sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
        os.chdir(home)
        os.environ.update(HOME=str(home), TMPDIR=str(home), TRITON_CACHE_DIR=str(home / "triton"))
        tempfile.tempdir = None  # that of the zygote
        do, named = job["do"], {"readable": [job["folder"]]}
        layers = confine(None if do == "record" else job["folder"], job["limits"], may_execute=do == "compile", **named)
        if do != "record":
            (folder / "out" / "layers.json").write_text(json.dumps({"layers": layers}))
        run_job(do, job["folder"])
        code = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def _end_orphans() -> None:
    """Kill all processes that the job left; as a subreaper this process is now their parent."""
    while True:
        children = [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
        if not children:
            return
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
