"""Warm processes: the parent's handles on the zygote that runs kernels and on the processes that compute references."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.core.case import Case
from harness.core.closing import Closing
from harness.core.errors import InfraError, MissingExtraError
from harness.core.owned_folder import OwnedFolder
from harness.lane.json_worker import JsonWorker, WorkerFault, last_line
from harness.lanes.kernel.gpu import require_extra
from harness.lanes.kernel.root_zygote import RootConnection, RootZygote

Mode = Literal["zygote", "reference", "device reference"]
Do = Literal["record", "interpret", "compile"]
_START_SECONDS = 180.0  # importing PyTorch may take this long on a very busy machine
_GRACE_SECONDS = 30.0  # a zygote that answers later than this after its job's time limit counts as hung
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    # Several items run at once, and one BLAS thread is by far the fastest on a busy machine.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # A kernel that iterates over a set must behave the same in every run.
    "PYTHONHASHSEED": "0",
}


_ZYGOTE, _REFERENCE = "harness.lanes.kernel.zygote", "harness.lanes.kernel.reference"
PASSED = ("CUDA_VISIBLE_DEVICES", "CUDA_HOME", "LD_LIBRARY_PATH", "TRITON_PTXAS_PATH")
"""Environment variables that the processes of the lane inherit."""


def environment_of(home: Path) -> dict[str, str]:
    """The environment of a process of the lane with this home folder."""
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    return {**ENVIRONMENT, **passed, "HOME": str(home), "TMPDIR": str(home), "TRITON_CACHE_DIR": str(home / "triton")}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a kernel's process ended.

    Attributes:
        code: Its exit status, negative for a signal; None if it ran out of time.
        seconds: Wall time in seconds.
        cpu_ms: CPU time in milliseconds, counted by the operating system.
        peak_mb: Its largest resident memory in MiB, beyond what it began with.
        excess: Why it was ended before its time: it answered or wrote too much. Empty if it was not.
        last_error: The last line of its standard error.
        layers: The layers of confinement that were on.
    """

    code: int | None
    seconds: float
    cpu_ms: float = 0.0
    peak_mb: float = 0.0
    excess: str = ""
    last_error: str = ""
    layers: tuple[str, ...] = ()


class WarmProcesses(Closing):
    """Starts each warm process at first use; they end when this is closed or this process ends.

    They are forked from one root, which imports PyTorch and Triton. A process that computes references on a device is
    started by exec, because what has begun to use CUDA must not have been forked.
    """

    def __init__(self) -> None:
        self._running: dict[Mode, _WarmProcess] = {}
        self._folder: OwnedFolder | None = None
        self._root: RootZygote | None = None

    def share(self, folder: Path | None) -> None:
        """Share the root with all processes that call this with the same folder, before the first one is started.

        Args:
            folder: `Context.shared`, which exists as long as they do; None for a root of its own.
        """
        if self._root is None and folder is not None:
            with contextlib.suppress(OSError):  # a worker on another machine
                self._root = root_in(folder)

    def run(self, do: Do, folder: Path, *, timeout: float, limits: Mapping[str, int]) -> Outcome:
        """Have the zygote do a job of a folder (`request.json`, `kernel.py`) in a child process.

        When this returns, no process of the job is left.

        Raises:
            InfraError: if the zygote itself does not answer.
        """
        for name in ("out", "home"):
            (folder / name).mkdir(exist_ok=True)
        (folder / "out" / "error.json").unlink(missing_ok=True)
        job = {"do": do, "folder": str(folder), "timeout": timeout, "limits": dict(limits)}
        reply = self._ask("zygote", job, timeout + _GRACE_SECONDS)
        path = folder / "out" / "layers.json"
        layers = json.loads(path.read_bytes())["layers"] if path.is_file() else []
        return Outcome(**reply, last_error=last_line(folder / "home" / "stderr"), layers=tuple(layers))

    def compare(self, request: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        """Compare answers with the reference, or sample what host code may know (see `reference`).

        Raises:
            InfraError: if the reference fails or takes too long.
        """
        mode: Mode = "reference" if request.get("device", "cpu") == "cpu" else "device reference"
        reply = self._ask(mode, request, timeout)
        if "fault" in reply:
            raise InfraError(f"the reference failed: {reply['fault']}", where=str(request.get("reference", "")))
        compared: dict[str, Any] = reply["compared"]
        return compared

    def close(self) -> None:
        """End all warm processes."""
        while self._running:
            self._running.popitem()[1].close()
        if self._folder is not None:
            self._folder.remove()
            self._folder = self._root = None

    @property
    def recordings(self) -> Path:
        """Where recordings are kept as long as the root of these processes."""
        return self._shared_root().recordings

    def _shared_root(self) -> RootZygote:
        if self._root is None:
            self._folder = OwnedFolder("kernels")
            self._root = root_in(self._folder.path)
        return self._root

    def _ask(self, mode: Mode, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        process = self._running.get(mode)
        if process is None:
            process = self._running[mode] = _WarmProcess(mode, self._shared_root())
        try:
            return process.ask(request, timeout)
        except BaseException:  # also Ctrl-C: a late answer would be taken for the answer to the next request
            self._running.pop(mode, None)
            process.close()
            raise


def root_in(folder: Path) -> RootZygote:
    """The root of the processes that share a folder.

    Raises:
        OSError: if nothing can be made in the folder.
    """
    home = folder / "kernels"
    home.mkdir(mode=0o700, exist_ok=True)
    # What is recorded does not depend on this machine's devices.
    return RootZygote(home, environment_of(home) | {"CUDA_VISIBLE_DEVICES": ""})


def share_root(cases: Iterable[Case], folder: Path) -> RootConnection | None:
    """Start the root of the processes that share a folder, and keep it; None if no case needs one.

    It imports while the workers collect. It is a child of this process, so that its CPU time is this one's as well.
    """
    with contextlib.suppress(MissingExtraError, OSError):  # the cases report it
        require_extra()
        if any(case.inputs["stage"] != "gpu" for case in cases):
            return root_in(folder).hold()
    return None


class _WarmProcess:
    """One warm process, in a temporary home folder of its own."""

    def __init__(self, mode: Mode, root: RootZygote) -> None:
        self._mode, self._root = mode, root
        self._home = OwnedFolder("kernel")
        home = self._home.path
        log, environment = home / "stderr", environment_of(home)
        try:
            if mode == "device reference":
                self.worker = JsonWorker(_REFERENCE, folder=home, log=log, environment=environment)
            else:
                environment["CUDA_VISIBLE_DEVICES"] = ""
                module = _ZYGOTE if mode == "zygote" else _REFERENCE
                self.worker = JsonWorker(module, folder=home, log=log, environment=environment, start=root.fork)
        except OSError as error:
            self._home.remove()
            why = root.last_error or error  # a root that ended at once refuses the connection
            raise InfraError(f"the process of the kernel lane ({mode}) cannot be started: {why}") from error
        self._is_ready = False

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        seconds = timeout
        try:
            if not self._is_ready:
                seconds = _START_SECONDS
                self.worker.receive(timeout=seconds)
                self._is_ready, seconds = True, timeout
            return self.worker.ask(request, timeout=seconds)
        except WorkerFault as fault:
            what = f"did not answer within {seconds:g} s" if fault.is_late else "ended"
            what = f"answered with {fault}" if fault.note else what
            raise InfraError(
                f"the process of the kernel lane ({self._mode}) {what}: "
                f"{self.worker.last_error or self._root.last_error}"
            ) from fault

    def close(self) -> None:
        self.worker.close()
        self._home.remove()
