"""KernelBench problems become suites: a right candidate passes, a wrong one does not."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from harness.cli import main
from harness.core.status import Status
from harness.lanes.kernel.adapters import kernelbench
from harness.lanes.kernel.adapters.case_folder import NotAdaptedError, write_case
from harness.lanes.kernel.adapters.kernelbench import adapt_problem
from harness.lanes.kernel.definition import read_definition
from harness.lanes.kernel.lane import KernelLane

ROOT = Path(__file__).parents[4]
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(module) is None for module in ("torch", "triton", "numpy")),
    reason="pip install 'pytest-crucible[kernels]'",
)
LINEAR = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.gemm = nn.Linear(in_features, out_features)

    def forward(self, x):
        return torch.relu(self.gemm(x))

batch_size = 1024
in_features, out_features = 8192, 48

def get_inputs():
    return [torch.rand(batch_size, in_features)]

def get_init_inputs():
    return [in_features, out_features]
"""
RIGHT = """
import torch
import torch.nn as nn

class ModelNew(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.gemm = nn.Linear(in_features, out_features)

    def forward(self, x):
        return self.gemm(x).clamp_min(0)
"""


@pytest.fixture
def adapt(processes):
    return lambda path, candidates: adapt_problem(path, candidates, processes)


@pytest.fixture
def problem(tmp_path: Path):
    def write(text: str, name: str = "7_Linear.py") -> Path:
        path = tmp_path / "problems" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_a_folder_of_problems_is_a_suite(adapt, problem, tmp_path: Path, judge_all) -> None:
    path = problem(LINEAR)
    right, wrong = (
        problem(RIGHT, "7_Linear_right.py"),
        problem(RIGHT.replace("clamp_min(0)", "abs()"), "7_Linear_abs.py"),
    )
    no = problem("x = 1\n", "7_Linear_no.py")
    adapted = adapt(path, [right, wrong, no])
    assert adapted.notes == ["7_Linear_no.py: it has no ModelNew"]
    out = tmp_path / "out"
    (suite,) = write_case(out, adapted)
    definition = read_definition(out / "definitions/7_Linear.yaml")
    assert list(definition.axes) == ["batch_size", "in_features"]
    assert definition.outputs["y0"].axes == ("batch_size", 48)
    assert definition.inputs["x0"].values == "uniform"
    assert definition.targets[0].sizes == {"batch_size": 1024, "in_features": 8192}
    found = judge_all(KernelLane(), suite, only="interpreter")
    assert {name: (one.status, one.passed) for name, one in found.items()} == {
        "7_Linear_right-interpreter": (Status.OK, True),
        "7_Linear_abs-interpreter": (Status.WRONG, False),
    }


def test_sizes_that_only_weights_have_stay_and_convolutions_are_understood(adapt, problem) -> None:
    text = LINEAR.replace("nn.Linear(in_features, out_features)", "nn.Conv2d(3, out_features, kernel_size=5)")
    text = text.replace("torch.rand(batch_size, in_features)", "torch.rand(batch_size, 3, in_features, 32)")
    found = adapt(problem(text), []).definition
    assert found["outputs"]["y0"]["axes"] == ["batch_size", 48, "in_features - 4", 28]


def test_a_problem_whose_own_numbers_make_passing_on_right_is_asked_with_others(adapt, problem) -> None:
    text = LINEAR.replace("torch.relu(self.gemm(x))", "torch.relu(x)")
    found = adapt(problem(text), []).definition
    assert found["inputs"]["x0"]["values"] == "normal"
    assert "an unchanged input is right" in found["description"]
    nothing = LINEAR.replace("torch.relu(self.gemm(x))", "x")  # with any numbers
    assert adapt(problem(nothing), []).definition["inputs"]["x0"]["values"] == "uniform"


def test_each_candidate_goes_to_one_problem_or_is_named(problem, tmp_path: Path, capsys) -> None:
    problem(LINEAR, "1_Linear_Wide.py")
    short = problem(LINEAR, "1_Linear.py")
    candidates = tmp_path / "candidates"
    candidates.mkdir()
    for name in ("1_Linear_x", "1_Linear_Wide_x", "2_Other"):
        (candidates / f"{name}.py").write_text(RIGHT)
    (candidates / "s.json").write_text('{"name": "s", "definition": "gone", "sources": []}')
    arguments = ["kernel", "adapt", "--candidates", str(candidates), "--out", str(tmp_path / "out"), "--json"]
    assert main([*arguments, str(short.parent)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [one["kernels"] for one in found["written"]] == [["1_Linear_x"], ["1_Linear_Wide_x"]]
    assert [Path(one["problem"]).name for one in found["left"]] == ["2_Other.py", "s.json"]


def test_integer_inputs_stay_below_their_bound(adapt, problem) -> None:
    text = LINEAR.replace("torch.relu(self.gemm(x))", "nn.functional.cross_entropy(x, y)")
    text = text.replace("forward(self, x)", "forward(self, x, y)")
    text = text.replace("in_features)]", "in_features), torch.randint(0, 11, (batch_size,))]")
    found = adapt(problem(text), []).definition
    assert found["inputs"]["x1"] == {"axes": ["batch_size"], "dtype": "int64", "values": {"below": 11}}
    assert found["outputs"]["y0"]["axes"] == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("return torch.relu", "return 'no' or torch.relu", "it does not run: TypeError: a str where a tensor"),
        ("class Model(", "class Model((", "not valid Python"),
        ("batch_size = 1024", "import os; os._exit(3)", "exited with status 3"),
    ],
)
def test_what_cannot_be_carried_over_says_why(adapt, problem, old: str, new: str, says: str) -> None:
    with pytest.raises(NotAdaptedError, match=says) as caught:
        adapt(problem(LINEAR.replace(old, new, 1)), [])
    assert "7_Linear.py" in caught.value.where


def test_an_inline_extension_is_named(adapt, problem) -> None:
    candidate = problem(RIGHT + "from torch.utils.cpp_extension import load_inline\n", "7_Linear_cuda.py")
    adapted = adapt(problem(LINEAR), [candidate])
    assert (adapted.kernels, adapted.notes) == (
        {}, ["7_Linear_cuda.py: an inline CUDA extension, which no plan can hold"]
    )  # fmt: skip


def test_a_problem_that_never_ends_is_given_up(adapt, problem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernelbench, "_SECONDS", 1.0)
    with pytest.raises(NotAdaptedError, match="did not answer within 1 s"):
        adapt(problem("while True: pass\n"), [])
