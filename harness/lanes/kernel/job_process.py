"""Job process: what a child of the root does: a job of a candidate, confined, or a question to trusted code.

`record` runs a candidate and may write nothing; its answer goes through a pipe. `interpret` and `compile` execute its
plans. `compare`, `sample` and `shapes` run trusted functions only.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from harness.lanes.kernel import reference
from harness.lanes.kernel.adapters import problem_shapes
from harness.lanes.kernel.confinement import confine
from harness.lanes.kernel.plan_worker import run_job
from harness.sandbox.syscalls import PR_SET_PDEATHSIG, prctl

STREAMS = 3  # the request, the answer and the log
JOBS = ("record", "interpret", "compile")
QUESTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "compare": reference.compare,
    "sample": reference.sample,
    "shapes": problem_shapes.find,
}
_MAX_DESCRIPTOR = 1024


def become(data: bytes, streams: Sequence[int]) -> NoReturn:
    """Close all descriptors of the root, do what is asked and exit.

    Args:
        data: What to do (`do`), and for a job its `folder` and `limits`, as JSON.
        streams: Descriptors of the request, of the answer and of the log.
    """
    code = 120
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(STREAMS, _MAX_DESCRIPTOR)
        with os.fdopen(os.dup(0)) as given:
            request = json.load(given)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.close(null)
        sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
        tempfile.tempdir = None  # that of the root
        call = json.loads(data)
        if call["do"] in JOBS:
            _do_job(call, request)
        else:
            _answer(QUESTIONS[call["do"]], request)
        code = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _do_job(call: dict[str, Any], request: dict[str, Any]) -> None:
    do, folder = call["do"], Path(call["folder"])
    home = folder / "home"
    os.chdir(home)
    os.environ.update(HOME=str(home), TMPDIR=str(home), TRITON_CACHE_DIR=str(home / "triton"))
    writable = None if do == "record" else str(folder)
    layers = confine(writable, call["limits"], may_execute=do == "compile", readable=[str(folder)])
    if do != "record":
        (folder / "out" / "layers.json").write_text(json.dumps({"layers": layers}))
    run_job(do, folder, request)


def _answer(function: Callable[[dict[str, Any]], dict[str, Any]], request: dict[str, Any]) -> None:
    with os.fdopen(os.dup(1), "w") as channel:
        os.dup2(2, 1)  # what it prints goes to the log
        try:
            found = function(request)
        except Exception as error:
            found = {"fault": f"{type(error).__name__}: {error}"}
        json.dump(found, channel)


def resident_mb() -> float:
    """The resident memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
