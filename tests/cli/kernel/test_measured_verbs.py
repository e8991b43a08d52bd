"""The verbs that measure, from the command line to the pages, with a CPU in place of a GPU."""

from __future__ import annotations

import importlib.util
import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from harness.cli import main
from harness.cli.kernel import bench, sweep
from harness.core.errors import InfraError
from harness.lanes.kernel import paired_rounds
from harness.lanes.kernel.device_measurement import hold_device
from harness.lanes.kernel.gpu import Gpu
from harness.lanes.kernel.tuned_table import read_tuned
from tests.lanes.kernel.scripted_device import script_devices

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(module) is None for module in ("torch", "triton", "numpy")),
    reason="pip install 'pytest-crucible[kernels]'",
)
CARD = Gpu(index=0, uuid="GPU-test", name="NVIDIA H200", driver="1.2", memory_mb=1.0)


@contextmanager
def on_the_processor(folder: Path):
    with hold_device(folder, index=-1) as (baselines, _):
        yield baselines, CARD


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small operation with a suite, and a CPU in place of a card."""
    for name in ("kernels", "specs/kernels", "suites"):
        (tmp_path / name).mkdir(parents=True)
    definition = yaml.safe_load((ROOT / "specs/kernels/swiglu.yaml").read_text())
    definition |= {"baselines": {"eager": {"call": "swiglu.py:reference"}}, "dtypes": ["float32"], "hidden": None}
    definition["shapes"] = {"tiny": [{"R": 2, "H": 16}], "target": [{"R": 8, "H": 256}]}
    (tmp_path / "specs/kernels/swiglu.yaml").write_text(yaml.safe_dump(definition))
    shutil.copy(ROOT / "specs/kernels/swiglu.py", tmp_path / "specs/kernels")
    text = (ROOT / "kernels/swiglu/fused.py").read_text()
    text = text.replace("SPACE = {", 'TUNED = []\nSPACE = {"BLOCK": [1024], "num_warps": [4]}\nOTHER = {')
    (tmp_path / "kernels/fused.py").write_text(text)
    (tmp_path / "suites/swiglu.suite.yaml").write_text(
        "lane: kernel\ndefinition: ../specs/kernels/swiglu.yaml\nkernels: ../kernels/*.py\n"
    )
    for name, value in (("ROUNDS", 2), ("CALLS", 3)):
        monkeypatch.setattr(paired_rounds, name, value)
    script_devices(monkeypatch)
    for module in (bench, sweep):
        monkeypatch.setattr(module, "absent_gpu", lambda: "")
        monkeypatch.setattr(module, "hold_device", on_the_processor)
    monkeypatch.setattr(sweep, "list_gpus", lambda: [CARD])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_from_a_benchmark_to_the_pages(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = ["kernel", "bench", "--all", "--suites", "suites", "--json"]
    status = main(every)
    (row,) = json.loads(capsys.readouterr().out)["results"]
    assert row["status"] == "ok", row["why"]
    assert row["measured"]["milliseconds"] == pytest.approx(1.0)
    assert row["measured"]["device"] == "NVIDIA H200"
    assert status == 0
    assert main(every) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["results"] == [row]  # known, so not measured again
    assert "1/1" not in err
    assert main(["kernel", "report", "--suites", "suites", "--out", "pages"]) == 0
    page = (place / "pages/kernel-results.md").read_text()
    assert "Measured: 1 of 1 points" in page
    assert f"{row['measured']['milliseconds']:.4f}" in page


def test_our_own_failure_is_not_kept_and_the_run_fails(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise InfraError("the device went away", where="GPU-test")

    monkeypatch.setattr(bench, "measure_kernel", fail)
    assert main(["kernel", "bench", "--all", "--suites", "suites", "--json"]) == 1
    out, err = capsys.readouterr()
    assert "swiglu fused: GPU-test: the device went away" in err
    assert [row["measured"] for row in json.loads(out)["results"]] == [None]


def test_from_a_sweep_to_the_kernel_it_tunes(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kernel = place / "kernels/fused.py"
    words = ["kernel", "sweep", str(kernel), "--definition", "specs/kernels/swiglu.yaml", "--write"]
    assert main(words) == 0, capsys.readouterr().err
    assert "wrote BLOCK=1024 num_warps=4 into" in capsys.readouterr().out
    (entry,) = read_tuned(kernel.read_text(), where="k")
    assert (entry.device, entry.dtype, entry.shape) == ("NVIDIA H200", "float32", {"R": 8, "H": 256})
    assert entry.configuration == {"BLOCK": 1024, "num_warps": 4}
