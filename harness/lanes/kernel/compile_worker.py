"""Compile worker: compiles a kernel for a device that need not exist on this machine.

Its output is machine code, which the parent reads with the tools of the toolkit; the output is untrusted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.lanes.kernel.architecture import ARCHITECTURES, WARP
from harness.lanes.kernel.autotune_configs import configurations, run_configuration
from harness.lanes.kernel.inputs import sample_inputs
from harness.lanes.kernel.kernel_worker import load_kernel, note_fault

_MAX_REAL_ELEMENTS = 1 << 20  # integer inputs up to this size have memory: a kernel may compute its grid from them
_MAX_MESSAGE = 400


class _Device:
    """Replaces the missing device: Triton can compile for it, but not launch on it."""

    def __init__(self) -> None:
        self.architecture = ARCHITECTURES["sm_90a"]
        self.utils = self

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, _device: int = 0) -> int:
        return 0

    def get_current_target(self) -> Any:
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", self.architecture.capability, WARP)

    def get_active_torch_device(self) -> Any:
        import torch

        return torch.device("meta")

    def get_device_properties(self, _device: Any = 0) -> dict[str, int]:
        found = self.architecture
        return {
            "multiprocessor_count": found.processors,
            "max_shared_mem": found.block_shared,
            "max_num_regs": found.registers,
            "warpSize": WARP,
        }


class _Recorder:
    """Compiles every launch instead of launching it, and keeps the result."""

    def __init__(self, device: _Device, max_configurations: int) -> None:
        self.device, self.max_configurations = device, max_configurations
        self.groups: list[dict[str, Any]] = []
        self.target = ""
        self.configurations: dict[str, int] = {}
        self.codes: dict[bytes, int] = {}
        self.out = Path()

    def install(self) -> None:
        from triton.runtime import driver
        from triton.runtime.autotuner import Autotuner
        from triton.runtime.jit import JITFunction

        driver.set_active(self.device)
        usual = JITFunction.run
        recorder = self
        tried: list[Any] = []

        def run(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
            del warmup
            kernel = usual(self, *args, grid=grid, warmup=True, **kwargs)
            if tried:
                tried.append(kernel)
            else:
                recorder.add(kernel.name, [(recorder.settings(kernel, {}), kernel)])
            return kernel

        def tune(self: Any, *args: Any, **kwargs: Any) -> Any:
            every = configurations(self, args, kwargs)
            chosen = _spread(every, recorder.max_configurations)
            variants: list[tuple[dict[str, Any], Any]] = []
            result = None
            for configuration in chosen:
                tried[:] = [None]
                try:
                    result = run_configuration(self, configuration, args, kwargs)
                    compiled = tried[1] if len(tried) > 1 else None
                except Exception as error:
                    compiled = f"{type(error).__name__}: {error}"
                finally:
                    tried.clear()
                named = {name: value for name, value in configuration.all_kwargs().items() if _plain(value)}
                variants.append((named, compiled))
            recorder.add(self.base_fn.__name__, variants)
            recorder.configurations[self.base_fn.__name__] = len(every)
            return result

        JITFunction.run, Autotuner.run = run, tune

    def settings(self, kernel: Any, named: dict[str, Any]) -> dict[str, Any]:
        return named | {"num_warps": kernel.metadata.num_warps, "num_stages": getattr(kernel.metadata, "num_stages", 0)}

    def add(self, name: str, variants: list[tuple[dict[str, Any], Any]]) -> None:
        listed: list[dict[str, Any]] = []
        for named, compiled in variants:
            if compiled is None or isinstance(compiled, str):
                listed.append({"configuration": named, "fault": " ".join(str(compiled).split())[:_MAX_MESSAGE]})
                continue
            code: bytes = compiled.asm["cubin"]
            index = self.codes.setdefault(code, len(self.codes))
            path = self.out / f"{index}.cubin"
            if not path.exists():
                path.write_bytes(code)
                (self.out / f"{index}.ptx").write_text(compiled.asm["ptx"])
            meta = compiled.metadata
            shared, threads = int(meta.shared), int(meta.num_warps) * WARP
            settings = self.settings(compiled, named)
            listed.append({"configuration": settings, "code": index, "shared": shared, "threads": threads})
        self.groups.append(
            {"name": name, "architecture": self.device.architecture.name, "target": self.target, "variants": listed}
        )


_device = _Device()


def prepare() -> None:
    """Load what all compilations need; called once, before any fork. It compiles nothing, as that may start threads.

    Triton computes some values once in each process; computed here, they need not be computed again in each child.
    """
    import torch
    import triton
    import triton.compiler
    import triton.experimental.gluon.nvidia.hopper
    import triton.language
    from triton.backends.nvidia.compiler import get_ptxas_version
    from triton.runtime.cache import triton_key

    torch.set_num_threads(1)
    torch.empty_like(torch.empty(1, device="meta"))  # imports SymPy
    triton_key()  # reads Triton's whole library to name what it caches
    for architecture in ARCHITECTURES.values():
        get_ptxas_version(architecture.capability)
    torch.cuda.get_device_capability = lambda *_: divmod(_device.architecture.capability, 10)
    torch.cuda.current_device = lambda: 0
    torch.cuda.get_device_properties = lambda *_: _Properties(_device)
    del triton


class _Properties:
    """The result of `torch.cuda.get_device_properties` for the replaced device."""

    def __init__(self, device: _Device) -> None:
        found = device.architecture
        self.name = found.name
        self.major, self.minor = divmod(found.capability, 10)
        self.multi_processor_count = found.processors
        self.shared_memory_per_block_optin = found.block_shared
        self.warp_size = WARP


def run_job(folder: str) -> None:
    """Compile every launch of a call at each target, for each architecture that `request.json` names."""
    place = Path(folder)
    request = json.loads((place / "request.json").read_bytes())
    recorder = _Recorder(_device, request["max_configurations"])
    recorder.out = place / "out"
    try:
        recorder.install()
        function = load_kernel(place, request["entry"])
        for name in request["architectures"]:
            _device.architecture = ARCHITECTURES[name]
            for target in request["targets"]:
                recorder.target = target["label"]
                _call(function, target, request["configuration"])
    except BaseException as error:
        note_fault(place, error)
    table = {"groups": recorder.groups, "configurations": recorder.configurations}
    (place / "out" / "kernels.json").write_text(json.dumps(table))


def _call(function: Any, plan: dict[str, Any], configuration: dict[str, Any]) -> None:
    import torch

    arguments = []
    for index, tensor in enumerate(plan["inputs"]):
        count = 1
        for size in tensor["sizes"]:
            count *= size
        if tensor["dtype"].startswith("int") and count <= _MAX_REAL_ELEMENTS:
            arguments.append(sample_inputs(plan | {"inputs": [tensor], "seed": plan["seed"] + index}, "cpu")[0])
            continue
        # A tensor without memory: what is compiled depends on the arguments of the launch, not on the elements.
        layout = tensor["layout"]
        sizes = [tensor["sizes"][axis] for axis in layout]
        stored = torch.empty(sizes, dtype=getattr(torch, tensor["dtype"]), device="meta")
        arguments.append(stored.permute([layout.index(axis) for axis in range(len(layout))]))
    function(*arguments, **plan["parameters"], **configuration)


def _spread(every: list[Any], count: int) -> list[Any]:
    """At most `count` elements of a list, evenly spread, always including the first."""
    if len(every) <= count:
        return every
    return [every[index * len(every) // count] for index in range(count)]


def _plain(value: Any) -> bool:
    return isinstance(value, bool | int | float | str)
