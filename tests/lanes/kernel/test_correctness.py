"""Answers are evaluated outside of the kernel's process. The negative controls of the suites complete these tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import InfraError
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lanes.kernel import recording
from harness.lanes.kernel.correctness import interpret
from harness.lanes.kernel.definition import Definition

ROOT = Path(__file__).parents[3]
HONEST = (ROOT / "kernels/softmax/fused.py").read_text()


def test_an_honest_kernel(judged) -> None:
    found = judged(HONEST, attempts=2)
    assert (found.status, found.why, found.tier) == (Status.OK, "", Tier.D)
    assert all(entry["right"] and entry["error"] <= entry["allowed"] for entry in found.facts["shapes"])
    assert {entry["dtype"] for entry in found.facts["shapes"]} == {"float32", "float16"}
    assert found.stable
    assert len(found.attempts) == 2
    assert (found.facts["launched"], found.facts["operators"]) == (4, [])
    assert found.facts["unseen"][0].startswith("not interpreted: M=16384 N=4096")
    assert {"landlock", "seccomp", "rlimits"} <= set(found.facts["confinement"])
    assert max(found.facts["nulls"].values()) < 1


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        (("    return y\n", "    return x.softmax(-1)\n"), Status.FORBIDDEN, "library's own operator _softmax"),
        (("    return y\n", "    return x.exp_()\n"), Status.FORBIDDEN, "library's own operator exp_"),
        (("    return y\n", "    return y.T.contiguous().T\n"), Status.WRONG, "run returned strides"),
        (("    return y\n", "    return torch.tensor(y.tolist())\n"), Status.FORBIDDEN, "it reads elements"),
        (("    return y\n", "    return x\n"), Status.WRONG, "returned its input x as an output"),
        (("tl.exp(", "tl.inline_asm_elementwise("), Status.FORBIDDEN, "inline_asm_elementwise is not on the list"),
        (("tl.exp(", "(lambda z: z)("), Status.FORBIDDEN, "a call of something other than a function"),
        (("empty_like(x)", "empty_like(x).new_empty(1 << 40)"), Status.MEMORY, "MiB, 2048 are allowed"),
    ],
)
def test_what_a_plan_may_not_hold(judged, change: tuple[str, str], status: Status, why: str) -> None:
    assert change[0] in HONEST
    found = judged(HONEST.replace(*change))
    assert (found.status, why in found.why) == (status, True), found.why


def test_memory_that_a_kernel_did_not_write_differs_between_attempts(judged) -> None:
    """A kernel may pass over NaN, but not over every number."""
    source = HONEST.replace("x_ptr, y_ptr, N", "x_ptr, y_ptr, z_ptr, N").replace(
        "](x, y, x.", "](x, y, torch.empty_like(x), x."
    )
    source = source.replace(
        "    e = tl.exp", "    z = tl.load(z_ptr + n, mask=n < N, other=0.0).to(tl.float32)\n    e = tl.exp"
    )
    source = source.replace("(e / tl.sum(e, 0))", "tl.where(z == z, z, e / tl.sum(e, 0))")
    assert judged(source, attempts=1).status is Status.OK
    assert judged(source, attempts=2).status is Status.WRONG


def test_a_configuration_reaches_the_kernel(judged) -> None:
    source = HONEST.replace("def run(x):", "def run(x, *, factor=0.5):").replace(
        "    return y\n", "    return y * factor\n"
    )
    assert judged(source, library=True).status is Status.WRONG
    found = judged(source, library=True, configuration={"factor": 1.0})
    assert (found.status, found.facts["operators"]) == (Status.OK, ["mul"])


def test_a_kernel_that_hangs_is_ended_and_the_next_one_is_unharmed(judged, monkeypatch) -> None:
    found = judged("import time\ndef run(x):\n    time.sleep(600)\n", timeout=1.0)
    assert (found.status, found.why) == (Status.TIMEOUT, "its host code did not return within 1 s")
    monkeypatch.setattr(recording, "_RECORD_CPU_SECONDS", 1)
    for loop in ("while True: pass", "sum(iter(int, 1))"):
        busy = judged(f"def run(x):\n    {loop}\n")
        assert (busy.status, busy.why) == (Status.TIMEOUT, "its host code computed for 1 s and did not return")
    assert judged(HONEST).status is Status.OK


def test_an_error_may_be_its_own_cause(judged) -> None:
    found = judged("def run(x):\n    error = ValueError('x')\n    raise error from error\n", timeout=5.0)
    assert (found.status, found.why) == (Status.CRASH, "run raised ValueError: x")


def test_a_definition_that_judges_nothing_is_our_failure(job, softmax) -> None:
    trivial = Definition.from_wire(softmax.to_wire() | {"reference": "torch.zeros_like", "baselines": {}})
    with pytest.raises(InfraError, match="accepts a trivial answer: 'zeros' is right everywhere"):
        interpret(job(HONEST, definition=trivial))


def test_a_reference_that_fails_is_our_failure(job, softmax) -> None:
    broken = Definition.from_wire(softmax.to_wire() | {"reference": "torch.linalg.no_such_function", "baselines": {}})
    with pytest.raises(InfraError, match=r"\(compare\) failed: AttributeError"):
        interpret(job(HONEST, definition=broken))
