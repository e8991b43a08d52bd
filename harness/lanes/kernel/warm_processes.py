"""WarmProcesses: the parent's handles on the lane's warm processes: zygotes for kernels, one that judges answers."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from harness.core.errors import InfraError
from harness.lanes.kernel.untrusted_output import last_line, read_table

Mode = Literal["interpret", "compile", "reference"]
_ROOT = Path(__file__).resolve().parents[3]
_STARTING = 180.0
"""Seconds that importing PyTorch may take on a very busy machine."""
_GRACE = 30.0
"""Seconds a server may be late with its answer before it counts as hung."""
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LC_ALL": "C.UTF-8",
    # Several items run at once; and one BLAS thread is much the fastest on a busy machine.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # The answer to an all-reads question must not depend on what this user once cached.
    "PYTHONHASHSEED": "0",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a kernel's process ended.

    Attributes:
        code: Its exit status, negative for a signal; None if it ran out of time.
        seconds: Wall time.
        cpu_ms: CPU time, as the kernel of this machine counted it.
        peak_mb: The most memory it had resident, beyond what it began with.
        said: The last line of its standard error.
        layers: What confined it.
    """

    code: int | None
    seconds: float
    cpu_ms: float = 0.0
    peak_mb: float = 0.0
    said: str = ""
    layers: tuple[str, ...] = ()


class WarmProcesses:
    """Starts each warm process at first use; closing it ends them, and so does the death of this process."""

    def __init__(self) -> None:
        self._servers: dict[Mode, _Server] = {}

    def run(
        self, mode: Literal["interpret", "compile"], folder: Path, *, timeout: float, limits: Mapping[str, int]
    ) -> Outcome:
        """Let a zygote do the work of a folder (`request.json`, `kernel.py`), in a process of its own.

        When this returns, no process of the work is left.

        Raises:
            InfraError: if the zygote itself does not answer.
        """
        for name in ("out", "home"):
            (folder / name).mkdir(exist_ok=True)
        job = {"folder": str(folder), "timeout": timeout, "limits": dict(limits)}
        reply = self._ask(mode, job, timeout + _GRACE)
        layers = read_table(folder / "out" / "layers.json", most=4000).get("layers")
        listed = tuple(str(layer) for layer in layers) if isinstance(layers, list) else ()
        return Outcome(**reply, said=last_line(folder / "home" / "stderr"), layers=listed)

    def judge(self, request: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        """Have answers compared with the truth (see `truth.answer`).

        Raises:
            InfraError: if the reference fails or takes too long.
        """
        reply = self._ask("reference", request, timeout)
        if "fault" in reply:
            raise InfraError(f"the reference failed: {reply['fault']}", where=str(request["reference"]))
        judged: dict[str, Any] = reply["judged"]
        return judged

    def close(self) -> None:
        """End the warm processes."""
        while self._servers:
            self._servers.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, mode: Mode, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        server = self._servers.get(mode)
        if server is None:
            server = self._servers[mode] = _Server(mode)
        try:
            return server.ask(request, timeout)
        except BaseException:  # also Ctrl-C: an answer that comes late would be taken for the next one's
            self._servers.pop(mode, None)
            server.close()
            raise


class _Server:
    """One warm process that answers a JSON line with a JSON line."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self._home = tempfile.TemporaryDirectory(prefix="crucible-kernel-", ignore_cleanup_errors=True)
        environment = {**ENVIRONMENT, "HOME": self._home.name, "TMPDIR": self._home.name}
        if mode == "interpret":
            environment["TRITON_INTERPRET"] = "1"
        for name in ("LD_LIBRARY_PATH", "TRITON_PTXAS_PATH", "CUDA_VISIBLE_DEVICES"):
            if name in os.environ:
                environment[name] = os.environ[name]
        module, argument = ("reference", "") if mode == "reference" else ("zygote", mode)
        start = (
            f"import sys; sys.path.insert(0, {str(_ROOT)!r}); "
            f"from harness.lanes.kernel.{module} import main; main({argument!r})"
        ).replace("main('')", "main()")
        self._log = Path(self._home.name) / "stderr"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-B", "-c", start],
                cwd=self._home.name,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the session to handle
            )
        self._buffer = b""
        self._ready = mode == "reference"

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        if not self._ready:
            self._read(_STARTING)
            self._ready = True
        stdin = self._process.stdin
        if stdin is None:
            raise InfraError("no channel", where=self.mode)
        with contextlib.suppress(BrokenPipeError):  # reading says why
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
        return self._read(timeout + (_STARTING if self.mode == "reference" else 0))

    def _read(self, timeout: float) -> dict[str, Any]:
        stdout = self._process.stdout
        if stdout is None:
            raise InfraError("no channel", where=self.mode)
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            ready = select.select([stdout], [], [], left)[0] if left > 0 else []
            data = os.read(stdout.fileno(), 1 << 16) if ready else b""
            if not data:
                what = "ended" if ready else f"did not answer within {timeout:g} s"
                raise InfraError(f"the process of the kernel lane ({self.mode}) {what}: {last_line(self._log)}")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.kill()
        self._process.wait()
        self._home.cleanup()
