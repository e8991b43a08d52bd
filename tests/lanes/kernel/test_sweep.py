"""Sweeps: real compilations for a card that is not there, and measurements by a stand-in for one."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import pytest

from harness.lanes.kernel import racing
from harness.lanes.kernel.compiling import Launch, Variant
from harness.lanes.kernel.definition import read_definition
from harness.lanes.kernel.device import DEFAULT, DEVICES
from harness.lanes.kernel.machine_code import MachineCode
from harness.lanes.kernel.nursery import Nursery
from harness.lanes.kernel.point_store import PointStore
from harness.lanes.kernel.results import Candidate
from harness.lanes.kernel.sweep import Subject, Timing, faults, spearman, sweep
from harness.lanes.kernel.tile_map import tile_maps
from harness.lanes.kernel.tuning import measurer

ROOT = Path(__file__).parents[3]
PLACE = ROOT / "specs/kernels/swiglu.yaml"
needs_kernels = pytest.mark.skipif(
    any(importlib.util.find_spec(module) is None for module in ("torch", "triton", "numpy")),
    reason="pip install 'pytest-crucible[kernels]'",
)
# A block that is no power of two does not compile, and must be dropped.
SPACE = '{"BLOCK": [1024, 1000], "num_warps": [4, 1]}'


def subject(tmp_path: Path, *, space: str = SPACE) -> Subject:
    text = (ROOT / "kernels/swiglu/fused.py").read_text(encoding="utf-8")
    before, line = text.partition("SPACE = ")[::2]
    path = tmp_path / "mine.py"
    path.write_text(before + f"SPACE = {space}\n" + line.partition("\n")[2], encoding="utf-8")
    definition = read_definition(PLACE)
    point = definition.point({"R": 64, "H": 4096, "dtype": "float16"})
    return Subject(path, path.read_bytes(), definition, PLACE, point, DEVICES[DEFAULT])


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as made:
        yield made


@needs_kernels
def test_a_sweep_drops_predicts_measures_and_goes_on(tmp_path: Path, nursery: Nursery) -> None:
    about = subject(tmp_path)
    asked: list[dict] = []

    def measure(_subject: Subject, configuration: dict) -> Timing:
        asked.append(configuration)
        return Timing(seconds=configuration["num_warps"] * 1e-3, speedup=1.1, low=1.0, high=1.2)

    with PointStore(tmp_path / "p.db") as store:
        first = sweep(about, store, nursery, measure=measure, best=2)
        kept = [one for one in first.tried if one.feasible]
        dropped = [one for one in first.tried if not one.feasible]
        assert [one.configuration["BLOCK"] for one in kept[:2]] == [1024, 1024]
        assert dropped
        assert all("arange's range must be a power of 2" in one.compiled.fault for one in dropped)
        assert all(one.prediction is not None and one.prediction.seconds > 0 for one in kept)
        assert len(asked) == 2
        assert first.ranked[0].configuration["num_warps"] == 1  # the stand-in's fastest
        again = sweep(about, store, nursery, measure=measure, best=2)
        assert all(one.known for one in again.tried)
        assert len(asked) == 2  # nothing is measured twice
        assert [one.compiled for one in again.tried] == [one.compiled for one in first.tried]
        candidate = Candidate(about.path, about.source, about.definition, PLACE)
        (drawn,) = tile_maps(candidate, store)
        assert (drawn.down, drawn.across, drawn.unit) == ("BLOCK", "num_warps", "measured milliseconds")
        assert drawn.milliseconds[0] == (4.0, 1.0)


@needs_kernels
def test_a_changed_kernel_is_compiled_again(tmp_path: Path, nursery: Nursery) -> None:
    one = '{"BLOCK": [1024]}'
    with PointStore(tmp_path / "p.db") as store:
        sweep(subject(tmp_path, space=one), store, nursery)
        changed = subject(tmp_path, space=one + "  # changed")
        assert [tried.known for tried in sweep(changed, store, nursery).tried] == [False]


@needs_kernels
def test_a_kernel_that_fails_is_data_not_an_error(tmp_path: Path, nursery: Nursery) -> None:
    about = subject(tmp_path, space='{"NO_SUCH_KEYWORD": [1]}')
    with PointStore(tmp_path / "p.db") as store:
        found = sweep(about, store, nursery)
    assert found.ranked == []
    assert "NO_SUCH_KEYWORD" in found.tried[0].compiled.fault


@needs_kernels
def test_the_way_to_a_measurement_on_the_processor(
    tmp_path: Path, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(racing, "ROUNDS", 2)
    monkeypatch.setattr(racing, "CALLS", 3)
    monkeypatch.setattr(racing, "_CLOCK_SLACK_MS", 2000.0)  # other processes may take the processor away
    about = subject(tmp_path)
    text = b"import torch\ndef run(gate, up, *, OFF):\n    return torch.nn.functional.silu(gate) * up + OFF\n"
    plain = about.definition.model_copy(update={"baselines": {}})  # compiling one takes a minute here
    about = dataclasses.replace(about, source=text, definition=plain)
    with measurer(nursery, seed=7, index=-1) as measure:
        right, wrong = measure(about, {"OFF": 0}), measure(about, {"OFF": 1})
    assert right.why == ""
    assert right.seconds > 0
    assert "wrong" in wrong.why  # however fast it was


LIMITS = {"registers": 64, "stack_bytes": 0, "shared_bytes": 0, "occupancy": 0.5}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, []),
        ({"stack_bytes": 8}, ["k spills 8 bytes"]),
        ({"shared_bytes": 300_000}, ["k needs 300000 bytes of shared memory, 232448 are there"]),
        ({"occupancy": 0.0, "registers": 255}, ["k needs 261120 registers, 65536 are there"]),
    ],
)
def test_why_a_configuration_cannot_run(change: dict, says: list[str]) -> None:
    code = MachineCode(name="k", architecture="sm_90a", threads=1024, instructions={}, **LIMITS | change)
    launch = Launch(name="k", architecture="sm_90a", target="t", variants=(Variant(configuration={}, code=code),))
    assert list(faults(launch)) == says


def test_ranks_agree_or_do_not() -> None:
    assert spearman([(1, 10), (2, 20), (3, 30)]) == pytest.approx(1)
    assert spearman([(1, 30), (2, 20), (3, 10)]) == pytest.approx(-1)
    assert spearman([(1, 5), (2, 5), (3, 5)]) == 0
