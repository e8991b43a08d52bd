"""What makes a measurement noisy, what the stopwatch does about it, and what it leaves behind: nothing."""

from __future__ import annotations

import math
import os
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.quality import Quality
from harness.timing import noise, stopwatch
from harness.timing.affinity import OneCore
from harness.timing.benchmark import Loop
from harness.timing.lock import FairLock
from harness.timing.noise import CallTimes, MachineMonitor, disturbed, foreign, spread, verdict
from harness.timing.stopwatch import NULL, REFERENCE, SUBJECT, Call, Round, Stopwatch

GOOD = [0.001] * 10


@pytest.mark.parametrize(
    ("quality", "samples", "about", "reason"),
    [
        ({}, GOOD, {}, ""),
        ({"pinned": True, "disturbed": 0.2, "foreign": 0.2, "spread": 0.05}, GOOD, {}, ""),
        ({}, [], {}, "nothing was timed"),
        ({}, [0.001], {}, ""),  # one sample is little, and not noise
        ({}, [0.0, 0.0], {}, ""),  # a call too short for the clock
        ({}, [0.001, -0.001], {}, "clock"),
        ({}, [0.001, math.nan], {}, "clock"),
        ({}, [math.inf], {}, "clock"),
        ({}, GOOD, {"slept": 3600.0}, "suspended for 3600.0 s"),
        ({}, GOOD, {"alone": "another session held the lock"}, "another session"),
        ({"pinned": True, "foreign": 0.5}, GOOD, {}, "other processes took 50% of the control calls' time"),
        ({"pinned": False, "foreign": 0.5}, GOOD, {}, ""),
        ({"pinned": True, "disturbed": 0.5}, GOOD, {}, "50% of the control calls"),
        ({"pinned": False, "disturbed": 0.5}, GOOD, {}, ""),  # over two cores, waiting is part of asking
        ({"spread": 0.2}, GOOD, {}, "equal calls differ by 20%"),
        ({"cpu_ratio": 0.1, "involuntary": 999, "load": 8.0, "pressure": 1.0}, GOOD, {}, ""),  # evidence, no verdict
    ],
)
def test_verdicts(quality, samples, about, reason):
    why = verdict(Quality(**quality), samples, **about)
    assert reason in why
    assert bool(why) is bool(reason)


@given(st.lists(st.floats(0, 1e3), max_size=40))
def test_spread_is_a_share(samples):
    found = spread(samples)
    assert found is None or 0 <= found <= 1
    if len(samples) >= noise.MIN_CALLS and len(set(samples)) == 1 and samples[0]:
        assert found == 0


def test_spread_is_held_against_what_is_timed():
    nulls = [1e-5, 2e-5] * 5
    assert spread(nulls) == pytest.approx(0.5)
    assert spread(nulls, 1e-3) == pytest.approx(0.01)  # asking differs by 10 us, which is little of a millisecond
    assert spread(nulls, math.inf) == pytest.approx(0.5)


def test_foreign_is_what_calls_waited_and_nothing_between_them():
    assert foreign(CallTimes([1.0, 3.0], [1.0, 2.0])) == pytest.approx(0.25)
    assert foreign(CallTimes([1.0], [2.0])) == 0.0  # clocks of two kinds need not agree to the last digit
    assert foreign(CallTimes([], [])) is None
    assert foreign(CallTimes([math.inf], [0.0])) is None


def test_disturbed_counts_calls_that_waited():
    assert disturbed(CallTimes([1.0, 1.0, 1.0, 1.0], [1.0, 0.95, 0.5, 0.1])) == 0.5
    assert disturbed(CallTimes([], [])) == 0


def test_quality_is_json_and_says_whether():
    quality = Quality(why="others took 50% of the core", calls=3)
    assert quality.noisy
    assert not Quality().noisy
    assert Quality.from_wire(quality.to_wire()) == quality


def test_a_watch_sees_this_machine():
    watch = MachineMonitor()
    begun = time.process_time()
    while time.process_time() - begun < 0.25:
        pass
    watch.finish(time.process_time() - begun)
    for found in (watch.load, watch.pressure):
        assert found is None or found >= 0
    assert watch.slept == pytest.approx(0, abs=0.1)


def test_a_machine_that_tells_nothing_is_not_noisy(monkeypatch):
    monkeypatch.setattr(noise, "busy_seconds", dict)
    monkeypatch.setattr(noise, "_stall", lambda: None)
    watch = MachineMonitor()
    watch.finish(0.0)
    assert (watch.load, watch.pressure) == (None, None)


# The stopwatch


class Script(Loop):
    """An instrument that takes as long as requested, try for try."""

    def __init__(self, *tries):
        super().__init__()
        self.script, self.turns = tries, 0

    def run(self, target, setup, rounds, *, name):
        super().run(target, setup, rounds, name=name)
        self.turns += 1
        return [self.script[self.turns - 1]] * rounds


