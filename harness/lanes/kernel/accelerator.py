"""Accelerator: what a device worker needs of its device (order, events, cache, memory); a class for CPU and for CUDA.

A timed call is queued after the flush of the cache and a short pause, so that the host's launch time is not counted. A
call without that pause (`paired_rounds`) shows whether a kernel used the pause to work ahead on another stream.
"""

from __future__ import annotations

import contextlib
import ctypes
import time
from typing import Any

FLUSH_FACTOR = 4  # between cold calls this many times the size of the second-level cache is written
_PAUSE_CYCLES = 600_000  # of the multiprocessors' clock, about 0.3 ms: longer than the host needs for a launch
_PAUSE_FLUSHES = 4
_CPU_CACHE = 8 << 20


class Cpu:
    """The CPU: it tests the path of a measurement; its times are not used."""

    kind = "cpu"
    device: str = "cpu"
    copy_bytes, matmul = 64 << 20, 512
    clock = staticmethod(time.perf_counter)
    """The host's clock, in seconds."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.properties: dict[str, Any] = {"name": "cpu", "l2_bytes": _CPU_CACHE, "processors": 1, "capability": ""}
        self._flushed = torch.empty(FLUSH_FACTOR * _CPU_CACHE, dtype=torch.uint8)

    def wait(self) -> None:
        """Wait until all work on the device is done, on every stream."""

    def mark(self) -> Any:
        """Record an event in the device's order of work."""
        return self.clock()

    def between(self, start: Any, end: Any) -> float:
        """Milliseconds between two events that `mark` returned."""
        return float(end - start) * 1000

    def flush(self) -> None:
        """Evict all data from the second-level cache."""
        self._flushed.zero_()

    def pause(self) -> None:
        """Keep the device busy until the host has launched the next call."""

    def forget_peak(self) -> None:
        """Start a new measurement of peak memory."""

    def peak_mb(self) -> float | None:
        """Peak memory in MiB since `forget_peak`; None where it is not counted."""
        return None

    def release(self) -> None:
        """Release cached memory for the other process on the device."""

    def warm(self) -> None:
        """Trigger what starts programs or reads files once, while this process may still do so."""

    def check(self) -> None:
        """Check that the device computes, allocates and waits.

        Raises:
            RuntimeError: if it does not.
        """
        torch = self.torch
        numbers = torch.ones(64, 64, device=self.device)
        found = float((numbers @ numbers).sum())
        self.profiled(lambda: numbers.add_(1))
        self.wait()
        self.release()
        if found != 64.0**3:
            msg = f"a product of ones sums up to {found:g}"
            raise RuntimeError(msg)

    def profiled(self, call: Any) -> list[str] | None:
        """The names of the kernels that a call runs; None if the profiler cannot see them."""
        return _names(self.torch, "CPU", call)


class Cuda(Cpu):
    """One CUDA device.

    Args:
        torch: PyTorch.
        index: As CUDA counts.
    """

    kind = "cuda"
    copy_bytes, matmul = 2 << 30, 8192

    def __init__(self, torch: Any, index: int) -> None:
        self.torch = torch
        self.device = f"cuda:{index}"
        torch.cuda.set_device(index)
        found = torch.cuda.get_device_properties(index)
        cudnn = torch.backends.cudnn
        self.properties = {
            "name": found.name,
            "l2_bytes": int(found.L2_cache_size),
            "processors": int(found.multi_processor_count),
            "capability": f"{found.major}.{found.minor}",
            "cuda": str(torch.version.cuda),
            "cudnn": str(cudnn.version()) if cudnn.is_available() else "",
        }
        self._flushed = torch.empty(FLUSH_FACTOR * self.properties["l2_bytes"], dtype=torch.uint8, device=self.device)
        self._driver: Any = None
        with contextlib.suppress(OSError):
            self._driver = ctypes.CDLL("libcuda.so.1")
        self._profiles = False

    def wait(self) -> None:
        """Wait until all work on the device is finished."""
        self.torch.cuda.synchronize()

    def mark(self) -> Any:
        """Record an event in the current stream."""
        event = self.torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(self, start: Any, end: Any) -> float:
        """Milliseconds between two events, by the device's clock."""
        return float(start.elapsed_time(end))

    def flush(self) -> None:
        """See `Cpu`; also resets the part of the cache that was set to persist."""
        if hasattr(self._driver, "cuCtxResetPersistingL2Cache"):
            self._driver.cuCtxResetPersistingL2Cache()
        self._flushed.zero_()

    def pause(self) -> None:
        """Keep the device busy, so that the host can queue the next calls."""
        sleep = getattr(self.torch.cuda, "_sleep", None)
        if sleep is not None:
            sleep(_PAUSE_CYCLES)
            return
        for _ in range(_PAUSE_FLUSHES):
            self._flushed.zero_()

    def forget_peak(self) -> None:
        """Reset the peak of memory that PyTorch allocated."""
        self.torch.cuda.reset_peak_memory_stats()

    def peak_mb(self) -> float | None:
        """Peak of memory that PyTorch allocated, in MiB."""
        return float(self.torch.cuda.max_memory_allocated()) / (1 << 20)

    def release(self) -> None:
        """Return cached memory of PyTorch to the device."""
        self.torch.cuda.empty_cache()

    def warm(self) -> None:
        """See `Cpu`: Triton asks for its assembler's version and builds a launcher; the profiler loads its library."""
        from harness.lanes.kernel.warm_launch import launch_nothing

        launch_nothing(self.torch, self.device)
        one = self.torch.ones(1024, device=self.device)

        def add() -> None:
            one.add_(1)
            self.wait()

        self._profiles = bool(_names(self.torch, "CUDA", add))

    def profiled(self, call: Any) -> list[str] | None:
        """See `Cpu`; None if the profiler did not see an addition of PyTorch either."""

        def complete() -> None:
            call()
            self.wait()

        return _names(self.torch, "CUDA", complete) if self._profiles else None


def open_accelerator(index: int) -> Cpu:
    """Open a device by its index as CUDA counts; -1 is the CPU."""
    import torch

    return Cuda(torch, index) if index >= 0 else Cpu(torch)


def _names(torch: Any, activity: str, call: Any) -> list[str]:
    kinds = torch.profiler.ProfilerActivity
    with torch.profiler.profile(activities=[getattr(kinds, activity)]) as profiler:
        call()
    return sorted({str(event.key) for event in profiler.key_averages()})
