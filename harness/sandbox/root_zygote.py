"""RootZygote: the parent's handle on the interpreter from which the zygotes of one hash seed are forked."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from harness.core.errors import InfraError, ProcessEndedError
from harness.sandbox import root
from harness.sandbox.control import ChildProcess, Control
from harness.sandbox.wire import REQUEST

PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])
BOOTSTRAP = (
    "import sys; sys.path.insert(0, sys.argv[1]); from harness.sandbox import zygote; "
    "zygote.hide_origin(); zygote.main(sys.argv[1], int(sys.argv[2]))"
)


class RootZygote(Control):
    """One interpreter, started by exec. It activates no layer and runs no subject: it only forks zygotes.

    Args:
        hash_seed: PYTHONHASHSEED of the interpreter, its zygotes and all their boxes.

    Attributes:
        pid: Its process id.
        version: Its `sys.version`.

    Raises:
        InfraError: if the interpreter cannot be started.
    """

    def __init__(self, hash_seed: int) -> None:
        self.hash_seed = hash_seed
        ours, theirs = socket.socketpair()
        environment = {"PYTHONHASHSEED": str(hash_seed), "LANG": "C.UTF-8", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
        environment["LD_BIND_NOW"] = "1"  # else the dynamic linker looks up the same symbols again in each box
        if os.environ.get("LD_LIBRARY_PATH") and not root.interpreter_libraries():
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        command = [sys.executable, "-P", "-s", "-S", "-B", "-c", BOOTSTRAP, PACKAGE_ROOT, str(theirs.fileno())]
        try:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            fix = "use an interpreter that this user can execute"
            raise InfraError(f"the zygote cannot be started: {error}", where=sys.executable, fix=fix) from error
        finally:
            theirs.close()
        super().__init__(ours)
        self.pid = self._process.pid
        try:
            self.version = self._greeting()
        except BaseException:
            self.close()
            raise

    def _greeting(self) -> str:
        try:
            return str(self.receive_json()["version"])
        except OSError as error:
            self._process.kill()
            said = self._process.stderr.read(2000).decode("utf-8", "replace") if self._process.stderr else ""
            last = said.strip().splitlines()[-1:] or [str(error)]
            fix = "`crucible doctor` says what this machine lets a box do"
            raise ProcessEndedError(f"the zygote did not start: {last[0]}", where=sys.executable, fix=fix) from error
        finally:
            if self._process.stderr is not None:
                self._process.stderr.close()

    def fork_zygote(self) -> tuple[ChildProcess, socket.socket]:
        """Fork a zygote, which waits for its configuration on the returned socket.

        Raises:
            InfraError: if it cannot be forked.
        """
        ours, theirs = socket.socketpair()
        try:
            return self.fork(REQUEST.pack(b"O", True, 0, 0, 0), (theirs.fileno(),)), ours
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()

    def close(self) -> None:
        """End the interpreter; its zygotes go on until their own sockets are closed."""
        self.hang_up()
        deadline = time.monotonic() + 1.0
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0005)
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
