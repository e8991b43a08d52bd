"""Prober: a problem of KernelBench in a process of its own, asked for its shapes and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.core.errors import CrucibleError

_SECONDS = 120
_PROBING = Path(__file__).with_name("problem_shapes.py")
"""A script that imports PyTorch, which nothing here does."""


class NotAdaptedError(CrucibleError):
    """A problem that cannot be carried over, and why."""


class Prober:
    """A process that runs one problem without data, as often as it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._home = tempfile.TemporaryDirectory(prefix="crucible-adapt-")
        self._said = Path(self._home.name) / "stderr"
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-B", str(_PROBING), str(path.resolve())],
                cwd=self._home.name,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            )

    def ask(self, setting: Mapping[str, int]) -> dict[str, Any]:
        """What one setting gives.

        Raises:
            NotAdaptedError: if the process ends, or takes too long.
        """
        ends = self._process.stdin, self._process.stdout
        if ends[0] is None or ends[1] is None:
            raise NotAdaptedError("it was closed", where=str(self.path))
        with contextlib.suppress(BrokenPipeError):  # reading says why
            ends[0].write(json.dumps(dict(setting)).encode() + b"\n")
            ends[0].flush()
        if not select.select([ends[1]], [], [], _SECONDS)[0]:
            raise NotAdaptedError(f"it does not end within {_SECONDS} s", where=str(self.path))
        line = ends[1].readline()
        if not line:
            said = self._said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise NotAdaptedError(f"it ended: {said[-1] if said else self._process.wait()}", where=str(self.path))
        found: dict[str, Any] = json.loads(line)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._home.cleanup()
