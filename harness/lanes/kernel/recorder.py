"""Recorder: calls a kernel's entry with tensors that have no elements, and writes down what it would do.

It shares its process with hostile code, so nothing that it writes is trusted (`plan`). The tensors lie on PyTorch's
`meta` device, say that they lie on `cuda:0`, and have made-up aligned addresses.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import operator
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import triton.language as tl
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from triton.runtime.autotuner import Autotuner, Heuristics
from triton.runtime.jit import JITFunction

from harness.core.module_file import import_file
from harness.lanes.kernel.jit_names import MODULES
from harness.lanes.kernel.plan import ALWAYS, MAX_NUMBERS

MODULE = "kernel"
_CUDA = torch.device("cuda", 0)
_MAX_MESSAGE = 1000
_READS = frozenset("""
item tolist numpy __int__ __index__ __bool__ __float__ __complex__ __array__ __contains__ __repr__ __format__ apply_
""".split())  # fmt: skip
_FILLS = {"empty": None, "zeros": 0, "ones": 1, "full": ..., "scalar_tensor": ...}
_COPIES = ("clone", "_to_copy", "copy_")
_PROPERTIES = frozenset("is_same_size size stride sym_size sym_stride numel dim storage_offset".split())
_FACTORIES = frozenset("""
empty zeros ones full rand randn randint randperm arange linspace logspace eye empty_strided
""".split())  # fmt: skip
_DROPPED = ("debug", "enable_fp_fusion")  # options of a launch that change no result that is compared


class _RefusedError(BaseException):
    """A candidate did what no plan can hold; `except Exception` does not catch it."""

    kind = "forbidden"


class _OutputError(_RefusedError):
    kind = "refused"


class _Compiled:
    """Of a kernel that was compiled and not launched; nothing is known of it here."""

    def __getattr__(self, name: str) -> Any:
        raise _RefusedError(f"it asks what its kernel is compiled to ({name}), which is not known where it is recorded")


def run_job(place: Path, request: dict[str, Any], device: Any) -> None:
    """Record the `calls` of a request; a line of JSON for each goes to descriptor 1.

    Args:
        place: The folder with `kernel.py`.
        device: Replaces the missing device.
    """
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    device.install(request)
    # A function that is compiled does the same, and what it calls is recorded either way.
    torch.compile = lambda function=None, **_: function or (lambda decorated: decorated)
    JITFunction.warmup = lambda *_, **__: _Compiled()
    function: Any = None
    for call in request["calls"]:
        try:
            function = function or _load(place / "kernel.py", request["entry"])
            written: dict[str, Any] = {"plan": _record(function, call, request["configuration"])}
        except BaseException as error:  # also SystemExit and other ways to leave
            kind = "memory" if isinstance(error, MemoryError) else getattr(error, "kind", "raised")
            text = " ".join(str(error).split())
            if isinstance(error, BlockingIOError) or "can't start new thread" in text:
                kind, text = "forbidden", f"host code may start no process, and only a few threads ({text})"
            written = {"kind": kind, "error": (f"{type(error).__name__}: " * (kind == "raised") + text)[:_MAX_MESSAGE]}
        print(json.dumps(written), file=channel, flush=True)


def _load(path: Path, entry: str) -> Callable[..., Any]:
    function = getattr(import_file(path, MODULE), entry, None)
    if not callable(function):
        raise _OutputError(f"nothing: the file defines no function {entry!r}")
    return function  # type: ignore[no-any-return]


def _record(function: Callable[..., Any], call: dict[str, Any], configuration: dict[str, Any]) -> dict[str, Any]:
    mode = _Recording(call)
    inputs = []
    for tensor in call["inputs"]:
        layout, dtype = tensor["layout"], getattr(torch, tensor["dtype"])
        stored = torch.empty([tensor["sizes"][axis] for axis in layout], dtype=dtype, device="meta")
        inputs.append(stored.permute([layout.index(axis) for axis in range(len(layout))]))
        mode.number(inputs[-1])
    usual = JITFunction.run, Autotuner.run, torch.manual_seed
    JITFunction.run = lambda self, *args, grid, warmup=False, **named: mode.launch(self, args, grid, named)
    Autotuner.run = lambda self, *args, **named: _tune(mode, self, args, named)
    torch.manual_seed = lambda seed: mode.call("manual_seed", "default", [int(seed)], {}, [])
    try:
        with _Faces(mode), mode, torch.no_grad():
            result = function(*inputs, **call["parameters"], **configuration)
            outputs = list(result) if isinstance(result, tuple | list) else [result]
            for one in outputs:
                if not isinstance(one, torch.Tensor):
                    raise _OutputError(f"a {type(one).__name__}, not a plain tensor")
            returned = [mode.region(one) for one in outputs]
            return {"steps": mode.steps, "returns": returned, "globals": _globals_of(sys.modules[MODULE])}
    finally:
        JITFunction.run, Autotuner.run, torch.manual_seed = usual


def _globals_of(module: Any) -> dict[str, Any]:
    """What the module's names that its jit functions use stand for: numbers, strings, members of Triton."""
    found: dict[str, Any] = {}
    names: set[str] = set()
    for one in vars(module).values():
        while isinstance(one, Autotuner | Heuristics):
            one = one.fn  # noqa: PLW2901
        names |= {*one.fn.__code__.co_names} if isinstance(one, JITFunction) else set()
    for name in sorted(names & vars(module).keys()):
        value = getattr(module, name)
        value = value.value if isinstance(value, tl.constexpr) else value
        if value is None or isinstance(value, bool | int | float | str):
            found[name] = value
        elif id(value) in members():
            found[name] = [members()[id(value)][0]]
    return found


