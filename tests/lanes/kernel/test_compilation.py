"""Compile gates, on a machine without a GPU: what does not compile, does not fit or lacks a claimed feature."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.status import Status
from harness.lanes.kernel.compilation import Launch, compile_kernel
from harness.lanes.kernel.correctness import interpret
from harness.lanes.kernel.definition import read_definition
from harness.lanes.kernel.golden_table import Golden, rows_of

ROOT = Path(__file__).parents[3]
MATMUL = read_definition(ROOT / "specs/kernels/matmul.yaml")
TILED = (ROOT / "kernels/matmul/tiled.py").read_text()
SMALL = """
import torch, triton
import triton.language as tl
{decorator}
@triton.jit
def kernel(a_ptr, c_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    {body}
def run(a, b):
    c = torch.empty_like(a)
    kernel[(64,)](a, c, a.numel(){last})
    return c
"""
COPY = "tl.store(c_ptr + i, tl.load(a_ptr + i))"


def small(*, decorator: str = "", body: str = COPY, last: str = ", BLOCK=128") -> str:
    return SMALL.format(decorator=decorator, body=body, last=last)


@pytest.mark.parametrize(("architecture", "instruction"), [("sm_90a", "HGMMA"), ("sm_80", "HMMA"), ("sm_120a", "HMMA")])
def test_a_product_uses_tensor_cores(job, architecture: str, instruction: str) -> None:
    found = compile_kernel(job(TILED, definition=MATMUL), architecture=architecture)
    assert found.status is Status.OK, found.why
    (launch,) = (Launch.from_wire(launch) for launch in found.facts["launches"])
    code = launch.best.code
    assert code is not None
    assert code.architecture == architecture
    assert code.instructions[instruction] > 0
    assert launch.best.feasible
    assert 0 < code.occupancy <= 1


def test_only_the_targets_that_are_asked_for_and_each_code_once(job) -> None:
    found = compile_kernel(job(small(), definition=MATMUL, questions=()), architecture="sm_90a", targets=3)
    assert [target["target"] for target in found.facts["targets"]] == [point.label for point in MATMUL.targets[:3]]
    assert len(found.facts["launches"]) == 3


def test_autotuned_every_configuration_is_compiled_up_to_a_number(job) -> None:
    decorator = "@triton.autotune(configs=[triton.Config({'BLOCK': 64 << i}) for i in range(6)], key=['n'])"
    source = small(decorator=decorator, last="")
    found = compile_kernel(job(source, definition=MATMUL, questions=()), architecture="sm_90a", max_configurations=3)
    (launch,) = (Launch.from_wire(launch) for launch in found.facts["launches"])
    assert [variant.configuration["BLOCK"] for variant in launch.variants] == [64, 256, 1024]


@pytest.mark.parametrize(
    ("source", "status", "why"),
    [
        (small(body="tl.store(c_ptr + i, undefined_name)"), Status.FORBIDDEN, "undefined_name is neither"),
        (small(body="tl.store(c_ptr + i, tl.dot(i, i))"), Status.CRASH, "kernel does not compile"),
        ("import torch\ndef run(a, b):\n    return torch.matmul(a, b)\n", Status.FORBIDDEN, "own operator mm"),
        ("import nowhere_to_be_found\n", Status.CRASH, "ModuleNotFoundError"),
        ("def ran(a, b):\n    return a\n", Status.WRONG, "defines no function 'run'"),
        ("import os\nos._exit(3)\n", Status.CRASH, "exited with status 3"),
    ],
)
def test_what_does_not_compile(job, source: str, status: Status, why: str) -> None:
    found = compile_kernel(job(source, definition=MATMUL, questions=()), architecture="sm_90a")
    assert found.status is status
    assert why in found.why


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("[" * 100_000, Status.PROTOCOL),
        ('{"plan": {"steps": [{"do": "launch"}], "returns": []}}', Status.PROTOCOL),
        ('{"plan": null, "kind": "unsupported", "error": "it is not my fault"}', Status.PROTOCOL),
        ('{"kind": "bounds"}', Status.PROTOCOL),
        ("", Status.PROTOCOL),
    ],
)
def test_what_a_candidate_writes_in_place_of_a_plan(job, written: str, status: Status) -> None:
    # The recorder's channel is one of its descriptors.
    source = f"""
import os
for channel in range(3, 20):
    try:
        os.write(channel, ({written!r} + chr(10)).encode() * 2)
    except OSError:
        pass
os._exit(0)
"""
    found = compile_kernel(job(source, definition=MATMUL, questions=(), timeout=20.0), architecture="sm_90a")
    assert (found.status, found.facts["launches"]) == (status, [])


def test_what_is_compiled_must_answer_as_well(job) -> None:
    """However a candidate knows, or guesses, that it is recorded for the compiler."""
    source = (ROOT / "kernels/matmul/tiled.py").read_text() + "\n" + small().replace("def run(", "def decoy(")
    source += "\nreal, calls = run, []\ndef run(a, b):\n    calls.append(len(a))\n"
    knows = source + "    return (decoy if calls[0] > 1000 else real)(a, b)\n"
    found = compile_kernel(job(knows, definition=MATMUL), architecture="sm_90a")
    assert [launch["name"] for launch in found.facts["launches"]] == ["matmul_kernel"], found.why
    found = compile_kernel(job(source + "    return decoy(a, b)\n", definition=MATMUL), architecture="sm_90a")
    assert (found.status, found.facts["launches"]) == (Status.WRONG, [])
    assert found.why.startswith("not compiled, since it fails in the interpreter: run returned")
    assert found.counterexample.observed in found.why


def test_every_stage_judges_the_same_plans(job) -> None:
    """A kernel that decides by chance what it shows decides once in a run."""
    tiled = (ROOT / "kernels/matmul/tiled.py").read_text() + "\n" + small().replace("def run(", "def decoy(")
    chance = "\nimport os\nchosen, real = os.urandom(1)[0] % 2, run\n"
    chance += "def run(a, b):\n    return (real, decoy)[chosen](a, b)\n"
    for number in range(4):
        asked = job(f"{tiled}# {number}\n{chance}", definition=MATMUL)
        is_right = interpret(asked).status is Status.OK
        for _ in range(2):
            found = compile_kernel(asked, architecture="sm_90a")
            assert (found.status is Status.OK) == is_right, found.why


def test_what_spills_is_not_feasible(job) -> None:
    # 256 numbers a thread that all must live until their sum is known.
    wide = "x = tl.load(a_ptr + i).to(tl.float32); tl.store(c_ptr + i, x / tl.sum(x, 0))"
    source = small(body=wide, last=", BLOCK=8192, num_warps=1")
    found = compile_kernel(job(source, definition=MATMUL, questions=()), architecture="sm_90a")
    (launch,) = (Launch.from_wire(launch) for launch in found.facts["launches"])
    code = launch.best.code
    assert code is not None
    assert code.stack_bytes > 0
    assert not launch.best.feasible


def test_a_golden_table_sees_what_got_worse(job) -> None:
    found = compile_kernel(job(small(), definition=MATMUL, questions=()), architecture="sm_90a")
    launches = [Launch.from_wire(launch) for launch in found.facts["launches"]]
    golden = Golden(triton="3", rows=tuple(rows_of("small", launches)))
    assert golden.differences("small", launches) == []
    assert "is not in the golden table" in golden.differences("other", launches)[0]
    (row,) = golden.rows
    lean = golden.model_copy(update={"rows": (row.model_copy(update={"registers": row.registers - 9}),)})
    assert "registers" in lean.differences("small", launches)[0]
    assert (
        golden.model_copy(update={"rows": (row.model_copy(update={"registers": row.registers - 8}),)}).differences(
            "small", launches
        )
        == []
    )
