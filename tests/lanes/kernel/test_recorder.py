"""What honest host code may do is recorded: autotuning, modules, aliases, known integers, library operators."""

from __future__ import annotations

import pytest

from harness.core.status import Status
from harness.lanes.kernel.definition import Definition

HONEST = """
import functools, logging, math, os
from dataclasses import dataclass
import torch, triton
import triton.language as tl
from triton import cdiv

logger = logging.getLogger(__name__)
exponential, DTYPE, LOG2E, NEGATIVE = tl.exp2, tl.float32, math.log2(math.e), -float("inf")
LIMIT = int(os.environ.get("SOFTMAX_LIMIT", "65536"))

@dataclass(frozen=True)
class Config:
    warps: int = 4

@triton.jit
def _largest(x):
    return tl.max(x, 0)

@triton.autotune(configs=[triton.Config({"BLOCK": 512}, num_warps=w) for w in (4, 8)], key=["N"])
@triton.heuristics({"EVEN": lambda a: a["N"] % a["BLOCK"] == 0})
@triton.jit
def _kernel(x_ptr, y_ptr, N, BLOCK: tl.constexpr, EVEN: tl.constexpr):
    n = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + tl.program_id(0) * N + n, mask=n < N, other=NEGATIVE).to(DTYPE)
    e = exponential((x - _largest(x)) * LOG2E)
    tl.store(y_ptr + tl.program_id(0) * N + n, (e / tl.sum(e, 0)).to(y_ptr.dtype.element_ty), mask=n < N)

class Softmax(torch.nn.Module):
    def forward(self, x):
        y = torch.zeros(x.shape, dtype=torch.float32, device="cuda")
        _kernel[lambda meta: (rows_of(*x.shape),)](x, y, x.shape[1])
        return y.to(x.dtype)

@functools.lru_cache(maxsize=None)
def rows_of(rows, columns):
    return cdiv(rows, 1)

@torch.no_grad()
def run(x):
    assert x.is_cuda and x.dim() == 2 and x.data_ptr() % 16 == 0 and x.shape[1] < LIMIT, Config()
    logger.debug("softmax of %s on %s", tuple(x.shape), x.device)
    return Softmax()(x)
"""
RAGGED = """
import torch, triton
import triton.language as tl

@triton.jit
def fill_kernel(y_ptr, starts_ptr, N, BLOCK: tl.constexpr):
    g, n = tl.program_id(0), tl.arange(0, BLOCK)
    first = tl.load(starts_ptr + g)
    length = tl.load(starts_ptr + tl.num_programs(0) + g)
    tl.store(y_ptr + first + n, g.to(tl.float32) + n * 0.0, mask=n < length)

def run(x, ends):
    y = torch.empty_like(x)
    groups = [(int(a), b - int(a)) for a, b in zip(ends[:-1], ends[1:].tolist()) if b > int(a)]
    starts = torch.tensor([a for a, _ in groups] + [n for _, n in groups], dtype=torch.int32, device=x.device)
    fill_kernel[(len(groups),)](y, starts, x.shape[0], BLOCK=64)
    return y
"""


def test_what_honest_host_code_does(judged) -> None:
    found = judged(HONEST, attempts=2)
    assert (found.status, found.why) == (Status.OK, "")


MASKED = """
import torch, triton
import triton.language as tl

@triton.jit
def shifted(x):
    return x - tl.max(x, 0)

@triton.jit
def rows_kernel(x_ptr, y_ptr, M, N, SHIFT: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    for r in range(ROWS):
        row, n = tl.program_id(0) * ROWS + r, tl.arange(0, BLOCK)
        mask = (n < N) & (row < M)  # the second one is a number
        e = tl.exp(SHIFT(tl.load(x_ptr + row * N + n, mask=mask, other=-float("inf")).to(tl.float32)))
        tl.store(y_ptr + row * N + n, (e / tl.sum(e, 0)).to(y_ptr.dtype.element_ty), mask=mask)

@torch.compile(dynamic=False)
def launch(x, y, rows):
    M, N = x.shape
    grid = lambda meta: (triton.cdiv(M, meta["ROWS"]),)
    rows_kernel.warmup(x, y, M, N, SHIFT=shifted, ROWS=rows, BLOCK=triton.next_power_of_2(N), grid=(1,))
    with torch.cuda.stream(torch.cuda.current_stream()):
        rows_kernel[grid](x, y, M, N, SHIFT=shifted, ROWS=rows, BLOCK=triton.next_power_of_2(N))
    return y

def run(x):
    return launch(x, torch.empty_like(x), 4)
"""


