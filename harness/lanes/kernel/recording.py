"""Recording: has a kernel's calls recorded without numbers; a line of JSON for each, which is not trusted.

Equal calls of a kernel are recorded once in a run, so that all its stages judge the same plans.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from typing import Any

from harness.core.digest import digest_bytes, digest_json
from harness.core.status import Status
from harness.lane.shared_result import compute_once
from harness.lanes.kernel.job import GIB, Job, process_fault

_RECORD_SECONDS = 60.0  # of wall time, at most, for what takes 0.1 s of CPU time
_RECORD_CPU_SECONDS = 10  # which an endless loop of host code uses up
_KILLED = (-signal.SIGKILL, -signal.SIGXCPU)
_SECONDS = 60.0  # for the reference process to sample what host code may know
_SHOWN = ("sizes", "dtype", "layout", "numbers")  # what a recorder learns of an input: neither seed nor family
Lines = list[bytes]
Fault = tuple[Status, str]


class _RecordingFault(Exception):  # noqa: N818 - a kernel's fault is data
    def __init__(self, status: Status, why: str) -> None:
        super().__init__(why)
        self.fault: Fault = status, why


def record(job: Job, questions: Sequence[dict[str, Any]], described: dict[str, Any]) -> tuple[Lines, Fault | None]:
    """Record the call of each question; equal calls are recorded once.

    Args:
        questions: See `Question.plan`.
        described: The device that the kernel shall see (`AbsentDevice.select`).

    Returns:
        A line for each question, to be read by `plan.read_plan`; and the fault, if the recording did not end.
    """
    definition = job.definition
    hosts = [list(definition.inputs).index(name) for name in definition.host_inputs]
    known: list[list[Any]] = [[] for _ in questions]
    if hosts:
        known = job.processes.ask("sample", {"questions": questions, "inputs": hosts}, timeout=_SECONDS)["numbers"]
    calls: dict[str, int] = {}
    places = []
    for question, numbers in zip(questions, known, strict=True):
        inputs = [{key: one[key] for key in _SHOWN if key in one} for one in question["inputs"]]
        for index, found in zip(hosts, numbers, strict=True):
            inputs[index]["numbers"] = found
        call = {"inputs": inputs, "parameters": question["parameters"], "operators": definition.operators}
        places.append(calls.setdefault(json.dumps(call | {"library": job.library}), len(calls)))
    (job.folder / "kernel.py").write_bytes(job.source)
    every = [json.loads(call) for call in calls]
    # The second time round shows a call that depends on those before it.
    request = {"entry": definition.entry, "configuration": job.configuration, "calls": [*every, *every[::-1]]}
    request |= described
    kept = job.processes.recordings / f"{digest_json([request, digest_bytes(job.source)])}.jsonl"
    try:
        lines = compute_once(kept, lambda: _run_recorder(job, request, len(calls))).split(b"\n")
    except _RecordingFault as found:
        return [], found.fault
    return [lines[place] for place in places], None


def _run_recorder(job: Job, request: dict[str, Any], count: int) -> bytes:
    """The lines of the first `count` calls; those after them are the same calls in reverse order.

    Raises:
        _RecordingFault: if it ended early, or if a repeated call was not the same.
    """
    limits = job.limits | {"RLIMIT_FSIZE": 0, "RLIMIT_AS": 4 * GIB}
    limits["RLIMIT_CPU"] = min(limits["RLIMIT_CPU"], _RECORD_CPU_SECONDS)
    seconds = min(job.timeout, _RECORD_SECONDS)
    outcome = job.processes.run("record", job.folder, request, timeout=seconds, limits=limits)
    lines = (job.folder / "plans.jsonl").read_bytes().splitlines()
    if len(lines) < 2 * count:
        ended = Status.PROTOCOL, "its process ended before it answered"
        if outcome.code is None:
            raise _RecordingFault(Status.TIMEOUT, f"its host code did not return within {seconds:g} s")
        if outcome.code in _KILLED and outcome.cpu_ms > 500 * limits["RLIMIT_CPU"]:  # two clocks, which may differ
            why = f"its host code computed for {limits['RLIMIT_CPU']} s and did not return"
            raise _RecordingFault(Status.TIMEOUT, why)
        raise _RecordingFault(*(process_fault(outcome, job.folder, job) or ended))
    first, again = lines[:count], lines[count : 2 * count][::-1]
    differing = next((two for one, two in zip(first, again, strict=True) if one != two), b"")
    if b'"plan"' in differing[:10]:
        raise _RecordingFault(Status.FORBIDDEN, "a second call of the same sizes does something else")
    return b"\n".join([differing] * count if differing else first)
