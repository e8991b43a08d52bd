"""Results and the generated pages: measurements are shown, and missing ones are named as missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.core.errors import SuiteError
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.device_limits import DEFAULT, DEVICES
from harness.lanes.kernel.golden_table import read_golden
from harness.lanes.kernel.markdown_pages import NOT_MEASURED, ladder_page, results_page
from harness.lanes.kernel.results import candidates_of_suites, ladders, results
from harness.lanes.kernel.tile_map import TileMap
from harness.ledger.points import Points
from harness.ledger.store import Ledger

ROOT = Path(__file__).parents[3]
CARD = DEVICES[DEFAULT]
TARGET = "M=4096 N=4096 K=4096 bfloat16"


@pytest.fixture(scope="module")
def candidates() -> list[Candidate]:
    found = candidates_of_suites(ROOT / "suites/kernel")
    return [one for one in found if one.operation == "matmul"]


@contextmanager
def opened(path: Path) -> Iterator[Points]:
    with Ledger.open(path) as ledger:
        yield Points(ledger, lane="kernel")


def keep(store: Points, candidate: Candidate, milliseconds: float, *, status: str = "ok") -> None:
    identity = candidate.content | {"device": "NVIDIA H200", "driver": "1", "versions": {"torch": "2", "triton": "3"}}
    target = {
        "target": TARGET, "kernel_ms": milliseconds, "speedup": 0.2 / milliseconds, "interval": [0.9, 1.1],
        "fastest": "eager", "baselines": {"eager": 0.2}, "tflops": 700.0, "light": 0.9,
    }  # fmt: skip
    value = {"status": status, "why": "", "targets": [target]}
    store.keep(identity, value, kind="benchmarked", subject=candidate.name)


def test_the_suites_name_every_kernel_but_the_controls() -> None:
    found = {(one.operation, one.name) for one in candidates_of_suites(ROOT / "suites/kernel")}
    assert {("matmul", "naive"), ("fmha", "autotuned"), ("bmm_small", "small"), ("matmul_tf32", "pipelined")} <= found
    assert not [name for _, name in found if name == "transposed"]


def test_without_measurements_everything_says_so(candidates: list[Candidate]) -> None:
    rows = results(candidates, None, device=CARD)
    found = ladders(rows)
    assert len(rows) == 6 * len(candidates[0].definition.targets)
    assert (found["matmul"].correctness, found["matmul"].monotonic) == (None, None)
    page = results_page(rows, found)
    assert f"Measured: 0 of {len(rows)} points" in page
    assert page.count(f"| {NOT_MEASURED} |") >= 2 * len(rows)
    assert f"| fast_p | {NOT_MEASURED} |" in page


def test_a_measurement_is_shown_a_regression_is_flagged(tmp_path: Path, candidates: list[Candidate]) -> None:
    times = {"naive": 20.0, "tiled": 1.0, "grouped": 1.3, "pipelined": 0.22, "persistent": 0.2, "autotuned": 0.19}
    with opened(tmp_path / "p.db") as store:
        for candidate in candidates:
            keep(store, candidate, 99.0)
            keep(store, candidate, times[candidate.name])  # the latest counts
        rows = results(candidates, store, device=CARD)
    found = ladders(rows)["matmul"]
    assert found.correctness is True
    assert [one.sentence for one in found.regressions] == [
        f"grouped takes 1.30 times as long as tiled at {TARGET}"
    ]  # fmt: skip
    page = results_page(rows, {"matmul": found})
    assert "Monotonic Speedup: **is broken**" in page
    assert "1.053x (0.900-1.100)" in page
    # 1 of 4 sizes was measured; there the best of six kernels is 1.053 times as fast.
    assert "| fast_p of 4 | 0.25 | 0.25 | 0.00 | 0.00 | 0.00 |" in page
    assert "NVIDIA H200" in page
    drawn = TileMap(
        kernel="autotuned", point=TARGET, down="BLOCK_M", across="BLOCK_N", unit="measured milliseconds",
        rows=(64, 128), columns=(128,), milliseconds=((0.3,), (None,)),
    )  # fmt: skip
    story = {"naive": "Naive.\n\nPredicted: slow.\n    Very slow."}
    golden = read_golden(ROOT / "specs/kernels/golden/matmul.json").rows
    final = ladder_page("Final", rows, found, device=CARD, stories=story, maps=[drawn], resources=golden)
    assert all(f"| {row.registers} | {row.stack_bytes} | {row.shared_bytes} |" in final for row in golden)
    assert "There is no golden table" in ladder_page("Final", rows, found, device=CARD, stories=story, maps=[])
    assert "- **Predicted**: slow.\n  Very slow." in final
    assert "| 64 | 0.3000 |\n| 128 | - |" in final
    assert "| 1,365 | 0.1390 | 0.1900 |" in final


def test_a_changed_kernel_loses_its_measurement(tmp_path: Path, candidates: list[Candidate]) -> None:
    first = candidates[0]
    with opened(tmp_path / "p.db") as store:
        keep(store, first, 1.0)
        changed = Candidate(first.path, first.source + b"\n", first.definition, first.place)
        rows = results([first, changed], store, device=CARD)
    assert [row.measured is not None for row in rows if row.target == TARGET] == [True, False]


def test_a_wrong_kernel_is_shown_as_wrong(tmp_path: Path, candidates: list[Candidate]) -> None:
    with opened(tmp_path / "p.db") as store:
        first = candidates[0]
        names = {"kind": "benchmarked", "subject": first.name}
        identity = first.content | {"device": "d", "driver": "1", "versions": {}}
        store.keep(identity, {"status": "wrong", "why": "off by 7"}, **names)
        rows = results([first], store, device=None)
    assert {row.status for row in rows} == {"wrong"}
    assert {row.floor_ms for row in rows} == {None}
    assert "wrong: off by 7" in results_page(rows, {})


def test_a_suite_without_its_definition_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.suite.yaml").write_text("lane: kernel\ndefinition: gone.yaml\nkernels: '*.py'\n")
    with pytest.raises(SuiteError) as caught:
        candidates_of_suites(tmp_path)
    assert "gone.yaml" in caught.value.where


@pytest.mark.parametrize("name", ["kernel-results.md", "Final_MatMul_Report.md", "Final_FMHA_Report.md"])
def test_the_shipped_pages_are_the_generated_ones(name: str, tmp_path: Path) -> None:
    from harness.cli import main

    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    if "Measured on:" in page:
        pytest.skip("it holds measurements of a store that does not ship")
    arguments = ["--suites", str(ROOT / "suites/kernel"), "--ledger", str(tmp_path / "none.db"), "--out", str(tmp_path)]
    assert main(["kernel", "report", *arguments]) == 0
    assert (tmp_path / name).read_text(encoding="utf-8") == page
