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

from harness.lanes.kernel.asking import OperatorLog, bytes_of, checked, load_kernel, note_fault, same
from harness.lanes.kernel.calling import outputs_of, resolve
from harness.lanes.kernel.confinement import adopt_orphans, confine
from harness.lanes.kernel.drawing import draw, poison
from harness.lanes.kernel.interpreting import patch

FLUSH_FACTOR = 4
"""Between cold calls so many times the second-level cache is written, after what persists in it was reset."""
_COPY_BYTES, _MATMUL = 2 << 30, 8192
_CPU_CACHE, _CPU_COPY_BYTES, _CPU_MATMUL = 8 << 20, 64 << 20, 512
_WARM = 10
_CEILING_CALLS = 20


def main(folder: str, index: int, part: str) -> None:
    """Serve until the parent is gone. A keeper without a device outlives the work and ends whatever it leaves."""
    adopt_orphans()
    child = os.fork()  # before anything of CUDA is loaded
    if child:
        _keep(child)
    adopt_orphans()  # and ends with its keeper
    stand = _Stand(Path(folder), index)
    channel = os.fdopen(os.dup(1), "w")
    questions = os.fdopen(os.dup(0), "r")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    layers: list[str] = []
    if part != "baseline":
        building, cache = part == "building", os.environ["TRITON_CACHE_DIR"]
        paths = {"writable": [cache]} if building else {"readable": [cache]}
        layers = confine(folder, {"RLIMIT_CORE": 0}, may_execute=building, device=True, **paths)
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
        import triton
        import triton.language

        self.torch, self.folder = torch, folder
        self.cuda = index >= 0
        if not self.cuda:
            patch({})
        self.kind, self.device = ("cuda", f"cuda:{index}") if self.cuda else ("cpu", "cpu")
        self.properties = self._describe(index)
        flushed = FLUSH_FACTOR * int(self.properties["l2_bytes"])
        self.flush = torch.empty(flushed, dtype=torch.uint8, device=self.device)
        self.function: Any = None
        self.sets: list[Any] = []
        self.outputs: list[Any] = []
        self.plans: list[dict[str, Any]] = []
        del triton

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = getattr(self, f"do_{request['do']}")(request)
        return found

    def _describe(self, index: int) -> dict[str, Any]:
        torch = self.torch
        if not self.cuda:
            return {"name": "cpu", "l2_bytes": _CPU_CACHE, "processors": 1, "capability": ""}
        torch.cuda.set_device(index)
        found = torch.cuda.get_device_properties(index)
        return {
            "name": found.name,
            "l2_bytes": found.L2_cache_size,
            "processors": found.multi_processor_count,
            "capability": f"{found.major}.{found.minor}",
            "cuda": str(torch.version.cuda),
            "cudnn": str(torch.backends.cudnn.version()) if torch.backends.cudnn.is_available() else "",
        }

    def do_describe(self, _request: dict[str, Any]) -> dict[str, Any]:
        """What the device and its libraries are."""
        return self.properties

    def _wait(self) -> None:
        """Until everything on the device is done, on every stream."""
        if self.cuda:
            self._wait()

    def _mark(self) -> Any:
        """A moment in the device's order of work."""
        if not self.cuda:
            return time.perf_counter()
        event = self.torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _between(self, start: Any, end: Any) -> float:
        """Milliseconds."""
        return float(start.elapsed_time(end)) if self.cuda else float(end - start) * 1000

    def do_load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Load the kernel, or a baseline of the definition."""
        torch = self.torch
        baseline = request.get("baseline")
        if baseline is None:
            self.function = load_kernel(self.folder, request["entry"])
            return {}
        function = resolve(baseline["call"], Path(request["place"]))
        if baseline["compile"]:
            function = torch.compile(function)
        if baseline["sdpa"]:
            from torch.nn.attention import SDPBackend, sdpa_kernel

            backend, inner = getattr(SDPBackend, baseline["sdpa"]), function

            def function(*args: Any, **named: Any) -> Any:
                with sdpa_kernel(backend):
                    return inner(*args, **named)

        self.function = function
        return {}

    def do_ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One call whose output is written out: fresh memory holds NaN, inputs must stay as they are."""
        torch, plan = self.torch, request["plan"]
        _set_precision(plan)
        torch.utils.deterministic.fill_uninitialized_memory = True
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            inputs = draw(plan, self.device)
            kept = [tensor.clone() for tensor in inputs]
            with OperatorLog() as log:
                result = self.function(*inputs, **plan["parameters"], **request["configuration"])
            self._wait()
        finally:
            torch.use_deterministic_algorithms(False)
        outputs = checked(result, plan, self.kind)
        changed = [
            name for name, now, then in zip(plan["names"], inputs, kept, strict=True) if not same(now.cpu(), then.cpu())
        ]
        for tensor in inputs:
            tensor.fill_(poison(tensor.dtype))  # an output that lives in an input is no answer
        self._wait()
        self._write(request["name"], outputs)
        return {"operators": sorted(log.names), "changed": changed}

    def do_names(self, request: dict[str, Any]) -> dict[str, Any]:
        """Which kernels a call runs, as the profiler of the driver sees them."""
        from torch.profiler import ProfilerActivity, profile

        inputs = draw(request["plan"], self.device)
        with profile(activities=[ProfilerActivity.CUDA if self.cuda else ProfilerActivity.CPU]) as profiler:
            self.function(*inputs, **request["plan"]["parameters"], **request["configuration"])
            self._wait()
        return {"names": sorted({event.key for event in profiler.key_averages()})[:50]}

    def do_prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Draw the inputs of a block, warm up on others, and leave NaN where outputs will be allocated."""
        torch = self.torch
        self.sets = self.outputs = []
        self.plans = request["plans"]
        self.named = {**self.plans[0]["parameters"], **request["configuration"]}
        _set_precision(self.plans[0])
        warm = draw(request["warm"], self.device)
        for _ in range(_WARM if request["first"] else 2):
            self.function(*warm, **self.named)
        self._wait()
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
        self._wait()
        del spoiled
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
        return {}

    def do_cold(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Each call on its own, with inputs of its own, after the cache was flushed."""
        torch = self.torch
        self.outputs = []
        times, walls = [], []
        for inputs in self.sets:
            with contextlib.suppress(Exception):  # not every build has it; a window only helps who set one
                torch.cuda.cudart().cudaCtxResetPersistingL2Cache()
            self.flush.zero_()
            self._wait()
            begun = time.perf_counter()
            start = self._mark()
            result = self.function(*inputs, **self.named)
            end = self._mark()
            self._wait()  # all streams
            walls.append((time.perf_counter() - begun) * 1000)
            times.append(self._between(start, end))
            self.outputs.append(outputs_of(result))
        peak = torch.cuda.max_memory_allocated() / (1 << 20) if self.cuda else None
        return {"event_ms": times, "wall_ms": walls, "peak_mb": peak}

    def do_hot(self, request: dict[str, Any]) -> dict[str, Any]:
        """Many calls in a row over the rotating inputs; one pair of events around all of them."""
        self._wait()
        start = self._mark()
        for call in range(request["calls"]):
            self.function(*self.sets[call % len(self.sets)], **self.named)
        end = self._mark()
        self._wait()
        return {"event_ms": self._between(start, end)}

    def do_show(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write the output of one of the timed calls."""
        outputs = checked(self.outputs[request["call"]], self.plans[request["call"]], self.kind)
        self._write(request["name"], outputs)
        return {}

    def do_release(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Give memory back, for whoever has the device next."""
        self.sets = self.outputs = []
        if self.cuda:
            self.torch.cuda.empty_cache()
        return {}

    def do_ceilings(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the device does at best today: a large copy, and a large product of random numbers."""
        torch = self.torch
        many, side = (_COPY_BYTES, _MATMUL) if self.cuda else (_CPU_COPY_BYTES, _CPU_MATMUL)
        source = torch.empty(many, dtype=torch.uint8, device=self.device).random_(0, 255)
        target = torch.empty_like(source)
        copy = self._best(target.copy_, source)
        del source, target
        rates = {}
        for precision in request["precisions"]:
            _set_precision({"precision": precision})
            dtype = getattr(torch, "float32" if precision == "tf32" else precision)
            left, right = (torch.randn(side, side, device=self.device).to(dtype) for _ in range(2))
            rates[precision] = 2 * side**3 / self._best(torch.matmul, left, right) / 1e12
            del left, right
        if self.cuda:
            torch.cuda.empty_cache()
        return {"bytes_per_s": 2 * many / copy, "tflops": rates}

    def _best(self, call: Any, *arguments: Any) -> float:
        """Median seconds of a call."""
        times = []
        for index in range(_CEILING_CALLS + 3):
            start = self._mark()
            call(*arguments)
            end = self._mark()
            self._wait()
            if index >= 3:  # the first ones choose algorithms
                times.append(self._between(start, end) / 1000)
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
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
