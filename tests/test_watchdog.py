"""Trusted code that hangs is ended, also where it catches everything; other people's alarms go on."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from harness.watchdog import OverdueError, limited, paused


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
    monkeypatch.setattr("harness.watchdog.AGAIN", 0.05)
    with pytest.raises(OverdueError), limited(0.05):
        code()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_comes_back_is_left_alone():
    with limited(30):
        value = 1 + 1
    assert value == 2
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


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
