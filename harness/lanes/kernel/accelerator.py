"""Accelerator: what a device worker needs of its device (order, events, cache, memory); a class for CPU and for CUDA.

A timed call is queued after the flush of the cache and a short pause, so that the host's launch time is not counted.
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

    device: str = "cpu"
    copy_bytes, matmul = 8 << 20, 256
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


class Cuda(Cpu):
    """One CUDA device."""

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


def open_accelerator(index: int) -> Cpu:
    """Open a device by its index as CUDA counts; -1 is the CPU."""
    import torch

    return Cuda(torch, index) if index >= 0 else Cpu(torch)
