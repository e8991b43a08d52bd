"""The exponent of growth, and its interval against plain resampling."""

from __future__ import annotations

import math
import statistics
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.status import Status
from harness.lanes.toolgen.candidate_timing import CandidateTiming
from harness.lanes.toolgen.performance import MAX_EXACT_SAMPLES, TAIL, Profile, growth, growth_interval, upper_seconds
from harness.lanes.toolgen.questions import Question
from harness.lanes.toolgen.wrong_answer import WrongAnswer
from harness.sandbox.fault import BoxFault
from harness.sandbox.loop import drive

SIZES = (1000, 2000, 4000, 8000)
RESAMPLES = 4000
NOISE = 5 * math.sqrt(TAIL * (1 - TAIL) / RESAMPLES)  # five standard deviations of a tail's share

seconds = st.floats(1e-5, 1e-1)
tables = st.integers(2, MAX_EXACT_SAMPLES).flatmap(
    lambda count: st.tuples(*(st.lists(seconds, min_size=count, max_size=count) for _ in SIZES))
)


def resampled(times, statistic, seed):
    rng = np.random.default_rng(seed)
    columns = [statistic(np.asarray(one)[rng.integers(0, len(one), (RESAMPLES, len(one)))], axis=1) for one in times]
    return np.polyfit(np.log(SIZES), np.log(np.stack(columns)), 1)[0]


@pytest.mark.parametrize(("taken", "statistic"), [(min, np.min), (statistics.median, np.median)])
@settings(max_examples=40, deadline=None)
@given(times=tables, seed=st.integers(0, 2**32 - 1))
def test_the_interval_is_that_of_endless_resampling(taken, statistic, times, seed):
    profile = Profile(statistic=taken, samples=dict(zip(SIZES, times, strict=True)))
    low, high = growth_interval(profile)
    slopes = resampled(times, statistic, seed)
    slack = 1e-9 * (1 + np.abs(slopes).max())
    assert low <= high
    # As many slopes lie outside each end as a tail holds, and not fewer when the end itself is counted.
    assert np.mean(slopes < low - slack) <= TAIL + NOISE
    assert np.mean(slopes <= low + slack) >= TAIL - NOISE
    assert np.mean(slopes > high + slack) <= TAIL + NOISE
    assert np.mean(slopes >= high - slack) >= TAIL - NOISE


@pytest.mark.parametrize("statistic", [min, max, upper_seconds])
@settings(max_examples=40, deadline=None)
@given(times=st.tuples(*(st.lists(seconds, min_size=2, max_size=MAX_EXACT_SAMPLES + 2) for _ in SIZES)))
def test_the_interval_holds_the_exponent_of_the_rows(statistic, times):
    profile = Profile(statistic=statistic, samples=dict(zip(SIZES, times, strict=True)))
    rows = [{"size": size, "candidate_s": statistic(one)} for size, one in profile.samples.items()]
    low, high = growth_interval(profile)
    assert low <= growth(rows) <= high


def test_few_and_many_samples_agree():
    """At the limit between the two ways, the exact interval and the resampled one are nearly the same."""
    rng = np.random.default_rng(3)
    times = {size: [size * 1e-7 * (1 + one / 2) for one in rng.random(MAX_EXACT_SAMPLES)] for size in SIZES}
    exact = growth_interval(Profile(statistic=statistics.median, samples=times))
    doubled = growth_interval(
        Profile(statistic=statistics.median, samples={size: 2 * one for size, one in times.items()})
    )
    assert exact[0] < doubled[0] < doubled[1] < exact[1]  # more samples of the same spread: a narrower interval
    assert exact == growth_interval(
        Profile(statistic=statistics.median, samples={size: one[::-1] for size, one in times.items()})
    )


def test_equal_samples_have_one_slope():
    low, high = growth_interval(Profile(samples={size: [size * 1e-6] * 3 for size in SIZES}))
    assert low == pytest.approx(1.0)
    assert high == pytest.approx(1.0)


def test_two_sizes_have_no_exponent():
    assert growth_interval(Profile(samples={1: [1.0] * 3, 2: [2.0] * 3})) is None


def test_one_input_of_a_size_has_no_interval():
    assert growth_interval(Profile(samples={size: [1e-6] for size in SIZES})) is None


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (b"ordinary", "on an ordinary question in a further process"),
        (b"large", "on a workload (n = 500, up to 8n)"),
        (None, "in a further process"),
    ],
)
def test_a_timed_process_that_ends_is_reported_with_what_it_was_asked(key, place):
    spec = SimpleNamespace(workload_size=500)
    questions = SimpleNamespace(shared=(Question("drawn", b"ordinary", None),), tool=SimpleNamespace(spec=spec))
    case, facts = SimpleNamespace(policy=SimpleNamespace(timing=None)), {"questions": {"right": 1, "total": 1}}
    timing = CandidateTiming(case, SimpleNamespace(boxes=None), questions, None, facts, reader=None)

    def run(profile: Profile) -> tuple[Status, str]:
        return drive(timing.run(SimpleNamespace(conclude=lambda: profile)))

    fault = BoxFault(Status.TIMEOUT, "more than 2 s")
    assert run(Profile(fault=fault, fault_question=key)) == (Status.TIMEOUT, f"more than 2 s, {place}")
    if key is not None:
        wrong = WrongAnswer(key, "1", "2", "f() returned 2, not 1")
        assert run(Profile(wrong=[wrong])) == (
            Status.WRONG, f"timed calls answered wrong: 1, the first {place}; f() returned 2, not 1",
        )  # fmt: skip
