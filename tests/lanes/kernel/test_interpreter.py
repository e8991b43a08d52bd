"""Patches of Triton's interpreter: bfloat16, bounds, autotuning; unsupported features are refused by name."""

from __future__ import annotations

import pytest

from harness.core.status import Status

HEAD = "import torch\nimport triton\nimport triton.language as tl\n"
BRAIN = [{"M": 4, "N": 16, "dtype": "bfloat16"}]
BODY = """
@triton.jit
def kernel(x_ptr, y_ptr, N, BLOCK: tl.constexpr):
    n = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + tl.program_id(0) * N + n, mask=n < N, other=-float("inf"))
    {arithmetic}
    tl.store(y_ptr + tl.program_id(0) * N + n, y, mask=n < N)
def run(x):
    y = torch.empty_like(x)
    kernel[(x.shape[0],)](x, y, x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
    return y
"""


def with_body(arithmetic: str) -> str:
    return HEAD + BODY.format(arithmetic=arithmetic)


@pytest.mark.parametrize(
    "arithmetic",
    [
        "e = tl.exp(x.to(tl.float32) - tl.max(x, 0)); y = (e / tl.sum(e, 0)).to(tl.bfloat16)",
        "z = x - tl.max(x, 0); e = tl.exp(z.to(tl.float32)); y = (e / tl.sum(e, 0)).to(tl.bfloat16)",
        "b = x.to(tl.int16, bitcast=True).to(tl.bfloat16, bitcast=True).to(tl.float32); "
        "e = tl.exp(b - tl.max(b, 0)); y = (e / tl.sum(e, 0)).to(tl.bfloat16)",
    ],
)
def test_bfloat16_is_calculated_as_the_hardware_does(judged, softmax, arithmetic: str) -> None:
    # The difference of two bfloat16 numbers is rounded, so the yardstick for the second one is a little longer.
    times = softmax.model_copy(update={"tolerance": softmax.tolerance.model_copy(update={"times_baseline": 8.0})})
    found = judged(with_body(arithmetic), shapes=BRAIN, definition=times)
    assert found.status is Status.OK, found.why


def test_what_is_prepared_for_the_interpreter_changes_nothing_for_the_compiler(with_torch) -> None:
    """The root prepares it, and processes that compile are forked from the same root."""
    import triton.language as tl
    from triton import knobs
    from triton.runtime.jit import JITFunction

    from harness.lanes.kernel.interpreter import library_functions

    found = {(module.__name__, name): function for module, name, function in library_functions()}
    assert found["triton.language", "sum"] is found["triton.language.standard", "sum"]
    assert found["triton.language", "sum"].fn in type(found["triton.language", "sum"]).rewritten_fn
    assert isinstance(tl.sum, JITFunction)
    assert not knobs.runtime.interpret


REMEMBERED = """
    square, other = n * n, n * (n + 1)  # one operand twice, then two
    k = n * 0
    for i in range(300):  # more constants than are kept
        k = k + i
    half = (n - 8 >> 1) + 4 - (n >> 1)  # changes its operand
    whole, ratio, truth = n // 2 * 2 + n % 2, n / 2 * 2, n + True - 1
    good = (other - square == n) & (k == 44850) & (half == 0)
    good = good & (whole == n) & (ratio == n) & (truth == n)
    e = tl.exp(x - tl.max(x, 0))
    y = tl.where(good, e / tl.sum(e, 0), 0.0)
"""


def test_an_operation_is_remembered_for_equal_operands_only(judged) -> None:
    """In the second and third program of the launch all of it is remembered."""
    found = judged(with_body(REMEMBERED.strip()), shapes=[{"M": 3, "N": 16, "dtype": "float32"}])
    assert found.status is Status.OK, found.why


