"""Laws come from the right numbers of a report: ours, measured, and named with what they do not say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.dsl.analysis.load import check_source
from harness.dsl.mining import sources
from harness.dsl.mining.domain_writer import write
from harness.dsl.mining.findings import Findings, TechniqueFinding, find
from harness.dsl.mining.reports import Wanted

ATTENTION = """# Attention report
**Device:** some GPU

| Step | Description | Status | Max Error | Library TFLOPS | Ours TFLOPS | Speedup |
|---|---|---|---|---|---|---|
| Step 1: Prototype | Online softmax in NumPy. | ✅ Pass | 8e-08 | - | - | - |
| Step 2: Naive Kernel | Writes the scores to memory. | ✅ Pass | 2e-03 | 20.0 | 0.5 | 0.03x |
| Step 3: Fused Kernel | One pass. | ✅ Pass | 1e-03 | 60.0 | 30.0 | 0.50x |
| Step 4: Auto-Tuned | Searched tiles. | ✅ Pass | 4e-03 | 100.0 | 110.0 | 1.10x |
"""
MATMUL = """# Matmul report

| Level | Strategy | TFLOPS (Est) | Speedup vs Baseline |
|---|---|---|---|
| Level 0: Baseline (PyTorch) | cuBLAS | {baseline} | **1.00x** |
| Level 1: Naive Tiling | fixed grid | 20.0 | **0.25x** |
| Level 2: Swizzling | order of tiles | 30.0 | **0.38x** |
"""


def lift(tmp_path: Path, text: str, name: str = "report.md", metric: str = "", lower: bool | None = None) -> Findings:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return find(sources.read(path, Wanted(metric, lower)))


def by_name(found: Findings) -> dict[str, TechniqueFinding]:
    return {finding.technique.name: finding for finding in found.techniques}


def test_ours_is_compared_and_the_reference_is_named(tmp_path: Path) -> None:
    found = lift(tmp_path, ATTENTION)
    techniques = by_name(found)
    assert set(found.supported) == {"Fusion", "Online Softmax", "Autotuning"}
    assert techniques["Fusion"].numbers == (0.5, 30.0)
    assert techniques["Fusion"].against_reference == (0.025, 0.5)
    assert techniques["Autotuning"].fallen == {"Max Error": (0.001, 0.004)}
    text = write(found, name="Attention")
    assert check_source(text, cache=False)[1] == []
    assert "against_reference: [0.025, 0.5]" in text
    assert "from 0.50 to 1.10 of Library TFLOPS, but Max Error went from 0.001 to 0.004" in text
    assert 'invariant "Online Softmax"' in text


def test_the_first_step_is_compared_with_the_library(tmp_path: Path) -> None:
    found = lift(tmp_path, MATMUL.format(baseline="80.0"))
    techniques = by_name(found)
    assert techniques["Tiling"].numbers == (80.0, 20.0)
    assert (techniques["Tiling"].helps, techniques["Tiling"].hurts) == (False, False), "a library says little of it"
    assert techniques["Swizzling"].numbers == (20.0, 30.0)
    assert techniques["Swizzling"].against_reference == (0.25, 0.375)
    assert list(found.supported) == ["Swizzling"]
    assert set(by_name(lift(tmp_path, MATMUL.format(baseline="0.00")))) == {"Swizzling"}


@pytest.mark.parametrize(
    ("head", "chosen"),
    [
        ("Vendor GB/s | Ours GB/s", 1), ("Ours GB/s | Vendor GB/s", 0), ("library_ms | ours_ms", 1),
        ("PyTorch TFLOPS | cuTile TFLOPS", 1), ("peak GB/s | GB/s", 1), ("cuBLAS (ms) | time (ms)", 1),
        ("median_ms | mean_ms", 0), ("baseline ms | kernel ms", 1),
    ],
)  # fmt: skip
def test_the_measured_column_is_found(tmp_path: Path, head: str, chosen: int) -> None:
    table = f"| kernel | {head} |\n|---|---|---|\n| naive | 10 | 400 |\n| tiled | 30 | 100 |\n"
    numbers = by_name(lift(tmp_path, table))["Tiling"].numbers
    assert numbers == ((10.0, 30.0), (400.0, 100.0))[chosen]


@pytest.mark.parametrize("head", ["alpha GB/s | beta GB/s", "encode_ms | decode_ms", "PyTorch ms | cuDNN ms"])
def test_columns_that_compete_are_refused(tmp_path: Path, head: str) -> None:
    table = f"| kernel | {head} |\n|---|---|---|\n| naive | 10 | 400 |\n| tiled | 30 | 100 |\n"
    first, second = head.split(" | ")
    with pytest.raises(UsageError, match=f"several columns compete: '{first}', '{second}'"):
        lift(tmp_path, table)
    numbers = by_name(lift(tmp_path, table, metric=second, lower=True))["Tiling"].numbers
    assert numbers == (400.0, 100.0)


@pytest.mark.parametrize(
    "text",
    [
        "Compiled, not measured: registers.\n\n| kernel | registers | occupancy |\n|---|---|---|\n"
        "| naive | 40 | 50% |\n| tiled | 80 | 100% |\n",
        "| kernel | ms | occupancy |\n|---|---|---|\n| naive | not measured | 50% |\n| tiled | - | 100% |\n",
        "| kernel | TFLOPS |\n|---|---|\n| naive | 8.20 (Proj) |\n| tiled | 45.10 (Proj) |\n",
        "| kernel | Status | TFLOPS |\n|---|---|---|\n| naive | Pass (Sim) | 8 |\n| tiled | ❓ Unknown | 45 |\n",
        "## Simulated results\n| kernel | ms |\n|---|---|\n| naive | 8 |\n| tiled | 4 |\n",
        "| kernel | ms |\n|---|---|\n| naive | 8 |\n| tiled | 4 |\n\nAll numbers are placeholders.\n",
        "| kernel | predicted ms |\n|---|---|\n| naive | 8 |\n| tiled | 4 |\n",
    ],
)
def test_numbers_that_were_not_measured_make_no_law(tmp_path: Path, text: str) -> None:
    try:
        found = lift(tmp_path, text)
    except UsageError:  # the file holds no measurement
        found = Findings((), ())
    assert (found.supported, found.choices, found.techniques) == ({}, {}, ())


def test_an_interaction_is_named(tmp_path: Path) -> None:
    points = [
        {
            "name": "k",
            "parameters": {"M": m, "N": n, "S": stages},
            "ms": [time + stages / 100, time + stages / 100 + 0.01],
        }
        for m, n, time in ((64, 64, 1.0), (64, 128, 2.0), (128, 64, 2.1), (128, 128, 1.1))
        for stages in (1, 2)
    ]
    found = lift(tmp_path, json.dumps(points), "points.json")
    axes = {axis.axis.name: axis for axis in found.axes}
    assert (axes["N"].depends_on, axes["N"].best_by) == ("M", ((64, 64), (128, 128)))
    assert (axes["M"].depends_on, axes["S"].depends_on) == ("N", "")
    assert "the best N depends on M in points: 64 if M is 64; 128 if M is 128" in write(found, name="Points")
    assert "N" not in found.choices


def test_a_trace_is_read_as_a_report(tmp_path: Path) -> None:
    def entry(step: str, tflops: float | None) -> dict[str, object]:
        item: dict[str, object] = {"case": "T.P", "values": {"tflops": tflops} if tflops else {}}
        return {"step_id": step, "details": {"items": [item | ({} if tflops else {"undefined": {"tflops": "0"}})]}}

    steps = [entry("Level 1: Naive", 2.0), entry("Level 2: Tiled", 20.0), entry("Level 3: Swizzled", None)]
    found = lift(tmp_path, json.dumps(steps), "trace.json")
    assert {name: finding.numbers for name, finding in by_name(found).items()} == {"Tiling": (2.0, 20.0)}
    ranking = [[{"TILE": tile}, cost, 0] for tile, cost in ((8, 1.0), (16, 1.02), (4, 9.0))]
    search = {"step_id": "measure", "details": {"output": {"TILE": 8, "cost": 1.0, "points": 3, "failed": 0},
              "source": {"ranking": ranking}}}  # fmt: skip
    (measured, *_) = sources.read(_file(tmp_path, json.dumps([search])))
    assert (measured.metric, measured.lower_is_better, measured.parameters) == ("cost", True, {"TILE": 8})


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "trace.json"
    path.write_text(text)
    return path


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("name", ["pipe", "/dev/zero"])
def test_a_pipe_without_a_writer_and_a_device_are_refused(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match=r"holds no measurement|it is a device"):
        sources.read(tmp_path / name, ledger=lambda path: [])