def test_rows_beyond_the_last_one_are_masked_by_a_number(judged) -> None:
    """The last program has rows that the matrix does not have; a jit function is an argument."""
    found = judged(MASKED)
    assert (found.status, found.why) == (Status.OK, "")
    assert found.facts["launched"] == 4, "a kernel that is only compiled is not launched"
    without = judged(MASKED.replace("& (row < M)", "& (row < M + 1)"))
    assert (without.status, "out of bounds" in without.why) == (Status.CRASH, True), without.why


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("torch.tensor([1.0] * 70_000, device=x.device)", "a tensor of 70000 numbers of host code, 65536 are allowed"),
        ("rows_kernel.warmup(x, x, 1, 1, SHIFT=None, ROWS=1, BLOCK=1, grid=(1,)).n_regs", "it asks what its kernel is"),
        ("len(set(torch.empty(70_000)))", "it takes a tensor apart into 70000, 65536 are allowed"),
        ("max(x[0])", "it calls the library's own operator gt"),
        ("__import__('os').fork()", "host code may start no process"),
        ("[__import__('_thread').start_new_thread(input, ()) for _ in range(999)]", "only a few threads"),
        ("print(x)", "it reads elements of a tensor (__repr__)"),
        ("torch.compile(torch.exp)(x)", "it calls the library's own operator exp"),
    ],
)
def test_what_host_code_may_not_ask_is_refused_in_a_sentence(judged, line: str, says: str) -> None:
    found = judged(MASKED.replace("    return launch(x, torch", f"    {line}\n    return launch(x, torch"))
    assert (found.status, says in found.why) == (Status.FORBIDDEN, True), found.why


def test_integers_that_host_code_may_know(judged, softmax, tmp_path) -> None:
    (tmp_path / "ragged.py").write_text(
        "import torch\ndef reference(x, ends):\n"
        "    counts = [n for n in (ends[1:] - ends[:-1]).tolist() if n]\n"
        "    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts)).to(x.dtype)\n"
    )
    wire = softmax.to_wire() | {
        "operation": "ragged", "axes": {"R": "rows"}, "dtypes": ["float32"], "inputs": {
            "x": {"axes": ["R"]}, "ends": {"axes": [4], "dtype": "int32", "values": {"offsets": "R"}},
        },
        "outputs": {"y": {"axes": ["R"]}}, "reference": "ragged.py:reference", "baselines": {}, "flops": "R",
        "bytes": "R", "hidden": None, "shapes": {"target": [{"R": 60}]}, "tolerance": {}, "host_inputs": ["ends"],
    }  # fmt: skip
    named = {"place": tmp_path, "shapes": [{"R": 30}, {"R": 50}]}
    found = judged(RAGGED, definition=Definition.from_wire(wire), **named)
    assert (found.status, found.why) == (Status.OK, "")
    found = judged(RAGGED, definition=Definition.from_wire(wire | {"host_inputs": []}), **named)
    assert (found.status, "it reads elements" in found.why) == (Status.FORBIDDEN, True)


LIBRARY = """
import torch
def run(x):
    torch.manual_seed(3)
    layer = torch.nn.Linear(x.shape[1], x.shape[1]).to(x.device, x.dtype)
    kept = torch.nn.functional.dropout(torch.ones_like(x), training=False)
    z = x.float()
    parts = torch.cat([part.exp() for part in z.sub(z.amax(-1, keepdim=True)).chunk(2)]) * kept
    return (parts / parts.sum(-1, keepdim=True)).to(x.dtype) + 0 * layer(x)
"""


def test_library_operators_are_recorded_by_name(judged) -> None:
    found = judged(LIBRARY, library=True, attempts=2)
    assert found.status is Status.OK, found.why
    assert {"amax", "exp", "cat", "uniform_", "addmm"} <= set(found.facts["operators"])
