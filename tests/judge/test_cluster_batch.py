"""The size of a batch follows the measured cost of a case; lost workers are counted where a batch had begun."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.core.case import Case, Subject
from harness.judge.cluster_batch import (
    AHEAD,
    BATCH_SECONDS,
    LOSSES,
    MAX_BATCH,
    Batch,
    Job,
    batch_size,
    threads_for,
)

COSTS = st.floats(1e-6, 1e4)


@given(waiting=st.integers(1, 10**6), threads=st.integers(0, 10**4), cost=COSTS, other=COSTS)
def test_a_batch_takes_two_seconds_or_less_and_is_no_more_than_a_fair_share(waiting, threads, cost, other):
    size = batch_size(waiting, threads=threads, cost=cost)
    assert 1 <= size <= min(MAX_BATCH, waiting)
    assert size == 1 or size * cost <= BATCH_SECONDS
    assert size == 1 or (size - 1) * AHEAD * threads < waiting  # each thread has its batches
    assert (batch_size(waiting, threads=threads, cost=other) <= size) or other < cost  # dearer cases, smaller batches
    # Nothing else makes a batch smaller: one case more is too slow, too many, or more than a share.
    assert (size + 1) * cost > BATCH_SECONDS or size == MAX_BATCH or size * AHEAD * max(1, threads) >= waiting


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_a_case_is_judged_until_two_workers_were_lost_that_had_begun(begins):
    job = Job(Case(lane="x", suite="s", name="n", subject=Subject.from_bytes("n", b"", path=Path("n"))), b"", Future())
    for count in begins:
        Batch([job], (), begins=count).lose()
    assert (job.losses >= LOSSES) == (sum(begins) >= 2 or sum(begins) + begins.count(0) / 4 >= 2)


def test_only_workers_that_have_all_resources_count():
    workers = [(4, {"a": 4.0, "b": 1.0}), (2, {"a": 2.0}), (1, {"a": 0.0, "b": 1.0})]
    assert [threads_for(needs, workers) for needs in [(), ("a",), ("a", "b"), ("c",)]] == [7, 6, 4, 0]
