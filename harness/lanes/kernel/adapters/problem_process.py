"""Problem process: a KernelBench problem in a process of its own, which answers with its shapes (`problem_shapes`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.closing import Closing
from harness.core.errors import CrucibleError
from harness.core.owned_folder import OwnedFolder
from harness.lane.json_worker import JsonWorker, WorkerFault

_SECONDS = 120


class NotAdaptedError(CrucibleError):
    """A problem that cannot be converted, and why."""


class ProblemProcess(Closing):
    """A process that runs one problem without data, as often as it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._home = OwnedFolder("adapt")
        home = self._home.path
        self._worker = JsonWorker(
            "harness.lanes.kernel.adapters.problem_shapes", str(path.resolve()), folder=home, log=home / "stderr"
        )

    def ask(self, setting: Mapping[str, int]) -> dict[str, Any]:
        """Run the problem with one setting of its constants.

        Returns:
            `inputs` and `outputs` (each with `sizes` and `dtype`), `bounds` and `parameters`, or `error`.

        Raises:
            NotAdaptedError: if the process ends, or takes too long.
        """
        try:
            return self._worker.ask(dict(setting), timeout=_SECONDS)
        except WorkerFault as fault:
            why = self._worker.last_error or str(fault)
            what = f"it does not end within {_SECONDS} s" if fault.is_late else f"its process ended: {why}"
            raise NotAdaptedError(what, where=str(self.path)) from None

    def close(self) -> None:
        """End the process."""
        self._worker.close()
        self._home.remove()
