"""FairLock across processes: waiting order, killed holders, re-entrance."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from harness.core.errors import InfraError
from harness.timing import lock as locks
from harness.timing.lock import FairLock, lock_folder, machine_lock, own_folder

ROOT = Path(locks.__file__).parents[2]


def holder(folder: Path, mode: str, *, name: str = "machine") -> subprocess.Popen[str]:
    """A process that holds the lock from the moment this returns until its standard input ends."""
    code = f"""
        import sys
        from pathlib import Path
        from harness.timing.lock import FairLock
        with FairLock({name!r}, folder=Path({str(folder)!r})).{mode}() as hold:
            print("held" if not hold.problem else hold.problem, flush=True)
            sys.stdin.read()
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert child.stdout.readline() == "held\n"
    return child


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "locks"


@pytest.fixture
def impatient(folder):
    return FairLock(folder=folder, patience=0.2)


@pytest.mark.parametrize(
    ("theirs", "ours", "granted"),
    [("shared", "shared", True), ("shared", "exclusive", False), ("exclusive", "shared", False),
     ("exclusive", "exclusive", False)],
)  # fmt: skip
def test_who_may_enter_beside_whom(folder, impatient, theirs, ours, granted):
    child = holder(folder, theirs)
    with getattr(impatient, ours)() as hold:
        assert (not hold.problem) is granted
    child.communicate()
    with getattr(impatient, ours)() as hold:
        assert not hold.problem


def test_a_killed_holder_leaves_nothing_behind(folder, impatient):
    child = holder(folder, "exclusive")
    child.send_signal(signal.SIGKILL)
    child.wait()
    with impatient.exclusive() as hold:
        assert not hold.problem


def test_the_wait_is_granted_when_the_holder_leaves_and_reported(folder):
    child = holder(folder, "exclusive")
    threading.Timer(0.3, child.stdin.close).start()
    with FairLock(folder=folder).exclusive() as hold:
        assert not hold.problem
        assert hold.waited > 0
        with FairLock(folder=folder, patience=0.1).shared() as other:
            assert other.problem  # it is really held, on whatever file was opened while waiting
    child.wait()
    with FairLock(folder=folder, patience=0.1).exclusive() as hold:
        assert not hold.problem


@pytest.mark.parametrize("patience", [0.2, 60.0])
def test_a_long_wait_is_said_once_and_a_short_one_is_not(folder, monkeypatch, patience):
    child = holder(folder, "exclusive")
    monkeypatch.setattr(locks, "NOTICE_AFTER", 0.3)
    said = []

    def tell(line):
        said.append(line)
        child.stdin.close()  # what is waited for ends only after this

    locks.notices_to(tell)
    try:
        with FairLock(folder=folder, patience=patience).shared() as hold:
            assert bool(hold.problem) is (patience < 0.3)
    finally:
        locks.notices_to()
        child.stdin.close()
        child.wait()
    what = "notice: judging waits while another process measures times on this machine; "
    assert said == [f"{what}it goes on after 60 s at the latest"] * (patience > 0.3)


@pytest.mark.parametrize("error", [BrokenPipeError, ValueError])
def test_a_notice_that_nobody_can_read_ends_nothing(error):
    def tell(line):
        raise error(line)

    locks.notices_to(tell)
    try:
        locks.notice("it waits")
    finally:
        locks.notices_to()


def test_one_who_wants_to_be_alone_is_not_starved(folder):
    """While a reader holds the lock and a writer waits, new readers wait too."""
    inside = holder(folder, "shared")
    alone = FairLock(folder=folder)
    order: list[str] = []

    def wait_alone() -> None:
        with alone.exclusive():
            order.append("alone")

    waiting = threading.Thread(target=wait_alone)
    waiting.start()
    while alone._gate < 0 or _free(folder / "machine.gate"):
        time.sleep(0.005)
    with FairLock(folder=folder, patience=0.2).shared() as hold:
        assert hold.problem
    inside.communicate()
    waiting.join()
    assert order == ["alone"]


def _free(path: Path) -> bool:
    file = os.open(path, os.O_RDWR)
    try:
        locks.flock(file, locks.SHARED)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True


def test_never_waits_for_itself(folder, impatient):
    other = FairLock(folder=folder, patience=0.05)
    with impatient.shared(), impatient.exclusive() as inner:
        assert not inner.problem
        with impatient.shared() as again, impatient.exclusive() as more:
            assert not again.problem
            assert more is inner
        with other.shared() as hold:
            assert hold.problem
    with impatient.exclusive(), impatient.shared():
        pass
    with other.exclusive() as hold:
        assert not hold.problem


def test_after_being_alone_the_share_is_taken_again(folder, impatient):
    other = FairLock(folder=folder, patience=0.05)
    with impatient.shared():
        with impatient.exclusive():
            pass
        with other.exclusive() as hold:
            assert hold.problem
        with other.shared() as hold:
            assert not hold.problem


def test_given_up_waiting_takes_nothing_later(folder, impatient):
    child = holder(folder, "exclusive")
    with impatient.exclusive() as hold:
        assert "more than 0.2 s" in hold.problem
    child.communicate()
    with impatient.shared() as hold, FairLock(folder=folder, patience=1).shared() as second:
        assert not hold.problem
        assert not second.problem


def test_an_exception_frees_it(folder, impatient):
    with pytest.raises(ZeroDivisionError), impatient.exclusive():
        raise ZeroDivisionError
    with FairLock(folder=folder, patience=0.05).exclusive() as hold:
        assert not hold.problem


def test_a_forked_child_does_not_prolong_it(folder, impatient):
    with impatient.exclusive():
        child = os.fork()
        if not child:
            signal.pause()
    try:
        with FairLock(folder=folder, patience=0.5).exclusive() as hold:
            assert not hold.problem
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_gpus_have_locks_of_their_own(folder, impatient):
    child = holder(folder, "exclusive", name="gpu-GPU-8d3f/0")
    with impatient.exclusive() as hold:
        assert not hold.problem
    with FairLock("gpu-GPU-8d3f/0", folder=folder, patience=0.05).exclusive() as hold:
        assert hold.problem
    child.communicate()
    assert machine_lock("gpu-a") is machine_lock("gpu-a")
    assert machine_lock("gpu-a") is not machine_lock()


def test_the_folder_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = lock_folder()
    assert folder == tmp_path / "crucible"
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with pytest.raises(InfraError, match="accessible to others"):
        own_folder(folder)


def test_a_folder_of_somebody_else_is_refused_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(locks.os, "geteuid", lambda: 12345)
    with FairLock(folder=tmp_path / "locks").exclusive() as hold:
        assert "belongs to another user" in hold.problem


def test_a_link_is_no_folder(tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(InfraError):
        own_folder(tmp_path / "link")
