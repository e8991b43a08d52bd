"""RootZygote: one process imports for a run, ends with the last one that needs it, and is never a candidate's."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.errors import InfraError
from harness.lanes.kernel.root_zygote import SOCKET
from harness.lanes.kernel.warm_processes import WarmProcesses, root_in
from tests.lanes.kernel.conftest import missing

pytestmark = pytest.mark.skipif(bool(missing), reason="the extra `kernels` is not installed")
REQUEST = {"reference": "torch.relu", "baseline": "torch.relu", "times": 2.0, "questions": [], "answers": []}
ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run; its path is too long for the address of a socket."""
    found = tmp_path / ("long" * 40)
    found.mkdir()
    return found


@pytest.fixture
def two(folder: Path) -> Iterator[tuple[WarmProcesses, WarmProcesses]]:
    """The processes of two workers of one run."""
    with WarmProcesses() as one, WarmProcesses() as other:
        for processes in (one, other):
            processes.share(folder)
        yield one, other


def ask(processes: WarmProcesses) -> int:
    """Ask for a comparison of nothing; returns the process id of the reference process."""
    assert processes.compare(REQUEST | {"folder": "/"}, timeout=60)["answers"] == []
    return processes._running["reference"].worker.pid


def root_pid(folder: Path) -> int:
    return int((folder / "kernels" / "pid").read_text())


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def await_end(pid: int) -> None:
    """Wait for a process that is no child of this one to end."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    assert select.select([descriptor], [], [], 60)[0], "it still runs"
    os.close(descriptor)


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_workers_share_a_root_which_ends_with_the_last_one(two, folder: Path) -> None:
    one, other = two
    held = root_in(folder).hold()
    children = ask(one), ask(other)
    root = root_pid(folder)
    assert [parent_of(child) for child in children] == [root, root]
    assert parent_of(root) == os.getpid()
    one.close()
    assert (is_gone(children[0]), is_gone(root)) == (True, False)
    assert ask(other) == children[1]
    other.close()
    assert (is_gone(children[1]), is_gone(root)) == (True, False)
    other.share(folder)
    ask(other)
    assert root_pid(folder) == root
    held.close()
    assert not is_gone(root)
    other.close()
    assert is_gone(root), "not even a zombie is left"


def test_a_root_that_was_killed_takes_its_processes_along_and_another_one_starts(two, folder: Path) -> None:
    one, other = two
    ended = [root_pid(folder) for processes in two if ask(processes)]
    children = [processes._running["reference"].worker.pid for processes in two]
    os.kill(ended[0], signal.SIGKILL)
    for child in children:
        await_end(child)
    with pytest.raises(InfraError, match=r"reference.* ended"):
        ask(one)
    ask(one)
    assert root_pid(folder) not in ended
    with pytest.raises(InfraError, match=r"reference.* ended"):
        ask(other)
    ask(other)


def test_a_stopped_root_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.lanes.kernel.root_zygote._END_SECONDS", 1.0)
    with WarmProcesses() as processes:
        processes.share(tmp_path)
        child, root = ask(processes), root_pid(tmp_path)
        os.kill(root, signal.SIGSTOP)
    await_end(child)
    assert is_gone(root)


def test_a_root_that_nothing_waits_for_ends_although_it_imports(tmp_path: Path) -> None:
    held = root_in(tmp_path).hold()
    root = root_pid(tmp_path)
    held.close()
    assert is_gone(root)


def test_connections_that_ask_for_nothing_valid_change_nothing(two, folder: Path) -> None:
    one, _ = two
    child, root = ask(one), root_pid(folder)
    place = os.open(folder / "kernels", os.O_RDONLY)
    address = f"/proc/self/fd/{place}/{SOCKET}"
    for message in (b"", b"no JSON", b"{}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(address)
            connection.send(message)
            connection.shutdown(socket.SHUT_WR)
            assert b'"is_last": false' in connection.recv(1000)
    wrong = json.dumps({"module": "os", "arguments": [], "folder": "/", "environment": {}}).encode()
    for message, said in ((b"no JSON", "JSONDecodeError"), (wrong, "os is not one of")):
        read, write = os.pipe()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection, Path(os.devnull).open("r+b") as null:
            connection.connect(address)
            socket.send_fds(connection, [message], [null.fileno(), null.fileno(), write])
            os.close(write)
            with os.fdopen(read) as log:
                assert said in log.read()
    os.close(place)
    assert (ask(one), root_pid(folder)) == (child, root)


def test_the_root_outlives_the_worker_that_started_it_and_ends_when_all_were_killed(tmp_path: Path) -> None:
    source = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from harness.lanes.kernel.warm_processes import WarmProcesses
        processes = WarmProcesses()
        processes.share(Path({str(tmp_path)!r}))
        processes.compare({REQUEST | {"folder": "/"}!r}, timeout=60)
        print(processes._running["reference"].worker.pid, flush=True)
        time.sleep(600)
    """)
    workers, children = [], []
    for _ in range(2):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        workers.append(subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, env=environment))
        children.append(int(workers[-1].stdout.readline()))
    root = root_pid(tmp_path)
    workers[0].kill()
    await_end(children[0])
    with WarmProcesses() as processes:
        processes.share(tmp_path)
        ask(processes)
        assert root_pid(tmp_path) == root
    workers[1].kill()
    await_end(children[1])
    await_end(root)
    for worker in workers:
        worker.wait()
        worker.stdout.close()


def test_a_root_that_cannot_import_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "harness.lanes.kernel.root_zygote.interpreter_command",
        lambda *_: [sys.executable, "-c", "raise ImportError('no torch')"],
    )
    with WarmProcesses() as processes:
        processes.share(tmp_path)
        with pytest.raises(InfraError, match=r"(ended|started): ImportError: no torch"):
            processes.compare(REQUEST | {"folder": "/"}, timeout=60)


CANDIDATE = """
import os
def run():
    raise ValueError(os.getppid())
"""


def test_a_candidate_runs_in_no_process_from_which_another_is_forked(job) -> None:
    """The parent of its process is a zygote, whose parent is the root; what compares has the root as parent."""
    from tests.lanes.kernel.test_warm_processes import record

    asked, answer, _ = record(job, CANDIDATE)
    running = asked.processes._running
    ask(asked.processes)
    zygote, reference = (running[name].worker.pid for name in ("zygote", "reference"))
    assert f"ValueError: {zygote}" in answer
    assert parent_of(zygote) == parent_of(reference) != zygote
    assert not Path(f"/proc/{zygote}/task/{zygote}/children").read_text()
