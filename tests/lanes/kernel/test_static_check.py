"""The static check finds each known way around the log of operators, and accepts what kernels need."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.lanes.kernel.static_check import find_forbidden

ROOT = Path(__file__).parents[3]
SHIPPED = sorted(ROOT.glob("kernels/*/*.py"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_kernels_that_ship_reach_for_nothing(path: Path) -> None:
    assert find_forbidden(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nfrom torch.nn import functional as F\nF.relu(x)",
        "import torch.nn as nn\nclass M(nn.Module):\n    def __init__(self):\n        super().__init__()",
        "import triton\nfrom triton import jit\n@jit\ndef f(): pass\n@triton.jit\ndef g(): pass",
        "import triton\nDEVICE = triton.runtime.driver.active.get_active_torch_device()",
        "from triton.tools.tensor_descriptor import TensorDescriptor",
        "from typing import Optional\nimport math, functools\nfrom collections.abc import Iterator",
        "import torch\ntorch.select(x, 0, 1)\ntype(x)\nx.copy\n__all__ = ['run']",
        "import torch\ncopy = getattr(torch, 'empty_like')\nx.stride(0)\nx.data_ptr() % 16",
    ],
)
def test_what_kernels_need_is_theirs(text: str) -> None:
    assert find_forbidden(text) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import numpy as np", "imports numpy"),
        ("import os.path", "imports os.path"),
        ("from . import neighbour", "imports ."),
        ("from harness.lanes.kernel import asking", "imports harness.lanes.kernel"),
        ("import torch.utils.cpp_extension", "imports torch.utils.cpp_extension"),
        ("from torch import *", "imports torch.*"),
        ("from torch import jit", "uses torch.jit"),
        ("import torch as t\nt.compile(f)", "uses t.compile"),
        ("import torch\ntorch._C._DisableTorchDispatch()", "uses torch._C"),
        ("import torch\ngetattr(torch, 'jit')", "uses getattr(torch, 'jit')"),
        ("import torch\ngetattr(torch, name)", "a name that is not a literal"),
        ("reach = getattr", "a name that is not a literal"),
        ("f = eval", "uses eval"),
        ("import torch\ntorch.softmax = mine", "changes torch.softmax"),
        ("import torch.nn.functional as F\nF.softmax = mine", "changes F.softmax"),
        ("import triton\nx = triton.runtime.interpreter.np", "uses triton.runtime.interpreter"),
        ("from triton.runtime import interpreter", "uses triton.runtime.interpreter"),
        ("def run(x):\n    return x.T.numpy()", "uses x.T.numpy"),
        ("match x:\n    case T(numpy=found):\n        found()", "uses .numpy"),
        ("made = (1 for _ in x)\nmade.gi_frame.f_builtins", "uses made.gi_frame"),
        ("import typing\ntyping.get_type_hints(f)", "uses typing.get_type_hints"),
        ("().__class__.__base__.__subclasses__()", "uses ().__class__"),
        ("def f():\n    import ctypes", "imports ctypes"),
        ("import torch\ntorch.ctypes.string_at(x.data_ptr())", "uses torch.ctypes"),
        ("import torch\nlibrary = torch\nlibrary.importlib", "uses library.importlib"),
        ("from torch import builtins", "uses torch.builtins"),
        ("import enum\nenum.bltns.exec('')", "uses enum.bltns"),
        ("import dataclasses\ndataclasses.inspect.getmembers(x)", "uses dataclasses.inspect"),
        ("import triton.testing\ntriton.testing.os", "uses triton.testing.os"),
        ("import torch\ntorch.UntypedStorage(8)", "uses torch.UntypedStorage"),
        ("x.apply_(numbers.append)", "uses x.apply_"),
        ("import functools\nfunctools.update_wrapper(w, x, ('tolist',))", "uses functools.update_wrapper"),
        ("class W:\n    def __setattr__(self, name, value): pass", "defines __setattr__"),
        ("class V:\n    __match_args__ = ('tolist',)", "uses __match_args__"),
        ("V = type('V', (T,), {'__match_args__': ('tolist',)})", "makes a class"),
    ],
)
def test_each_way_around_is_named(text: str, says: str) -> None:
    assert any(says in one for one in find_forbidden(text)), find_forbidden(text)


@given(st.text(max_size=60) | st.sampled_from(["(" * 500, "import torch\x00", "a." * 5000 + "b"]))
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(find_forbidden(text), list)
