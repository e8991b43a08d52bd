"""The whole path of a measurement on the CPU: processes, questions and checks as on a device, with scripted times."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.status import Status
from harness.lane.context import Context
from harness.lane.json_worker import WorkerFault
from harness.lanes.kernel import device_measurement, device_session, paired_rounds
from harness.lanes.kernel.baselines import Baselines
from harness.lanes.kernel.definition import Definition, read_definition
from harness.lanes.kernel.score import score_kernel
from tests.lanes.kernel.scripted_device import ScriptedClient, script_devices

ROOT = Path(__file__).parents[3]
MATMUL = read_definition(ROOT / "specs/kernels/matmul.yaml")
TARGET = {"M": 192, "N": 192, "K": 192, "dtype": "bfloat16"}
HONEST = "import torch\ndef run(a, b):\n    return torch.matmul(a, b)\n"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Baselines]:
    """The CPU in place of a device, held for all kernels below, as `crucible kernel bench` holds a device."""
    with pytest.MonkeyPatch.context() as patch:
        script_devices(patch)
        with device_measurement.hold_device(tmp_path_factory.mktemp("held"), index=-1) as (baselines, _):
            yield baselines


@pytest.fixture
def measured(job, held: Baselines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paired_rounds, "ROUNDS", 2)
    monkeypatch.setattr(paired_rounds, "CALLS", 4)
    script_devices(monkeypatch)
    wire = MATMUL.to_wire() | {"review_above": None}
    wire["shapes"] = {"tiny": [{"M": 2, "N": 3, "K": 4}], "odd": [], "tile": [], "target": [TARGET]}
    wire["hidden"] = None
    wire["baselines"] = {
        "eager": {"call": "torch.matmul"},
        "absent": {"call": "torch.matmul", "sdpa": "NO_SUCH_BACKEND"},
    }
    definition = Definition.from_wire(wire)

    def run(source: str, *, alone: bool = False) -> Evidence:
        """Measure on the held device, or hold it for this kernel only."""
        asked = job(source, definition=definition, attempts=2, library=True)
        context = Context(secret_seed=1, scratch=tmp_path)
        if alone:
            return device_measurement.measure(asked, context, step="honest", index=-1)
        return device_measurement.measure_kernel(asked, held, None, context, step="honest")

    return run


def test_an_honest_kernel_is_judged_and_timed(measured, tmp_path: Path) -> None:
    found = measured(HONEST)
    assert found.status is Status.OK, found.why
    (target,) = found.facts["targets"]
    assert target["fastest"] == "eager"
    assert "NO_SUCH_BACKEND" in target["absent"]["absent"]
    assert [len(block) for block in target["samples"]["kernel"]] == [4, 4]
    assert found.median_ms == target["kernel_ms"] == pytest.approx(1.0)
    assert target["speedup"] == pytest.approx(1.0)
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
    found = measured(source, alone=status is Status.CRASH)
    assert (found.status, why in found.why) == (status, True), found.why


@pytest.mark.parametrize("times", [None, [1.0] * 9, [1.0] * 9 + [0.0], [1.0] * 9 + [True], [float("nan")] * 10, "fast"])
def test_what_a_process_reports_must_be_times(times: object) -> None:
    with pytest.raises(device_measurement.KernelFault, match="invalid times"):
        paired_rounds._times({"event_ms": times}, 10)
    assert paired_rounds._times({"event_ms": [1.0] * 10}, 10) == [1.0] * 10


def test_a_driver_that_the_filter_breaks_is_run_without_it(measured, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver may need an unknown system call: then the filter is left out, and the kernel is not to blame."""
    tried: list[str] = []

    class Refusing(ScriptedClient):
        def __init__(self, folder: Path, **named: object) -> None:
            tried.append(str(named["role"]))
            super().__init__(folder, **named)

        def ask(self, do: str, **named: object) -> dict:
            if do == "check":
                raise WorkerFault({"error": "RuntimeError: operation not permitted"}, None)
            return super().ask(do, **named)

    monkeypatch.setattr(device_session, "DeviceClient", Refusing)
    monkeypatch.setattr(device_session, "_unfiltered", [])
    found = measured(HONEST)
    assert found.status is Status.OK, found.why
    assert tried == ["compile", "kernel", "unfiltered"]
    assert "seccomp" not in found.facts["confinement"]
    assert "not permitted" in device_session._unfiltered[0]


def test_two_clocks_must_agree(measured, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's clock advances by a second at each reading; the events of a row of calls say one millisecond."""
    readings = itertools.count()

    class Slow(ScriptedClient):
        clock = staticmethod(lambda: float(next(readings)))

    monkeypatch.setattr(device_session, "DeviceClient", Slow)
    found = measured(HONEST)
    assert found.status is Status.PROTOCOL
    assert "it works where they do not see it" in found.why


def test_a_call_on_an_idle_device_may_take_longer_by_the_launch_only() -> None:
    point = MATMUL.point(TARGET)
    paired_rounds._check_ahead({"idle_ms": 2.0, "launch_ms": 0.7}, [1.0, 1.0], point)
    with pytest.raises(device_measurement.KernelFault, match="it works ahead of its turn"):
        paired_rounds._check_ahead({"idle_ms": 2.0, "launch_ms": 0.5}, [1.0, 1.0], point)
