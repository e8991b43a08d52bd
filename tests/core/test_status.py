"""Of several statuses the most serious one counts, whatever order they come in."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.status import Status, first_of

ORDER = "infra forbidden protocol crash timeout memory output wrong flaky review noisy skipped ok".split()
STATUSES = st.lists(st.sampled_from(Status), min_size=1)


def test_the_order_of_precedence():
    assert [status.value for status in Status] == ORDER
    assert [status.precedence for status in Status] == list(range(len(ORDER)))


@pytest.mark.parametrize(("first", "second"), list(combinations(ORDER, 2)))
def test_of_two_the_first_in_order_counts(first, second):
    assert first_of([Status(second), Status(first)]) is Status(first)
    assert first_of([Status(first), Status(second)]) is Status(first)


def test_of_none_it_is_ok():
    assert first_of([]) is Status.OK
    assert first_of(iter(())) is Status.OK


@given(STATUSES, st.randoms())
def test_the_order_they_come_in_does_not_matter(statuses, rng):
    shuffled = list(statuses)
    rng.shuffle(shuffled)
    assert first_of(shuffled) is first_of(statuses)
    assert first_of(statuses) in statuses


@given(STATUSES, STATUSES)
def test_counting_in_parts_changes_nothing(one, other):
    assert first_of([first_of(one), first_of(other)]) is first_of(one + other)


def test_ok_only_if_all_are():
    assert first_of([Status.OK] * 3) is Status.OK
    for status in set(Status) - {Status.OK}:
        assert first_of([Status.OK, status, Status.OK]) is status


def test_who_is_to_blame():
    innocent = {status for status in Status if not status.blames_subject}
    assert innocent == {Status.INFRA, Status.REVIEW, Status.NOISY, Status.SKIPPED, Status.OK}
