"""Duels: every side fairly often first, the same inputs for all, waiting left out, a sleeper not excused."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from harness.core.paired import Verdict
from harness.timing import paired_benchmark as module
from harness.timing import stopwatch
from harness.timing.benchmark import Loop
from harness.timing.lock import FairLock
from harness.timing.log_ratios import LogRatios
from harness.timing.paired_benchmark import MAX_GROUPS, MIN_GROUPS, PairedBenchmark, run_paired_benchmark
from harness.timing.stopwatch import Stopwatch


class ScriptedLoop(Loop):
    """An instrument that makes all calls and reports what each side is said to take."""

    def __init__(self, seconds_of):
        super().__init__()
        self.seconds_of, self.asked = seconds_of, []

    def run(self, target, setup, rounds, *, name):
        samples = []
        for _ in range(rounds):
            args, kwargs = setup()
            target(*args, **kwargs)
            samples.append(self.seconds_of(self.asked[-1][0]))
        return samples


class Arena:
    """Three kinds of processes that note who asked them what."""

    def __init__(self, tmp_path, monkeypatch, seconds_of, *, noisy=""):
        if noisy is not None:  # else the real judgement on the noise
            monkeypatch.setattr(stopwatch, "verdict", lambda *_args, **_about: noisy)
        self.instrument = ScriptedLoop(seconds_of)
        self.watch = Stopwatch(self.instrument, lock=FairLock(folder=tmp_path / "locks"))
        self.open, self.started, self.inputs, self.checked = Counter(), Counter(), [], []

    def side(self, name):
        arena = self

        class Process:
            pid = 0  # this very process: no CPU time of its own

            def __init__(self):
                arena.open[name] += 1
                arena.started[name] += 1

            def ask(self, argument):
                arena.instrument.asked.append((name, argument))
                return argument

            def close(self):
                arena.open[name] -= 1

        return Process

    def make(self, index):
        self.inputs.append((index, len(self.inputs)))
        return self.inputs[-1]

    def benchmark(self, **more):
        plain = {
            "subject": self.side("subject"),
            "opponent": self.side("opponent"),
            "null": self.side("null"),
            "argument": self.make,
            "check": lambda side, argument, answer: self.checked.append((side, argument, answer)),
            "max_inputs": 7,
        }
        return PairedBenchmark(**{**plain, **more})


@pytest.fixture
def arena(tmp_path, monkeypatch):
    def build(seconds_of, **more):
        return Arena(tmp_path, monkeypatch, seconds_of, **more)

    return build


def noisy_seconds(ratio, *, spread=0.01, seed=0):
    rng = random.Random(seed)

    def seconds_of(side):
        base = {"null": 0.0, "subject": ratio}.get(side, 1.0)
        return base * 1e-3 * (1 + rng.gauss(0, spread))

    return seconds_of


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(1.0, Verdict.ALIKE), (1.05, Verdict.SLOWER), (1.1, Verdict.SLOWER), (0.9, Verdict.FASTER)]
)
def test_a_known_difference(arena, ratio, verdict):
    ring = arena(noisy_seconds(ratio))
    found = run_paired_benchmark(ring.benchmark(), ring.watch, name="x")
    assert found.verdict is verdict
    assert found.ratio == pytest.approx(ratio, rel=0.02)


def test_everything_that_was_started_is_closed_also_when_the_check_fails(arena):
    ring = arena(noisy_seconds(1.0))
    run_paired_benchmark(ring.benchmark(), ring.watch, name="x")
    assert set(ring.open.values()) == {0}
    assert ring.started["subject"] > MAX_GROUPS
    assert ring.started["opponent"] == 2 * ring.started["subject"]

    def refuse(side, _argument, _answer):
        if side == "subject" and len(ring.inputs) > 9:
            raise RuntimeError("wrong")

    with pytest.raises(RuntimeError, match="wrong"):
        run_paired_benchmark(ring.benchmark(check=refuse), ring.watch, name="x")
    assert set(ring.open.values()) == {0}


def test_all_three_get_the_same_input_and_no_process_gets_one_twice(arena):
    ring = arena(noisy_seconds(1.0))
    run_paired_benchmark(ring.benchmark(), ring.watch, name="x")
    per_input = Counter(argument for name, argument in ring.instrument.asked if name != "null")
    assert set(per_input.values()) == {3}
    assert all(argument == answer for _, argument, answer in ring.checked)
    assert {side for side, _, _ in ring.checked} == {"subject", "opponent", "twin"}


def test_each_side_stands_in_each_position_about_equally_often():
    positions = Counter((side, place) for order in module.ORDERS for place, side in enumerate(order))
    assert set(positions.values()) == {len(module.ORDERS) // 3}


def test_a_disturbed_measurement_is_not_used_and_says_why(arena):
    ring = arena(noisy_seconds(2.0), noisy="others took 90% of the core")
    ring.instrument.seconds = 0.01
    found = run_paired_benchmark(ring.benchmark(), ring.watch, name="x")
    assert (found.verdict, found.ratio) == (Verdict.UNDERPOWERED, None)
    assert "others took 90%" in found.why


def test_rounds_are_added_while_the_control_is_too_coarse(arena, monkeypatch):
    monkeypatch.setattr(module, "MAX_DURATION_FACTOR", 1e6)
    monkeypatch.setattr(module, "MAX_MEASUREMENTS", 99)
    rough, calm = noisy_seconds(1.05, spread=0.15), noisy_seconds(1.05, spread=0.001)

    def seconds_of(side):
        return (rough if len(ring.instrument.asked) < 400 else calm)(side)

    ring = arena(seconds_of)
    found = run_paired_benchmark(ring.benchmark(), ring.watch, name="x")
    assert found.groups > MAX_GROUPS
    assert found.deviation <= 0.01
    assert found.verdict is Verdict.SLOWER


@pytest.mark.parametrize(
    ("opening", "call", "pairs", "groups"),
    [
        (9e-3, 0.3e-3, 19, 16),  # short calls: many of each process
        (9e-3, 10e-3, 3, 10),  # long calls: one process tells as much as the next, and time is short
        (1e-6, 1e-3, 3, 16),
        (0.5, 0.5, 3, MIN_GROUPS),  # nothing fits; without groups there is no answer at all
    ],
)
def test_time_is_spent_on_calls_and_processes_by_what_they_cost(arena, monkeypatch, opening, call, pairs, groups):
    """Two-stage sampling: the calls of a process are worth their price up to a point."""
    ring = arena(noisy_seconds(1.0))
    costs = iter([opening, *[3 * call] * 99])
    monkeypatch.setattr(module._PairedMeasurement, "_cost", staticmethod(lambda rounds: next(costs)))
    found = run_paired_benchmark(ring.benchmark(max_inputs=99), ring.watch, name="x")
    assert found.groups == groups
    assert found.pairs + found.dropped == pairs * groups


def test_of_two_clocks_the_one_whose_control_is_calmer_is_believed():
    def known(deviation):
        pairs = [[0.05 + deviation * step for step in (-1, 0, 1)] for _ in range(12)]
        return LogRatios([[one + deviation * (g % 3 - 1) for one in group] for g, group in enumerate(pairs)], pairs)

    results = module._Results(0)
    results._wall, results._cpu = known(0.03), known(0.001)
    results._cpu.control = [[one - 0.05 for one in group] for group in results._cpu.control]
    assert results.verdict().clock == "cpu"
    results._sleeps = True  # CPU time knows nothing of sleep
    assert results.verdict().clock == "wall"


def test_measurements_end_also_where_there_is_time(arena, monkeypatch):
    monkeypatch.setattr(module, "MAX_DURATION_FACTOR", 1e6)
    monkeypatch.setattr(module, "MAX_MEASUREMENTS", 2)
    ring = arena(noisy_seconds(1.03, spread=0.5))
    found = run_paired_benchmark(ring.benchmark(), ring.watch, name="x")
    assert (found.verdict, found.groups) == (Verdict.UNDERPOWERED, 2 * MAX_GROUPS)


def test_patience_ends(arena, monkeypatch):
    monkeypatch.setattr(module, "MAX_DURATION_FACTOR", 0.0)
    ring = arena(noisy_seconds(1.03, spread=0.3))
    found = run_paired_benchmark(ring.benchmark(), ring.watch, name="x")
    assert (found.verdict, found.groups) == (Verdict.UNDERPOWERED, MAX_GROUPS)


def test_without_a_thorough_instrument_nothing_is_measured(arena):
    ring = arena(noisy_seconds(2.0))
    ring.instrument.thorough = False
    assert run_paired_benchmark(ring.benchmark(), ring.watch, name="x").verdict is Verdict.UNDERPOWERED
    assert not ring.started


@pytest.mark.parametrize("inputs", range(6))
def test_few_inputs_are_never_used_twice_in_a_process(arena, inputs):
    ring = arena(noisy_seconds(1.0))
    given = []
    found = run_paired_benchmark(
        ring.benchmark(max_inputs=inputs, argument=lambda index: given.append(range(inputs)[index])),
        ring.watch,
        name="x",
    )
    assert (found.verdict is Verdict.UNDERPOWERED) is (inputs <= 3)
    assert bool(given) is (inputs > 3)
    if not given:
        assert f"there are {inputs} inputs" in found.why


@pytest.mark.parametrize("reading", [float("nan"), float("inf"), -1.0])
def test_a_clock_that_breaks_is_no_verdict(arena, reading):
    ring = arena(lambda side: reading, noisy=None)
    ring.instrument.seconds = 0.01
    found = run_paired_benchmark(ring.benchmark(), ring.watch, name="x")
    assert (found.verdict, found.ratio) == (Verdict.UNDERPOWERED, None)
    assert "too noisy" in found.why


def test_calls_that_take_no_time_are_alike(arena):
    ring = arena(lambda side: 0.0)
    assert run_paired_benchmark(ring.benchmark(), ring.watch, name="x").verdict is Verdict.ALIKE


def test_instructions_are_a_second_opinion_where_the_machine_counts_them(arena, monkeypatch):
    """The processor's counters are not everywhere: here a process counts three times as much for the subject."""

    class Counted:
        def __init__(self, side):
            self.side = side

        def read(self):
            asked = sum(name == self.side for name, _ in ring.instrument.asked)
            return asked * (300 if self.side == "subject" else 50)  # two processes of the opponent share its number

        def close(self):
            closed.append(self.side)

    closed, order = [], iter(("subject", "opponent", "opponent") * 10_000)
    ring = arena(noisy_seconds(1.0))
    monkeypatch.setattr(module.Counter, "of", lambda pid: Counted(next(order)))
    found = run_paired_benchmark(ring.benchmark(), ring.watch, name="x")
    assert found.instructions == pytest.approx(3.0)
    assert found.why.endswith("3.000 times the instructions")
    assert len(closed) == 3 * ring.started["subject"]


