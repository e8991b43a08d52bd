"""Statistics against known vectors and the laws they obey."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.core.stats import (
    bootstrap_interval,
    flake_bound,
    geometric_mean,
    median,
    median_interval,
    spearman,
    wilson_interval,
)

COUNTS = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
SAMPLES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)
POSITIVE = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=30)


class TestWilson:
    @pytest.mark.parametrize(
        ("successes", "trials", "low", "high"),
        [
            (8, 10, 0.4901625, 0.9433178),
            (5, 10, 0.2365931, 0.7634069),
            (0, 10, 0.0, 0.2775328),
            (10, 10, 0.7224672, 1.0),
            (1, 1, 0.2065493, 1.0),
        ],
    )
    def test_known_vectors(self, successes, trials, low, high):
        assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=1e-6)

    def test_of_nothing_it_is_everything(self):
        assert wilson_interval(0, 0) == (0.0, 1.0)

    @given(COUNTS)
    def test_it_contains_the_proportion_and_stays_in_the_unit(self, counts):
        k, n = counts
        low, high = wilson_interval(k, n)
        assert 0 <= low <= k / n + 1e-12
        assert k / n - 1e-12 <= high <= 1
        assert low < high

    @given(COUNTS)
    def test_failures_mirror_successes(self, counts):
        k, n = counts
        low, high = wilson_interval(k, n)
        assert wilson_interval(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)

    @given(COUNTS)
    def test_more_of_the_same_narrows_it(self, counts):
        k, n = counts
        low, high = wilson_interval(k, n)
        closer, nearer = wilson_interval(10 * k, 10 * n)
        assert nearer - closer < high - low

    def test_rounding_never_leaves_the_unit(self):
        for n in range(1, 500):
            assert wilson_interval(0, n)[0] >= 0
            assert wilson_interval(n, n)[1] <= 1

    @given(st.integers(1, 10_000))
    def test_the_ends_are_never_certain(self, n):
        assert 0 < wilson_interval(0, n)[1] < 1
        assert 0 < wilson_interval(n, n)[0] < 1


class TestMedianInterval:
    @pytest.mark.parametrize("groups", [[], [[1.0, 2.0]], [[1.0, 2.0], []]])
    def test_one_process_gives_none(self, groups):
        assert median_interval(groups) is None

    @pytest.mark.parametrize("count", [2, 5])
    def test_few_processes_give_the_ends(self, count):
        assert median_interval([[float(n)] for n in range(count)]) == (0.0, count - 1.0)

    def test_more_processes_give_less_than_the_ends(self):
        low, high = median_interval([[float(n)] for n in range(6)])
        assert 0 < low < 2.5 < high < 5

    def test_a_process_counts_once_however_many_samples_it_has(self):
        assert median_interval([[1.0, 1.0, 9.0], [2.0] * 99, [3.0]]) == (1.0, 3.0)


class TestSpearman:
    @pytest.mark.parametrize(
        ("pairs", "expected"),
        [
            ([(1, 10), (2, 200), (3, 3000)], 1.0),
            ([(1, 3), (2, 2), (3, 1)], -1.0),
            ([(1, 1), (2, 2), (3, 3), (4, 1)], 0.105409),  # two equal values share the mean of their ranks
            ([(1, 5), (2, 5), (3, 5)], 0.0),
        ],
    )
    def test_known_vectors(self, pairs, expected):
        assert spearman(pairs) == pytest.approx(expected, abs=1e-6)


class TestFlakeBound:
    @pytest.mark.parametrize(("runs", "bound"), [(1, 0.95), (29, 0.09814), (59, 0.04951), (299, 0.00997)])
    def test_the_rule_of_three(self, runs, bound):
        assert flake_bound(runs) == pytest.approx(bound, abs=1e-5)

    @pytest.mark.parametrize("runs", [0, -1])
    def test_no_run_excludes_nothing(self, runs):
        assert flake_bound(runs) == 1.0

    @given(st.integers(0, 10_000))
    def test_every_run_excludes_more(self, runs):
        assert 0 < flake_bound(runs + 1) < flake_bound(runs) <= 1

    @given(st.integers(1, 10_000), st.floats(0.5, 0.999))
    def test_a_flake_at_the_bound_stays_hidden_as_seldom_as_was_asked(self, runs, confidence):
        hidden = (1 - flake_bound(runs, confidence=confidence)) ** runs
        assert hidden == pytest.approx(1 - confidence, rel=1e-6)


class TestMedian:
    def test_of_nothing_there_is_none(self):
        assert median([]) is None

    @pytest.mark.parametrize(("samples", "value"), [([3], 3), ([1, 9, 2], 2), ([4, 1, 2, 100], 3)])
    def test_known_vectors(self, samples, value):
        assert median(samples) == value

    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_a_broken_clock_is_refused(self, bad, place):
        samples = [1.0, 2.0]
        samples.insert(place, bad)
        with pytest.raises(ValueError, match="not a finite number"):
            median(samples)

    @given(SAMPLES, st.randoms())
    def test_order_does_not_matter(self, samples, rng):
        shuffled = list(samples)
        rng.shuffle(shuffled)
        assert median(shuffled) == median(samples)
        assert min(samples) <= median(samples) <= max(samples)


class TestGeometricMean:
    def test_of_nothing_there_is_none(self):
        assert geometric_mean([]) is None

    @pytest.mark.parametrize(("values", "mean"), [([7], 7), ([1, 4], 2), ([2, 4, 8], 4), ([0.25, 1, 1, 1], 0.7071068)])
    def test_known_vectors(self, values, mean):
        assert geometric_mean(values) == pytest.approx(mean)

    @pytest.mark.parametrize("values", [[0], [5, 0], [0, 5], [3, -1]])
    def test_one_zero_is_enough(self, values):
        assert geometric_mean(values) == 0

    @given(POSITIVE)
    def test_it_lies_between_and_below_the_mean(self, values):
        mean = geometric_mean(values)
        assert min(values) * (1 - 1e-9) <= mean <= max(values) * (1 + 1e-9)
        assert mean <= statistics.fmean(values) * (1 + 1e-9)

    @given(POSITIVE, st.floats(1e-3, 1e3))
    def test_it_scales(self, values, factor):
        assert geometric_mean([v * factor for v in values]) == pytest.approx(factor * geometric_mean(values))


class TestBootstrap:
    def test_of_nothing_there_is_none(self):
        assert bootstrap_interval([]) is None

    def test_of_one_sample_it_is_a_point(self):
        assert bootstrap_interval([4.5]) == (4.5, 4.5)

    @given(SAMPLES, st.integers(0, 2**32))
    def test_the_same_seed_gives_the_same_interval(self, samples, seed):
        first = bootstrap_interval(samples, resamples=100, seed=seed)
        assert bootstrap_interval(samples, resamples=100, seed=seed) == first

    def test_another_seed_draws_otherwise(self):
        samples = [float(n * n) for n in range(20)]
        drawn = {bootstrap_interval(samples, statistics.fmean, resamples=100, seed=seed) for seed in range(5)}
        assert len(drawn) > 1

    @given(SAMPLES)
    def test_it_stays_within_the_samples_and_in_order(self, samples):
        low, high = bootstrap_interval(samples, resamples=100)
        assert min(samples) <= low <= high <= max(samples)

    @given(SAMPLES)
    def test_more_confidence_is_wider(self, samples):
        low, high = bootstrap_interval(samples, resamples=200, confidence=0.5)
        lower, higher = bootstrap_interval(samples, resamples=200, confidence=0.99)
        assert lower <= low <= high <= higher

    @pytest.mark.parametrize(("confidence", "ends"), [(0.5, (25, 74)), (0.9, (5, 94)), (0.98, (1, 98))])
    def test_it_leaves_out_both_tails(self, confidence, ends):
        drawn = iter(range(100))
        interval = bootstrap_interval([1.0, 2.0], lambda _: next(drawn), confidence=confidence, resamples=100)
        assert interval == pytest.approx(ends, abs=1)

    def test_it_holds_the_median_of_plenty_of_samples(self):
        low, high = bootstrap_interval([float(n) for n in range(101)])
        assert low < 50 < high
        assert high - low < 45

    @given(SAMPLES)
    def test_the_statistic_is_the_one_asked_for(self, samples):
        assume(len(set(samples)) > 1)
        assert bootstrap_interval(samples, max, resamples=300, confidence=0.9)[1] <= max(samples)
        low, high = bootstrap_interval(samples, lambda drawn: 7.0, resamples=20)
        assert (low, high) == (7.0, 7.0)
