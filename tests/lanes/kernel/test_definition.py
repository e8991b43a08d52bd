"""A definition is checked as a whole, and its arithmetic is nothing but arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import SpecError
from harness.lanes.kernel.definition import evaluate, read_definition

ROOT = Path(__file__).parents[3]
MATMUL = ROOT / "specs/kernels/matmul.yaml"


def test_matmul() -> None:
    found = read_definition(MATMUL)
    assert found.inputs["b"].sizes({"M": 1, "N": 2, "K": 3}) == (3, 2)
    assert evaluate(found.flops, found.target) == 2 * 4096**3
    assert evaluate(found.bytes, {"M": 2, "N": 3, "K": 5}) == 2 * (10 + 15 + 6)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("entry: run", "entri: run", "matmul.yaml:4:1: entri: Extra inputs"),
        ("reference: torch.matmul", "reference: os.system", "matmul.yaml:5:1: reference: Value error, 'os.system'"),
        ("float16}\n  b", "bfloat16}\n  b", "matmul.yaml:7:21: inputs.a.dtype: Input should be 'float16'"),
        ("{M: 1, N: 1, K: 1}", "{M: 1, N: 1}", "must give exactly the axes K, M, N"),
        ("{M: 1, N: 1, K: 1}", "{M: 1, N: 1, K: 0}", "matmul.yaml:14:18: shapes.0.K"),
        ("flops: 2 * M", "flops: 2 ** M", "is no arithmetic over the axes"),
    ],
)
def test_errors_have_positions(tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = MATMUL.read_text()
    assert old in text
    path = tmp_path / "matmul.yaml"
    path.write_text(text.replace(old, new))
    with pytest.raises(SpecError) as caught:
        read_definition(path)
    assert expected in str(caught.value)


@pytest.mark.parametrize("text", ["M.real", "f(M)", "M / 2", "Z", "'a'", "True", "M if M else M", "(" * 300, "M // 0"])
def test_only_arithmetic(text: str) -> None:
    with pytest.raises(ValueError, match="is no arithmetic"):
        evaluate(text, {"M": 4})
