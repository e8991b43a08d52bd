"""Warm processes: a job is confined, ends with all its processes, and harms neither the next job nor the root."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from harness.core.status import Status
from harness.lanes.kernel import recording, warm_processes
from harness.lanes.kernel.job import process_fault
from harness.sandbox.quota import Quota, Watch

ATTACKS = Path(__file__).parents[2] / "attacks"

PROBE = """
import json, os, socket
found = {}
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
raise ValueError(json.dumps([found, sorted(os.environ)]))
"""


def record(job, source: str):
    """Run a candidate in the recorder; the job, its answer and how its process ended."""
    asked = job(source)
    (asked.folder / "kernel.py").write_bytes(asked.source)
    call = {"inputs": [], "parameters": {}, "operators": [], "library": False}
    request = {"entry": "run", "architecture": "sm_90a", "configuration": {}, "calls": [call]}
    outcome = asked.processes.run("record", asked.folder, request, timeout=asked.timeout, limits=asked.limits)
    return asked, (asked.folder / "plans.jsonl").read_text(), outcome


def test_what_a_candidate_can_reach(job) -> None:
    specification = Path(__file__).parents[3] / "specs/kernels/softmax.py"
    _, answer, outcome = record(job, f"SPECIFICATION, HOME = {str(specification)!r}, {str(Path.home())!r}" + PROBE)
    assert outcome.code == 0, outcome.last_error
    found, variables = json.loads(json.loads(answer)["error"].partition(": ")[2])
    assert not {"USER", "SSH_AUTH_SOCK", "AWS_SECRET_ACCESS_KEY"} & set(variables)
    if found["own"] == "Permission denied":  # Landlock is there, and so is seccomp
        assert True not in found.values(), found


def test_a_job_that_crashes_leaves_nothing_and_the_root_lives(job) -> None:
    asked, answer, outcome = record(job, "import ctypes\nctypes.string_at(0)\n")
    fault = process_fault(outcome, asked.folder, asked)
    assert (answer, fault) == ("", (Status.CRASH, "its process was ended by SIGSEGV"))
    _, answer, outcome = record(job, "def run():\n    raise ValueError('x')\n")
    assert (json.loads(answer)["error"], outcome.code) == ("ValueError: x", 0)


def test_host_code_may_use_dynamo(job) -> None:
    """Its import writes files, which a recorder may not: the root has it loaded."""
    source = """
import torch, torch._dynamo
@torch.compiler.disable
def made():
    return torch.empty_like(torch.empty(4, device="cuda"))
def run():
    raise ValueError(made().shape)
"""
    _, answer, outcome = record(job, source)
    assert (json.loads(answer)["error"], outcome.code) == ("ValueError: torch.Size([4])", 0)


def test_what_writes_without_end_is_ended(job) -> None:
    source = """
import os
while True:
    for channel in range(3, 20):
        try:
            os.write(channel, bytes(1 << 20))
        except OSError:
            pass
"""
    asked, answer, outcome = record(job, source)
    assert (answer, outcome.excess) == ("", "answered with more than 32 MiB")
    fault = process_fault(outcome, asked.folder, asked)
    assert fault == (Status.OUTPUT, "its process answered with more than 32 MiB")


def test_a_recorder_takes_no_disk(job) -> None:
    asked = job((ATTACKS / "disk/kernel.py").read_text())
    before = sorted(path.name for path in Path("/tmp").glob("crucible-canary-*"))
    _, fault = recording.record(asked, [{"inputs": [], "parameters": {}}], {"architecture": "sm_90a"})
    line = json.loads((asked.folder / "plans.jsonl").read_bytes().splitlines()[0])
    assert (fault, line["error"]) == (None, "ValueError: took 0 bytes")
    assert sorted(path.name for path in Path("/tmp").glob("crucible-canary-*")) == before


@pytest.mark.parametrize("way", ["named", "log"])
def test_a_job_that_fills_its_folder_is_ended(tmp_path: Path, way: str) -> None:
    pipes = [os.pipe(), os.pipe()]
    child = os.fork()
    if child == 0:
        try:
            with (tmp_path / "large").open("wb") as file:
                file.truncate(3 << 20)
            if way == "log":
                for _ in range(64):
                    os.write(pipes[1][1], bytes(1 << 16))
                os._exit(0)
            signal.pause()
        finally:
            os._exit(1)
    for _, write in pipes:
        os.close(write)
    watched, output = os.pidfd_open(child), {read: bytearray() for read, _ in pipes}
    excess = warm_processes._read_output(watched, output, time.monotonic() + 60, Watch(Quota(2 << 20, 9), tmp_path))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for descriptor in (watched, *output):
        os.close(descriptor)
    assert excess == "wrote more than 2 MiB"
    assert len(output[pipes[1][0]]) <= 1 << 16, "of a log only the end is kept"


def test_the_memory_a_job_takes_is_told(job) -> None:
    _, _, small = record(job, "def run():\n    return None\n")
    _, _, large = record(job, "held = bytearray(96 << 20)\ndef run():\n    return None\n")
    assert small.peak_mb < 60 < 90 < large.peak_mb < 180
