"""Boxed: Python scripts of a program run in a box of the sandbox, with the program's files and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from harness.core.status import Status
from harness.dsl.tools.command import MAX_OUTPUT, Finished
from harness.dsl.tools.fault import ToolFault
from harness.dsl.tools.folder import Folder
from harness.sandbox import codec
from harness.sandbox.fault import BoxFault
from harness.sandbox.limits import MIB, Limits
from harness.sandbox.pool import BoxPool

# Runs inside the box: writes the files, runs the script as `python` would, and returns the changed files.
_RUNNER = (
    b'''
LIMIT = %d
OURS = (".crucible-trace", ".crucible-out", ".crucible-err")
import io, os, sys, traceback


def run(argv, files, variable):
    for path, data in files.items():
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    trace = os.open(".crucible-trace", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.environ[variable] = str(trace)
    out, err = _Limited(1, ".crucible-out"), _Limited(2, ".crucible-err")
    sys.stdin = io.StringIO("")
    sys.stdout = io.TextIOWrapper(out, "utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(err, "utf-8", "backslashreplace", write_through=True)
    code = _execute(argv)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    with open(".crucible-trace", "rb") as file:
        trace_data = file.read()
    out.take()
    err.take()
    return {
        "code": code, "out": out.getvalue(), "err": err.getvalue(), "trace": trace_data, "files": _changed(files),
        "over": out.over or err.over or len(trace_data) > LIMIT,
    }


class _Limited(io.BytesIO):
    """Printed output up to the limit, so that an endless script does not fill the memory. Writes to the descriptor
    go to a file, which is read before each further line, so that the order is kept."""

    def __init__(self, number, path):
        super().__init__()
        self.path, self.over = path, False
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)

    def write(self, data):
        self.take()
        return self.keep(data)

    def keep(self, data):
        self.over = self.over or self.tell() + len(data) > LIMIT
        return len(data) if self.over else super().write(data)

    def take(self):
        if os.path.exists(self.path) and os.stat(self.path).st_size:
            self.over = self.over or os.statvfs(".").f_bavail == 0
            with open(self.path, "rb") as file:
                self.keep(file.read())
            os.truncate(self.path, 0)


def _execute(argv):
    import runpy

    try:
        if argv[0] == "-c":
            sys.argv = ["-c", *argv[2:]]
            exec(compile(argv[1], "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
        else:
            sys.argv = list(argv)
            sys.path.insert(0, os.path.dirname(os.path.abspath(argv[0])))
            runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return (ended.code or 0) & 255
        print(ended.code, file=sys.stderr)
        return 1
    except MemoryError:
        raise
    except BaseException as error:
        lines = traceback.format_exception(error)
        sys.stderr.write(lines[0] + "".join(lines[-3:]))
        return 1
    return 0


def _changed(files):
    found = {}
    for folder, folders, names in os.walk("."):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name))
            if path in OURS or os.path.islink(path) or not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                data = file.read()
            if files.get(path) != data:
                found[path] = data
    return found
'''
    % MAX_OUTPUT
)
TRACE_VARIABLE = "CRUCIBLE_TRACE_FD"


class Boxed:
    """Runs `python script.py ...` and `python -c code ...` in boxes of a pool, one at a time.

    Args:
        memory_mb: Memory of a script in MiB.
    """

    def __init__(self, pool: BoxPool, *, memory_mb: float = 256.0) -> None:
        self._pool, self._memory = pool, memory_mb
        self._lock = threading.Lock()

    @property
    def tier(self) -> str:
        """The isolation tier of the boxes."""
        with self._lock:
            return str(self._pool.tier)

    def run(self, arguments: Sequence[str], folder: Folder, *, seconds: float, hash_seed: int) -> Finished:
        """Run a script; the files that it wrote are in the folder afterwards.

        Args:
            arguments: The words after `python`: a script below the folder, or `-c` and code; then its arguments.
            folder: The program's files; changed files are written back.
            seconds: Limit of its wall time.
            hash_seed: Its PYTHONHASHSEED.

        Raises:
            ToolFault: if there is no such script, or a limit is exceeded.
        """
        if not arguments or (arguments[0].startswith("-") and (arguments[0] != "-c" or len(arguments) < 2)):
            raise ToolFault(Status.WRONG, "in a box python takes a script, or -c and code")
        if arguments[0] != "-c":
            folder.read(arguments[0])  # raises a fault that names the problem
        question = {"argv": list(arguments), "files": folder.files(), "variable": TRACE_VARIABLE}
        limits = Limits(
            call_seconds=seconds,
            total_seconds=seconds + 5,
            cpu_seconds=seconds + 1,
            memory_bytes=int(self._memory * MIB),
            output_bytes=2 * MAX_OUTPUT,
        )
        try:
            with self._lock, self._pool.open(_RUNNER, entry="run", limits=limits, hash_seed=hash_seed) as box:
                answer = box.call(question)
        except BoxFault as fault:
            raise ToolFault(fault.status, f"{arguments[0]}: {fault.why}") from fault
        return _finished(answer.kind, answer.payload, arguments[0], folder)


def _finished(kind: str, payload: bytes, shown: str, folder: Folder) -> Finished:
    """Check the box's answer: the script shares its process, so the answer is untrusted."""
    if kind != "value":
        raise ToolFault(Status.CRASH, f"{shown}: {payload.decode('utf-8', 'replace')[:300]}")
    try:
        result = codec.decode(payload)
    except codec.CodecError as error:
        raise ToolFault(Status.PROTOCOL, f"{shown}: {error}") from error
    files = result.get("files") if isinstance(result, dict) else None
    if not isinstance(files, dict) or not all(type(path) is str for path in files) or type(result["code"]) is not int:
        raise ToolFault(Status.PROTOCOL, f"{shown}: the answer of the box is invalid")
    channels = [result.get(name) for name in ("out", "err", "trace")]
    if not all(isinstance(data, bytes) for data in (*channels, *result["files"].values())):
        raise ToolFault(Status.PROTOCOL, f"{shown}: the answer of the box is invalid")
    if result.get("over") is True:
        raise ToolFault(Status.OUTPUT, f"{shown} printed more than {MAX_OUTPUT >> 20} MiB")
    for path, data in result["files"].items():
        folder.write(path, data)
    return Finished(result["code"], channels[0] or b"", channels[1] or b"", channels[2] or b"")
