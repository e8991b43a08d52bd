"""Zygote: a warm process that has PyTorch and Triton loaded and forks once for each job; it holds no secret.

It is forked from the root (`root`), never from pytest. A request names a job and its folder. `record` runs a candidate
and may write nothing, its answer goes through a pipe to `plans.jsonl`; `interpret` and `compile` execute its plans, and
what they write is counted. When the zygote answers, no process of the job is left.
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
from harness.lanes.kernel.plan_worker import run_job
from harness.sandbox.quota import Quota, Watch

_FIRST_DESCRIPTOR = 3  # the first that is not a standard stream
_MAX_ANSWER = 32 << 20  # bytes of all plans of a job
_MAX_LOG = 1 << 16  # bytes of its standard error that are kept, the last ones
_LOOK = 0.5  # seconds between two looks at a job
_HOME = Quota(256 << 20, 4096)  # what a compiler leaves: code of every stage, for every launch


def main() -> None:
    """Run jobs until the parent closes the channel."""
    adopt_orphans()
    requests, answers = claim_channel()
    send_answer({"ready": True}, answers)
    answer_requests(_run, requests, answers)


def _run(job: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    base_read, base_write = os.pipe()
    answer_read, answer_write = os.pipe()
    log_read, log_write = os.pipe()
    child = os.fork()
    if child == 0:
        # A fork does not map pages of files again, so the child begins with less memory than this process has.
        os.write(base_write, f"{_resident_mb()}".encode())
        _become_job(job, answer_write, log_write)
    for descriptor in (base_write, answer_write, log_write):
        os.close(descriptor)
    watched, folder = os.pidfd_open(child), Path(job["folder"])
    try:
        base = float(os.read(base_read, 64) or b"inf")
        output = {answer_read: bytearray(), log_read: bytearray()}
        excess = _wait(watched, output, started + job["timeout"], Watch(_HOME, folder / "home"))
    finally:
        for descriptor in (base_read, answer_read, log_read, watched):
            os.close(descriptor)
    if job["do"] == "record":
        (folder / "plans.jsonl").write_bytes(output[answer_read] if excess == "" else b"")
    (folder / "home" / "stderr").write_bytes(output[log_read])
    if excess != "":
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    _end_orphans()
    return {
        "code": None if excess is None else os.waitstatus_to_exitcode(status),
        "excess": excess or "",
        "seconds": time.monotonic() - started,
        "cpu_ms": (usage.ru_utime + usage.ru_stime) * 1000,
        "peak_mb": max(0.0, usage.ru_maxrss / 1024 - base),
    }


def _wait(watched: int, output: dict[int, bytearray], deadline: float, watch: Watch) -> str | None:
    """Read what a child writes to pipes until it ends.

    Args:
        watched: Its pidfd.
        output: Receives what it writes, by pipe; the first is its answer, the second its log.
        deadline: When it is too late.
        watch: Counts its folder.

    Returns:
        An empty string if it ended; None if it was too late; else why it has to be ended.
    """
    answer, log = output
    waiting = [answer, log, watched]
    while True:
        ready, _, _ = select.select(waiting, [], [], max(0.0, min(deadline - time.monotonic(), _LOOK)))
        for pipe in {answer, log}.intersection(ready):
            data = os.read(pipe, 1 << 20)
            output[pipe] += data
            if not data:
                waiting.remove(pipe)
        del output[log][:-_MAX_LOG]
        if len(output[answer]) > _MAX_ANSWER:
            return f"answered with more than {_MAX_ANSWER >> 20} MiB"
        if ready == [watched]:  # it ended, and what it left behind may hold the pipes
            return watch.excess(now=True)
        if excess := watch.excess():
            return excess
        if time.monotonic() > deadline:
            return None


def _become_job(job: dict[str, Any], answer: int, log: int) -> None:
    """Confine this child, close all descriptors of the zygote, run the job and exit."""
    code = 120
    try:
        os.setsid()
        folder = Path(job["folder"])
        home = folder / "home"
        null = os.open(os.devnull, os.O_RDWR)
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
