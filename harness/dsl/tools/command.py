"""Command: a program run on this machine, for suites and users who grant it: limits, but no box."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.core.status import Status
from harness.dsl.plain import plain
from harness.dsl.tools.fault import ToolFault
from harness.dsl.tools.trace_lines import VARIABLE

MAX_OUTPUT = 16 << 20
"""Bytes of stdout, stderr and trace, each."""
_LAUNCH = (
    "import os,resource,sys\n"
    "for name,value in (('CPU',int(sys.argv[1])),('CORE',0),('FSIZE',1<<30)):\n"
    "    try: resource.setrlimit(getattr(resource,'RLIMIT_'+name),(value,value))\n"
    "    except (ValueError,OSError,AttributeError): pass\n"
    "os.execvp(sys.argv[2],sys.argv[2:])\n"
)


@plain
class Finished:
    """A command that ended in time; what it said, whole."""

    code: int
    out: bytes
    err: bytes
    trace: bytes


def run_command(
    argv: Sequence[str],
    folder: Path,
    *,
    seconds: float,
    hash_seed: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run a command in a folder and wait until nothing of it is left.

    Args:
        argv: The program, looked up in PATH, and its arguments; no shell ever sees them.
        folder: Its working directory.
        seconds: Wall time it may take.
        hash_seed: PYTHONHASHSEED of it.
        environment: What it gets beside PATH, HOME, locale and the trace descriptor's number.

    Raises:
        ToolFault: if it cannot be started, takes too long or says too much.
    """
    if shutil.which(argv[0]) is None:
        raise ToolFault(Status.WRONG, f"there is no program {argv[0]!r}")
    read, write = os.pipe()
    launch = [sys.executable, "-P", "-s", "-S", "-B", "-c", _LAUNCH, str(max(1, int(seconds) + 1)), *argv]
    try:
        process = subprocess.Popen(
            launch,
            cwd=folder,
            env={
                "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
                "HOME": str(folder),
                "LC_ALL": "C.UTF-8",
                "PYTHONHASHSEED": str(hash_seed),
                "PYTHONDONTWRITEBYTECODE": "1",
                VARIABLE: str(write),
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(write,),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        os.close(read)
        raise ToolFault(Status.WRONG, f"{argv[0]} cannot be started: {error}") from error
    finally:
        os.close(write)
    try:
        said = _listen(process, read, argv[0], seconds)
        return Finished(process.returncode, *said)
    finally:
        _end(process)
        os.close(read)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _listen(process: subprocess.Popen[bytes], trace: int, shown: str, seconds: float) -> tuple[bytes, bytes, bytes]:
    deadline = time.monotonic() + seconds
    channels = [
        process.stdout.fileno() if process.stdout else -1,
        process.stderr.fileno() if process.stderr else -1,
        trace,
    ]
    said = {channel: bytearray() for channel in channels}
    with selectors.DefaultSelector() as selector:
        for channel in channels:
            selector.register(channel, selectors.EVENT_READ)
        leader_gone = 0.0
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise ToolFault(Status.TIMEOUT, f"{shown} ran longer than {seconds:g} s")
            if process.poll() is not None:
                # The pipes may stay open in a process it left behind; what is in them is read, then nobody waits.
                leader_gone = leader_gone or time.monotonic()
                if time.monotonic() - leader_gone > 0.2:
                    break
            for key, _ in selector.select(min(left, 0.05 if leader_gone else 0.5)):
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fd)
                    continue
                said[key.fd] += data
                if len(said[key.fd]) > MAX_OUTPUT:
                    raise ToolFault(Status.OUTPUT, f"{shown} printed more than {MAX_OUTPUT >> 20} MiB")
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise ToolFault(Status.TIMEOUT, f"{shown} ran longer than {seconds:g} s") from None
    return bytes(said[channels[0]]), bytes(said[channels[1]]), bytes(said[channels[2]])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill all of a group, its leader dead or not, and wait until none of it is left (a second at most)."""
    deadline = time.monotonic() + 1
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:  # raises as soon as the group is empty
            os.killpg(process.pid, signal.SIGKILL)
            process.poll()
            time.sleep(0.005)
    process.wait()
