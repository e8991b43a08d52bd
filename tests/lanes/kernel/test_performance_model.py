"""The prediction before a measurement ranks better configurations first."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lanes.kernel.architecture import ARCHITECTURES
from harness.lanes.kernel.definition import read_definition
from harness.lanes.kernel.device_limits import DEFAULT, DEVICES
from harness.lanes.kernel.machine_code import MachineCode
from harness.lanes.kernel.performance_model import Prediction, predict

SPECS = Path(__file__).parents[3] / "specs/kernels"
CARD = DEVICES[DEFAULT]
GOOD = {"BLOCK_M": 128, "BLOCK_N": 256, "BLOCK_K": 64, "GROUP": 8, "num_warps": 8, "num_stages": 3}


def code(*, registers: int = 200, shared: int = 147_456, threads: int = 256, **instructions: int) -> MachineCode:
    occupancy = ARCHITECTURES["sm_90a"].occupancy(registers=registers, shared_bytes=shared, threads=threads)
    return MachineCode(
        name="k", architecture="sm_90a", registers=registers, stack_bytes=0, shared_bytes=shared, threads=threads,
        occupancy=occupancy, instructions=instructions or {"HGMMA": 4},
    )  # fmt: skip


def of(operation: str, configuration: dict, *, target: int = 0, **more: int) -> Prediction:
    definition = read_definition(SPECS / f"{operation}.yaml")
    return predict(definition, definition.targets[target], configuration, code(**more), device=CARD)


@pytest.mark.parametrize(
    ("worse", "why"),
    [
        (GOOD | {"BLOCK_M": 64, "BLOCK_N": 64}, "small tiles read more"),
        (GOOD | {"num_stages": 1}, "nothing is in flight"),
    ],
)
def test_it_ranks_what_is_known_to_be_worse_behind(worse: dict, why: str) -> None:
    assert of("matmul", worse, target=1).seconds > 1.2 * of("matmul", GOOD, target=1).seconds, why


def test_without_tensor_cores_it_takes_many_times_as_long() -> None:
    assert of("matmul", GOOD, FFMA=64).seconds > 8 * of("matmul", GOOD).seconds


def test_an_empty_last_round_is_paid_for() -> None:
    definition = read_definition(SPECS / "matmul.yaml")
    full, over = (
        predict(definition, definition.point({"M": 128 * tiles, "N": 256, "K": 4096}), GOOD, code(), device=CARD)
        for tiles in (132, 133)
    )
    assert (full.rounds, over.seconds / full.seconds) == (1.0, pytest.approx(2.0, abs=0.1))


def test_attention_is_halved_by_a_causal_mask() -> None:
    definition = read_definition(SPECS / "fmha.yaml")
    shape = {"B": 4, "H": 16, "G": 16, "S": 8192, "D": 128}
    configuration = {"BLOCK_M": 128, "BLOCK_N": 128, "num_stages": 2}
    causal, full = (
        predict(definition, definition.point(shape | {"causal": on}), configuration, code(), device=CARD).seconds
        for on in (True, False)
    )
    assert full / causal == pytest.approx(2.0, abs=0.1)


def test_a_kernel_that_streams_needs_enough_in_flight() -> None:
    many = of("swiglu", {"BLOCK": 4096}, registers=32, shared=0)
    few = of("swiglu", {"BLOCK": 4096}, registers=250, shared=0)
    assert (many.limit, few.limit) == ("memory", "latency")
    assert few.seconds > many.seconds


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["matmul", "fmha", "bmm", "bmm_ragged", "swiglu", "cross_entropy", "matmul_splitk"]),
    st.fixed_dictionaries(
        {
            "BLOCK_M": st.sampled_from([16, 64, 128]),
            "BLOCK_N": st.sampled_from([16, 64, 256]),
            "BLOCK_K": st.sampled_from([16, 64]),
            "GROUP": st.integers(1, 16),
            "SPLIT": st.sampled_from([1, 8]),
            "num_stages": st.integers(0, 5),
        }
    ),
    st.integers(16, 255),
    st.integers(0, 232_448),
)
def test_nothing_is_ever_faster_than_the_roofline(
    operation: str, configuration: dict, registers: int, shared: int
) -> None:
    found = of(operation, configuration, registers=registers, shared=shared)
    assert found.seconds >= found.floor_seconds > 0
    assert 0 < found.floor_seconds <= found.seconds
