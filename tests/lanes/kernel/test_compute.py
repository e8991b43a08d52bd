"""What a kernel leaves is judged from outside: tricks that work on a judge in its own process do nothing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from harness.core.evidence import Evidence
from harness.core.status import Status
from harness.core.tier import Tier
from harness.lanes.kernel.compute import Job, _collect, compute
from harness.lanes.kernel.definition import read_definition

ROOT = Path(__file__).parents[3]
DEFINITION = read_definition(ROOT / "specs/kernels/matmul.yaml")
SHAPES = ({"M": 4, "N": 4, "K": 4}, {"M": 3, "N": 5, "K": 2})
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None or importlib.util.find_spec("numpy") is None,
    reason="torch and numpy are not installed: pip install 'pytest-crucible[kernels]'",
)


def job(folder: Path, source: str, *, timeout: float = 90) -> Job:
    return Job(source.encode(), DEFINITION, SHAPES, seed=1, attempts=2, timeout=timeout, folder=folder)


def judged(folder: Path, source: str, *, timeout: float = 90) -> Evidence:
    return compute(job(folder, source, timeout=timeout), device="cpu")


@needs_torch
def test_an_honest_kernel(tmp_path: Path) -> None:
    found = judged(tmp_path, "import torch\ndef run(a, b):\n    return torch.matmul(a, b)\n")
    assert (found.status, found.why, found.tier) == (Status.OK, "", Tier.D)
    assert [s["right"] for s in found.facts["shapes"]] == [True, True]
    assert found.stable
    assert len(found.attempts) == 2


@needs_torch
def test_spoiled_inputs_do_not_make_zeros_right(tmp_path: Path) -> None:
    source = """
import pathlib, torch
def run(a, b):
    for path in pathlib.Path("..").rglob("*.bin"):
        path.write_bytes(bytes(path.stat().st_size))
    a.zero_(), b.zero_()
    return torch.matmul(a, b)
"""
    found = judged(tmp_path, source)
    assert found.status is Status.WRONG
    assert found.facts["shapes"][0]["error"] == pytest.approx(1.0)
    assert found.why.startswith('at {"M": 4, "N": 4, "K": 4}: relative error 1, at most')


@needs_torch
def test_noise_and_infinities(tmp_path: Path) -> None:
    source = """
import os, torch
def run(a, b):
    c = torch.matmul(a, b)
    if a.shape[0] == 3:
        c[0, 0] = float("inf")
    elif os.urandom(1)[0] or True:
        c[0, 0] += torch.randn(()) * 1e-4
    return c
"""
    found = judged(tmp_path, source)
    assert found.status is Status.WRONG
    assert [s["right"] for s in found.facts["shapes"]] == [True, False]
    assert found.counterexample is not None
    assert found.counterexample.observed == "relative error undefined (not finite)"


@needs_torch
def test_a_forged_ending_is_no_answer(tmp_path: Path) -> None:
    source = "import os\nprint('all 2 shapes passed', flush=True)\nos._exit(0)\n"
    found = judged(tmp_path, source)
    assert found.status is Status.WRONG
    assert "no answer" in found.why


@needs_torch
def test_an_exception_is_the_kernels(tmp_path: Path) -> None:
    found = judged(tmp_path, "def run(a, b):\n    raise ValueError('odd\\x00 shape')\n")
    assert (found.status, found.why) == (Status.CRASH, "run raised ValueError: odd\\x00 shape")


@needs_torch
def test_a_kernel_that_hangs(tmp_path: Path) -> None:
    found = judged(tmp_path, "import time\ntime.sleep(600)\n", timeout=2)
    assert (found.status, found.why) == (Status.TIMEOUT, "still running after 2 s")


@pytest.mark.parametrize(
    ("meta", "data", "expected"),
    [
        ({"dtype": "float32", "sizes": [4, 4]}, bytes(64), "a tensor of float32 [4, 4], not float16 [4, 4]"),
        ({"dtype": "float16", "sizes": [16]}, bytes(32), "a tensor of float16 [16], not float16 [4, 4]"),
        ({"dtype": "float16", "sizes": [4, 4]}, bytes(30), "30 bytes, not 32"),
        ([], bytes(32), "a tensor of None None, not float16 [4, 4]"),
        ({"dtype": "x" * 5000, "sizes": [4, 4]}, bytes(32), "no answer"),
        ({"dtype": "float16", "sizes": [4, 4]}, None, "no answer"),
        ({"dtype": "float16", "sizes": [4, 4]}, bytes(32), bytes(32)),
    ],
)
def test_an_answer_has_exactly_the_right_form(tmp_path: Path, meta: object, data: bytes | None, expected) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/0-0.json").write_text(json.dumps(meta))
    if data is not None:
        (tmp_path / "out/0-0.bin").write_bytes(data)
    assert _collect(tmp_path, job(tmp_path, ""), "0-0", 0) == expected
