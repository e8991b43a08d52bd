"""Device worker: a process on a device in which either plans of a kernel or a baseline run and are timed; trusted.

Of a kernel it has jit functions only, so its own clock and outputs can be trusted. The parent chooses seeds when they
are needed, and the timed outputs that it wants to see after they were computed; bytes are compared in another process.
"""

from __future__ import annotations

import contextlib
import functools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.lane.json_worker import answer_requests, claim_channel
from harness.lanes.kernel.accelerator import open_accelerator
from harness.lanes.kernel.inputs import poison, sample_inputs
from harness.lanes.kernel.interpreter import interpret_functions, patch
from harness.lanes.kernel.plan_worker import Kernel, bytes_of, call, note_fault
from harness.lanes.kernel.reference import compare, set_precision
from harness.lanes.kernel.replay import Replay
from harness.lanes.kernel.trusted_function import outputs_of, resolve

_MAX_WARM_CALLS = 10
_WARM_SECONDS = 0.3  # no further warm-up call is made after this time
_TUNING_CALLS = 5  # of each configuration of an autotuned kernel
_CEILING_CALLS = 20


def main(folder: str, index: int) -> None:
    """Answer requests until the parent closes the channel.

    Args:
        folder: The worker's private folder.
        index: The device, as CUDA counts; -1 for the CPU.
    """
    requests, answers = claim_channel()
    worker = DeviceWorker(Path(folder), index)

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        try:
            return worker.answer(request)
        except BaseException as error:
            note_fault(worker.folder, error)
            return {"fault": json.loads((worker.folder / "out" / "error.json").read_text())}

    answer_requests(answer, requests, answers)


class DeviceWorker:
    """Answers the parent's requests, one `do_...` method each."""

    def __init__(self, folder: Path, index: int) -> None:
        import torch
        import triton.language

        self.torch, self.folder, self.is_interpreted = torch, folder, index < 0
        if self.is_interpreted:
            interpret_functions()
            patch({})
        self.accelerator = open_accelerator(index)
        self.device = self.accelerator.device
        triton.set_allocator(lambda size, _align, _stream: torch.empty(size, dtype=torch.int8, device=self.device))
        self.loaded: dict[str, Any] = {}
        self.function: Any = None
        self.kernel: Kernel | None = None
        self.choice = 0
        self.calls: list[Callable[..., Any]] = []
        self.sets: list[Any] = []
        self.outputs: list[Any] = []

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a request; its `do` names the method, its other keys are the arguments."""
        found: dict[str, Any] = getattr(self, f"do_{request['do']}")(request)
        return found

    def do_describe(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Describe the device and its libraries."""
        return self.accelerator.properties

    def do_load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Load the kernel of the folder, or a baseline of the definition; a loaded baseline stays compiled."""
        baseline = request.get("baseline")
        if baseline is None:
            self.kernel = Kernel(self.folder, request, is_interpreted=self.is_interpreted)
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

    def _call(
        self, plan: dict[str, Any], line: str, undefined: Callable[[Any], Any] | None = None
    ) -> Callable[..., Any]:
        """What a question calls: the kernel's plan, or the baseline."""
        if self.kernel is None:
            return functools.partial(self.function, **plan["parameters"])
        checked = self.kernel.plan(line, plan)
        return self.kernel.replay(checked, plan, device=self.device, choice=self.choice, undefined=undefined)

    def do_ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make one call and write its output; an autotuned kernel runs another configuration for each `choice`."""
        plan = request["plan"]
        set_precision(plan)
        self.choice = request["choice"]
        asked = self._call(plan, request["line"], poison)
        inputs = sample_inputs(plan, self.device)
        outputs = call(asked, inputs, plan)
        self.accelerator.wait()
        self._write(request["name"], outputs)
        return {}

    def do_prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Sample the inputs of a block, tune and warm up with others, and compute what depends on no input."""
        device = self.accelerator
        self.sets = self.outputs = []
        plans, lines = request["plans"], request["lines"]
        set_precision(plans[0])
        warm = sample_inputs(plans[0], self.device)
        if request["first"]:
            self._tune(plans[0], lines[0], warm)
        self.calls = [self._call(plan, line) for plan, line in zip(plans, lines, strict=True)]
        took: list[float] = []
        until = time.monotonic() + _WARM_SECONDS
        for number in range(_MAX_WARM_CALLS if request["first"] else 2):
            if number >= 2 and time.monotonic() > until:
                break
            took.append(self._time(self.calls[0], warm))
        del warm
        self.sets = [sample_inputs(plan, self.device) for plan in plans[1:]]
        self.calls = self.calls[1:]
        for made in self.calls:
            if isinstance(made, Replay):
                made.prepare()
        device.wait()
        device.forget_peak()
        return {"warm_ms": min(took)}

    def _tune(self, plan: dict[str, Any], line: str, inputs: list[Any]) -> None:
        """Choose the fastest configuration of an autotuned kernel; one that does not run is not chosen."""
        self.choice = 0
        asked = self._call(plan, line)
        count = (
            max((len(launch.every) for launch in asked.plan.launches), default=1) if isinstance(asked, Replay) else 1
        )
        times: dict[int, float] = {}
        for choice in range(count if count > 1 else 0):
            self.choice = choice
            asked = self._call(plan, line)
            with contextlib.suppress(Exception):
                times[choice] = statistics.median(self._time(asked, inputs) for _ in range(_TUNING_CALLS))
        self.choice = min(times, key=lambda choice: times[choice], default=0)

    def _time(self, function: Callable[..., Any], inputs: Sequence[Any]) -> float:
        """Milliseconds of a call."""
        device = self.accelerator
        start = device.mark()
        function(*inputs)
        end = device.mark()
        device.wait()
        return device.between(start, end)

    def do_cold(self, request: dict[str, Any]) -> dict[str, Any]:
        """Time single calls with different inputs, each queued after a cache flush."""
        device = self.accelerator
        self.outputs = []
        times = []
        for asked, inputs in [*zip(self.calls, self.sets, strict=True)][: request["calls"]]:
            device.wait()
            device.flush()
            device.pause()
            start = device.mark()
            result = asked(*inputs)
            end = device.mark()
            device.wait()
            times.append(device.between(start, end))
            self.outputs.append(outputs_of(result))
        return {"event_ms": times, "peak_mb": device.peak_mb()}

    def do_compare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Compare answers with the reference; see `compare`."""
        found = compare(request["request"], self.device)
        self.accelerator.release()
        return found

    def do_show(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write the output of one of the timed calls."""
        self._write(request["name"], self.outputs[request["call"]])
        return {}

    def do_release(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Release memory for the other process on the device."""
        self.calls = self.sets = self.outputs = []
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
            set_precision({"precision": precision})
            dtype = getattr(torch, "float32" if precision == "tf32" else precision)
            left, right = (torch.randn(side, side, device=self.device).to(dtype) for _ in range(2))
            rates[precision] = 2 * side**3 / self._best(torch.matmul, left, right) / 1e12
            del left, right
        device.release()
        return {"bytes_per_s": 2 * device.copy_bytes / copy, "tflops": rates}

    def _best(self, call: Any, *arguments: Any) -> float:
        """Median seconds of a call."""
        times = [self._time(call, arguments) for _ in range(_CEILING_CALLS + 3)]
        return statistics.median(times[3:]) / 1000  # the first calls choose algorithms

    def _write(self, name: str, outputs: list[Any]) -> None:
        for number, tensor in enumerate(outputs):
            (self.folder / "out" / f"{name}-{number}.bin").write_bytes(bytes_of(tensor.cpu()))
