"""Warm processes: the parent's handle on the root, from which a process is forked for each job and each question."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.core.case import Case
from harness.core.closing import Closing
from harness.core.errors import InfraError, MissingExtraError
from harness.core.owned_folder import OwnedFolder
from harness.lanes.kernel.gpu import require_extra
from harness.lanes.kernel.root_connection import Root, RootConnection
from harness.sandbox.quota import Quota, Watch

Do = Literal["record", "interpret", "compile"]
_START_SECONDS = 180.0  # importing PyTorch may take this long on a very busy machine
_MAX_ANSWER = 32 << 20  # bytes, such as all plans of a job
_MAX_LOG = 1 << 16  # bytes of the standard error that are kept, the last ones
_LOOK = 0.5  # seconds between two looks at a process
_HOME = Quota(256 << 20, 4096)  # what a compiler leaves: code of every stage, for every launch
_SIGNALS = {one.value: one.name for one in signal.Signals}
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

    @property
    def how(self) -> str:
        """How it ended, as a clause."""
        how = f"exited with status {self.code}"
        if self.code is not None and self.code < 0:
            how = f"was ended by {_SIGNALS.get(-self.code, f'signal {-self.code}')}"
        return how + (f": {self.last_error}" if self.last_error else "")


class WarmProcesses(Closing):
    """Has processes forked from one root, which imports PyTorch and Triton at first use; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: OwnedFolder | None = None
        self._root: Root | None = None
        self._held: RootConnection | None = None

    def share(self, folder: Path | None) -> None:
        """Share the root with all processes that call this with the same folder, before the first one is started.

        Args:
            folder: `Context.shared`, which exists as long as they do; None for a root of its own.
        """
        if self._root is None and folder is not None:
            with contextlib.suppress(OSError):  # a worker on another machine
                self._root = root_in(folder)

    def run(
        self, do: Do, folder: Path, request: dict[str, Any], *, timeout: float, limits: Mapping[str, int]
    ) -> Outcome:
        """Do a job of a folder with `kernel.py`, confined to it; what a recorder answers is in `plans.jsonl` then.

        When this returns, no process of the job is left.

        Raises:
            InfraError: if the root does not answer.
        """
        for name in ("out", "home"):
            (folder / name).mkdir(exist_ok=True)
        (folder / "out" / "error.json").unlink(missing_ok=True)
        call = {"do": do, "folder": str(folder), "limits": dict(limits)}
        outcome, answer = self._fork(call, request, timeout, Watch(_HOME, folder / "home"))
        if do == "record":
            (folder / "plans.jsonl").write_bytes(answer)
        path = folder / "out" / "layers.json"
        layers = json.loads(path.read_bytes())["layers"] if path.is_file() else []
        return dataclasses.replace(outcome, layers=tuple(layers))

    def ask(self, do: str, request: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        """Ask trusted code for one thing; see `job_process.QUESTIONS`.

        Raises:
            InfraError: if it fails or takes too long.
        """
        outcome, answer = self._fork({"do": do}, request, timeout, None)
        what = f"the process of the kernel lane ({do})"
        if outcome.code is None:
            raise InfraError(f"{what} did not answer within {timeout:g} s")
        try:
            found: dict[str, Any] = json.loads(answer)
        except ValueError:
            raise InfraError(f"{what} {outcome.excess or outcome.how}") from None
        if "fault" in found:
            raise InfraError(f"{what} failed: {found['fault']}", where=str(request.get("reference", "")))
        return found

    def close(self) -> None:
        """No longer keep the root."""
        if self._held is not None:
            self._held.close()
        if self._folder is not None:
            self._folder.remove()
        self._held = self._folder = self._root = None

    @property
    def recordings(self) -> Path:
        """A folder for what is recorded, which ends with the root."""
        with self._lock:
            return self._known_root().recordings

    def _fork(
        self, call: dict[str, Any], request: dict[str, Any], timeout: float, watch: Watch | None
    ) -> tuple[Outcome, bytes]:
        """How a process ended, and what it answered; nothing if it was ended before its time."""
        given = os.memfd_create("request")
        (answer, answering), (log, logging) = os.pipe(), os.pipe()
        output = {answer: bytearray(), log: bytearray()}
        try:
            with self._connect(call["do"]) as process:
                try:
                    with os.fdopen(os.dup(given), "w") as file:
                        json.dump(request, file)
                    os.lseek(given, 0, os.SEEK_SET)
                    process.fork(call, (given, answering, logging))
                finally:
                    for descriptor in (given, answering, logging):
                        os.close(descriptor)
                report = process.wait("started", _START_SECONDS)
                begun = time.monotonic()
                excess = _read_output(process.fileno(), output, begun + timeout, watch) if report else None
                found = process.end()
                seconds = time.monotonic() - begun
        finally:
            os.close(answer)
            os.close(log)
        last = bytes(output[log]).decode("utf-8", "replace").strip().splitlines()[-1:]
        if "code" not in found or not report:
            root = self._root.last_error if self._root else ""
            what = "ended" if report else f"did not start within {_START_SECONDS:g} s"
            raise InfraError(f"the process of the kernel lane ({call['do']}) {what}: {root or ''.join(last)}")
        code = None if excess is None else found["code"]
        outcome = Outcome(
            code, seconds, found.get("cpu_ms", 0.0), found.get("peak_mb", 0.0), excess or "", "".join(last)
        )
        return outcome, bytes(output[answer]) if excess == "" else b""

    def _connect(self, do: str) -> RootConnection:
        """A connection to the root, which is also kept between two of them."""
        with self._lock:
            try:
                root = self._known_root()
                if self._held is not None and self._held.wait("code", 0):  # the root ended
                    self._held.close()
                    self._held = None
                if self._held is None:
                    self._held = root.connect()
                return root.connect()
            except OSError as error:
                why = (
                    self._root and self._root.last_error
                ) or error  # a root that ended at once refuses the connection
                raise InfraError(f"the process of the kernel lane ({do}) cannot be started: {why}") from error

    def _known_root(self) -> Root:
        if self._root is None:
            self._folder = OwnedFolder("kernels")
            self._root = root_in(self._folder.path)
        return self._root


def _read_output(watched: int, output: dict[int, bytearray], deadline: float, watch: Watch | None) -> str | None:
    """Read what a process writes to pipes until it ends.

    Args:
        watched: A descriptor that can be read when it ended.
        output: Receives what it writes, by pipe; the first is its answer, the second its log.
        deadline: When it is too late.
        watch: Counts its folder.

    Returns:
        An empty string if it ended; None if it was too late; else why it has to be ended.
    """
    answer, log = output
    poll = select.poll()
    for descriptor in (answer, log, watched):
        poll.register(descriptor, select.POLLIN)
    while True:
        ready = {found for found, _ in poll.poll(1000 * max(0.0, min(deadline - time.monotonic(), _LOOK)))}
        for pipe in ready & {answer, log}:
            data = os.read(pipe, 1 << 20)
            output[pipe] += data
            if not data:
                poll.unregister(pipe)
        del output[log][:-_MAX_LOG]
        if len(output[answer]) > _MAX_ANSWER:
            return f"answered with more than {_MAX_ANSWER >> 20} MiB"
        is_over = ready == {watched}  # what it left behind may hold the pipes
        if watch is not None and (excess := watch.excess(now=is_over)):
            return excess
        if is_over:
            return ""
        if time.monotonic() > deadline:
            return None


def root_in(folder: Path) -> Root:
    """The root of the processes that share a folder.

    Raises:
        OSError: if nothing can be made in the folder.
    """
    home = folder / "kernels"
    home.mkdir(mode=0o700, exist_ok=True)
    # What is recorded does not depend on this machine's devices.
    return Root(home, environment_of(home) | {"CUDA_VISIBLE_DEVICES": ""})


def share_root(cases: Iterable[Case], folder: Path) -> RootConnection | None:
    """Start the root of the processes that share a folder, and keep it; None if no case needs one.

    It imports while the workers collect. It is a child of this process, so that its CPU time is this one's as well.
    """
    with contextlib.suppress(MissingExtraError, OSError):  # the cases report it
        require_extra()
        if any(case.inputs["stage"] != "gpu" for case in cases):
            return root_in(folder).connect()
    return None