def test_bfloat16_products(judged, processes, tmp_path) -> None:
    from harness.lanes.kernel.definition import read_definition
    from tests.lanes.kernel.conftest import ROOT

    matmul = read_definition(ROOT / "specs/kernels/matmul.yaml")
    source = (ROOT / "kernels/matmul/tiled.py").read_text()
    found = judged(source, definition=matmul, shapes=[{"M": 33, "N": 20, "K": 40, "dtype": "bfloat16"}])
    assert found.status is Status.OK, found.why


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("mask=n < N)\ndef", "mask=n <= N)\ndef"), "out of bounds: the kernel writes"),
        (("mask=n < N, other", "mask=n <= N + 99999, other"), "out of bounds: the kernel reads"),
        (("x_ptr + tl.program_id(0)", "x_ptr - 1 + tl.program_id(0)"), "2 bytes before x_ptr"),
    ],
)
def test_addresses_outside_of_every_tensor(judged, change: tuple[str, str], expected: str) -> None:
    honest = with_body("e = tl.exp(x - tl.max(x, 0)); y = e / tl.sum(e, 0)")
    assert change[0] in honest
    found = judged(honest.replace(*change), shapes=[{"M": 2, "N": 5, "dtype": "float16"}])
    assert found.status is Status.CRASH
    assert expected in found.why


def test_the_first_configuration_of_an_autotuned_kernel(judged) -> None:
    source = with_body("e = tl.exp(x - tl.max(x, 0)); y = e / tl.sum(e, 0)").replace(
        "@triton.jit",
        "@triton.autotune(configs=[triton.Config({'BLOCK': 16}, num_warps=w) for w in (4, 8)], key=['N'])\n@triton.jit",
    )
    source = source.replace(", BLOCK=triton.next_power_of_2(x.shape[1]))", ")")
    assert judged(source, shapes=[{"M": 2, "N": 8, "dtype": "float32"}]).status is Status.OK


@pytest.mark.parametrize(
    ("arithmetic", "expected"),
    [
        ("tl.atomic_add(y_ptr + n, x, mask=n < N); y = x", "atomics on bfloat16"),
        ("y = (x.to(tl.float8e5) + x.to(tl.float8e5)).to(tl.bfloat16)", "fp8e5"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(judged, arithmetic: str, expected: str) -> None:
    found = judged(with_body(arithmetic), shapes=BRAIN)
    assert found.status is Status.REVIEW
    assert "it cannot be interpreted" in found.why
    assert expected in found.why


CALLS = """
@triton.jit
def twice(x, factor):
    return x * factor
"""


@pytest.mark.parametrize(
    ("arithmetic", "expected"),
    [
        # Blocks of equal sizes and of several types, made by functions of the file and of Triton's library.
        (
            "e = tl.exp(x - tl.max(x, 0)); z = tl.zeros((BLOCK,), tl.float16) + tl.full([BLOCK], 1, tl.int32); "
            "e = twice(e, z.to(tl.float32) * 0.5) * 2.0; s = tl.sum(e[:, None] * z[:, None].to(tl.float32), 0); "
            "y = e / tl.max(s, 0)",
            Status.OK,
        ),
        ("z = tl.zeros((BLOCK,), tl.float32); z = tl.zeros((BLOCK * 1.0,), tl.float32); y = x", Status.CRASH),
    ],
)
def test_types_that_are_made_once_are_those_of_triton(judged, arithmetic: str, expected: Status) -> None:
    found = judged(
        with_body(arithmetic).replace("import triton.language as tl\n", f"import triton.language as tl{CALLS}")
    )
    assert found.status is expected, found.why
    if expected is Status.CRASH:
        assert "Shape element 0 must have type" in found.why


def test_library_functions_of_the_device_are_for_review(judged) -> None:
    text = with_body("e = libdevice.exp(x.to(tl.float32)); y = e / tl.sum(e, 0)")
    found = judged(text.replace("@triton.jit", "from triton.language.extra import libdevice\n@triton.jit"))
    assert found.status is Status.REVIEW, found.why
    assert "library functions of the device" in found.why