@pytest.fixture
def lock(tmp_path):
    return FairLock(folder=tmp_path / "locks", patience=0.1)


def rounds(log=None, *, count=4):
    def plan(section):
        def one(side):
            return Round("s", side, lambda: Call(str, side), lambda answer: log.append((side, answer)) if log else None)

        return [one(SUBJECT), one(REFERENCE), one(NULL)] * count

    return plan


@pytest.fixture(autouse=True)
def calm(monkeypatch):
    """A machine on which nothing else happens, so that only what a test says is noise."""
    monkeypatch.setattr(noise, "busy_seconds", dict)
    monkeypatch.setattr(stopwatch, "disturbed", lambda control: 0.0)
    monkeypatch.setattr(stopwatch, "foreign", lambda control: 0.0)


def test_samples_are_split_by_series_and_side(lock):
    log = [None]
    found = Stopwatch(lock=lock).measure("x", rounds(log))
    assert {key: len(samples) for key, samples in found.samples.items()} == {
        ("s", SUBJECT): 4, ("s", REFERENCE): 4, ("s", NULL): 4
    }  # fmt: skip
    assert log[1:] == [(side, side) for side in (SUBJECT, REFERENCE, NULL)] * 4
    assert found.quality.calls == 12
    assert found.of("nothing") == []


def test_a_noisy_measurement_is_tried_again_and_no_further(lock):
    script = Script(-1.0, 0.001, 0.001)
    found = Stopwatch(script, lock=lock).measure("x", rounds())
    assert (found.quality.why, found.quality.tries, script.turns) == ("", 2, 2)


def test_it_gives_up_within_its_budget(lock):
    script = Script(-1.0, -1.0, -1.0, -1.0)
    found = Stopwatch(script, lock=lock).measure("x", rounds(), tries=3)
    assert found.quality.noisy
    assert script.turns == 3
    script = Script(-1.0, -1.0)
    script.seconds = -1.0  # no time at all
    Stopwatch(script, lock=lock).measure("x", rounds())
    assert script.turns == 1


def test_without_the_lock_it_is_noisy(lock, tmp_path):
    with FairLock(folder=tmp_path / "locks").shared():
        found = Stopwatch(lock=lock).measure("x", rounds(), tries=1)
    assert "another session" in found.quality.why
    assert found.quality.lock_wait > 0


def test_the_spread_of_the_session_is_kept(lock):
    watch = Stopwatch(lock=lock)
    watch.measure("x", rounds(count=10), tries=1)
    found = watch.measure("x", rounds(count=10), tries=1).quality
    assert found.spread is not None
    assert found.session_spread is not None


def test_this_thread_gets_its_cores_back(lock):
    before = os.sched_getaffinity(0)
    during = set()

    def plan(section):
        during.update(os.sched_getaffinity(0))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Stopwatch(lock=lock).measure("x", plan)
    assert len(during) == 1
    assert os.sched_getaffinity(0) == before
    with lock.exclusive() as hold, FairLock(folder=lock._folder, patience=0.05).shared() as other:
        assert not hold.problem
        assert other.problem


def test_boxes_that_start_and_end_between_calls_are_not_others(lock, monkeypatch):
    """Their time on the core is this measurement's own; only what keeps a call waiting is somebody else's."""
    monkeypatch.undo()

    def busy():
        begun = time.thread_time()
        while time.thread_time() - begun < 0.002:
            pass

    def plan(section):
        def prepare():
            subprocess.run(["/bin/true"], check=True)  # starts and ends, and uses the core
            return Call(lambda _argument: busy(), None)

        return [Round("s", REFERENCE, prepare, lambda answer: None)] * 40

    quality = Stopwatch(lock=lock).measure("x", plan, tries=1).quality
    # On a machine with company the calls do wait, and then it is `disturbed` that says so as well.
    assert quality.foreign < 0.2 or quality.disturbed > 0


def test_another_process_that_cannot_be_pinned_is_noticed():
    with OneCore() as core:
        assert core.core is not None
        core.adopt(2**22 - 1)  # nobody
        assert core.core is None


def test_nothing_to_time_is_noise(lock):
    assert "nothing was timed" in Stopwatch(lock=lock).measure("x", lambda section: [], tries=1).quality.why


def test_records_are_kept_only_where_somebody_shows_them(lock):
    watch = Stopwatch(lock=lock)
    watch.record([1.0], name="a", fullname="x::a")
    assert watch.take_records() == []
    watch.instrument.recording = True
    watch.record([], name="a", fullname="x::a")
    watch.record([1.0], name="a", fullname="x::a")
    assert [record.name for record in watch.take_records()] == ["a"]
    assert watch.take_records() == []
