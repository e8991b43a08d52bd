"""Termination: SIGTERM ends a run as Ctrl-C does: rows are flushed, the run is marked aborted, boxes are reaped."""

from __future__ import annotations

import signal
import threading
from typing import Any


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
