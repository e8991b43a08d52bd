"""Sizes of a problem as arithmetic over its constants."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.kernel.adapters.axes import Trial, UnclearError, changed, constants_of, express

BASE = {"N": 8, "M": 6, "K": 10}


def trials(shape) -> tuple[Trial, dict[str, Trial]]:
    def trial(constants):
        return Trial(constants, *shape(**constants))

    return trial(BASE), {name: trial(changed(BASE, name)) for name in BASE}


def test_constants_are_read_with_their_arithmetic_and_nothing_is_run() -> None:
    source = "N = 2048 * 2\nM = N // 4\nh, w = 3, N\nx = (1, 2)\ny = -1\nz = open('/etc/passwd')\nb = True\n"
    assert constants_of(source) == {"N": 4096, "M": 1024, "h": 3, "w": 4096}


@given(a=st.integers(1, 5), b=st.integers(0, 5))
def test_what_follows_one_constant_is_found(a: int, b: int) -> None:
    inputs, outputs = express(*trials(lambda N, M, K: ([[N, M], [7]], [[a * N + b, M]])))
    assert inputs == [["N", "M"], ["7"]]
    ((first, second),) = outputs
    assert eval(first, {}, {"N": 3}) == a * 3 + b
    assert second == "M"


def test_products_are_found_and_what_is_unclear_is_named() -> None:
    assert express(*trials(lambda N, M, K: ([[N * M, 2 * K]], [[3 * N * M * K]])))[1] == [["3 * N * M * K"]]
    with pytest.raises(UnclearError, match="size 1 of output 0 follows N, M"):
        express(*trials(lambda N, M, K: ([[N, M]], [[N, N + M]])))
    with pytest.raises(UnclearError, match="size 0 of output 0 follows N"):
        express(*trials(lambda N, M, K: ([[N]], [[64 // N]])))
