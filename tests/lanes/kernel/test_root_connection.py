"""Root: one process imports for a run, ends with the last one that needs it, and is never a candidate's."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.core.errors import InfraError
from harness.lanes.kernel.root_connection import SOCKET
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


def ask(processes: WarmProcesses) -> None:
    """Ask for a comparison of nothing."""
    assert processes.ask("compare", REQUEST | {"folder": "/"}, timeout=60)["answers"] == []


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


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_workers_share_a_root_which_ends_with_the_last_one(two, folder: Path) -> None:
    one, other = two
    held = root_in(folder).connect()
    ask(one)
    root = root_pid(folder)
    ask(other)
    assert (root_pid(folder), parent_of(root), children_of(root)) == (root, os.getpid(), [])
    one.close()
    assert not is_gone(root)
    other.close()
    assert not is_gone(root)
    other.share(folder)
    ask(other)
    assert root_pid(folder) == root
    held.close()
    assert not is_gone(root)
    other.close()
    assert is_gone(root), "not even a zombie is left"


@pytest.fixture
def endless(tmp_path: Path) -> dict[str, object]:
    """A question whose answer takes for ever, and that starts another process, in a session of its own."""
    (tmp_path / "endless.py").write_text(
        "import subprocess, time\nsubprocess.Popen(['sleep', '900'], start_new_session=True)\ntime.sleep(900)\n"
    )
    return {"problem": str(tmp_path / "endless.py"), "setting": {}}


def await_grandchild(root: int) -> list[int]:
    """The processes of the only question that a root answers, as soon as there are two."""
    while len(found := [one for child in children_of(root) for one in (child, *children_of(child))]) < 2:
        time.sleep(0.01)
    return found


def test_a_root_that_was_killed_takes_its_processes_along_and_another_one_starts(two, folder: Path, endless) -> None:
    one, other = two
    ask(other)
    first = root_pid(folder)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(one.ask, "shapes", endless, timeout=60)
        child, _ = await_grandchild(first)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(InfraError, match=r"\(shapes\) ended"):
            asked.result()
    await_end(child)
    for processes in two:
        ask(processes)
        assert root_pid(folder) != first


def test_a_question_that_is_given_up_leaves_no_process(two, folder: Path, endless) -> None:
    one, other = two
    ask(other)
    root = root_pid(folder)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(one.ask, "shapes", endless, timeout=5)
        found = await_grandchild(root)
        with pytest.raises(InfraError, match="did not answer within 5 s"):
            asked.result()
    assert [is_gone(pid) for pid in found] == [True, True]
    ask(one)
    assert root_pid(folder) == root


def test_threads_may_share_processes(two) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(ask, two * 4)] == [None] * 8


def test_a_stopped_root_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.lanes.kernel.root_connection._END_SECONDS", 1.0)
    with WarmProcesses() as processes:
        processes.share(tmp_path)
        ask(processes)
        root = root_pid(tmp_path)
        os.kill(root, signal.SIGSTOP)
    assert is_gone(root)


def test_a_root_that_nothing_waits_for_ends_although_it_imports(tmp_path: Path) -> None:
    held = root_in(tmp_path).connect()
    root = root_pid(tmp_path)
    held.close()
    assert is_gone(root)


def test_connections_that_ask_for_nothing_valid_change_nothing(two, folder: Path) -> None:
    one, _ = two
    ask(one)
    root = root_pid(folder)
    place = os.open(folder / "kernels", os.O_RDONLY)
    address = f"/proc/self/fd/{place}/{SOCKET}"
    for message in (b"", b"no JSON", b"{}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(address)
            connection.send(message)
            connection.shutdown(socket.SHUT_WR)
            assert b'"is_last": false' in connection.recv(1000)
    for message, says in ((b"no JSON", "JSONDecodeError"), (b'{"do": "os"}', "KeyError: 'os'")):
        read, write = os.pipe()
        given = os.memfd_create("request")
        os.write(given, b"{}")
        os.lseek(given, 0, os.SEEK_SET)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection, Path(os.devnull).open("r+b") as null:
            connection.connect(address)
            socket.send_fds(connection, [message], [given, null.fileno(), write])
            os.close(write)
            os.close(given)
            with os.fdopen(read) as log:
                assert says in log.read()
    os.close(place)
    ask(one)
    assert root_pid(folder) == root


def test_the_root_outlives_the_worker_that_started_it_and_ends_when_all_were_killed(tmp_path: Path) -> None:
    source = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from harness.lanes.kernel.warm_processes import WarmProcesses
        processes = WarmProcesses()
        processes.share(Path({str(tmp_path)!r}))
        processes.ask("compare", {REQUEST | {"folder": "/"}!r}, timeout=60)
        print("asked", flush=True)
        time.sleep(600)
    """)
    workers = []
    for _ in range(2):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        workers.append(subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, env=environment))
        assert workers[-1].stdout.readline() == b"asked\n"
    root = root_pid(tmp_path)
    workers[0].kill()
    workers[0].wait()
    with WarmProcesses() as processes:
        processes.share(tmp_path)
        ask(processes)
        assert root_pid(tmp_path) == root
    workers[1].kill()
    await_end(root)
    for worker in workers:
        worker.wait()
        worker.stdout.close()


def test_a_root_that_cannot_import_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "harness.lanes.kernel.root_connection.interpreter_command",
        lambda *_: [sys.executable, "-c", "raise ImportError('no torch')"],
    )
    with WarmProcesses() as processes:
        processes.share(tmp_path)
        with pytest.raises(InfraError, match=r"(ended|started): ImportError: no torch"):
            ask(processes)


CANDIDATE = """
import os
def run():
    raise ValueError(os.getppid())
"""


def test_a_candidate_runs_in_no_process_from_which_another_is_forked(job) -> None:
    """The parent of its process is the root, which is the parent of every other one."""
    from tests.lanes.kernel.test_warm_processes import record

    asked, answer, _ = record(job, CANDIDATE)
    root = int((asked.processes._root._folder / "pid").read_text())
    assert f"ValueError: {root}" in answer
    assert children_of(root) == []
