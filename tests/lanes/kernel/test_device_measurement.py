"""The whole path of a measurement on the CPU: processes, questions and checks as on a device, with scripted times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.status import Status
from harness.lane.context import Context
from harness.lanes.kernel import device_measurement, paired_rounds
from harness.lanes.kernel.baselines import Baselines
from harness.lanes.kernel.definition import Definition, read_definition
from harness.lanes.kernel.score import score_kernel
from tests.lanes.kernel.scripted_device import script_devices

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

    def run(source: str, *, alone: bool = False, library: bool = True) -> Evidence:
        """Measure on the held device, or hold it for this kernel only."""
        asked = job(source, definition=definition, attempts=2, library=library)
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
    assert found.facts["launch_overhead"] == "of the replay, equal for all kernels"


KERNEL = """
import torch, triton
import triton.language as tl

@triton.autotune(configs=[triton.Config({"BLOCK": size}) for size in (16, 64)], key=["N"])
@triton.jit
def product_kernel(a_ptr, b_ptr, c_ptr, M, N, K, BLOCK: tl.constexpr, BK: tl.constexpr):
    m, n, k = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK), tl.program_id(1) * 64 + tl.arange(0, 64), tl.arange(0, BK)
    a = tl.load(a_ptr + m[:, None] * K + k[None, :], mask=(m[:, None] < M) & (k[None, :] < K), other=0.0)
    b = tl.load(b_ptr + k[:, None] * N + n[None, :], mask=(k[:, None] < K) & (n[None, :] < N), other=0.0)
    tl.store(c_ptr + m[:, None] * N + n[None, :], tl.dot(a, b), mask=(m[:, None] < M) & (n[None, :] < N))

def run(a, b):
    (M, K), N = a.shape, b.shape[1]
    c = torch.empty((M, N), dtype=a.dtype, device=a.device)
    grid = lambda meta: (triton.cdiv(M, meta["BLOCK"]), triton.cdiv(N, 64))
    product_kernel[grid](a, b, c, M, N, K, BK=max(16, triton.next_power_of_2(K)))
    return c
"""


@pytest.mark.parametrize(
    ("source", "status", "why"),
    [
        (KERNEL, Status.OK, ""),
        (KERNEL.replace("BK=max(16, triton.next_power_of_2(K))", "BK=128"), Status.WRONG, "at M=192"),
        ("import os\ndef run(a, b):\n    os._exit(7)\n", Status.CRASH, "exited with status 7"),
    ],
    ids=["tuned", "cut", "exit"],
)
def test_a_kernel_is_launched_from_its_plan(measured, source: str, status: Status, why: str) -> None:
    found = measured(source, alone=status is Status.CRASH, library=False)
    assert (found.status, why in found.why) == (status, True), found.why
