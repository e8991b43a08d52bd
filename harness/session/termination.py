"""Termination: SIGTERM ends a run as Ctrl-C does: rows are flushed, the run is marked aborted, boxes are reaped."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest


class Termination:
    """A handler for SIGTERM, installed from the first suite until pytest ends; a handler of another plugin is kept.

    Attributes:
        came: Whether the signal was received.
    """

    def __init__(self) -> None:
        self.came = False
        self._ours = False
        alone = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        if alone and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._interrupt)
            self._ours = True

    def release(self) -> None:
        """Restore the default action of SIGTERM, if this handler replaced it."""
        if self._ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._ours = False

    def _interrupt(self, _number: int, _frame: Any) -> None:
        # A second signal must not interrupt the storing of results; SIGKILL still ends the process at once.
        if not self.came:
            self.came = True
            raise KeyboardInterrupt


def drain(config: pytest.Config, record: Callable[[pytest.TestReport], None]) -> None:
    """Record the reports that workers had sent before Ctrl-C and xdist had not read yet."""
    distributed = config.pluginmanager.get_plugin("dsession")
    events = getattr(distributed, "queue", None)
    while events is not None:
        try:
            name, arguments = events.get_nowait()
        except queue.Empty:
            return
        if name == "testreport":
            record(arguments["rep"])
