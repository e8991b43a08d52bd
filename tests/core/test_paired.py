"""Paired comparison: what is slower is found, what is equal is not, and what is too coarse says so."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core import paired
from harness.core.paired import MIN_GROUPS, Verdict, compare, false_alarms, ratio_to, resampled


def experiment(effect, *, seed, groups=12, pairs=12, call=0.03, process=0.01):
    """Two groups of log ratios: with an effect, and of the control; noise of calls and of processes."""
    rng = random.Random(seed)

    def made(shift):
        found = []
        for _ in range(groups):
            own = rng.gauss(0, process)
            found.append([math.log1p(shift) + own + rng.gauss(0, call) for _ in range(pairs)])
        return found

    return made(effect), made(0.0)


def verdicts(effect, *, trials=40, **noise):
    return [compare(*experiment(effect, seed=seed, **noise), seed=seed).verdict for seed in range(trials)]


class TestVerdicts:
    def test_equal_subjects_are_never_told_apart(self):
        assert set(verdicts(0.0)) <= {Verdict.ALIKE, Verdict.UNDERPOWERED}

    def test_a_slow_down_is_found_and_so_is_a_speed_up(self):
        assert verdicts(0.05, process=0.004).count(Verdict.SLOWER) >= 38
        assert set(verdicts(0.10, process=0.004)) == {Verdict.SLOWER}
        assert set(verdicts(-0.10, process=0.004)) == {Verdict.FASTER}

    def test_what_is_sure_but_too_small_does_not_count(self):
        found = compare(*experiment(0.01, seed=1, call=0.001, process=0.0001))
        assert found.verdict is Verdict.ALIKE
        assert found.low > 1
        assert "less than 2.0%" in found.why

    def test_a_coarse_measurement_says_so(self):
        found = compare(*experiment(0.05, seed=1, process=0.2))
        assert found.verdict is Verdict.UNDERPOWERED
        assert "more than 1%" in found.why

    def test_a_subject_that_is_coarser_than_the_control_counts_by_its_own_measure(self):
        (pairs, _), (_, control) = experiment(0.04, seed=2, process=0.06), experiment(0.0, seed=2, process=0.001)
        found = compare(pairs, control)
        assert found.deviation > 0.01
        assert found.verdict is Verdict.UNDERPOWERED

    def test_what_is_obvious_counts_however_coarse(self):
        assert compare(*experiment(4.0, seed=1, process=0.05)).verdict is Verdict.SLOWER

    def test_a_control_that_differs_from_itself_condemns_the_measurement(self):
        pairs, control = experiment(0.05, seed=1, call=0.001, process=0.001)
        biased = [[one + 0.06 for one in group] for group in control]
        found = compare(pairs, biased)
        assert found.verdict is Verdict.UNDERPOWERED
        assert "equal subjects differed" in found.why

    def test_too_few_processes_say_nothing(self):
        pairs, control = experiment(1.0, seed=1, groups=MIN_GROUPS - 1)
        found = compare(pairs, control)
        assert (found.verdict, found.ratio) == (Verdict.UNDERPOWERED, None)
        assert compare([], []).verdict is Verdict.UNDERPOWERED

    def test_the_threshold_is_three_deviations_but_at_least_two_percent(self):
        quiet = compare(*experiment(0.0, seed=3, call=0.0005, process=0.0005))
        rough = compare(*experiment(0.0, seed=3, call=0.03, process=0.03))
        assert quiet.threshold == paired.MIN_EFFECT
        assert rough.threshold == pytest.approx(3 * rough.deviation)


class TestArithmetic:
    def test_all_samples_equal(self):
        flat = [[0.0] * 4] * MIN_GROUPS
        found = compare(flat, flat)
        assert (found.verdict, found.ratio, found.deviation, found.false_alarms) == (Verdict.ALIKE, 1.0, 0.0, 0)

    def test_one_sample_a_process(self):
        found = compare([[0.3]] * 8, [[0.0]] * 8)
        assert found.verdict is Verdict.SLOWER
        assert found.ratio == pytest.approx(math.exp(0.3))

    @pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
    def test_a_broken_clock_is_no_verdict(self, broken):
        with pytest.raises(ValueError, match="finite"):
            compare([[broken]] * 8, [[0.0]] * 8)

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.lists(st.floats(-2, 2), max_size=5), min_size=6, max_size=12), st.integers(0, 9))
    def test_the_same_samples_give_the_same_answer_and_the_interval_holds_the_ratio(self, groups, seed):
        found = compare(groups, groups, seed=seed)
        assert found == compare(groups, groups, seed=seed)
        if found.ratio is not None:
            assert found.low <= found.ratio + 1e-12
            assert found.high >= found.ratio - 1e-12
            assert found.pairs == sum(map(len, groups))

    @settings(max_examples=25, deadline=None)
    @given(st.floats(-0.5, 0.5), st.integers(0, 50))
    def test_turning_the_sides_around_turns_the_verdict_around(self, effect, seed):
        pairs, control = experiment(effect, seed=seed, groups=7, pairs=5)
        turned = compare([[-one for one in group] for group in pairs], control, seed=seed)
        found = compare(pairs, control, seed=seed)
        assert turned.ratio == pytest.approx(1 / found.ratio)
        opposite = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}
        sure = min(abs(math.log(found.low)), abs(math.log(found.high))) > 0.01
        if sure:  # a percentile bootstrap is not symmetric to the last digit
            assert turned.verdict is opposite.get(found.verdict, found.verdict)

    def test_false_alarms_grow_as_the_threshold_falls(self):
        _, control = experiment(0.0, seed=5, process=0.05)
        counts = [false_alarms(control, threshold, 0) for threshold in (0.001, 0.01, 0.05, 0.5)]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] > 500
        assert counts[-1] == 0

    def test_a_ratio_without_a_control_has_an_interval_only(self):
        ratio, low, high = ratio_to([[math.log(3)] * 3] * 8)
        assert (ratio, low, high) == (pytest.approx(3), pytest.approx(3), pytest.approx(3))
        assert ratio_to([[0.0]] * 2) is None

    def test_the_deviation_is_corrected_for_few_groups(self):
        sides = experiment(0.0, seed=3, groups=MIN_GROUPS)
        drawn = max(statistics.pstdev(resampled(side, seed=0)) for side in sides)
        assert compare(*sides).deviation == pytest.approx(drawn * math.sqrt(MIN_GROUPS / (MIN_GROUPS - 1)))

    def test_the_interval_leaves_out_the_rarest_medians(self):
        """Of 1,000 resamples of nine groups, some have the smallest or the largest group as their median."""
        groups = [[math.log(1 + number / 10)] * 3 for number in range(9)]
        drawn = [math.exp(one) for one in resampled(groups, seed=0)]
        ratio, low, high = ratio_to(groups)
        assert min(drawn) < low < ratio < high < max(drawn)
        assert [sum(one < low for one in drawn) <= 25, sum(one > high for one in drawn) <= 25] == [True, True]
        assert ratio == pytest.approx(1.4)
