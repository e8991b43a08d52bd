"""Termination: SIGTERM ends a run as Ctrl-C does: rows are flushed, the run is marked aborted, boxes are reaped."""

from __future__ import annotations

import signal
import threading
from typing import Any


class Termination:
    """A handler for SIGTERM, in place from the first suite until pytest is done; a handler of another plugin stays.

    Attributes:
        came: Whether the signal came.
    """

    def __init__(self) -> None:
        self.came = False
        self._ours = False
        alone = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        if alone and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._interrupt)
            self._ours = True

    def release(self) -> None:
        """Give the signal back."""
        if self._ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._ours = False

    def _interrupt(self, _number: int, _frame: Any) -> None:
        # A second one, while everything is being stored, must not tear that apart; SIGKILL is for the impatient.
        if not self.came:
            self.came = True
            raise KeyboardInterrupt
