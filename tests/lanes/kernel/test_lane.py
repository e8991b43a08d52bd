"""The kernel lane as a suite sees it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.core.evidence import Attempt, Evidence
from harness.core.policy import Policy
from harness.core.status import Status
from harness.hooks import Lane
from harness.lanes.kernel import lane as module
from harness.lanes.kernel.lane import KernelLane, crucible_lanes

ROOT = Path(__file__).parents[3]
SUITE = ROOT / "suites/kernel/matmul.suite.yaml"
missing = [m for m in module.MODULES if importlib.util.find_spec(m) is None]
needs_kernels = pytest.mark.skipif(
    bool(missing), reason=f"{', '.join(missing)} not installed: pip install 'pytest-crucible[kernels]'"
)
CODE = {
    "name": "k", "registers": 200, "stack_bytes": 0, "shared_bytes": 1000, "threads": 256,
    "tensor_core_instructions": 4, "instructions": {"HGMMA": 4},
}  # fmt: skip


def test_the_house_accepts_the_lane() -> None:
    assert isinstance(crucible_lanes()[0], Lane)


def test_three_cases_for_a_kernel(suite_at) -> None:
    lane = KernelLane()
    cases = lane.collect(suite_at(lane, SUITE))
    assert [c.name for c in cases] == ["tiled-interpreter", "tiled-compile-sm_90a", "tiled-gpu"]
    assert [c.markers for c in cases] == [(), (), ("gpu",)]
    assert len({c.subject.digest for c in cases}) == 3
    assert len({c.subject.parents for c in cases}) == 1


def test_collecting_imports_neither_torch_nor_triton() -> None:
    code = (
        "import sys, pathlib\n"
        "from harness.config import Settings\n"
        "from harness.lanes.kernel.lane import KernelLane\n"
        "from harness.loading import collect_cases, load_suite\n"
        "lane = KernelLane()\n"
        "here = pathlib.Path()\n"
        "settings = Settings(secret_seed=7, ledger=here, report=here)\n"
        "suite = load_suite(pathlib.Path(sys.argv[1]), name='s', lanes={'kernel': lane}, settings=settings)\n"
        "assert len(collect_cases(suite, lane)) == 3\n"
        "print([m for m in ('torch', 'triton', 'numpy') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(SUITE)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"


def test_without_the_extra_it_is_skipped_with_the_install_line(judge_all, monkeypatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == "triton" else real(name))
    found = judge_all(KernelLane(), SUITE)
    assert {e.status for e in found.values()} == {Status.SKIPPED}
    assert {e.score.total for e in found.values()} == {None}
    assert [e.score.components for e in found.values()] == [(), (), ()]  # nothing is claimed
    if "torch" not in missing:
        assert {e.why for e in found.values()} == {
            "triton is not installed: pip install 'pytest-crucible[kernels]'"
        }  # fmt: skip


@needs_kernels
def test_a_combination_that_cannot_interpret_is_not_the_kernels_fault(judge_all, monkeypatch) -> None:
    monkeypatch.setattr(module, "_version", {"triton": (3, 6), "numpy": (2, 4)}.__getitem__)
    found = judge_all(KernelLane(), SUITE, only="interpreter")["tiled-interpreter"]
    assert found.status is Status.SKIPPED
    assert "numpy<2.4" in found.why


@needs_kernels
@pytest.mark.skipif(any(Path("/dev").glob("nvidia[0-9]*")), reason="there is a GPU here")
def test_without_a_gpu_it_is_skipped_with_a_reason(judge_all) -> None:
    found = judge_all(KernelLane(), SUITE, only="gpu")["tiled-gpu"]
    assert (found.status, found.why, found.neutral) == (Status.SKIPPED, "no CUDA device here (no /dev/nvidia*)", True)


@needs_kernels
def test_tiled_is_right_in_the_interpreter(judge_all, context) -> None:
    found = judge_all(KernelLane(), SUITE, only="interpreter")["tiled-interpreter"]
    assert found.passed, found.why
    assert len(found.evidence.facts["shapes"]) == 4
    assert found.evidence.stable
    assert set(found.evidence.environment) == {"torch", "triton", "numpy"}
    assert list(context.scratch.iterdir()) == []


@needs_kernels
def test_tiled_compiles_for_hopper_without_one(judge_all) -> None:
    found = judge_all(KernelLane(), SUITE, only="compile")["tiled-compile-sm_90a"]
    assert found.passed, found.why
    (kernel,) = found.evidence.facts["kernels"]
    assert kernel["name"] == "matmul_kernel"
    assert kernel["instructions"]["HGMMA"] > 0
    assert kernel["stack_bytes"] == 0
    assert 0 < kernel["registers"] <= 255
    assert found.evidence.facts["flops"] == 2 * 4096**3


@needs_kernels
def test_the_planted_kernel_is_caught(judge_all) -> None:
    suite = ROOT / "suites/kernel/matmul-planted.suite.yaml"
    found = judge_all(KernelLane(), suite)["transposed-interpreter"]
    assert found.as_expected
    assert [s["right"] for s in found.evidence.facts["shapes"]] == [True, False, False, False]


@needs_kernels
def test_a_kernel_without_a_kernel(tmp_path: Path, judge_all) -> None:
    (tmp_path / "ghost.py").write_text("import torch\ndef run(a, b):\n    return torch.matmul(a, b)\n")
    definition = ROOT / "specs/kernels/matmul.yaml"
    suite = tmp_path / "ghost.suite.yaml"
    suite.write_text(f"lane: kernel\ndefinition: {definition}\nkernels: ghost.py\nstages: [compile]\n")
    found = judge_all(KernelLane(), suite)["ghost-compile-sm_90a"]
    assert (found.status, found.why) == (Status.WRONG, "run launched no Triton kernel")
    assert found.score.total == 0


def test_shapes_of_a_suite_are_checked(tmp_path: Path, suite_at) -> None:
    (tmp_path / "k.py").write_text("")
    suite = tmp_path / "s.suite.yaml"
    definition = ROOT / "specs/kernels/matmul.yaml"
    suite.write_text(f"lane: kernel\ndefinition: {definition}\nkernels: k.py\nshapes:\n  - {{M: 1, N: 1}}\n")
    lane = KernelLane()
    with pytest.raises(SuiteError, match="exactly the axes K, M, N") as caught:
        lane.collect(suite_at(lane, suite))
    assert caught.value.where == f"{suite}:5:5"


def score(stage: str, gates: dict[str, float], **facts: object):
    evidence = Evidence(status=Status.OK, facts={"stage": stage, **facts})
    return KernelLane().score(evidence, Policy(gates=gates))


def test_a_gate_asks_only_the_stages_that_measure_it() -> None:
    gates = {"correctness": 1.0, "compiles": 1.0}
    compiled = score("compile", gates, kernels=[CODE])
    assert "correctness" not in {g.name for g in compiled.gates}
    assert compiled.holds
    assert compiled.total == 1
    right = {"right": True, "error": 2e-4, "baseline": 1e-4, "allowed": 5e-4}
    computed = score("interpreter", gates, shapes=[right])
    assert [g.name for g in computed.gates] == ["correctness"]
    assert computed.total == pytest.approx(0.9)
    assert not score("compile", {"corectness": 1.0}, kernels=[CODE]).holds


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        ({"stack_bytes": 16}, "stack_bytes"),
        ({"shared_bytes": 232_449}, "shared_bytes"),
        ({"threads": 512}, "block_registers"),
    ],
)
def test_what_does_not_fit_fails_its_gate(change: dict[str, int], gate: str) -> None:
    found = score("compile", {}, kernels=[CODE, CODE | change])
    assert [g.name for g in found.failed] == [gate]
    assert {c.name: c.value for c in found.components}["resources"] == 0.5


def test_bits_that_change_halve_the_score() -> None:
    right = {"right": True, "error": 0.0, "baseline": 1e-4, "allowed": 5e-4}
    attempts = tuple(Attempt(index=i, seed=1, status=Status.FLAKY, why="x", answers=str(i)) for i in range(2))
    evidence = Evidence(
        status=Status.FLAKY, why="x", attempts=attempts, facts={"stage": "interpreter", "shapes": [right]}
    )
    assert KernelLane().score(evidence, Policy()).total == 0.5
