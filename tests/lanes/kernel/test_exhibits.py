"""What a kernel shows at each stage."""

from __future__ import annotations

import pytest

from harness.core.exhibit import inflate, unpack
from harness.core.status import Status
from harness.lanes.kernel.exhibits import kernel_exhibits
from tests.lanes.kernel.test_score import CODE

TARGET = {"target": "n=4096", "dtype": "float16", "flops": 8e12, "bytes": 4e9, "kernel_ms": 10.0, "tflops": 800.0,
          "fastest": "cublas", "speedup": 1.25}  # fmt: skip
CEILINGS = {"bytes_per_s": 4e12, "tflops": {"float16": 900.0}, "l2_bytes": 1}
SHAPE = {"shape": {"n": 8}, "dtype": "float16", "family": "normal", "right": True, "error": 0.5, "allowed": 2.0}


def shown(status=Status.OK, **facts):
    return {one.name: unpack(one.kind, inflate(one.stored)) for one in kernel_exhibits(facts, status)}


def test_resources_and_configurations():
    variants = [
        {"configuration": {"BLOCK": block, "warps": warps}, "code": CODE | {"registers": block + warps}}
        for block in (64, 128)
        for warps in (4, 8)
    ]
    broken = {"configuration": {"BLOCK": 256, "warps": 4}, "fault": "out of resources"}
    launch = {"name": "k", "architecture": "sm_90a", "target": "t", "variants": [*variants, broken]}
    found = shown(launches=[launch])
    assert len(found["resources"].rows) == 5
    assert found["resources"].rows[-1][2] == "out of resources"
    assert found["configurations"].rows == ("64", "128", "256")
    assert found["configurations"].values == ((68, 72), (132, 136), (None, None))


def test_roofline_speed_up_and_errors():
    noisy = TARGET | {"target": "n=8", "speedup": None}
    missing = {"shape": {"n": 9}, "dtype": "float16", "family": "zeros", "right": False}
    found = shown(targets=[TARGET, noisy], ceilings=CEILINGS, device="card", shapes=[SHAPE, missing])
    assert found["roofline"].intensity == (2000.0, 2000.0)
    assert found["roofline"].peak == 900.0
    assert found["speed-up"].values == (1.25, None)
    assert "too noisy: n=8" in found["speed-up"].absent
    assert found["errors"].values == (pytest.approx(25.0),)
    assert found["errors"].absent == "no comparable answer: n=9 float16, zeros"
    many = shown(shapes=[SHAPE, *[missing] * 5])["errors"].absent
    assert (many.count("zeros"), many.endswith("; 2 more")) == (3, True)


def test_an_answer_is_wrong_exactly_where_its_bar_is_beyond_the_limit():
    limits = {"tile_error": 0.1, "tile_allowed": 1.0, "element": 0.2}
    shapes = [SHAPE | limits | more for more in ({}, {"element": 43.4}, {"tile_error": 2.0}, {"error": 3.0})]
    found = shown(shapes=[shape | {"right": number == 0} for number, shape in enumerate(shapes)])["errors"]
    assert found.values == pytest.approx((25.0, 4340.0, 200.0, 150.0))
    assert "right answers: 1 of 4" in found.sentence


@pytest.mark.parametrize("ceilings", [None, {"bytes_per_s": 4e12, "tflops": {}, "l2_bytes": 1}])
def test_without_ceilings_there_is_no_roofline(ceilings):
    assert "roofline" not in shown(targets=[TARGET], ceilings=ceilings)


def test_what_was_skipped_shows_nothing():
    assert shown(Status.SKIPPED, launches=[]) == {}
