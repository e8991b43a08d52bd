"""Hard timeout: a kernel timer ends a process that cannot be interrupted, after its Python stack was written.

While the interpreter is inside a C call, no Python code can run: neither a handler nor another thread. A POSIX timer
needs neither: on its signal, faulthandler's handler, written in C, writes the Python stack to a file, and the signal's
default action ends the process. On a system without such timers there is no hard timeout.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import re
import signal
from pathlib import Path
from typing import IO, Any

MARK = "overdue-"
"""Prefix of the files in the run's folder that hold the stacks of ended processes."""
MAX_SHOWN = 3
"""Frames of the stack that a message names."""
_MONOTONIC, _BY_SIGNAL = 1, 0  # CLOCK_MONOTONIC, SIGEV_SIGNAL
_FRAME = re.compile(r'^  File "(?P<file>[^"]*)", line (?P<line>\d+) in (?P<name>.*)$', re.MULTILINE)


class _Event(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("padding", ctypes.c_char * 48),
    )


class _Seconds(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Times(ctypes.Structure):
    _fields_ = (("interval", _Seconds), ("value", _Seconds))


class _Timer:
    """One timer of this process; forked processes have none."""

    def __init__(self) -> None:
        self.pid, self.times, self.id = os.getpid(), _Times(), ctypes.c_void_p()
        self._library = ctypes.CDLL(None, use_errno=True)
        event = _Event(signal=signal.SIGVTALRM, notify=_BY_SIGNAL)
        if self._library.timer_create(_MONOTONIC, ctypes.byref(event), ctypes.byref(self.id)):
            raise OSError(ctypes.get_errno(), "timer_create")
        faulthandler.register(signal.SIGVTALRM, file=_file or 2, all_threads=False, chain=True)

    def close(self) -> None:
        """Delete the timer and restore the signal's action."""
        if self.pid == os.getpid():
            self._library.timer_delete(self.id)
            faulthandler.unregister(signal.SIGVTALRM)

    def set(self, seconds: float) -> None:
        """Send the signal once after `seconds`; 0 disarms the timer."""
        self.times.value.seconds, self.times.value.nanoseconds = int(seconds), int(seconds % 1 * 1e9)
        self._library.timer_settime(self.id, 0, ctypes.byref(self.times), None)


_timer: _Timer | None = None
_possible = hasattr(signal, "SIGVTALRM") and hasattr(faulthandler, "register")
_file: IO[bytes] | None = None
_folder: Path | None = None


def prepare(config: Any, folder: str | None) -> None:
    """Choose where the stack of this process is written: a worker's in the run's folder, any other's on stderr.

    Args:
        config: pytest's.
        folder: The folder that the processes of the run share, if there are several.
    """
    global _file
    forget()
    if folder is not None and hasattr(config, "workerinput"):
        meet_in(Path(folder))
        _file = (Path(folder) / f"{MARK}{config.workerinput['workerid']}").open("ab", buffering=0)
        return
    capture = config.pluginmanager.get_plugin("capturemanager")
    # A copy of the real stderr, because pytest captures stderr while an item runs.
    with contextlib.suppress(OSError), capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
        _file = os.fdopen(os.dup(2), "wb", buffering=0)


def meet_in(folder: Path) -> None:
    """Set the folder that holds the stacks of the other processes of the run."""
    global _folder
    _folder = folder


def forget() -> None:
    """Delete the timer and close the file for stacks, at the end of the run."""
    global _file, _folder, _timer
    if _timer is not None:
        _timer.close()
    if _file is not None:
        _file.close()
    _file = _folder = _timer = None


def end_in(seconds: float | None) -> None:
    """End this process after `seconds`; None disarms the timer."""
    global _timer, _possible
    if not _possible or (seconds is None and _timer is None):
        return
    if _timer is None or _timer.pid != os.getpid():
        try:
            _timer = _Timer()
        except (OSError, AttributeError, RuntimeError):  # no such system call, or no such descriptor
            _possible = False
            return
    _timer.set(seconds or 0.0)


def reason_of(crash: str) -> str:
    """Why a worker was ended, from the stack that it wrote.

    Args:
        crash: The message of xdist on a worker that died.

    Returns:
        One sentence; empty if no stack was written.
    """
    died = re.match(r"worker '(\w+)' crashed", crash)
    text = _read(_folder / f"{MARK}{died[1]}") if _folder is not None and died else ""
    frames = [f"{frame['file']}:{frame['line']} {frame['name']}" for frame in _FRAME.finditer(text)][:MAX_SHOWN]
    return f"trusted code did not return and could not be interrupted, at {' < '.join(frames)}" if frames else ""


def ended_in(path: Path) -> str:
    """The function and line of a file in which a process of this run was ended; empty if none was."""
    files = sorted(_folder.glob(f"{MARK}*")) if _folder is not None else []
    for text in map(_read, files):
        for frame in _FRAME.finditer(text):
            if frame["file"] == str(path):
                return f"{frame['name']}, line {frame['line']}"
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
