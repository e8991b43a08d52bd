"""Device client: the parent's end of one device worker; it starts the process, asks it and ends it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from harness.core.closing import Closing
from harness.lane.json_worker import JsonWorker, WorkerFault
from harness.lanes.kernel.warm_processes import ENVIRONMENT, environment_of

START_SECONDS = 240.0  # importing PyTorch and starting CUDA may take this long
_END_SECONDS = 10.0


class DeviceClient(JsonWorker, Closing):
    """One process on a device.

    Args:
        folder: Its private folder; a kernel's has `kernel.py`.
        index: The device, as CUDA counts; -1 for the CPU.
    """

    module = "harness.lanes.kernel.device_worker"
    """The module that the process runs."""

    def __init__(self, folder: Path, *, index: int) -> None:
        home = folder / "home"
        for place in (folder / "out", home):
            place.mkdir(parents=True, exist_ok=True)
        environment = {
            **environment_of(home),
            "PATH": os.environ.get("PATH", ENVIRONMENT["PATH"]),  # the assembler and the compiler of launchers
            "TORCHINDUCTOR_CACHE_DIR": str(home / "inductor"),
            "TORCHINDUCTOR_COMPILE_THREADS": "1",  # its worker processes would outlive this one
        }
        super().__init__(self.module, str(folder), index, folder=home, log=home / "stderr", environment=environment)

    def do(self, what: str, *, timeout: float, **named: Any) -> dict[str, Any]:
        """Ask for one thing.

        Raises:
            WorkerFault: if it failed, ended, or was late.
        """
        reply = self.ask({"do": what, **named}, timeout=timeout)
        if "fault" in reply:
            raise WorkerFault(reply["fault"], None)
        return reply

    def close(self, *, grace: float = _END_SECONDS) -> None:
        """End the worker."""
        super().close(grace=grace)
