"""Tools: the effects a program may have, all inside one folder that is thrown away."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.status import Status

MAX_TEXT = 64 * 1024
_LIMITS = {"CPU": 10, "FSIZE": 1 << 20, "NOFILE": 64, "CORE": 0, "AS": 1 << 30}
_LAUNCH = (
    "import os,resource,sys\n"
    "for name,value in " + repr(_LIMITS) + ".items():\n"
    "    try: resource.setrlimit(getattr(resource,'RLIMIT_'+name),(value,value))\n"
    "    except (ValueError,OSError,AttributeError): pass\n"
    "os.execv(sys.argv[1],sys.argv[1:])\n"
)


class ToolFault(Exception):  # noqa: N818 - the program's fault, not an error of ours
    """A tool did not do what the program asked for."""

    def __init__(self, status: Status, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(f"{status}: {why}")


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of one run.

    Commands run as this user with limits but without a box (tier D), so only two programs exist: `echo` and `python`,
    and Python runs isolated from this environment.

    Attributes:
        folder: All that can be written or read; must exist.
        timeout: Seconds a command may take.
        hash_seed: Of a command's Python; attempts differ in it, so an answer that depends on it shows.
    """

    folder: Path
    timeout: float = 2.0
    hash_seed: int = 0

    def write(self, path: str, content: str) -> str:
        """Write a file below the folder; the result is empty."""
        if len(content) > MAX_TEXT:
            raise ToolFault(Status.OUTPUT, f"{len(content)} characters, at most {MAX_TEXT} are written")
        target = self._inside(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8", newline="")
        except (OSError, UnicodeError) as error:
            raise ToolFault(Status.WRONG, f"cannot write {path}: {_reason(error)}") from error
        return ""

    def read(self, path: str) -> str:
        """The text of a file below the folder."""
        target = self._inside(path)
        try:
            with target.open("rb") as file:
                return _text(file.read(MAX_TEXT + 1))
        except OSError as error:
            raise ToolFault(Status.WRONG, f"cannot read {path}: {_reason(error)}") from error

    def run(self, argv: Sequence[str]) -> str:
        """What a command prints, without the last line break; a command that fails is a fault, never data."""
        if not argv:
            raise ToolFault(Status.WRONG, "the command is empty")
        command = self._command(argv)
        private = self.folder.with_name(self.folder.name + ".out")
        private.mkdir(exist_ok=True)
        try:
            return self._run(command, private, shown=argv[0])
        finally:
            shutil.rmtree(private, ignore_errors=True)

    def _command(self, argv: Sequence[str]) -> list[str]:
        launch = [sys.executable, "-P", "-s", "-S", "-B", "-c", _LAUNCH]
        if argv[0] == "python":
            return [*launch, sys.executable, "-P", "-s", "-S", "-B", "-X", "utf8", *argv[1:]]
        if argv[0] == "echo":
            found = shutil.which("echo", path="/usr/bin:/bin")
            if found:
                return [*launch, found, *argv[1:]]
        raise ToolFault(Status.FORBIDDEN, f"{argv[0]!r} is none of the commands a program has: echo, python")

    def _run(self, command: list[str], private: Path, *, shown: str) -> str:
        out, err = private / "stdout", private / "stderr"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={"PYTHONHASHSEED": str(self.hash_seed), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
            try:
                code = process.wait(self.timeout)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _end(process)
        if code is None:
            raise ToolFault(Status.TIMEOUT, f"{shown} ran longer than {self.timeout:g} s")
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"exited with status {code}"
            # The last line of what it said, without the folder's name: it would make runs differ.
            said = err.read_bytes()[-2000:].decode("utf-8", "replace").replace(str(self.folder), ".").strip()
            raise ToolFault(Status.CRASH, f"{shown} {how}" + (f": {said.splitlines()[-1]}" if said else ""))
        with out.open("rb") as file:
            return _text(file.read(MAX_TEXT + 1)).removesuffix("\n")

    def _inside(self, path: str) -> Path:
        try:
            target = (self.folder / path).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise ToolFault(Status.WRONG, f"{path!r} is no path: {_reason(error)}") from error
        if Path(path).is_absolute() or not target.is_relative_to(self.folder.resolve()):
            raise ToolFault(Status.FORBIDDEN, f"{path} lies outside the program's folder")
        return target


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill all of a group, its leader dead or not, and wait until none of it is left (a second at most)."""
    deadline = time.monotonic() + 1
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        while time.monotonic() < deadline:  # raises as soon as the group is empty
            os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.005)
    process.wait()


def _text(data: bytes) -> str:
    if len(data) > MAX_TEXT:
        raise ToolFault(Status.OUTPUT, f"more than {MAX_TEXT} bytes")
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ToolFault(Status.OUTPUT, f"not UTF-8 at byte {error.start}") from error


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
