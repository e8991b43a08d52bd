"""Stand: a process on a device in which either a kernel or a baseline runs, and is timed. It answers JSON lines.

The one with the kernel shares its address space with hostile code, so the parent believes nothing that it cannot check:
it holds its own clock to the events, reads thread counts from outside, draws seeds only when they are needed, names the
timed outputs that it wants to see after they were computed, and compares bytes in another process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from harness.lanes.kernel.accelerator import open_accelerator
from harness.lanes.kernel.confinement import adopt_orphans, confine
from harness.lanes.kernel.inputs import draw, poison
from harness.lanes.kernel.interpreter import patch
from harness.lanes.kernel.kernel_worker import OperatorLog, bytes_of, checked, load_kernel, note_fault, same
from harness.lanes.kernel.trusted_function import outputs_of, resolve

_WARM = 10
_WARM_SECONDS = 0.3
"""No further warm-up call is made after so long."""
_CEILING_CALLS = 20


def main(folder: str, index: int, part: str, warm: str) -> None:
    """Serve until the parent is gone. A keeper without a device outlives the work and ends whatever it leaves."""
    adopt_orphans()
    child = os.fork()  # before anything of CUDA is loaded
    if child:
        _keep(child)
    adopt_orphans()  # and ends with its keeper
    cache = os.environ["TRITON_CACHE_DIR"]
    os.environ["TRITON_CACHE_DIR"] = warm  # a kernel could have written the other
    stand = _Stand(Path(folder), index)
    channel = os.fdopen(os.dup(1), "w")
    questions = os.fdopen(os.dup(0), "r")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    layers: list[str] = []
    stand.accelerator.warm()
    os.environ["TRITON_CACHE_DIR"] = cache
    if part != "baseline":
        building = part == "building"
        paths = {"writable": [cache]} if building else {"readable": [cache]}
        filtered = part == "kernel"
        limits = {"RLIMIT_CORE": 0}
        layers = confine(folder, limits, may_execute=building, device=True, filtered=filtered, **paths)
    for line in questions:
        request = json.loads(line)
        try:
            reply = stand.answer(request) | {"layers": layers}
        except BaseException as error:
            note_fault(stand.folder, error)
            reply = {"fault": json.loads((stand.folder / "out" / "error.json").read_text())}
        channel.write(json.dumps(reply) + "\n")
        channel.flush()
    os._exit(0)


def _keep(child: int) -> None:
    for stream in (0, 1):
        os.close(stream)
    _, status = os.waitpid(child, 0)
    orphans = [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    for pid in orphans:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os._exit(min(abs(os.waitstatus_to_exitcode(status)), 125))


class _Stand:
    """What the parent asks for, one method each."""

    def __init__(self, folder: Path, index: int) -> None:
        import torch
        import triton.language

        self.torch, self.folder = torch, folder
        if index < 0:
            patch({})
        self.accelerator = open_accelerator(index)
        self.device = self.accelerator.device
        self.loaded: dict[str, Any] = {}
        self.function: Any = None
        self.sets: list[Any] = []
        self.outputs: list[Any] = []
        self.plans: list[dict[str, Any]] = []
        del triton

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = getattr(self, f"do_{request['do']}")(request)
        return found

    def do_describe(self, _request: dict[str, Any]) -> dict[str, Any]:
        """What the device and its libraries are."""
        return self.accelerator.properties

    def do_check(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Whether the device does what it did before this process gave up what it does not need."""
        self.accelerator.check()
        return {}

    def do_load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Load the kernel, or a baseline of the definition; one that was loaded stays compiled."""
        baseline = request.get("baseline")
        if baseline is None:
            self.function = load_kernel(self.folder, request["entry"])
            return {}
        key = json.dumps([baseline, request["place"]], sort_keys=True)
        if key not in self.loaded:
            self.loaded[key] = self._baseline(baseline, Path(request["place"]))
        self.function = self.loaded[key]
        return {}

    def _baseline(self, baseline: dict[str, Any], place: Path) -> Any:
        torch, function = self.torch, resolve(baseline["call"], place)
        if baseline["compile"]:
            for limit in ("recompile_limit", "cache_size_limit"):  # beyond it a compiled function runs uncompiled
                with contextlib.suppress(Exception):
                    setattr(torch._dynamo.config, limit, 1000)
            # For each size on its own: code for all sizes would be an easier opponent.
            function = torch.compile(function, dynamic=False)
        if not baseline["sdpa"]:
            return function
        from torch.nn.attention import SDPBackend, sdpa_kernel

        backend, inner = getattr(SDPBackend, baseline["sdpa"]), function

        def limited(*args: Any, **named: Any) -> Any:
            with sdpa_kernel(backend):
                return inner(*args, **named)

        return limited

    def do_ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One call whose output is written out: fresh memory holds NaN, inputs must stay as they are."""
        torch, plan = self.torch, request["plan"]
        _set_precision(plan)
        torch.utils.deterministic.fill_uninitialized_memory = True
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            inputs = draw(plan, self.device)
            kept = [tensor.clone() for tensor in inputs]
            with OperatorLog(inputs) as log:
                result = self.function(*inputs, **plan["parameters"], **request["configuration"])
            self.accelerator.wait()
        finally:
            torch.use_deterministic_algorithms(False)
        outputs = checked(result, plan, self.accelerator.kind)
        changed = [
            name for name, now, then in zip(plan["names"], inputs, kept, strict=True) if not same(now.cpu(), then.cpu())
        ]
        for tensor in inputs:
            tensor.fill_(poison(tensor.dtype))  # an output that lives in an input is no answer
        self.accelerator.wait()
        self._write(request["name"], outputs)
        return {"operators": sorted(log.names), "changed": changed}

    def do_names(self, request: dict[str, Any]) -> dict[str, Any]:
        """Which kernels a call runs, as the profiler of the driver sees them."""
        inputs = draw(request["plan"], self.device)
        named = {**request["plan"]["parameters"], **request["configuration"]}
        names = self.accelerator.profiled(lambda: self.function(*inputs, **named))
        return {"names": None if names is None else names[:50]}

    def do_prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Draw the inputs of a block, warm up on others, and leave NaN where outputs will be allocated."""
        torch, device = self.torch, self.accelerator
        self.sets = self.outputs = []
        self.plans = request["plans"]
        self.named = {**self.plans[0]["parameters"], **request["configuration"]}
        _set_precision(self.plans[0])
        warm = draw(request["warm"], self.device)
        took = []
        until = time.monotonic() + _WARM_SECONDS
        for number in range(_WARM if request["first"] else 2):
            if number >= 2 and time.monotonic() > until:
                break
            start = device.mark()
            self.function(*warm, **self.named)
            end = device.mark()
            device.wait()
            took.append(device.between(start, end))
        del warm
        self.sets = [draw(plan, self.device) for plan in self.plans]
        spoiled = [
            torch.full(
                tensor["sizes"],
                poison(getattr(torch, tensor["dtype"])),
                dtype=getattr(torch, tensor["dtype"]),
                device=self.device,
            )
            for plan in self.plans
            for tensor in plan["outputs"]
        ]
        device.wait()
        del spoiled
        device.forget_peak()
        return {"warm_ms": min(took)}

    def do_cold(self, request: dict[str, Any]) -> dict[str, Any]:
        """Each call on its own, with inputs of its own, queued behind a flush of the cache; one more that is not."""
        device = self.accelerator
        self.outputs = []
        times = []
        for inputs in self.sets[: request["calls"]]:
            device.wait()
            device.flush()
            device.pause()
            start = device.mark()
            result = self.function(*inputs, **self.named)
            end = device.mark()
            device.wait()  # all streams
            times.append(device.between(start, end))
            self.outputs.append(outputs_of(result))
        device.flush()
        device.wait()
        start = device.mark()
        began = time.perf_counter()
        self.function(*self.sets[-1], **self.named)
        launch = (time.perf_counter() - began) * 1000
        end = device.mark()
        device.wait()
        idle = device.between(start, end)
        return {"event_ms": times, "idle_ms": idle, "launch_ms": launch, "peak_mb": device.peak_mb()}

    def do_hot(self, request: dict[str, Any]) -> dict[str, Any]:
        """Many calls in a row over the rotating inputs; one pair of events around all of them."""
        device = self.accelerator
        device.wait()
        start = device.mark()
        for call in range(request["calls"]):
            self.function(*self.sets[call % len(self.sets)], **self.named)
        end = device.mark()
        device.wait()
        return {"event_ms": device.between(start, end)}

    def do_show(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write the output of one of the timed calls."""
        kind = self.accelerator.kind
        self._write(request["name"], checked(self.outputs[request["call"]], self.plans[request["call"]], kind))
        return {}

    def do_release(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Give memory back, for whoever has the device next."""
        self.sets = self.outputs = []
        self.accelerator.release()
        return {}

    def do_ceilings(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the device does at best today: a large copy, and a large product of random numbers."""
        torch, device = self.torch, self.accelerator
        source = torch.empty(device.copy_bytes, dtype=torch.uint8, device=self.device).random_(0, 255)
        target = torch.empty_like(source)
        copy = self._best(target.copy_, source)
        del source, target
        rates, side = {}, device.matmul
        for precision in request["precisions"]:
            _set_precision({"precision": precision})
            dtype = getattr(torch, "float32" if precision == "tf32" else precision)
            left, right = (torch.randn(side, side, device=self.device).to(dtype) for _ in range(2))
            rates[precision] = 2 * side**3 / self._best(torch.matmul, left, right) / 1e12
            del left, right
        device.release()
        return {"bytes_per_s": 2 * device.copy_bytes / copy, "tflops": rates}

    def _best(self, call: Any, *arguments: Any) -> float:
        """Median seconds of a call."""
        device = self.accelerator
        times = []
        for index in range(_CEILING_CALLS + 3):
            start = device.mark()
            call(*arguments)
            end = device.mark()
            device.wait()
            if index >= 3:  # the first ones choose algorithms
                times.append(device.between(start, end) / 1000)
        return sorted(times)[len(times) // 2]

    def _write(self, name: str, outputs: list[Any]) -> None:
        for number, tensor in enumerate(outputs):
            (self.folder / "out" / f"{name}-{number}.bin").write_bytes(bytes_of(tensor.cpu()))


def _set_precision(plan: dict[str, Any]) -> None:
    """TensorFloat-32 for whoever is asked in it, and only then."""
    import torch

    allowed = plan["precision"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
