"""Killed at any write, before or after any effect: the same final head, and no effect is repeated unnoticed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.errors import InfraError
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings
from tests.dsl.machine.conftest import RICH
from tests.script_provider import ScriptProvider


class Killed(BaseException):
    """The process is gone: nothing after it runs, nothing is closed in order."""


def _abandon(session: Session) -> None:
    session.file.connection.close()  # rolls back what was not committed, as a dead process would
    session.file._release()
    session.handler.close()


def _resumed(folder: Path, boxes, performed: list[str]) -> tuple[str, int, int]:
    """Resume until the end, resolving what is in doubt: (head, repeated under a key, resolved)."""
    resolved = 0
    for _ in range(20):
        with Session.resume(folder, provider=ScriptProvider(in_order=["7"]), boxes=boxes) as session:
            _watch(session, performed)
            outcome = session.run()
            for key in outcome.in_doubt:
                session.resolve(key, "repeat")
                resolved += 1
            if outcome.in_doubt:
                outcome = session.run()
            if outcome.status == "ok":
                return outcome.head, outcome.repeated, resolved
    raise AssertionError(outcome)


def _watch(session: Session, performed: list[str], *, kill_after: int = -1) -> None:
    perform = session.handler.perform

    def watching(request):
        response = perform(request)
        performed.append(request.key)
        if len(performed) == kill_after:
            raise Killed
        return response

    session.handler.perform = watching


@pytest.fixture(scope="module")
def calm(tmp_path_factory, rich, boxes) -> tuple[str, int, int]:
    """(head, effects, writes) of an undisturbed run."""
    writes, performed = [], []
    folder = tmp_path_factory.mktemp("calm") / "run"
    session = Session.start(
        rich, folder, settings=RunSettings(live=True), provider=ScriptProvider(in_order=["7"]), boxes=boxes,
        probe=writes.append,
    )  # fmt: skip
    with session:
        _watch(session, performed)
        outcome = session.run()
    assert outcome.passed
    return outcome.head, len(performed), len(writes)


def _disturbed(folder: Path, rich, boxes, *, kill_write: int = -1, kill_effect: int = -1) -> tuple[str, int]:
    """Run, be killed, resume: (head, number of effects repeated without notice)."""
    performed: list[str] = []
    left = [kill_write]

    def probe(_point: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    session = None
    try:
        session = Session.start(
            rich, folder, settings=RunSettings(live=True), provider=ScriptProvider(in_order=["7"]), boxes=boxes,
            probe=probe,
        )  # fmt: skip
        _watch(session, performed, kill_after=kill_effect)
        session.run()
    except Killed:
        if session is not None:
            _abandon(session)
    else:
        session.close()
    if not (folder / "log.db").exists():
        return "", 0
    head, repeated, resolved = _resumed(folder, boxes, performed)
    return head, len(performed) - len(set(performed)) - repeated - resolved


def test_killed_at_every_write(tmp_path, rich, boxes, calm) -> None:
    head, _effects, writes = calm
    assert writes > 20
    for number in range(1, writes + 1):
        found, unnoticed = _disturbed(tmp_path / str(number), rich, boxes, kill_write=number)
        if not found:
            assert number <= 3, "only a run that was never committed may be gone"
            continue
        assert found == head, f"killed at write {number}"
        assert unnoticed <= 0, f"killed at write {number}"


def test_killed_after_every_effect(tmp_path, rich, boxes, calm) -> None:
    head, effects, _writes = calm
    assert effects > 5
    for number in range(1, effects + 1):
        found, unnoticed = _disturbed(tmp_path / str(number), rich, boxes, kill_effect=number)
        assert found == head, f"killed after effect {number}"
        assert unnoticed <= 0, f"killed after effect {number}"


CHILD = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).resolve().parents[3])!r})
from harness.dsl.analysis.load import load_program
from harness.dsl.machine.session import Session
from harness.dsl.machine.settings import RunSettings
from tests.script_provider import ScriptProvider
folder, left = Path(sys.argv[1]), [int(sys.argv[2])]
def probe(point):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
more = dict(provider=ScriptProvider(in_order=["7"]), probe=probe)
if (folder / "log.db").exists():
    session = Session.resume(folder, **more)
else:
    program = load_program(Path({str(RICH)!r}), entry="Main", cache=False)
    session = Session.start(program, folder, settings=RunSettings(live=True), **more)
with session:
    outcome = session.run()
    if outcome.in_doubt:
        for key in outcome.in_doubt:
            session.resolve(key, "repeat")
        outcome = session.run()
    print(outcome.head)
"""


def test_a_real_kill_in_a_real_process(tmp_path, calm) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path / "run")]
    killed = subprocess.run([*command, "20"], capture_output=True, text=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = subprocess.run([*command, "0"], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == calm[0], done.stderr
    assert not [name for name in os.listdir(tmp_path / "run") if name.endswith("-wal")]


def test_an_effect_that_may_happen_once_waits_for_a_resolution(tmp_path, start) -> None:
    session = start('task T { step s: tool.run { cmd: ["echo", "paid"] output_var: x } success: x == "paid" }')
    performed: list[str] = []
    _watch(session, performed, kill_after=1)
    with pytest.raises(Killed):
        session.run()
    _abandon(session)
    with Session.resume(tmp_path / "run") as again:
        outcome = again.run()
        assert (outcome.status, outcome.in_doubt) == ("in_doubt", (performed[0],))
    with Session.resume(tmp_path / "run") as again:
        again.resolve(performed[0], "done", "paid")
        assert again.run().passed


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_full_disk_stops_a_run_and_does_not_fail_it(tmp_path, start, monkeypatch, number: int) -> None:
    text = """task T { parallel {
      branch a { step w: tool.write { path: "d/x" content: "1" retry: 3 } }
      branch b { step n: tool.now { output_var: n } } }
      step r: tool.read { path: "d/x" output_var: x } success: x == "1" n == 0 }"""
    calm = start(text, folder="calm").run().head
    session = start(text)
    with monkeypatch.context() as patched:
        full = OSError(number, os.strerror(number))
        patched.setattr(os, "replace", lambda *_, **__: (_ for _ in ()).throw(full))
        with pytest.raises(InfraError, match="d/x cannot be written"):
            session.run()
    session.close()
    with Session.resume(tmp_path / "run") as again:
        assert (again.run().head, again.outcome.repeated) == (calm, 2)
