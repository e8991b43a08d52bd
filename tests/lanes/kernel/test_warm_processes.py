"""Warm processes: a job is confined, ends with all its processes, and harms neither the next job nor the zygote."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from harness.core.errors import InfraError
from harness.core.status import Status
from harness.lanes.kernel.job import process_fault
from harness.lanes.kernel.warm_processes import WarmProcesses

WRITE = "import json, os, pathlib\nfound = {}\n"
LEAVE = "\npathlib.Path('..', 'out', 'found.json').write_text(json.dumps(found))\ndef run(x):\n    return x\n"


def test_what_a_job_can_reach(job, processes: WarmProcesses) -> None:
    probe = """
import socket
def tried(name, action):
    try:
        action(); found[name] = True
    except OSError as error:
        found[name] = error.strerror
tried("specification", lambda: open(SPECIFICATION).read())
tried("shadow", lambda: open("/etc/shadow").read())
tried("home", lambda: os.listdir(HOME))
tried("temporary", lambda: open("/tmp/crucible-probe", "w"))
tried("own", lambda: open("own", "w"))
tried("socket", lambda: socket.socket())
tried("kill", lambda: os.kill(os.getppid(), 0))
tried("program", lambda: os.execv("/bin/true", ["true"]))
found["variables"] = sorted(os.environ)
"""
    specification = Path(__file__).parents[3] / "specs/kernels/softmax.py"
    probe = f"SPECIFICATION, HOME = {str(specification)!r}, {str(Path.home())!r}" + probe
    asked = job(WRITE + probe + LEAVE)
    outcome = _run(asked, processes)
    assert outcome.code == 0, outcome.last_error
    found = json.loads((asked.folder / "out/found.json").read_text())
    assert found.pop("own") is True
    assert "TRITON_INTERPRET" in found["variables"]
    assert not {"USER", "SSH_AUTH_SOCK", "AWS_SECRET_ACCESS_KEY"} & set(found.pop("variables"))
    if "landlock" in outcome.layers and "seccomp" in outcome.layers:
        assert True not in found.values(), found


def _run(asked, processes: WarmProcesses):
    (asked.folder / "kernel.py").write_bytes(asked.source)
    request = {"entry": "run", "questions": [], "orders": [], "configuration": {}}
    (asked.folder / "request.json").write_text(json.dumps(request))
    return processes.run("interpret", asked.folder, timeout=asked.timeout, limits=asked.limits)


def test_a_job_that_is_killed_leaves_nothing_and_the_zygote_lives(job, processes: WarmProcesses) -> None:
    asked = job("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    outcome = _run(asked, processes)
    # The filter refuses the signal; a segmentation fault it cannot refuse.
    assert process_fault(outcome, asked.folder, asked) is not None
    crashed = job("import ctypes\nctypes.string_at(0)\n")
    outcome = _run(crashed, processes)
    assert process_fault(outcome, crashed.folder, crashed) == (Status.CRASH, "its process was ended by SIGSEGV")
    assert _run(job("def run(x):\n    return x\n"), processes).code == 0


def test_what_a_compilation_starts_ends_with_it(job, processes: WarmProcesses) -> None:
    source = """
import os, subprocess, time
child = subprocess.Popen(["/bin/sleep", "300"], start_new_session=True)
open("pid", "w").write(str(child.pid))
"""
    asked = job(source)
    (asked.folder / "kernel.py").write_bytes(asked.source)
    request = {"entry": "run", "targets": [], "architectures": [], "configuration": {}, "max_configurations": 1}
    (asked.folder / "request.json").write_text(json.dumps(request))
    processes.run("compile", asked.folder, timeout=60, limits=asked.limits)
    pid = int((asked.folder / "home/pid").read_text())
    deadline = time.monotonic() + 5
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not os.path.exists(f"/proc/{pid}")


def test_closing_ends_the_processes_and_asking_again_starts_new_ones(tmp_path: Path, softmax) -> None:
    request = {"folder": str(tmp_path), "reference": "torch.relu", "baseline": "torch.relu", "times": 2.0}
    nothing = {"questions": [], "answers": []}
    with WarmProcesses() as made:
        made.compare(request | nothing, timeout=60)
        (process,) = made._running.values()
        first = process.worker.pid
        process.worker._process.kill()
        with pytest.raises(InfraError, match=r"reference.* ended"):
            made.compare(request | nothing, timeout=60)
        assert made.compare(request | nothing, timeout=60)["answers"] == []
        (process,) = made._running.values()
        assert process.worker.pid != first
        last = process.worker._process
    assert last.poll() is not None


def test_the_memory_a_kernel_takes_is_told(job, processes: WarmProcesses) -> None:
    small = _run(job("def run(x):\n    return x\n"), processes)
    large = _run(job("held = bytearray(96 << 20)\ndef run(x):\n    return x\n"), processes)
    assert small.peak_mb < 60 < 90 < large.peak_mb < 180
