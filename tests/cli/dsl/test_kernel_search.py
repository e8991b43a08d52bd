"""An engineering loop whose command is a kernel of the kernel lane: compiled, predicted, and never made up."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = ROOT / "specs/programs/kernel_tuner.spak"
missing = any(importlib.util.find_spec(module) is None for module in ("torch", "triton", "numpy"))


@pytest.mark.skipif(missing, reason="pip install 'pytest-crucible[kernels]'")
def test_a_kernel_is_searched_and_a_point_that_cannot_run_has_no_number(dsl) -> None:
    text = (
        PROGRAM.read_text().replace("Tile_N: [128, 256]", "Tile_N: [256]").replace("Tile_M: [64, 128]", "Tile_M: [128]")
    )
    Path("tune.spak").write_text(text.replace("stages: [3, 4]", "stages: [3, 9]"))
    files = ("--files", ROOT / "kernels/matmul/autotuned.py", "--files", ROOT / "specs/kernels/matmul.yaml")
    found = dsl("sweep", "tune.spak", "--live", "--grant", "crucible", *files, "--workers", "2", "--json")
    assert found.status == 0, found.out + found.err
    fits, large = found.json["points"]
    assert fits["status"] == "ok"
    assert 0.13 < fits["value"] < 10
    assert (large["value"], large["status"]) == (None, "crash")
    assert "does not fit" in large["why"] or "shared memory" in large["why"], large["why"]
    assert found.json["metric"] == "predicted_ms"


def test_without_a_grant_nothing_runs(dsl) -> None:
    found = dsl("sweep", PROGRAM, "--live", "--json")
    assert found.status == 1
    assert {point["status"] for point in found.json["points"]} == {"forbidden"}
    assert "--grant crucible" in found.json["points"][0]["why"]


def test_crucible_in_a_command_is_this_installation(dsl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    Path("p.spak").write_text(
        """task T {
    step trap: tool.write { path: "harness/__init__.py" content: "raise SystemExit(3)" }
    step ask: tool.run { cmd: "crucible --version" output_var: said }
    success: contains(said, "crucible")
}"""
    )
    found = dsl("run", "p.spak", "--live", "--grant", "crucible", "--json")
    assert found.status == 0, found.out + found.err
