"""Device client: the parent's end of one device worker; it starts the process, asks it, times it and ends it."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from harness.lane.json_worker import JsonWorker, WorkerFault
from harness.lanes.kernel.warm_processes import ENVIRONMENT

Role = Literal["baseline", "compile", "kernel", "unfiltered"]
START_SECONDS = 240.0  # importing PyTorch and starting CUDA may take this long
_PASSED = ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "CUDA_HOME", "TRITON_PTXAS_PATH")
_END_SECONDS = 10.0


@functools.cache
def _trusted_cache() -> str:
    """The cache that a device worker uses before a kernel is loaded; no kernel can write to it."""
    folder = tempfile.mkdtemp(prefix="crucible-warm-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class DeviceClient:
    """One process on a device.

    Args:
        folder: Its private folder; a kernel's has `kernel.py`.
        index: The device, as CUDA counts; -1 for the CPU.
        role: `baseline` holds trusted code and is not confined; `compile` may start the assembler and fill the cache;
            `kernel` may start no program, and read the cache; `unfiltered` is the same without a filter of system
            calls.
        cache: A folder for compiled kernels.
    """

    module = "harness.lanes.kernel.device_worker"
    """The module that the process runs."""
    clock = staticmethod(time.perf_counter)
    """The parent's own clock, in seconds; a worker's events are compared with it."""

    def __init__(self, folder: Path, *, index: int, role: Role, cache: Path) -> None:
        for name in ("out", "home"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        home = folder / "home"
        environment = {
            **ENVIRONMENT,
            **{name: os.environ[name] for name in _PASSED if name in os.environ},
            "PATH": os.environ.get("PATH", ENVIRONMENT["PATH"]),  # the assembler and the compiler of launchers
            "HOME": str(home),
            "TMPDIR": str(home),
            "TRITON_CACHE_DIR": str(cache),
            "TORCHINDUCTOR_CACHE_DIR": str(home / "inductor"),
        }
        if index < 0:
            environment["TRITON_INTERPRET"] = "1"  # there is no other way to run a kernel on the CPU
        self._worker = JsonWorker(
            self.module, str(folder), index, role, _trusted_cache(),
            folder=home, log=home / "stderr", environment=environment,
        )  # fmt: skip
        self.layers: tuple[str, ...] = ()
        """What confines the process, as of its last answer."""

    def ask(self, do: str, *, timeout: float, **named: Any) -> dict[str, Any]:
        """Ask for one thing.

        Returns:
            The answer, with `seconds` by this process's own clock.

        Raises:
            WorkerFault: if it failed, ended, or was late.
        """
        started = self.clock()
        reply = self._worker.ask({"do": do, **named}, timeout=timeout)
        seconds = self.clock() - started
        if "fault" in reply:
            raise WorkerFault(reply["fault"] if isinstance(reply["fault"], dict) else {}, None)
        layers = reply.pop("layers", ())
        self.layers = tuple(map(str, layers)) if isinstance(layers, list) else ()
        return reply | {"seconds": seconds}

    @property
    def last_error(self) -> str:
        """The last line of its standard error."""
        return self._worker.last_error

    def count_threads(self) -> int:
        """How many threads the process and its descendants have, read from outside."""
        count, waiting = 0, _children(self._worker.pid)
        while waiting:
            pid = waiting.pop()
            with contextlib.suppress(OSError):
                count += len([*Path(f"/proc/{pid}/task").iterdir()])
            waiting.extend(_children(pid))
        return count

    def close(self) -> None:
        """End the worker; its supervisor process sees that and ends all other processes it left."""
        for pid in _children(self._worker.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._worker.close(grace=_END_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.extend(map(int, (task / "children").read_text().split()))
    return found
