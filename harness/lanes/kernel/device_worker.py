"""Device worker: a process on a device in which either a kernel or a baseline runs and is timed.

The worker with the kernel shares its address space with hostile code, so the parent checks all it can: it compares the
events with its own clock, reads thread counts from outside, chooses seeds only when they are needed, chooses the timed
outputs that it wants to see after they were computed, and compares bytes in another process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from harness.lane.json_worker import answer_requests, claim_channel
from harness.lanes.kernel.accelerator import open_accelerator
from harness.lanes.kernel.confinement import adopt_orphans, confine
from harness.lanes.kernel.inputs import poison, sample_inputs
from harness.lanes.kernel.interpreter import patch
from harness.lanes.kernel.kernel_worker import (
    OperatorLog,
    bytes_of,
    check_outputs,
    have_equal_bits,
    load_kernel,
    note_fault,
)
from harness.lanes.kernel.trusted_function import outputs_of, resolve

_MAX_WARM_CALLS = 10
_WARM_SECONDS = 0.3  # no further warm-up call is made after this time
_CEILING_CALLS = 20


def main(folder: str, index: int, role: str, trusted_cache: str) -> None:
    """Answer requests until the parent closes the channel.

    A supervisor process without a device outlives the worker and ends all processes that the worker leaves.

    Args:
        folder: The worker's private folder.
        index: The device, as CUDA counts; -1 for the CPU.
        role: One of `device_client.Role`.
        trusted_cache: The cache that is used before a kernel is loaded.
    """
    adopt_orphans()
    child = os.fork()  # before anything of CUDA is loaded
    if child:
        _supervise(child)
    adopt_orphans()  # and ends with its supervisor
    cache = os.environ["TRITON_CACHE_DIR"]
    os.environ["TRITON_CACHE_DIR"] = trusted_cache  # a kernel could have written the other
    requests, answers = claim_channel()
    worker = DeviceWorker(Path(folder), index)
    layers: list[str] = []
    worker.accelerator.warm()
    os.environ["TRITON_CACHE_DIR"] = cache
    if role != "baseline":
        compiles = role == "compile"
        paths = {"writable": [cache]} if compiles else {"readable": [cache]}
        filtered = role == "kernel"
        limits = {"RLIMIT_CORE": 0}
        layers = confine(folder, limits, may_execute=compiles, device=True, filtered=filtered, **paths)

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        try:
            return worker.answer(request) | {"layers": layers}
        except BaseException as error:
            note_fault(worker.folder, error)
            return {"fault": json.loads((worker.folder / "out" / "error.json").read_text())}

    answer_requests(answer, requests, answers)
    os._exit(0)


def _supervise(child: int) -> None:
    for stream in (0, 1):
        os.close(stream)
    _, status = os.waitpid(child, 0)
    orphans = [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    for pid in orphans:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os._exit(min(abs(os.waitstatus_to_exitcode(status)), 125))


class DeviceWorker:
    """Answers the parent's requests, one `do_...` method each."""

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
        """Answer a request; its `do` names the method, its other keys are the arguments."""
        found: dict[str, Any] = getattr(self, f"do_{request['do']}")(request)
        return found

    def do_describe(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Describe the device and its libraries."""
        return self.accelerator.properties

    def do_check(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Check that the device still works after this process gave up its other permissions."""
        self.accelerator.check()
        return {}

    def do_load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Load the kernel, or a baseline of the definition; a loaded baseline stays compiled."""
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
            # Compiled for each size: code for all sizes would be a weaker opponent.
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
        """Make one call and write its output; new memory holds NaN, and changes of inputs are noted."""
        torch, plan = self.torch, request["plan"]
        _set_precision(plan)
        torch.utils.deterministic.fill_uninitialized_memory = True
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            inputs = sample_inputs(plan, self.device)
            kept = [tensor.clone() for tensor in inputs]
            with OperatorLog(inputs) as log:
                result = self.function(*inputs, **plan["parameters"], **request["configuration"])
            self.accelerator.wait()
        finally:
            torch.use_deterministic_algorithms(False)
        outputs = check_outputs(result, plan, self.accelerator.kind)
        changed = [
            name
            for name, now, then in zip(plan["names"], inputs, kept, strict=True)
            if not have_equal_bits(now.cpu(), then.cpu())
        ]
        for tensor in inputs:
            tensor.fill_(poison(tensor.dtype))  # an output that is stored in an input is not an answer
        self.accelerator.wait()
        self._write(request["name"], outputs)
        return {"operators": sorted(log.names), "changed": changed}

    def do_names(self, request: dict[str, Any]) -> dict[str, Any]:
        """Name the device kernels that a call runs, as the driver's profiler sees them."""
        inputs = sample_inputs(request["plan"], self.device)
        named = {**request["plan"]["parameters"], **request["configuration"]}
        names = self.accelerator.profiled(lambda: self.function(*inputs, **named))
        return {"names": None if names is None else names[:50]}

    def do_prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Sample the inputs of a block, warm up with others, and leave NaN where outputs will be allocated."""
        torch, device = self.torch, self.accelerator
        self.sets = self.outputs = []
        self.plans = request["plans"]
        self.named = {**self.plans[0]["parameters"], **request["configuration"]}
        _set_precision(self.plans[0])
        warm = sample_inputs(request["warm"], self.device)
        took = []
        until = time.monotonic() + _WARM_SECONDS
        for number in range(_MAX_WARM_CALLS if request["first"] else 2):
            if number >= 2 and time.monotonic() > until:
                break
            start = device.mark()
            self.function(*warm, **self.named)
            end = device.mark()
            device.wait()
            took.append(device.between(start, end))
        del warm
        self.sets = [sample_inputs(plan, self.device) for plan in self.plans]
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
        """Time single calls with different inputs, each queued after a cache flush, and one on an idle device."""
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
        began = device.clock()
        self.function(*self.sets[-1], **self.named)
        launch = (device.clock() - began) * 1000
        end = device.mark()
        device.wait()
        idle = device.between(start, end)
        return {"event_ms": times, "idle_ms": idle, "launch_ms": launch, "peak_mb": device.peak_mb()}

    def do_hot(self, request: dict[str, Any]) -> dict[str, Any]:
        """Time many calls in a row over rotating inputs with one pair of events."""
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
        self._write(request["name"], check_outputs(self.outputs[request["call"]], self.plans[request["call"]], kind))
        return {}

    def do_release(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Release memory for the other process on the device."""
        self.sets = self.outputs = []
        self.accelerator.release()
        return {}

    def do_ceilings(self, request: dict[str, Any]) -> dict[str, Any]:
        """Measure the rates of a large copy and of a large product of random numbers."""
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
            if index >= 3:  # the first calls choose algorithms
                times.append(device.between(start, end) / 1000)
        return sorted(times)[len(times) // 2]

    def _write(self, name: str, outputs: list[Any]) -> None:
        for number, tensor in enumerate(outputs):
            (self.folder / "out" / f"{name}-{number}.bin").write_bytes(bytes_of(tensor.cpu()))


def _set_precision(plan: dict[str, Any]) -> None:
    """Allow TensorFloat-32 for plans in that precision only."""
    import torch

    allowed = plan["precision"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
