"""Jit functions are written out again from what is listed; everything else is named, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.kernel.jit_source import MAX_BYTES, JitSource
from harness.lanes.kernel.plan import PlanFault

ROOT = Path(__file__).parents[3]
SHIPPED = sorted(ROOT.glob("kernels/*/*.py"))
HEAD = "import triton\nimport triton.language as tl\n@triton.jit\ndef k(x, BLOCK: tl.constexpr):\n    "


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_kernels_that_ship_are_listed(path: Path) -> None:
    known = {
        **dict.fromkeys(("BLOCK", "LOG2_E", "LN_2"), 1),
        "copy": ("triton.experimental.gluon.language.nvidia.hopper.tma.async_load",),
        "barrier": ("triton.experimental.gluon.language.barrier",),
    }
    source = JitSource(path.read_bytes(), known)
    assert source.parameters
    assert source.is_gluon == (path.parent.name == "fmha_gluon")
    assert '"""' not in source.text
    compile(source.text, "jit", "exec")


def test_aliases_constants_and_decorators_of_honest_files() -> None:
    text = """
import triton.language as L
from triton import jit as compiled, cdiv
from triton.language.extra import libdevice
@triton.autotune(configs=[], key=[])
@compiled(do_not_specialize=["n"], debug=True)
def _k(x, n: int, B: "L.constexpr" = 4) -> None:
    '''Dropped.'''
    for i in L.static_range(cdiv(n, B)):
        y = libdevice.tanh(exp(L.load(x + i)))
        L.store(x + i, y * SCALE if y is not None else -1.0)
"""
    source = JitSource(text.encode(), {"SCALE": float("-inf"), "exp": ("triton.language.exp",)})
    assert source.parameters == {"_k": ["x", "n", "B"]}
    assert "@triton.jit(do_not_specialize=['n'])" in source.text
    assert "tl.store(x + i, y * SCALE if y is not None else -1.0)" in source.text
    assert "SCALE = tl.constexpr(float('-Infinity'))" in source.text
    assert "libdevice.tanh(tl.exp(tl.load(x + i)))" in source.text
    assert "def _k(x, n, B: tl.constexpr=4):" in source.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("import os", "Import is not on the list"),
        ("tl.inline_asm_elementwise('', '', [x], tl.int32, True, 1)", "triton.language.inline_asm_elementwise is not"),
        ("tl.core.sys.exit()", "triton.language.core.sys.exit is not on the list"),
        ("x.handle", ".handle is not on the list"),
        ("x.__class__", ".__class__ is not on the list"),
        ("eval('1')", "eval is neither a jit function nor a constant"),
        ("y = triton.runtime", "triton.runtime is not on the list"),
        ("y = [i for i in range(3)]", "ListComp is not on the list"),
        ("y = lambda: 1", "Lambda is not on the list"),
        ("y = f'{x}'", "JoinedStr is not on the list"),
        ("y = b'1'", "a constant bytes is not"),
        ("y = 'a' * 9 + '" + "a" * 300 + "'", "a constant str is not"),
        ("y = x = 1", "an assignment to something other than names"),
        ("x.shape = 1", "an assignment to something other than names"),
        ("x[0] += 1", "an assignment to something other than names"),
        ("for i in x: pass", "a loop over something other than a range"),
        ("for x.y in range(3): pass", "a loop over something other than a range"),
        ("x()", "a call of something other than a function"),
        ("BLOCK = x.to; BLOCK()", "a call of something other than a function"),
        ("x[0]()", "a call of something other than a function"),
        ("tl.load(**x)", "** is not on the list"),
        ("y = x is x", "`is` with something other than None"),
        ("tl = 1", "a variable may not be named 'tl'"),
        ("__builtins__ = 1", "a variable may not be named '__builtins__'"),
        ("with x: pass", "With is not on the list"),
        ("global y", "Global is not on the list"),
        ("y = (z := 1)", "NamedExpr is not on the list"),
        ("match x:\n        case 1: pass", "Match is not on the list"),
        ("try: pass\n    except: pass", "Try is not on the list"),
    ],
)
def test_what_is_not_listed_is_named_with_its_line(body: str, says: str) -> None:
    with pytest.raises(PlanFault) as caught:
        JitSource((HEAD + body).encode())
    assert says in str(caught.value)
    assert str(caught.value).startswith("line ")
    assert caught.value.kind == "forbidden"


@pytest.mark.parametrize("name", ["tl.exp", "tl", "__import__", "a b", "float"])
def test_a_constant_cannot_take_a_name_of_ours(name: str) -> None:
    with pytest.raises(PlanFault, match="a constant with the reserved name"):
        JitSource(HEAD.encode() + b"pass", {name: 1})


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe", b"# coding: utf-7\n+AAo-", b"(" * 9000, b"a" + b".a" * 90_000, b"x = 1\x00", b"-" * (MAX_BYTES + 1)],
)
def test_what_cannot_be_parsed_is_forbidden_or_holds_nothing(data: bytes) -> None:
    assert _read(data) in ("forbidden", {})


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert _read(text.encode("utf-8", "surrogatepass")) in ("forbidden", {})


def _read(data: bytes) -> object:
    try:
        return JitSource(data).parameters
    except PlanFault as fault:
        return fault.kind
