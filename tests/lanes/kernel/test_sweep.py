"""Sweeps: real compilations for an absent card, and measurements by a fake device."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import UsageError
from harness.lanes.kernel import paired_rounds
from harness.lanes.kernel.baselines import Baselines
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.compilation import Variant
from harness.lanes.kernel.definition import read_definition
from harness.lanes.kernel.device_limits import DEFAULT, DEVICES
from harness.lanes.kernel.device_tuning import Tuner
from harness.lanes.kernel.machine_code import MachineCode
from harness.lanes.kernel.sweep import KernelClimb
from harness.lanes.kernel.swept import Subject, Sweep
from harness.lanes.kernel.tile_map import tile_maps
from harness.lanes.kernel.warm_processes import WarmProcesses
from harness.ledger.points import Points
from harness.ledger.store import Ledger
from harness.sweep.loop import Kept
from harness.sweep.measurement import Measurement
from harness.sweep.space import Point

ROOT = Path(__file__).parents[3]
PLACE = ROOT / "specs/kernels/swiglu.yaml"
needs_kernels = pytest.mark.skipif(
    any(importlib.util.find_spec(module) is None for module in ("torch", "triton", "numpy")),
    reason="pip install 'pytest-crucible[kernels]'",
)
# A block that is not a power of two does not compile, and must be dropped.
SPACE = '{"BLOCK": [1024, 1000], "num_warps": [4, 1]}'


def subject(tmp_path: Path, *, space: str = SPACE) -> Subject:
    text = (ROOT / "kernels/swiglu/fused.py").read_text(encoding="utf-8")
    before, line = text.partition("SPACE = ")[::2]
    path = tmp_path / "mine.py"
    path.write_text(before + f"SPACE = {space}\n" + line.partition("\n")[2], encoding="utf-8")
    definition = read_definition(PLACE)
    point = definition.point({"R": 64, "H": 4096, "dtype": "float16"})
    return Subject(Candidate(path, path.read_bytes(), definition, PLACE), point, DEVICES[DEFAULT])


def sweep(about: Subject, points: Points, processes: WarmProcesses, **more: Any) -> Sweep:
    return KernelClimb(about, points, processes, **more).run(Kept())


@pytest.fixture
def points(tmp_path: Path):
    with Ledger.open(tmp_path / "l.db") as ledger:
        yield Points(ledger, lane="kernel")


@needs_kernels
def test_a_sweep_drops_predicts_measures_and_goes_on(tmp_path: Path, processes: WarmProcesses, points: Points) -> None:
    about = subject(tmp_path)
    asked: list[tuple[int, int]] = []

    def measure(point: Point, repeats: int) -> Measurement:
        warps = point.values["num_warps"]
        asked.append((warps, repeats))
        return Measurement(samples=(1.0 / warps,) * repeats, detail={"kernel_ms": float(warps)})

    first = sweep(about, points, processes, measure=measure, best=2)
    kept = [one for one in first.tried if one.feasible]
    dropped = [one for one in first.tried if not one.feasible]
    assert [one.configuration["BLOCK"] for one in kept[:2]] == [1024, 1024]
    assert dropped
    assert all("arange's range must be a power of 2" in one.compiled.fault for one in dropped)
    assert all(one.prediction is not None and one.prediction.seconds > 0 for one in kept)
    assert sorted(asked) == [(1, 1), (1, 3), (4, 1)]  # the better one is looked at longer
    assert first.best is first.ranked[0]
    assert first.ranked[0].configuration["num_warps"] == 1  # the stand-in's fastest
    again = sweep(about, points, processes, measure=measure, best=2)
    assert (first.known, again.known) == (0, 4)
    assert len(asked) == 3  # nothing is measured twice
    assert [one.compiled for one in again.tried] == [one.compiled for one in first.tried]
    (drawn,) = tile_maps(about.candidate, points)
    assert (drawn.down, drawn.across, drawn.unit) == ("BLOCK", "num_warps", "measured milliseconds")
    assert drawn.milliseconds[0] == (4.0, 1.0)


@needs_kernels
def test_a_changed_kernel_is_compiled_again_but_not_for_its_table(
    tmp_path: Path, processes: WarmProcesses, points: Points
) -> None:
    one = '{"BLOCK": [1024]}'
    sweep(subject(tmp_path, space=one + "\nTUNED = []"), points, processes)
    tuned = subject(tmp_path, space=one + "\nTUNED = [1, 2]")
    assert sweep(tuned, points, processes).known == 1
    changed = subject(tmp_path, space=one + "  # changed\nTUNED = []")
    assert sweep(changed, points, processes).known == 0


@needs_kernels
def test_a_kernel_that_fails_is_data_not_an_error(tmp_path: Path, processes: WarmProcesses, points: Points) -> None:
    found = sweep(subject(tmp_path, space='{"NO_SUCH_KEYWORD": [1]}'), points, processes)
    assert found.ranked == []
    assert "NO_SUCH_KEYWORD" in found.tried[0].compiled.fault


@pytest.mark.parametrize(("space", "says"), [("{}", "nothing to tune"), ('{"BLOCK": [8, 8]}', "a value twice")])
def test_a_kernel_without_a_space_is_told_so(tmp_path: Path, space: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        _ = subject(tmp_path, space=space).space


@needs_kernels
def test_the_way_to_measurements_on_the_processor(
    tmp_path: Path, processes: WarmProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paired_rounds, "CALLS", 3)
    about = subject(tmp_path)
    text = about.candidate.source
    for old, new in (
        (b"count, BLOCK:", b"count, OFF, BLOCK:"),
        (b"count, BLOCK=", b"count, OFF, BLOCK="),
        (b"up).to", b"up + OFF).to"),
        (b"*, BLOCK", b"*, OFF, BLOCK"),
    ):
        text = text.replace(old, new)
    plain = about.candidate.definition.model_copy(update={"baselines": {}})  # compiling one takes a minute here
    small = plain.point({"R": 4, "H": 1024, "dtype": "float16"})
    about = Subject(dataclasses.replace(about.candidate, source=text, definition=plain), small, about.device)
    with (
        Baselines(tmp_path / "baselines", index=-1) as baselines,
        Tuner(about, processes, baselines, None, seed=7) as tuner,
    ):
        right, wrong, again = (tuner.measure(Point(0, {"OFF": off}), 2) for off in (0, 1, 0))
    assert (right.status, again.status) == ("ok", "ok")
    assert len(right.samples) == 2
    assert right.detail["fastest"] == "eager"
    assert wrong.status == "wrong"  # however fast it was
    assert "relative error" in wrong.why


LIMITS = {"registers": 64, "stack_bytes": 0, "shared_bytes": 0, "occupancy": 0.5}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"stack_bytes": 8}, "spills 8 bytes"),
        ({"shared_bytes": 300_000}, "needs 300000 bytes of shared memory, 232448 are there"),
        ({"occupancy": 0.0, "registers": 255}, "needs 261120 registers, 65536 are there"),
    ],
)
def test_why_a_configuration_cannot_run(change: dict, says: str) -> None:
    code = MachineCode(name="k", architecture="sm_90a", threads=1024, instructions={}, **LIMITS | change)
    assert Variant(configuration={}, code=code).problem == says