@functools.cache
def members() -> dict[int, tuple[str, Any]]:
    """The members of Triton's modules that a jit function may use, with their names, by `id`."""
    found = {}
    for module, (_, listed) in MODULES.items():  # the last name of an object counts
        namespace = importlib.import_module(module)
        for name in sorted(listed):
            with contextlib.suppress(AttributeError):
                member = operator.attrgetter(name)(namespace)
                found[id(member)] = f"{module}.{name}", member
    return found


def _tune(mode: _Recording, tuner: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Record every configuration of an autotuned kernel: those after the first as variants of its launches."""
    given = tuner.nargs = dict(zip(tuner.arg_names, args, strict=False))
    found: list[dict[str, Any]] = []
    for one in list(tuner.prune_configs(named)) or list(tuner.configs[:1]):
        at, chosen = len(mode.steps), one.all_kwargs()
        for hook in (one.pre_hook, tuner.pre_hook):
            if hook is not None:
                hook({**given, **named, **chosen})
        tuner.fn.run(*args, **named, **chosen)
        plain = {k: v for k, v in chosen.items() if isinstance(v, bool | int | float | str)}
        launches = [step | {"configuration": plain} for step in mode.steps[at:] if step["do"] == "launch"]
        if found:
            del mode.steps[at:]
            for step, variant in zip(found, launches, strict=True):
                step["variants"].append(variant)
        else:
            found = [step for step in mode.steps[at:] if step["do"] == "launch"]
            for step in found:
                step |= {"configuration": plain, "variants": []}


class _Recording(TorchDispatchMode):  # type: ignore[misc]
    """The storages in the order in which they appear, and the steps."""

    def __init__(self, call: dict[str, Any]) -> None:
        super().__init__()
        self.steps: list[dict[str, Any]] = []
        self.numbers: dict[int, int] = {}
        self.kept: list[Any] = []
        self.allowed = None if call["library"] else {"manual_seed", *ALWAYS, *call["operators"]}
        self.known = {index: one["numbers"] for index, one in enumerate(call["inputs"]) if "numbers" in one}

    def number(self, tensor: Any) -> None:
        """Number a new storage."""
        self.kept.append(tensor)  # so that no other storage gets its address
        self.numbers[tensor.untyped_storage()._cdata] = len(self.numbers)

    def add(self, tensor: Any) -> None:
        """Record a new storage."""
        self.number(tensor)
        self.steps.append(
            {"do": "new", "bytes": tensor.untyped_storage().nbytes(), "dtype": str(tensor.dtype).removeprefix("torch.")}
        )

    def write(self, to: Any, value: Any) -> None:
        """Record that a number, numbers or a tensor is written into a tensor."""
        source = self.region(value) if isinstance(value, torch.Tensor) else value
        self.steps.append({"do": "write", "to": self.region(to), "value": source})

    def is_known(self, tensor: Any) -> bool:
        return tensor.untyped_storage()._cdata in self.numbers

    def region(self, tensor: Any) -> dict[str, Any]:
        if not self.is_known(tensor):
            raise _RefusedError("it uses a tensor that this call neither got nor made")
        return {
            "storage": self.numbers[tensor.untyped_storage()._cdata], "dtype": str(tensor.dtype).removeprefix("torch."),
            "offset": tensor.storage_offset(), "sizes": list(tensor.shape), "strides": list(tensor.stride()),
        }  # fmt: skip

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        name = func._schema.name.removeprefix("aten::")
        out = func(*args, **named)
        tensors = [one for one in (out if isinstance(out, tuple | list) else [out]) if isinstance(one, torch.Tensor)]
        fill = next((key for key in _FILLS if name.removeprefix("new_").startswith(key)), None)
        if fill is not None and len(tensors) == 1 and not self.is_known(out):
            self.add(out)
            value = _FILLS[fill]
            if value is not None:
                self.write(out, named.get("fill_value", args[-1]) if value is ... else value)
        elif name in ("zero_", "fill_"):
            self.write(out, 0 if name == "zero_" else args[1])
        elif name in _COPIES:
            if name != "copy_":
                self.add(out)
            self.write(out, args[name == "copy_"])
        elif func._schema.is_mutable or not all(map(self.is_known, tensors)) or not (tensors or name in _PROPERTIES):
            self.call(name, func._overloadname, args, named, tensors)
        return out

    def call(self, name: str, overload: str, args: Any, named: Any, outputs: list[Any]) -> None:
        """Record an operator that computes, if that is allowed."""
        if self.allowed is not None and name not in self.allowed:
            raise _RefusedError(f"it calls the library's own operator {name}")
        step = {"args": [self.wire(one) for one in args], "named": {k: self.wire(v) for k, v in named.items()}}
        made = []
        for one in outputs:
            size = None if self.is_known(one) else one.untyped_storage().nbytes()
            if size is not None:
                self.number(one)
            made.append(self.region(one) | {"bytes": size})
        self.steps.append({"do": "call", "operator": name, "overload": overload, **step, "outputs": made})

    def launch(self, function: Any, args: tuple[Any, ...], grid: Any, named: dict[str, Any]) -> None:
        """Record a launch of a jit function."""
        names = function.signature.parameters
        bound = function.signature.bind(*args, **{k: v for k, v in named.items() if k in names})
        bound.apply_defaults()
        chosen = grid(dict(bound.arguments)) if callable(grid) else grid
        sizes = [int(size) for size in (chosen if isinstance(chosen, tuple | list) else [chosen])]
        if 0 not in sizes:
            self.steps.append({
                "do": "launch", "kernel": function.fn.__name__, "grid": [*sizes, 1, 1][:3],
                "args": {k: self.wire(v) for k, v in bound.arguments.items()},
                "options": {k: v for k, v in named.items() if k not in names and k not in _DROPPED},
            })  # fmt: skip

    def wire(self, value: Any) -> Any:
        """An argument as JSON."""
        match value:
            case None | bool() | int() | float() | str():
                return value
            case torch.Tensor():
                return {"tensor": self.region(value)}
            case tl.constexpr():
                return self.wire(value.value)
            case tl.dtype():
                return {"dtype": str(value)}
            case torch.device():
                return {"torch": "device"}
            case torch.dtype() | torch.layout() | torch.memory_format():
                return {"torch": str(value).removeprefix("torch.")}
            case JITFunction():
                return {"jit": value.fn.__name__}
            case tuple() | list():
                return {"items": [self.wire(one) for one in value]}
        if type(value).__name__ != "TensorDescriptor":
            raise _RefusedError(f"a {type(value).__name__} as an argument of a kernel")
        base = self.region(value.base) | {"sizes": list(value.shape), "strides": list(value.strides)}
        layout = dict(vars(value.layout)) if hasattr(value, "layout") else None
        return {"tensor": base, "block_shape": list(value.block_shape), "padding": value.padding, "layout": layout}

    def values(self, data: Any, dtype: Any) -> Any:
        """Record a small tensor that is made of numbers of host code."""
        with _disable_current_modes():
            numbers = torch.tensor(data, dtype=dtype, device="cpu")
            if numbers.numel() > MAX_NUMBERS:
                raise _RefusedError(f"a tensor of {numbers.numel()} numbers of host code, {MAX_NUMBERS} are allowed")
            made, listed = numbers.to("meta"), numbers.flatten().tolist()
        self.add(made)
        self.write(made, listed)
        return made

    def whole(self, name: str, args: Any, named: Any) -> Any:
        """Record a composite operator as one, because a device has kernels of its own for it."""
        with _disable_current_modes():
            out = getattr(torch.ops.aten, name)(*args, **named)
        self.call(name, "default", args, named, [out])
        return out

    def read(self, tensor: Any, name: str) -> Any:
        """The elements of an integer input that host code may know."""
        at = self.region(tensor)
        stored = self.known.get(at["storage"])
        if stored is None:
            raise _RefusedError(f"it reads elements of a tensor ({name}); see host_inputs")
        with _disable_current_modes():
            whole = torch.tensor(stored, dtype=tensor.dtype, device="cpu")
            return getattr(torch.as_strided(whole, at["sizes"], at["strides"], at["offset"]), name)()


class _Faces(TorchFunctionMode):  # type: ignore[misc]
    """Tensors without elements that say they lie on a GPU."""

    def __init__(self, recording: _Recording) -> None:
        super().__init__()
        self.recording = recording

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, of = getattr(func, "__name__", ""), getattr(getattr(func, "__self__", None), "__name__", "")
        if name == "__get__" and of in ("device", "is_cuda", "is_meta", "is_cpu"):
            return _CUDA if of == "device" else of == "is_cuda"
        if name == "data_ptr":
            at = self.recording.region(args[0])
            return (at["storage"] + 1 << 40) + at["offset"] * args[0].element_size()
        if name in _READS:
            return self.recording.read(args[0], name)
        if name in ("cuda", "cpu", "pin_memory"):
            return args[0]
        named = {key: _to_meta(value) if key == "device" else value for key, value in (kwargs or {}).items()}
        if name in ("tensor", "as_tensor") and not isinstance(args[0], torch.Tensor):
            return self.recording.values(args[0], named.get("dtype"))
        if name == "unbind" and args[0].shape[dim := named.get("dim", (*args, 0)[1])] > MAX_NUMBERS:
            raise _RefusedError(f"it takes a tensor apart into {args[0].shape[dim]}, {MAX_NUMBERS} are allowed")
        if name == "scaled_dot_product_attention":
            return self.recording.whole(name, args, named)
        if name in _FACTORIES and named.get("device") is None:
            named["device"] = torch.device("meta")
        return func(*[_to_meta(one) if isinstance(one, torch.device | str) else one for one in args], **named)


def _to_meta(value: Any) -> Any:
    is_device = isinstance(value, torch.device) or str(value).partition(":")[0] in ("cuda", "cpu")
    return torch.device("meta") if is_device else value
