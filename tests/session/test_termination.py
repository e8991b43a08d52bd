"""SIGTERM ends a run as Ctrl-C does."""

from __future__ import annotations

import os
import signal

import pytest

from harness.session.termination import Termination
from tests.test_plugin_faults import start, wait_for  # noqa: F401 - a fixture


@pytest.mark.parametrize("extra", [(), ("-n2",)], ids=["serial", "-n2"])
@pytest.mark.parametrize("whom", ["controller", "group"])
def test_rows_are_flushed_and_the_run_is_aborted(project, start, extra, whom):  # noqa: F811
    project.suite(a="ok", b="ok", c="sleep60", d="sleep60")
    process = start(*extra)
    wait_for(project.path / "started")
    (os.kill if whom == "controller" else os.killpg)(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert "INTERNALERROR" not in output
    assert project.rows("SELECT status FROM runs") == [("aborted",)]
    found = project.verdicts()
    assert set(found.values()) <= {"ok", "infra"}
    if not extra:
        assert found == {"a": "ok", "b": "ok"}
    assert not (project.path / "reports/ledger.db.journal").exists()


def test_somebody_elses_handler_stays():
    def theirs(_number, _frame):
        pass

    before = signal.signal(signal.SIGTERM, theirs)
    try:
        Termination().release()
        assert signal.getsignal(signal.SIGTERM) is theirs
    finally:
        signal.signal(signal.SIGTERM, before)


def test_it_interrupts_once_and_gives_the_signal_back():
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        held = Termination()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)  # everything is being stored: no second interrupt
        assert held.came
        held.release()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
