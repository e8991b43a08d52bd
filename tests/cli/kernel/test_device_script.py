"""The script for a machine with a GPU, where time is short: each of its commands is checked here."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.cli.verb import build_parser, find_verb
from harness.lanes.kernel.tuned_table import Tuned, read_tuned, write_tuned

ROOT = Path(__file__).parents[3]
ENTRY = Tuned(device="d", dtype="bfloat16", shape={"M": 1}, configuration={"BLOCK_M": 64})


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("kernels_on_device", ROOT / "benchmarks/kernels_on_device.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, made)
    spec.loader.exec_module(made)
    return made


def test_every_command_is_one_that_can_be_run(script: ModuleType, tmp_path: Path) -> None:
    seen: list[str] = []
    timed: set[Path] = set()
    for step in script.steps(tmp_path):
        if not step.kernel:
            assert step.words[:2] != ["-m", "pytest"] or (ROOT / step.words[2]).is_file()
            continue
        command, verb, used = find_verb(["kernel", *step.words])
        args, name = build_parser(command, verb).parse_args(step.words[used - 1 :]), step.words[0]
        seen.append(name)
        if name == "bench":
            assert args.kernels
            assert all(one.is_file() for one in [*args.kernels, args.definition])
            timed.update(args.kernels)
        if name == "sweep":
            assert args.targets
            assert args.write
    suites = [one for one in (ROOT / "suites/kernel").glob("*.suite.yaml") if "expect:" not in one.read_text()]
    assert {one.name.removesuffix(".suite.yaml") for one in suites} == set(script.ORDER)
    assert seen.count("bench") == 2 * len(suites) > 20
    assert timed == set((ROOT / "kernels").glob("*/*.py"))
    assert seen[-1] == "report"


def test_what_a_call_leaves_the_next_one_goes_on_with(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place, out = tmp_path / "tree", tmp_path / "out"
    (place / "kernels/matmul").mkdir(parents=True)
    here = place / "kernels/matmul/autotuned.py"
    shutil.copy(ROOT / "kernels/matmul/autotuned.py", here)
    fresh = here.read_text()
    monkeypatch.setattr(script, "ROOT", place)
    written = write_tuned(fresh, [ENTRY], where="k")
    tune = f"import pathlib; pathlib.Path({str(here)!r}).write_text({written!r})"
    steps = [script.Step(["-c", text], kernel=False) for text in ("print(1)", "raise SystemExit(3)", tune)]
    monkeypatch.setattr(script, "steps", lambda _out: steps)
    monkeypatch.setattr(sys, "argv", ["x", "--out", str(out), "--budget-s", "100"])
    assert script.main() == 1
    assert "failed: -c raise SystemExit(3)" in capsys.readouterr().out
    assert [json.loads(line)["status"] for line in (out / "log.jsonl").read_text().splitlines()] == [0, 3, 0]
    here.write_text(fresh)  # another call, on another copy of the tree
    monkeypatch.setattr(script, "steps", lambda _out: steps[:1])
    monkeypatch.setattr(sys, "argv", ["x", "--out", str(out), "--budget-s", "1"])
    assert script.main() == 1  # nothing is started any more, and that is said
    assert "left for another call: -c print(1)" in capsys.readouterr().out
    assert read_tuned(here.read_text(), where="k") == [ENTRY]


def test_a_command_that_hangs_is_ended(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "ENDING", 0.5)
    assert script.perform(script.Step(["-c", "import time; time.sleep(99)"], kernel=False), tmp_path, 0.1) == 124
