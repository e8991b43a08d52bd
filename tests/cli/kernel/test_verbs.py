"""`crucible kernel` from an empty folder, on files outside of the repository."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.cli import main
from harness.cli.kernel import VERBS
from harness.lanes.kernel.gpu import absent_gpu
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials, experiments

ROOT = Path(__file__).parents[3]
missing = any(importlib.util.find_spec(module) is None for module in ("torch", "triton", "numpy"))
needs_kernels = pytest.mark.skipif(missing, reason="pip install 'pytest-crucible[kernels]'")
needs_no_gpu = pytest.mark.skipif(missing or not absent_gpu(), reason="there is a GPU here")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a kernel and its definition; the current folder is another, empty one."""
    for name in ("kernels/swiglu/fused.py", "specs/kernels/swiglu.yaml", "specs/kernels/swiglu.py"):
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "mine" / name)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return tmp_path / "mine"


@pytest.fixture
def crucible(capsys: pytest.CaptureFixture[str]):
    def run(*words: object) -> SimpleNamespace:
        status = main(["kernel", *map(str, words)])
        out, err = capsys.readouterr()
        return SimpleNamespace(status=status, out=out, err=err, json=json.loads(out) if "--json" in words else None)

    return run


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_helps_with_an_example(crucible, verb: str) -> None:
    found = crucible(verb, "--help")
    assert found.status == 0
    assert f"crucible kernel {verb}" in found.out.partition("Example:")[2]


@needs_kernels
def test_check_says_right_and_wrong(crucible, place: Path) -> None:
    right = place / "kernels/swiglu/fused.py"
    wrong = right.with_name("wrong.py")
    wrong.write_text(right.read_text().replace("* up)", "* up + 1)"))
    found = crucible("check", right, wrong, "--shape", "R=3,H=70,dtype=float16", "--seed", 5, "--json")
    assert found.status == 1
    assert [one["status"] for one in found.json] == ["ok", "wrong"]
    assert all(entry["right"] for entry in found.json[0]["shapes"])
    assert "at R=3 H=70 float16" in found.json[1]["why"]


@needs_kernels
def test_compile_shows_what_the_compiler_made_of_it(crucible, place: Path, tmp_path: Path) -> None:
    golden = tmp_path / "golden.json"
    honest = place / "kernels/swiglu/fused.py"
    lying = honest.with_name("lying.py")
    lying.write_text(honest.read_text().replace("# ///\n\nimport", '# claims = ["tma"]\n# ///\n\nimport'))
    found = crucible("compile", honest, lying, "--set", "BLOCK=1024", "--golden", golden)
    assert found.status == 1
    assert "claims tma: not in the code" in found.out
    kernel, launch, architecture, registers, stack = found.out.splitlines()[1].split()[:5]
    assert (kernel, launch, architecture, stack) == ("fused", "swiglu_kernel", "sm_90a", "0")
    assert str(json.loads(golden.read_text())["rows"][0]["registers"]) == registers


@needs_no_gpu
def test_sweep_predicts_and_says_that_nothing_was_measured(crucible, place: Path) -> None:
    kernel = place / "kernels/swiglu/fused.py"
    before = kernel.read_bytes()
    found = crucible("sweep", kernel, "--most", 2, "--write")
    assert "2 configurations: 2 can run" in found.out
    assert "not measured: no CUDA device here" in found.out
    assert "no configuration was measured, only predicted" in found.err
    assert (found.status, kernel.read_bytes()) == (1, before)
    again = crucible("sweep", kernel, "--most", 2, "--json")
    assert again.status == 0
    assert [one["measured"] for one in again.json["tried"]] == [None, None]
    with Ledger.read(Path("reports/ledger.db")) as ledger:
        (experiment,) = experiments(ledger)
        rows = Trials(ledger, experiment["experiment"]).rows
    assert [(one.stage, one.operator, one.passed) for one in rows.values()] == [("screen", "space", None)] * 2
    assert all(one.verdict["predicted_ms"] > 0 and one.verdict["milliseconds"] is None for one in rows.values())


@needs_no_gpu
def test_bench_without_a_gpu_measures_nothing_and_fails(crucible, place: Path) -> None:
    found = crucible("bench", place / "kernels/swiglu/fused.py")
    assert found.status == 1
    assert found.out.count("not measured") == 3
    assert "crucible: not measured: no CUDA device here" in found.err


def test_roofline(crucible, place: Path) -> None:
    found = crucible(
        "roofline", place / "specs/kernels/swiglu.yaml", "--shape", "R=1000,H=1000,dtype=float16", "--json"
    )
    (point,) = found.json["points"]
    assert (point["bytes"], point["bound"], point["device"]) == (6_000_000, "memory", "NVIDIA H200")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["check", "gone.py"], "gone.py: cannot be read"),
        (["check", "{}/kernels/swiglu/fused.py", "--definition", "gone.yaml"], "gone.yaml: no such file"),
        (["check", "{}/specs/kernels/swiglu.py"], "name the operation: --definition"),
        (["check", "{}/kernels/swiglu/fused.py", "--shape", "R=3"], "the shape does not give H"),
        (["check", "{}/kernels/swiglu/fused.py", "--shape", "R"], "'R' is not NAME=VALUE"),
        (["compile", "{}/kernels/swiglu/fused.py", "--architecture", "sm_1"], "invalid choice"),
        (["sweep", "{}/kernels/swiglu/fused.py", "--most", "0"], "0 is less than 1"),
        (["sweep", "{}/kernels/swiglu/fused.py", "--device", "Voodoo"], "no card is named"),
        (["bench"], "name kernels, or use --all"),
        (["bench", "--all", "--suites", "gone"], "not a folder"),
        (["bench", "--all", "--suites", "."], "the folder has no suite of kernels"),
        (["roofline", "gone.yaml"], "gone.yaml: no such file"),
        (["roofline", "."], "it is a folder"),
        (["compile", "{}/kernels/swiglu/fused.py", "--golden", "."], "it is a folder"),
        (
            ["compile", "{}/kernels/swiglu/fused.py", "--golden", "{}/kernels/swiglu/fused.py"],
            "it exists and is not a golden table",
        ),
        (["check", "{}/kernels/swiglu/fused.py", "--timeout", "-1"], "-1.0 is less than 0.001"),
        (["check", "{}/kernels/swiglu/fused.py", "--attempts", "0"], "0 is less than 1"),
        (["sweep", "{}/kernels/swiglu/fused.py", "--targets", "--shape", "R=1,H=1"], "exclude each other"),
        (["report", "--suites", "gone"], "not a folder"),
        (["adapt", "gone", "--out", "x"], "no such file or folder"),
        (["frobnicate"], "unknown verb"),
    ],
)
def test_wrong_usage_says_what_is_wrong(crucible, place: Path, words: list[str], says: str) -> None:
    if missing and words[0] in ("sweep",):
        pytest.skip("pip install 'pytest-crucible[kernels]'")
    found = crucible(*(word.replace("{}", str(place)) for word in words))
    assert says in found.err
    assert found.status == 4
    assert found.out == ""
