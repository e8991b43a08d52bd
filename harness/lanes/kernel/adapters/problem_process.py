"""Problem process: runs KernelBench problems in another process, which answers with their shapes (`problem_shapes`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.closing import Closing
from harness.core.errors import CrucibleError
from harness.core.owned_folder import OwnedFolder
from harness.lane.json_worker import JsonWorker, WorkerFault

_SECONDS = 120
_START_SECONDS = 240  # importing PyTorch may take this long on a very busy machine


class NotAdaptedError(CrucibleError):
    """A problem that cannot be converted, and why."""


class ProblemProcess(Closing):
    """A process that has PyTorch loaded and runs problems without data, each request in a child of its own.

    It starts at the first request, and again after one that did not end.
    """

    def __init__(self) -> None:
        self._home = OwnedFolder("adapt")
        self._worker: JsonWorker | None = None

    def ask(self, problem: Path, setting: Mapping[str, int]) -> dict[str, Any]:
        """Run a problem with one setting of its constants.

        Returns:
            `inputs` and `outputs` (each with `sizes` and `dtype`), `bounds` and `parameters`, or `error`.

        Raises:
            NotAdaptedError: if the process ends, or takes too long.
        """
        try:
            if self._worker is None:
                home = self._home.path
                module = "harness.lanes.kernel.adapters.problem_shapes"
                self._worker = JsonWorker(module, folder=home, log=home / "stderr")
                self._worker.receive(timeout=_START_SECONDS)
            request = {"problem": str(problem.resolve()), "setting": dict(setting)}
            answer = self._worker.ask(request, timeout=_SECONDS)
        except WorkerFault as fault:
            why = (self._worker and self._worker.last_error) or str(fault)
            self._end()
            what = f"it does not end within {_SECONDS} s" if fault.is_late else f"its process ended: {why}"
            raise NotAdaptedError(what, where=str(problem)) from None
        if "status" in answer:
            raise NotAdaptedError(f"its process ended: exit status {answer['status']}", where=str(problem))
        return answer

    def close(self) -> None:
        """End the process."""
        self._end()
        self._home.remove()

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None
