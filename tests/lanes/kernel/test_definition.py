"""A definition is checked as a whole; an error has a position and, where there is one, the nearest right name."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import SpecError
from harness.lanes.kernel.axis_expression import evaluate
from harness.lanes.kernel.definition import Definition, read_definition, trusted_files

ROOT = Path(__file__).parents[3]
MATMUL = ROOT / "specs/kernels/matmul.yaml"
ALL = sorted((ROOT / "specs/kernels").glob("*.yaml"))


def test_matmul() -> None:
    found = read_definition(MATMUL)
    point = found.targets[0]
    assert (point.sizes["M"], point.dtype) == (4096, "bfloat16")
    assert found.inputs["b"].sizes({"M": 1, "N": 2, "K": 3}) == (3, 2)
    assert evaluate(found.flops, point.names) == 2 * 4096**3
    assert evaluate(found.bytes, point.names) == 3 * 2 * 4096**2
    assert trusted_files(MATMUL, found).keys() == {str(MATMUL)}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_definition_reads_and_survives_json(path: Path) -> None:
    found = read_definition(path)
    assert Definition.from_wire(found.to_wire()) == found
    assert all(evaluate(found.bytes, point.names) > 0 for point in found.targets)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("reference: torch.matmul", "referense: torch.matmul", "referense: Extra inputs are not permitted; did"),
        ("reference: torch.matmul", "reference: os.system", "reference: Value error, 'os.system' is neither"),
        ("reference: torch.matmul", "reference: absent.py:run", "absent.py is not in the definition"),
        ("[bfloat16, float16]", "[bfloat16, float8]", "dtypes.1: Input should be"),
        ("tiny: [{M: 1, N: 1, K: 1}", "tiny: [{M: 1, N: 1}", ":19:10: shapes.tiny.0: the shape does not give K"),
        ("tiny: [{M: 1, N: 1, K: 1}", "tiny: [{M: 1, N: 1, K: 0}", "the size of K must be a positive integer"),
        ("tiny: [{M: 1, N: 1, K: 1}", "tiny: [{M: 1, N: 1, K: 1, L: 1}", "unknown axis 'L'"),
        ("tiny: [{M: 1, N: 1, K: 1}", "tiny: [{M: 1, N: 1, K: 1, dtype: float32}", "dtype may be bfloat16, float16"),
        ("flops: 2 * M", "flops: 2 ** M", "flops: '2 ** M * N * K' is not arithmetic"),
        ("a: {axes: [M, K]}", "a: {axes: [M, Q]}", "inputs.a: 'Q' is not arithmetic"),
        ("a: {axes: [M, K]}", "a: {axes: [M, K], layout: [0, 0]}", "inputs.a.layout: layout must order"),
        ("a: {axes: [M, K]}", "a: {axes: [M, K], values: {below: K}}", "inputs.a.values: only int32 and int64"),
        ("K: [1, 100]}", "L: [1, 100]}", "hidden.axes: it must give every axis: M, N, K"),
        ("operation: matmul", "operation: matmul\ntolerance: {baseline: eagre}", "no baseline is named 'eagre'"),
        ("axes: {M:", "axes: {T: elements, M:", "axes.T: 'T' cannot be a name here"),
    ],
)  # fmt: skip
def test_errors_say_what_and_where(tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = MATMUL.read_text()
    assert old in text
    path = tmp_path / "matmul.yaml"
    path.write_text(text.replace(old, new))
    with pytest.raises(SpecError) as caught:
        read_definition(path)
    assert expected in str(caught.value)
    assert str(caught.value.where).startswith(f"{path}:")


def test_what_a_shape_leaves_open_is_dealt_in_turn() -> None:
    found = read_definition(ROOT / "specs/kernels/fmha.yaml")
    shape = {"B": 1, "H": 1, "G": 1, "S": 4, "D": 64}
    dealt = {
        (found.point(shape, turn=turn).dtype, found.point(shape, turn=turn).parameters["causal"]) for turn in range(4)
    }
    assert dealt == {("bfloat16", False), ("bfloat16", True), ("float16", False), ("float16", True)}
    assert found.point(shape | {"causal": True, "dtype": "float16"}).label == "B=1 H=1 G=1 S=4 D=64 float16 causal=True"
    with pytest.raises(ValueError, match="causal may be False, True, not 1"):
        found.point(shape | {"causal": 1})


def test_a_list_is_not_a_definition(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n")
    with pytest.raises(SpecError, match="a definition is a table of keys and values, not a list"):
        read_definition(path)
