"""Trusted code that hangs is ended, also where it catches everything; other people's alarms go on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from harness.lane.watchdog import OverdueError, limited, paused


def forever():
    while True:
        pass


def stubborn():
    for _ in range(2):
        try:
            while True:
                pass
        except BaseException:
            continue
    forever()


@pytest.mark.parametrize("code", [forever, stubborn, lambda: time.sleep(60)])
def test_what_does_not_come_back_is_ended(code, monkeypatch):
    monkeypatch.setattr("harness.lane.watchdog.AGAIN", 0.05)
    with pytest.raises(OverdueError), limited(0.05):
        code()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_comes_back_is_left_alone():
    with limited(30):
        value = 1 + 1
    assert value == 2
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


ENDLESS = """
import itertools, time
from harness.lane import watchdog
watchdog.AGAIN, watchdog.GRACE = 0.05, 0.2


def reference():
    return sum(itertools.count())


def deaf():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass


with watchdog.limited(5):
    pass
with watchdog.limited(0.3):
    with watchdog.paused():
        time.sleep(0.7)
    print("paused", flush=True)
with watchdog.limited(0.1):
    try:
        with watchdog.limited(9):
            pass
    finally:
        {call}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs POSIX timers")
@pytest.mark.parametrize("call", ["reference()", "deaf()"])
def test_what_nothing_can_interrupt_ends_the_process_and_says_where_it_stood(call, tmp_path):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS.format(call=call))
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=30, check=False)
    assert ended.stdout == "paused\n"
    assert ended.returncode == -signal.SIGVTALRM
    assert f'File "{script}", line' in ended.stderr
    assert f"in {call.removesuffix('()')}" in ended.stderr


def test_an_alarm_around_it_goes_on():
    with pytest.raises(OverdueError), limited(0.05):
        with limited(30):
            pass
        forever()


def test_an_inner_limit_is_its_own():
    with limited(30):
        with pytest.raises(OverdueError), limited(0.05):
            forever()
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 1 < left < 30


def test_the_clock_stands_still_while_paused():
    with limited(0.3):
        with paused():
            time.sleep(0.5)
        with pytest.raises(OverdueError):
            forever()
    with paused():
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_other_threads_have_no_alarm_and_are_not_disturbed():
    seen = []

    def work():
        with limited(0.01), paused():
            time.sleep(0.1)
            seen.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]


ORACLE = """
import itertools
from hypothesis import strategies as st


def reference(x):
    return x


def inputs():
    return st.fixed_dictionaries({"x": st.integers(0, 9)})


def accept(kwargs, value):
    return sum(itertools.count()) > 0
"""
IMPATIENT = """
import harness.lane.watchdog
from harness.lanes.toolgen import oracle

oracle.TRUSTED_SECONDS, harness.lane.watchdog.GRACE = 0.2, 0.3
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs POSIX timers")
def test_an_oracle_that_never_returns_hangs_no_run_and_is_to_blame(project):
    """The worker that asks it dies; those that come later know, and the rest of the run is judged."""
    project.put("conftest.py", (project.path / "conftest.py").read_text() + IMPATIENT)
    project.put("tool/tool.yaml", 'tool_id: same\ndescription: The same.\nsignature: "def same(x: int) -> int"\n')
    project.put("tool/oracle.py", ORACLE)
    for number in range(2):
        project.put(f"found/c{number}.py", f"# {number}\ndef same(x: int) -> int:\n    return x\n")
    project.put("b.suite.yaml", "lane: toolgen\ntool: tool\ncandidates: found/*.py\nattempts: 1\nquestions: 2\n")
    project.suite(fine="ok")
    result = project.run("-n1", "--min-tier", "E", "--confirm", "0")
    assert result.ret == 1
    found = dict(project.rows("SELECT subject, status FROM evaluations"))
    assert found == {"fine": "ok"} | {f"c{number}": "infra" for number in range(2)}
    whys = [why for (why,) in project.rows("SELECT why FROM evaluations WHERE status = 'infra'")]
    died = [why for why in whys if "could not be interrupted, at " in why]
    assert len(died) == 1
    assert all("oracle.py" in why and "accept" in why for why in whys)
