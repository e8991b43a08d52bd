"""The kernel lane as a suite sees it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.core.status import Status
from harness.hooks import Lane
from harness.lanes.kernel import evaluate as module
from harness.lanes.kernel.lane import KernelLane, crucible_lanes

ROOT = Path(__file__).parents[3]
SUITE = ROOT / "suites/kernel/softmax.suite.yaml"
missing = [m for m in module.MODULES if importlib.util.find_spec(m) is None]
needs_kernels = pytest.mark.skipif(
    bool(missing), reason=f"{', '.join(missing)} not installed: pip install 'pytest-crucible[kernels]'"
)


@pytest.fixture
def suite(tmp_path: Path):
    """A suite of one honest kernel and few shapes, with more keys."""
    (tmp_path / "fused.py").write_bytes((ROOT / "kernels/softmax/fused.py").read_bytes())

    def write(*lines: str) -> Path:
        path = tmp_path / "s.suite.yaml"
        definition = ROOT / "specs/kernels/softmax.yaml"
        path.write_text("\n".join(["lane: kernel", f"definition: {definition}", "kernels: fused.py", *lines]) + "\n")
        return path

    return write


def test_the_house_accepts_the_lane() -> None:
    assert isinstance(crucible_lanes()[0], Lane)


def test_a_case_for_each_stage_and_architecture(suite, suite_at) -> None:
    lane = KernelLane()
    cases = lane.collect(suite_at(lane, suite("architectures: [sm_90a, sm_80]")))
    assert [c.name for c in cases] == ["fused-interpreter", "fused-compile-sm_90a", "fused-compile-sm_80", "fused-gpu"]
    assert [("gpu" in c.markers) for c in cases] == [False, False, False, True]
    assert len({c.subject.digest for c in cases}) == 4
    assert len({c.subject.parents for c in cases}) == 1
    assert len({c.key for c in cases}) == 4


def test_collecting_imports_neither_torch_nor_triton() -> None:
    code = (
        "import sys, pathlib\n"
        "from harness.suites.settings import Settings\n"
        "from harness.lanes.kernel.lane import KernelLane\n"
        "from harness.suites.loader import collect_cases, load_suite\n"
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
    assert all(e.score.components == () for e in found.values())  # nothing is claimed
    if "torch" not in missing:
        assert {e.why for e in found.values()} == {"triton is not installed: pip install 'pytest-crucible[kernels]'"}


@needs_kernels
@pytest.mark.skipif(any(Path("/dev").glob("nvidia[0-9]*")), reason="there is a GPU here")
def test_without_a_gpu_it_is_skipped_with_a_reason(judge_all) -> None:
    found = judge_all(KernelLane(), SUITE, only="gpu")["fused-gpu"]
    assert (found.status, found.why, found.neutral) == (Status.SKIPPED, "no CUDA device here (no /dev/nvidia*)", True)


@needs_kernels
def test_an_honest_kernel_without_a_gpu(suite, judge_all, context) -> None:
    path = suite("attempts: 2", "stages: [interpreter, compile]", "shapes: [{M: 2, N: 5}, {M: 3, N: 9}]",
                 "gates: {correctness: 1.0, compiles: 1.0}")  # fmt: skip
    found = judge_all(KernelLane(), path)
    assert all(e.passed for e in found.values()), [e.why for e in found.values()]
    computed, compiled = found["fused-interpreter"].evidence, found["fused-compile-sm_90a"].evidence
    assert {item["type"] for item in computed.facts["trace"]} == {"TraceItem.Correctness"}
    assert all(item["step_name"] == "fused" and item["passed"] for item in computed.facts["trace"])
    assert set(computed.environment) == {"torch", "triton", "numpy"}
    assert compiled.facts["launches"][0]["name"] == "softmax_kernel"
    assert [path.name for path in context.scratch.iterdir()] == ["disassembly"]


FLOOD = """
import os
for _ in range({times}):
    for channel in {channels}:
        try:
            os.write(channel, bytes(1 << 20))
        except OSError:
            pass
"""


@needs_kernels
@pytest.mark.parametrize(("channels", "times"), [("range(3, 20)", 10**9), ("(1, 2)", 64)], ids=["plan", "log"])
def test_a_kernel_that_floods_its_plan_is_output_and_of_its_log_the_end_is_kept(
    suite, judge_all, tmp_path: Path, channels, times
) -> None:
    path = suite("attempts: 1", "stages: [interpreter, compile]", "shapes: [{M: 2, N: 5}]")
    honest = (tmp_path / "fused.py").read_text()
    (tmp_path / "fused.py").write_text(honest + FLOOD.format(channels=channels, times=times))
    found = judge_all(KernelLane(), path)
    expected = Status.OUTPUT if times > 64 else Status.OK
    assert {one.status for one in found.values()} == {expected}, {n: e.why for n, e in found.items()}


@needs_kernels
def test_a_kernel_that_got_worse_than_its_golden_row_fails(suite, judge_all, tmp_path: Path) -> None:
    golden = ROOT / "specs/kernels/golden/softmax.json"
    lean = re.sub(r'"registers": (\d+)', lambda m: f'"registers": {int(m[1]) - 20}', golden.read_text())
    (tmp_path / "lean.json").write_text(lean)
    found = judge_all(KernelLane(), suite("stages: [compile]", "golden: lean.json"))["fused-compile-sm_90a"]
    assert not found.passed
    assert [gate.name for gate in found.score.failed] == ["golden_differences"]
    other = lean.replace(importlib.metadata.version("triton"), "1.0")
    (tmp_path / "lean.json").write_text(other)
    assert judge_all(KernelLane(), suite("stages: [compile]", "golden: lean.json"))["fused-compile-sm_90a"].passed


@needs_kernels
def test_files_that_change_between_collection_and_run_are_our_failure(suite, suite_at, context) -> None:
    lane = KernelLane()
    path = suite("stages: [interpreter]")
    (case,) = lane.collect(suite_at(lane, path))
    (path.parent / "fused.py").write_text("changed")
    with pytest.raises(Exception, match="changed since it was collected"):
        lane.evaluate(case, context)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("shapes: [{M: 1}]", "the shape does not give N"),
        ("shapes: [{M: 1, N: 2, dtype: float64}]", "dtype may be float32, float16, bfloat16"),
        ("golden: nowhere.json", "does not exist"),
    ],
)
def test_a_suite_that_is_wrong_says_where(suite, suite_at, line: str, expected: str) -> None:
    lane = KernelLane()
    path = suite(line)
    with pytest.raises(SuiteError, match=expected) as caught:
        lane.collect(suite_at(lane, path))
    assert caught.value.where.startswith(f"{path}:4:")


@needs_kernels
@pytest.mark.parametrize("name", ["e24_fingerprint_cache", "e38_ghost_kernel", "e39_replaced_log", "e48_reused_buffer"])
def test_planted_kernels_are_caught(judge_all, name: str) -> None:
    """All of them are items of the suite; these need each a detection of their own."""
    found = judge_all(KernelLane(), ROOT / "suites/kernel/softmax-planted.suite.yaml", only=name)
    assert all(e.as_expected for e in found.values()), [e.why for e in found.values()]
    assert len(found) == 1
