"""Child: the only place where a kernel's own code runs. A script of its own process, never imported by the harness.

`python child.py FOLDER` reads FOLDER/request.json and the inputs, and leaves raw bytes under FOLDER/out. Nothing it
says is believed: numbers are compared by the parent with a truth that never was in this process, machine code is taken
apart by the parent.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
from pathlib import Path
from typing import Any


def main(folder: Path) -> None:
    """Do what the request asks."""
    request = json.loads((folder / "request.json").read_text())
    for name, value in request["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    try:
        if request["mode"] == "compile":
            _compile(folder, request)
        else:
            _compute(folder, request)
    except Exception as error:
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"[:1000]
        (folder / "out" / "error.json").write_text(json.dumps({"error": text}))


def _entry(folder: Path, request: dict[str, Any]) -> Any:
    spec = importlib.util.spec_from_file_location("kernel", folder / "kernel.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules["kernel"] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return getattr(module, request["entry"])


def _compute(folder: Path, request: dict[str, Any]) -> None:
    import torch

    entry = _entry(folder, request)
    device = request["device"]
    for call in request["calls"]:
        arguments = []
        for tensor in call["inputs"]:
            raw = bytearray((folder / tensor["file"]).read_bytes())
            flat = torch.frombuffer(raw, dtype=getattr(torch, tensor["dtype"]))
            arguments.append(flat.reshape(tensor["sizes"]).to(device))
        result = entry(*arguments)
        if device != "cpu":
            torch.cuda.synchronize()
        if type(result) is not torch.Tensor:
            raise TypeError(f"{request['entry']} returned a {type(result).__name__}, not a tensor")
        flat = result.detach().to("cpu").contiguous()
        meta = {"dtype": str(flat.dtype).removeprefix("torch."), "sizes": list(flat.shape)}
        (folder / "out" / f"{call['name']}.json").write_text(json.dumps(meta))
        (folder / "out" / f"{call['name']}.bin").write_bytes(flat.view(torch.uint8).numpy().tobytes())


def _compile(folder: Path, request: dict[str, Any]) -> None:
    import torch
    from triton.backends.compiler import GPUTarget
    from triton.runtime import driver
    from triton.runtime.jit import JITFunction

    class _Absent:
        """Stands for the device that is not there; enough to compile for it, nothing to launch with."""

        def get_current_device(self) -> int:
            return 0

        def get_current_stream(self, _device: int) -> int:
            return 0

        def get_current_target(self) -> GPUTarget:
            return GPUTarget("cuda", request["capability"], 32)

    driver.set_active(_Absent())
    launched: list[Any] = []
    run = JITFunction.run

    def compile_instead(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
        del warmup
        kernel = run(self, *args, grid=grid, warmup=True, **kwargs)
        launched.append(kernel)
        return kernel

    JITFunction.run = compile_instead
    entry = _entry(folder, request)
    # Tensors without memory: the launch's own arguments decide what is compiled, the numbers never exist.
    entry(*(torch.empty(t["sizes"], dtype=getattr(torch, t["dtype"]), device="meta") for t in request["inputs"]))
    listed = []
    for index, kernel in enumerate({id(k): k for k in launched}.values()):
        (folder / "out" / f"{index}.cubin").write_bytes(kernel.asm["cubin"])
        (folder / "out" / f"{index}.ptx").write_text(kernel.asm["ptx"])
        meta = kernel.metadata
        listed.append({"name": meta.name, "shared": meta.shared, "warps": meta.num_warps})
    (folder / "out" / "kernels.json").write_text(json.dumps(listed))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
