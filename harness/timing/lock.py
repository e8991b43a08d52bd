"""FairLock: a lock between all sessions of this user on this machine, so that nobody works while somebody measures.

Ordinary items hold it shared, timed ones exclusively. Two files make it fair: whoever wants it exclusively takes
the gate file first, so that new readers wait while the current ones finish. The kernel drops a dead holder's locks, so
`kill -9` leaves nothing behind. Each GPU has a lock of its own, named `gpu-<uuid>`.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import flock
from pathlib import Path

from harness.core.errors import InfraError

MACHINE = "machine"
PATIENCE = 600.0
"""Seconds after which somebody who wants the lock goes on without it, and says so: a stopped process (Ctrl-Z) must not
hang every session on the machine."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What became of a wish for the lock.

    Attributes:
        waited: Seconds until it was granted.
        problem: Why it is not held after all; empty when it is.
    """

    waited: float = 0.0
    problem: str = ""


FREE = Hold()
SHARED, ALONE = fcntl.LOCK_SH | fcntl.LOCK_NB, fcntl.LOCK_EX | fcntl.LOCK_NB


class FairLock:
    """One lock. Re-entrant: whatever this process holds already satisfies a wish for the same or for less.

    A wish for more while the lock is held shared gives the share back first, and takes it again afterwards; otherwise
    two processes that both wish for more would wait for each other for ever. The threads of a process count as one.

    Args:
        name: What it protects.
        folder: Where its files lie; by default a folder of this user.
        patience: Seconds to wait at most.
    """

    def __init__(self, name: str = MACHINE, *, folder: Path | None = None, patience: float = PATIENCE) -> None:
        self.name, self.patience = name, patience
        self._folder = folder
        self._gate = self._room = -1
        self._paths: dict[str, Path] = {}
        self._problem = ""
        self._depth = 0  # of shared holds
        self._exclusive: Hold | None = None
        os.register_at_fork(after_in_child=self._forget)

    @contextmanager
    def shared(self) -> Iterator[Hold]:
        """Hold it together with others."""
        if self._exclusive is not None or self._depth:
            self._depth += 1
            hold = FREE
        else:
            hold = self._enter()
            self._depth = 1
        try:
            yield hold
        finally:
            self._depth -= 1
            if not self._depth and self._exclusive is None and self._room >= 0:
                flock(self._room, fcntl.LOCK_UN)

    @contextmanager
    def exclusive(self) -> Iterator[Hold]:
        """Hold it alone. Inside another exclusive hold, the outer one's waiting time is reported."""
        if self._exclusive is not None:
            yield self._exclusive
            return
        if self._depth:
            self._leave()
        self._exclusive = hold = self._enter_alone()
        try:
            yield hold
        finally:
            self._exclusive = None
            self._leave()
            if self._depth:
                self._enter()

    # The two files

    def _enter(self) -> Hold:
        if self._gate < 0 and not self._open():
            return Hold(problem=self._problem)
        # Through the machine_lock, which is shut while somebody is alone or waits to be, then into the room.
        try:
            flock(self._gate, SHARED)
            flock(self._room, SHARED)
        except BlockingIOError:
            return self._wait(fcntl.LOCK_SH)
        finally:
            flock(self._gate, fcntl.LOCK_UN)
        return FREE

    def _enter_alone(self) -> Hold:
        if self._gate < 0 and not self._open():
            return Hold(problem=self._problem)
        try:
            flock(self._gate, ALONE)
            flock(self._room, ALONE)
        except BlockingIOError:
            return self._wait(fcntl.LOCK_EX)
        return FREE

    def _wait(self, operation: int) -> Hold:
        started = time.monotonic()
        self._leave()  # new files are locked from here on, and these would stand in their way
        for part in ("_gate", "_room"):
            left = self.patience - (time.monotonic() - started)
            granted = _Queue(self._paths[part], operation).wait(left)
            if granted < 0:
                self._leave()
                why = f"another session held the {self.name} lock for more than {self.patience:g} s"
                return Hold(time.monotonic() - started, why)
            os.close(getattr(self, part))
            setattr(self, part, granted)
        if operation == fcntl.LOCK_SH:
            flock(self._gate, fcntl.LOCK_UN)
        return Hold(time.monotonic() - started)

    def _leave(self) -> None:
        if self._gate >= 0:
            flock(self._room, fcntl.LOCK_UN)
            flock(self._gate, fcntl.LOCK_UN)

    def _open(self) -> bool:
        if self._problem:
            return False
        try:
            folder = lock_folder() if self._folder is None else own_folder(self._folder)
            stem = re.sub(r"[^A-Za-z0-9_.-]", "-", self.name)
            self._paths = {part: folder / f"{stem}.{part[1:]}" for part in ("_gate", "_room")}
            self._gate, self._room = (_open(path) for path in self._paths.values())
        except (OSError, InfraError) as error:
            self._problem = f"no lock between sessions: {error}"
            return False
        return True

    def _forget(self) -> None:
        # A child shares our open files: unlocking there would unlock here. It may only let go of them.
        for file in (self._gate, self._room):
            if file >= 0:
                os.close(file)
        self._gate = self._room = -1
        self._depth, self._exclusive = 0, None


class _Queue:
    """Waits in the kernel's queue, which is fair and prompt, on a thread that can be given up.

    It waits with a file of its own: given up, it must not touch what the process holds by then.
    """

    def __init__(self, path: Path, operation: int) -> None:
        self._file, self._operation = _open(path), operation
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._granted = self._given_up = False

    def wait(self, seconds: float) -> int:
        """The locked file, or -1 if it took too long."""
        threading.Thread(target=self._block, name="crucible-lock", daemon=True).start()
        try:
            self._over.wait(max(0.0, seconds))
        finally:  # also on Ctrl-C
            with self._guard:
                self._given_up = not self._granted
        return self._file if self._granted else -1

    def _block(self) -> None:
        try:
            flock(self._file, self._operation)
            with self._guard:
                self._granted = not self._given_up
        finally:
            if not self._granted:
                os.close(self._file)
            self._over.set()


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


_TURNSTILES: dict[str, FairLock] = {}


def machine_lock(name: str = MACHINE) -> FairLock:
    """This process's part of a lock: always the same object, or it would wait for itself."""
    if name not in _TURNSTILES:
        _TURNSTILES[name] = FairLock(name)
    return _TURNSTILES[name]


def lock_folder() -> Path:
    """The folder of this user's locks, the same for all of the user's sessions.

    Raises:
        InfraError: if it belongs to somebody else, who could then hold us up.
    """
    user = os.geteuid()
    # `sudo -E` and `su` keep the variable of the user they come from, cron has none.
    for base in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{user}"):
        if base and _is_own(Path(base)):
            return own_folder(Path(base) / "crucible")
    return own_folder(Path(tempfile.gettempdir()) / f"crucible-locks-{user}")


def own_folder(folder: Path) -> Path:
    """A folder that only this user may enter, made if need be.

    Raises:
        InfraError: if it is somebody else's, open to others, or no folder.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InfraError(f"cannot be made: {error.strerror}", where=str(folder)) from None
    if not _is_own(folder) or folder.lstat().st_mode & 0o077:
        raise InfraError(
            "belongs to somebody else, or is open to others", where=str(folder), fix="remove it, or set XDG_RUNTIME_DIR"
        )
    return folder


def _is_own(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and os.access(folder, os.W_OK)
