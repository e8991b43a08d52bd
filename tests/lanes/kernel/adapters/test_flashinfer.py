"""FlashInfer definitions, solutions and workloads."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import SpecError
from harness.lanes.kernel.adapters.case_folder import NotAdaptedError, write_case
from harness.lanes.kernel.adapters.flashinfer import adapt_definition
from harness.lanes.kernel.definition import read_definition

GEMM: dict[str, Any] = {
    "name": "gemm n64/k32",
    "axes": {"M": {"type": "var"}, "N": {"type": "const", "value": 64}, "K": {"type": "const", "value": 32}},
    "inputs": {"A": {"shape": ["M", "K"], "dtype": "float16"}, "B": {"shape": ["N", "K"], "dtype": "float16"}},
    "outputs": {"C": {"shape": ["M", "N"], "dtype": "float16"}},
    "reference": "import torch\n\ndef run(A, B):\n    return torch.matmul(A, B.T)\n",
}
SOLUTION: dict[str, Any] = {
    "name": "v 1", "definition": "gemm n64/k32", "spec": {"language": "triton", "entry_point": "main.py::launch"},
    "sources": [{"path": "main.py", "content": "def launch(B, A):\n    return {'C': A @ B.T}\n"}],
}  # fmt: skip


@pytest.fixture
def write(tmp_path: Path):
    def put(value: object, name: str) -> Path:
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return put


def test_a_definition_with_a_solution_and_workloads(write, tmp_path: Path) -> None:
    lines = [
        json.dumps({"definition": GEMM["name"], "workload": {"axes": {"M": m}}}) for m in (1, 7, 7, 128, 4096, 8192)
    ]
    lines += ["{", json.dumps({"definition": "another", "workload": {"axes": {"M": 5}}}), "[]"]
    adapted = adapt_definition(
        write(GEMM, "g.json"), [write(SOLUTION, "s.json")], [write("\n".join(lines), "w.jsonl")]
    )  # fmt: skip
    (suite,) = write_case(tmp_path / "out", adapted)
    definition = read_definition(tmp_path / "out/definitions/gemm_n64_k32.yaml")
    assert [point.sizes["M"] for point in definition.targets] == [8192, 4096, 128, 7]
    assert definition.shapes.tiny == ({"M": 3, "N": 64, "K": 32},)
    kernel = (suite.parent / "kernels/gemm_n64_k32/v_1.py").read_text()
    space: dict[str, Any] = {}
    exec(kernel, space)

    class Matrix(str):
        T = "T"

        def __matmul__(self, other: str) -> str:
            return f"{self} @ {other}"

    assert space["crucible_run"](Matrix("A"), Matrix("B")) == "A @ T"  # by name, and out of its dict


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"axes": {"M": {"type": "const"}}}, "neither const with a value nor var"),
        ({"axes": {"T": {"type": "var"}}}, "an axis named 'T'"),
        ({"constraints": ["M == 2 * N"]}, "constraints between axes"),
        ({"inputs": {"eps": {"shape": None, "dtype": "float32"}}}, "eps is a scalar"),
        ({"inputs": {"A": {"shape": ["M"], "dtype": "float8_e4m3fn"}}}, "A is of float8_e4m3fn"),
        ({"inputs": {"A": {"shape": ["M"], "dtype": "int32"}}}, "holds integers without a known range"),
        ({"reference": "x = 1"}, "no function run"),
    ],
)
def test_what_cannot_be_carried_over_says_why(write, change: dict, says: str) -> None:
    with pytest.raises(NotAdaptedError, match=says):
        adapt_definition(write(GEMM | change, "g.json"), [], [])


@pytest.mark.parametrize("text", ["{", "[]", '{"name": 1}', "[" * 100_000])
def test_what_is_no_definition_is_refused(write, text: str) -> None:
    with pytest.raises(NotAdaptedError):
        adapt_definition(write(text, "g.json"), [], [])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"spec": {"language": "CUDA"}}, "written in cuda"),
        ({"sources": []}, "it has 0 files"),
        ({"spec": {"language": "triton", "entry_point": "main.py::gone"}}, "no function 'gone'"),
        ({"sources": [{"path": "main.py", "content": "def ("}]}, "not valid Python"),
    ],
)
def test_a_solution_that_is_no_kernel_is_named(write, change: dict, says: str) -> None:
    adapted = adapt_definition(write(GEMM, "g.json"), [write(SOLUTION | change, "s.json")], [])
    assert adapted.kernels == {}
    assert says in adapted.notes[0]


WORKLOAD = {"definition": GEMM["name"], "workload": {"axes": {"M": 5}}}
JUNK: tuple[Any, ...] = (None, 3, "x", [], [1], {"a": 1}, math.inf)


def changes_of(value: Any) -> Iterator[Any]:
    """The value with each of its parts replaced by each of `JUNK`."""
    yield from JUNK
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            for changed in changes_of(part):
                copied = value.copy()
                copied[key] = changed
                yield copied


def test_any_part_of_a_document_may_be_anything(write, tmp_path: Path) -> None:
    documents = (GEMM, SOLUTION, WORKLOAD)
    refused = 0
    for index, document in enumerate(documents):
        for changed in changes_of(document):
            given = [*documents[:index], changed, *documents[index + 1 :]]
            paths = [write(one, name) for one, name in zip(given, ("g.json", "s.json", "w.jsonl"), strict=True)]
            try:
                write_case(tmp_path / "out", adapt_definition(paths[0], paths[1:2], paths[2:]))
            except (NotAdaptedError, SpecError):
                refused += 1
    assert refused > 50