class TestCpuTime:
    """A machine on which wall time is worth nothing; processes whose CPU time and waiting are said."""

    @pytest.fixture
    def ring(self, arena, monkeypatch):
        def build(ratio, *, waits):
            ring = arena(noisy_seconds(1.0), noisy="others took 60% of the core")
            ring.instrument.seconds = 0.1
            cost = {"subject": ratio, "opponent": 1.0, "null": 0.01}
            pids = {"null": 900_001, "subject": 900_002, "opponent": 900_003}
            spent = Counter()
            rng = random.Random(3)

            def side(name):
                class Process(ring.side(name)):
                    pid = pids[name]

                    def ask(self, argument):
                        spent[self.pid] += cost[name] * (1 + rng.gauss(0, 0.01))
                        return super().ask(argument)

                return Process

            benchmark = ring.benchmark(subject=side("subject"), opponent=side("opponent"), null=side("null"))
            monkeypatch.setattr(stopwatch, "cpu_of", lambda pid: spent[pid])
            asked = ring.instrument.asked
            monkeypatch.setattr(
                module,
                "count_voluntary_switches",
                lambda pid: int(sum(pids[name] == pid for name, _ in asked) * (waits if pid == pids["subject"] else 1)),
            )
            return run_paired_benchmark(benchmark, ring.watch, name="x")

        return build

    def test_it_decides_where_wall_time_cannot(self, ring):
        found = ring(1.1, waits=1)
        assert (found.verdict, found.clock) == (Verdict.SLOWER, "cpu")
        assert found.ratio == pytest.approx(1.1, rel=0.02)
        assert found.why.startswith("by CPU time")

    def test_it_says_nothing_of_a_subject_that_sleeps(self, ring):
        found = ring(0.5, waits=5)
        assert found.verdict is Verdict.UNDERPOWERED
        assert "others took 60% of the core" in found.why
