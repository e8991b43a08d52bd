"""Bench: the parent's end of one stand: it starts it, asks it, holds its own clock to it, ends it with all it left."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from harness.core.errors import InfraError
from harness.lanes.kernel.untrusted_output import last_line
from harness.lanes.kernel.warm_processes import ENVIRONMENT

_ROOT = Path(__file__).resolve().parents[3]
Part = Literal["baseline", "building", "kernel", "unfiltered"]
_PASSED = ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "CUDA_HOME", "TRITON_PTXAS_PATH")
STARTING = 240.0
"""Seconds that importing PyTorch and starting CUDA may take."""


@functools.cache
def _trusted_cache() -> str:
    """Where a stand finds what it compiles before any kernel is loaded; no kernel can write there."""
    folder = tempfile.mkdtemp(prefix="crucible-warm-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class StandFault(Exception):  # noqa: N818 - what went wrong there is data here
    """What a stand said, or did, instead of answering.

    Attributes:
        note: Its own words (`kind` and `error`), if it had any.
        code: Its exit status if it is gone, None if it did not answer in time.
    """

    def __init__(self, note: dict[str, Any], code: int | None) -> None:
        super().__init__(str(note.get("error", f"exit status {code}")))
        self.note, self.code = note, code


class Bench:
    """One process on a device.

    Args:
        folder: Its private folder; a kernel's has `kernel.py`.
        index: The device, as CUDA counts; -1 for the CPU.
        part: `baseline` holds trusted code and is not confined; `building` may start the assembler and fill the cache;
            `kernel` may start nothing, and read the cache; `unfiltered` is the same without a filter of system calls.
        cache: A folder for compiled kernels.
    """

    def __init__(self, folder: Path, *, index: int, part: Part, cache: Path) -> None:
        self.folder = folder
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
        start = (
            f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from harness.lanes.kernel.device_worker import main; "
            f"main({str(folder)!r}, {index}, {part!r}, {_trusted_cache()!r})"
        )
        self._log = home / "stderr"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-B", "-c", start],
                cwd=home,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._buffer = b""
        self.layers: tuple[str, ...] = ()

    def ask(self, do: str, *, timeout: float, **named: Any) -> dict[str, Any]:
        """Ask for one thing.

        Returns:
            The answer, with `seconds` by this process's own clock.

        Raises:
            StandFault: if it failed, ended, or was late.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise InfraError("no channel to the device's process")
        started = time.perf_counter()
        with contextlib.suppress(BrokenPipeError):  # reading says why
            stdin.write(json.dumps({"do": do, **named}).encode() + b"\n")
            stdin.flush()
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stdout], [], [], left)[0]:
                raise StandFault({}, None)
            data = os.read(stdout.fileno(), 1 << 16)
            if not data:
                raise StandFault({}, self._process.wait(10))
            self._buffer += data
        seconds = time.perf_counter() - started
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            raise StandFault({"error": "an answer that is no JSON"}, None) from None
        if not isinstance(reply, dict) or "fault" in reply:
            note = reply.get("fault") if isinstance(reply, dict) else None
            raise StandFault(note if isinstance(note, dict) else {}, None)
        self.layers = tuple(map(str, reply.pop("layers", ())))
        return reply | {"seconds": seconds}

    @property
    def said(self) -> str:
        """The last line of its standard error."""
        return last_line(self._log)

    def threads(self) -> int:
        """How many threads the work and everything below it has, read from outside."""
        count, waiting = 0, self._children(self._process.pid)
        while waiting:
            pid = waiting.pop()
            with contextlib.suppress(OSError):
                count += len([*Path(f"/proc/{pid}/task").iterdir()])
            waiting.extend(self._children(pid))
        return count

    @staticmethod
    def _children(pid: int) -> list[int]:
        found: list[int] = []
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found.extend(map(int, (task / "children").read_text().split()))
        return found

    def close(self) -> None:
        """End it, and whatever it left: the keeper, told by the work's death, ends the rest."""
        for pid in self._children(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
