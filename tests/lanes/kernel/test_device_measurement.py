"""The whole path of a measurement, on the CPU: the same processes, questions and judgements as on a device."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.status import Status
from harness.lane.context import Context
from harness.lanes.kernel import device_measurement, device_session, paired_rounds
from harness.lanes.kernel.definition import Definition, read_definition
from harness.lanes.kernel.device_client import StandFault
from harness.lanes.kernel.score import score_kernel

ROOT = Path(__file__).parents[3]
MATMUL = read_definition(ROOT / "specs/kernels/matmul.yaml")
TARGET = {"M": 192, "N": 192, "K": 192, "dtype": "bfloat16"}
HONEST = "import torch\ndef run(a, b):\n    return torch.matmul(a, b)\n"


@pytest.fixture
def measured(job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paired_rounds, "ROUNDS", 2)
    monkeypatch.setattr(paired_rounds, "CALLS", 4)
    for name in ("_CLOCK_SLACK_MS", "_AHEAD_SLACK_MS"):
        monkeypatch.setattr(paired_rounds, name, 500.0)  # other processes may take the processor away
    wire = MATMUL.to_wire() | {"review_above": None}
    wire["shapes"] = {"tiny": [{"M": 2, "N": 3, "K": 4}], "odd": [], "tile": [], "target": [TARGET]}
    wire["hidden"] = None
    wire["baselines"] = {
        "eager": {"call": "torch.matmul"},
        "absent": {"call": "torch.matmul", "sdpa": "NO_SUCH_BACKEND"},
    }
    definition = Definition.from_wire(wire)

    def run(source: str, **changed: object) -> Evidence:
        asked = job(source, definition=definition, attempts=2, library=True)
        asked = dataclasses.replace(asked, **changed)
        return device_measurement.measure(asked, Context(secret_seed=1, scratch=tmp_path), step="honest", index=-1)

    return run


def test_an_honest_kernel_is_judged_and_timed(measured, tmp_path: Path) -> None:
    found = measured(HONEST)
    assert found.status is Status.OK, found.why
    (target,) = found.facts["targets"]
    assert target["fastest"] == "eager"
    assert "NO_SUCH_BACKEND" in target["absent"]["absent"]
    assert [len(block) for block in target["samples"]["kernel"]] == [4, 4]
    assert found.median_ms == target["kernel_ms"] > 0
    assert all(entry["right"] for entry in found.facts["shapes"])
    (item,) = found.facts["trace"]
    assert (item["type"], item["step_name"]) == ("TraceItem.Performance", "honest")
    score = score_kernel(found.model_copy(update={"facts": {"stage": "gpu", **found.facts}}), Policy())
    assert {"correctness", "accuracy", "speed", "speedup", "light"} == {part.name for part in score.components}
    assert {"landlock", "seccomp", "no_new_privs"} <= set(found.facts["confinement"])
    left = {path.name for path in tmp_path.iterdir() if path.name.startswith("job-")}
    assert all(not name.endswith("-cache") for name in left)


STALE = """
import torch
kept = []
def run(a, b):
    if a.shape[0] < 100:
        return torch.matmul(a, b)
    if not kept:
        kept.append(torch.matmul(a, b))
    return kept[0].clone()
"""
THREAD = """
import threading, time, torch
def run(a, b):
    if a.shape[0] > 100:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return torch.matmul(a, b)
"""


@pytest.mark.parametrize(
    ("source", "status", "why"),
    [
        (STALE, Status.WRONG, "a timed call at M=192"),
        (THREAD, Status.FORBIDDEN, "starts threads or processes while it is timed"),
        ("import os\ndef run(a, b):\n    os._exit(7)\n", Status.CRASH, "exited with status 7"),
    ],
    ids=["stale", "thread", "exit"],
)
def test_what_only_timing_shows(measured, source: str, status: Status, why: str) -> None:
    found = measured(source)
    assert (found.status, why in found.why) == (status, True), found.why


@pytest.mark.parametrize("times", [None, [1.0] * 9, [1.0] * 9 + [0.0], [1.0] * 9 + [True], [float("nan")] * 10, "fast"])
def test_what_a_process_reports_must_be_times(times: object) -> None:
    with pytest.raises(device_measurement.KernelFault, match="times that are none"):
        paired_rounds._times({"event_ms": times}, 10)
    assert paired_rounds._times({"event_ms": [1.0] * 10}, 10) == [1.0] * 10


def test_a_driver_that_the_filter_breaks_is_run_without_it(measured, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device's may ask for more than is known: then a layer is absent, and no kernel is to blame."""
    tried: list[str] = []

    class Bench(device_session.Bench):
        def __init__(self, folder: Path, **named: object) -> None:
            tried.append(str(named["part"]))
            super().__init__(folder, **named)

        def ask(self, do: str, **named: object) -> dict:
            if do == "check":
                raise StandFault({"error": "RuntimeError: operation not permitted"}, None)
            return super().ask(do, **named)

    monkeypatch.setattr(device_session, "Bench", Bench)
    monkeypatch.setattr(device_session, "_unfiltered", [])
    found = measured(HONEST)
    assert found.status is Status.OK, found.why
    assert tried == ["building", "kernel", "unfiltered"]
    assert "seccomp" not in found.facts["confinement"]
    assert "not permitted" in device_session._unfiltered[0]
