"""Commands run on this machine with limits but without a box; a user or suite must grant the program."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from harness.core.status import Status
from harness.dsl.plain import plain
from harness.dsl.tools.fault import ToolFault
from harness.dsl.tools.trace_lines import VARIABLE
from harness.sandbox.quota import Quota, Watch

MAX_OUTPUT = 16 << 20  # maximum bytes of stdout, stderr and trace, each
QUOTA = Quota(1 << 30, 20_000)  # what the folder of a command may hold while it runs
_LAUNCH = (
    "import os,resource,sys\n"
    "for name,value in (('CPU',int(sys.argv[1])),('CORE',0),('FSIZE',int(sys.argv[2]))):\n"
    "    try: resource.setrlimit(getattr(resource,'RLIMIT_'+name),(value,value))\n"
    "    except (ValueError,OSError,AttributeError): pass\n"
    "os.execvp(sys.argv[3],sys.argv[3:])\n"
)


@plain
class Finished:
    """Exit status and complete output of a command that ended in time."""

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
    interrupted: threading.Event | None = None,
) -> Finished:
    """Run a command in a folder and wait until no process of its group is left.

    Args:
        argv: The program, looked up in PATH, and its arguments; no shell is used.
        seconds: Limit of its wall time.
        hash_seed: Its PYTHONHASHSEED.
        interrupted: When it is set, the command is ended.

    Raises:
        ToolFault: if it cannot be started, takes too long, prints too much or writes too much.
    """
    if shutil.which(argv[0]) is None:
        raise ToolFault(Status.WRONG, f"there is no program {argv[0]!r}")
    read, write = os.pipe()
    limits = [str(max(1, int(seconds) + 1)), str(QUOTA.bytes)]
    launch = [sys.executable, "-P", "-s", "-S", "-B", "-c", _LAUNCH, *limits, *argv]
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
        watch = Watch(QUOTA, folder, group=process.pid)
        output = _read_output(process, read, argv[0], seconds, interrupted=interrupted, watch=watch)
        return Finished(process.returncode, *output)
    finally:
        _kill_group(process)
        os.close(read)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _read_output(
    process: subprocess.Popen[bytes],
    trace: int,
    shown: str,
    seconds: float,
    *,
    interrupted: threading.Event | None,
    watch: Watch,
) -> tuple[bytes, bytes, bytes]:
    deadline = time.monotonic() + seconds
    channels = [
        process.stdout.fileno() if process.stdout else -1,
        process.stderr.fileno() if process.stderr else -1,
        trace,
    ]
    output = {channel: bytearray() for channel in channels}
    with selectors.DefaultSelector() as selector:
        for channel in channels:
            selector.register(channel, selectors.EVENT_READ)
        leader_ended = 0.0
        while selector.get_map():
            left = deadline - time.monotonic()
            if interrupted is not None and interrupted.is_set():
                raise ToolFault(Status.TIMEOUT, f"{shown} was ended with its run")
            if left <= 0:
                raise ToolFault(Status.TIMEOUT, f"{shown} ran longer than {seconds:g} s")
            _check_disk(watch, shown)
            if process.poll() is not None:
                # A remaining child process may keep the pipes open: read what is in them for 0.2 s, then stop waiting.
                leader_ended = leader_ended or time.monotonic()
                if time.monotonic() - leader_ended > 0.2:
                    break
            for key, _ in selector.select(min(left, 0.05 if leader_ended else 0.1)):
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fd)
                    continue
                output[key.fd] += data
                if len(output[key.fd]) > MAX_OUTPUT:
                    raise ToolFault(Status.OUTPUT, f"{shown} printed more than {MAX_OUTPUT >> 20} MiB")
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise ToolFault(Status.TIMEOUT, f"{shown} ran longer than {seconds:g} s") from None
    _check_disk(watch, shown, now=True)
    return bytes(output[channels[0]]), bytes(output[channels[1]]), bytes(output[channels[2]])


def _check_disk(watch: Watch, shown: str, *, now: bool = False) -> None:
    if excess := watch.excess(now=now):
        raise ToolFault(Status.OUTPUT, f"{shown} {excess} in the program's folder")


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill all processes of a group and wait until none is left, at most a second."""
    deadline = time.monotonic() + 1
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:  # raises as soon as the group is empty
            os.killpg(process.pid, signal.SIGKILL)
            process.poll()
            time.sleep(0.005)
    process.wait()
