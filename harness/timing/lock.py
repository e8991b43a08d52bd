"""FairLock: a fair readers-writer lock between all sessions of this user on this machine.

Ordinary items hold the lock shared, timed items exclusively, so no session works while another one measures. Two files
make it fair: an exclusive request locks the gate file first, so new readers wait until the current ones have finished.
The kernel releases the locks of a process that ends, so `kill -9` leaves no lock. Each GPU has its own lock, named
`gpu-<uuid>`.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import flock
from pathlib import Path

from harness.core.errors import InfraError
from harness.core.resources import start_thread

MACHINE = "machine"
PATIENCE = 600.0
"""Seconds after which a request continues without the lock and reports it: a stopped process (Ctrl-Z) must not hang
every session on the machine."""
NOTICE_AFTER = 10.0  # seconds of waiting after which the user is notified


@dataclass(frozen=True, slots=True)
class Hold:
    """The outcome of a request for the lock.

    Attributes:
        waited: Seconds until the lock was granted or given up.
        problem: Why the lock is not held; empty when it is held.
    """

    waited: float = 0.0
    problem: str = ""


GRANTED_AT_ONCE = Hold()
SHARED, EXCLUSIVE = fcntl.LOCK_SH | fcntl.LOCK_NB, fcntl.LOCK_EX | fcntl.LOCK_NB


def _print_notice(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


_tell: Callable[[str], object] = _print_notice


def notices_to(tell: Callable[[str], object] = _print_notice) -> None:
    """Where `notice` goes, by default to standard error: a pytest run has its terminal, a judge its owner."""
    global _tell
    _tell = tell


def notice(text: str) -> None:
    """Tell the user that this process, or a judge process of it, waits for a lock."""
    with suppress(OSError, ValueError):  # a closed terminal or stream ends no judging
        _tell(text)


class FairLock:
    """One lock. It is re-entrant: a hold of this process satisfies further requests for the same or a weaker hold.

    An exclusive request inside a shared hold releases the shared hold first and acquires it again afterwards.
    Otherwise two processes that upgrade at the same time would wait for each other forever. All threads of a process
    share one hold.

    Args:
        name: Name of the protected resource.
        folder: Folder of the lock files; by default a folder of this user.
        patience: Maximum waiting time in seconds.
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
        """Hold the lock shared, together with other readers."""
        if self._exclusive is not None or self._depth:
            self._depth += 1
            hold = GRANTED_AT_ONCE
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
        """Hold the lock exclusively. Inside another exclusive hold, the outer hold is returned."""
        if self._exclusive is not None:
            yield self._exclusive
            return
        if self._depth:
            self._leave()
        self._exclusive = hold = self._enter_exclusive()
        try:
            yield hold
        finally:
            self._exclusive = None
            self._leave()
            if self._depth:
                self._enter()

    @property
    def is_wanted(self) -> bool:
        """Whether another session waits for the lock exclusively, so that a long hold should be given up soon."""
        if self._gate < 0:
            return False
        try:
            flock(self._gate, SHARED)
        except BlockingIOError:
            return True
        flock(self._gate, fcntl.LOCK_UN)
        return False

    # The two files

    def _enter(self) -> Hold:
        if self._gate < 0 and not self._open():
            return Hold(problem=self._problem)
        # A writer holds the gate while it works or waits, so a reader passes the gate first and then locks the room.
        try:
            flock(self._gate, SHARED)
            flock(self._room, SHARED)
        except BlockingIOError:
            return self._wait_for_both(fcntl.LOCK_SH)
        finally:
            flock(self._gate, fcntl.LOCK_UN)
        return GRANTED_AT_ONCE

    def _enter_exclusive(self) -> Hold:
        if self._gate < 0 and not self._open():
            return Hold(problem=self._problem)
        try:
            flock(self._gate, EXCLUSIVE)
            flock(self._room, EXCLUSIVE)
        except BlockingIOError:
            return self._wait_for_both(fcntl.LOCK_EX)
        return GRANTED_AT_ONCE

    def _wait_for_both(self, operation: int) -> Hold:
        started = time.monotonic()
        self._leave()  # `_Queue` locks with new file descriptions, which locks held by the old ones would block
        for part in ("_gate", "_room"):
            left = self.patience - (time.monotonic() - started)
            granted = _Queue(self._paths[part], operation).wait(left, self._describe_wait)
            if granted < 0:
                self._leave()
                why = f"another session held the {self.name} lock for more than {self.patience:g} s"
                return Hold(time.monotonic() - started, why)
            os.close(getattr(self, part))
            setattr(self, part, granted)
        if operation == fcntl.LOCK_SH:
            flock(self._gate, fcntl.LOCK_UN)
        return Hold(time.monotonic() - started)

    def _describe_wait(self) -> str:
        what = "measures times on this machine" if self.name == MACHINE else f"uses {self.name}"
        return f"notice: judging waits while another process {what}; it goes on after {self.patience:g} s at the latest"

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
        # A child shares the open file descriptions: unlocking there would unlock here, so it only closes them.
        for file in (self._gate, self._room):
            if file >= 0:
                os.close(file)
        self._gate = self._room = -1
        self._depth, self._exclusive = 0, None


class _Queue:
    """Waits for a lock in the kernel's queue, which is fair and prompt, on a thread that the caller can abandon.

    The thread uses a file description of its own: after it was abandoned, it must not change the process's locks.
    """

    def __init__(self, path: Path, operation: int) -> None:
        self._file, self._operation = _open(path), operation
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._granted = self._given_up = False

    def wait(self, seconds: float, description: Callable[[], str]) -> int:
        """The descriptor of the locked file, or -1 after `seconds` without the lock.

        Args:
            description: The notice to the user after `NOTICE_AFTER`.

        Raises:
            InfraError: if no thread can be started.
        """
        try:
            start_thread(self._block, name="crucible-lock")
        except InfraError:
            os.close(self._file)
            raise
        try:
            if not self._over.wait(min(NOTICE_AFTER, max(0.0, seconds))) and seconds > NOTICE_AFTER:
                notice(description())
                self._over.wait(seconds - NOTICE_AFTER)
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


_LOCKS: dict[str, FairLock] = {}


def machine_lock(name: str = MACHINE) -> FairLock:
    """The lock with this name; one object per process, since two objects would wait for each other."""
    if name not in _LOCKS:
        _LOCKS[name] = FairLock(name)
    return _LOCKS[name]


def lock_folder() -> Path:
    """The folder of this user's locks, the same for all sessions of the user.

    Raises:
        InfraError: if the folder belongs to another user, who could then block this session.
    """
    user = os.geteuid()
    # `sudo -E` and `su` keep the variable of the calling user; cron sets none.
    for base in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{user}"):
        if base and _is_own(Path(base)):
            return own_folder(Path(base) / "crucible")
    return own_folder(Path(tempfile.gettempdir()) / f"crucible-locks-{user}")


def own_folder(folder: Path) -> Path:
    """Return a folder that only this user can enter; create it if it is missing.

    Raises:
        InfraError: if it belongs to another user, is accessible to others, or is not a folder.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InfraError(f"cannot be created: {error.strerror}", where=str(folder)) from None
    if not _is_own(folder) or folder.lstat().st_mode & 0o077:
        fix = "remove it, or set XDG_RUNTIME_DIR"
        raise InfraError("belongs to another user or is accessible to others", where=str(folder), fix=fix)
    return folder


def _is_own(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and os.access(folder, os.W_OK)
