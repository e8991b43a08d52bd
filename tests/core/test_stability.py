"""What attempts prove, and how rounds of them add up."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.evidence import Attempt, Evidence
from harness.core.stability import FACT, MIN_HASH_SEEDS, RUNGS, add_round, percent, stability_of
from harness.core.status import Status


def evidence(count=3, *, answers="a", status="ok", seeds=True, start=1, **more):
    attempts = tuple(
        Attempt(index=i, seed=i, hash_seed=start + i if seeds else None, status=status, answers=answers)
        for i in range(count)
    )
    return Evidence(status=status, why="" if status == "ok" else "it is", attempts=attempts, **more)


def test_nothing_is_known_without_attempts():
    assert stability_of(evidence(0)) is None


@pytest.mark.parametrize(("attempts", "text"), [(1, "95 %"), (3, "64 %"), (20, "14 %"), (59, "5 %"), (299, "1 %")])
def test_the_bound_is_that_of_the_ladder(attempts, text):
    known = stability_of(evidence(attempts))
    assert f"p < {text} at 95 %" in known.text
    assert known.rung == max((rung for rung in RUNGS if rung <= attempts), default=0)
    assert not known.confirmed  # however many: they met the inputs they were chosen by


@given(st.floats(0.0001, 1))
def test_percent_never_claims_more_than_was_shown(bound):
    number = float(re.match(r"[\d.]+", percent(bound))[0]) / 100
    assert bound - 1e-12 <= number <= bound * 1.1 + 1e-12


@pytest.mark.parametrize("change", [{"answers": "b"}, {"status": Status.WRONG}])
def test_any_disagreement_within_a_round_is_flaky(change):
    first = evidence(19)
    split = first.model_copy(update={"attempts": (*first.attempts, first.attempts[0].model_copy(update=change))})
    known = stability_of(split)
    assert (known.flaky, known.bound, known.confirmed) == (True, 1.0, False)
    assert known.text.startswith("flaky (20 attempts")


def test_rounds_were_asked_different_things_so_their_answers_may_differ():
    both = add_round(evidence(3), evidence(17, answers="b", start=100), adopt=True, note={"secret_seed": "1"})
    known = stability_of(both)
    assert both.stable
    assert [a.index for a in both.attempts] == list(range(20))
    assert {a.round for a in both.attempts} == {0, 1}
    assert (known.attempts, known.hash_seeds, known.rounds, known.confirmed) == (20, 20, 2, True)
    assert both.facts[FACT] == [{"attempts": 17, "status": "ok", "secret_seed": "1"}]


@pytest.mark.parametrize(("fresh", "confirmed"), [(MIN_HASH_SEEDS - 4, False), (MIN_HASH_SEEDS - 3, True)])
@pytest.mark.parametrize("seeds", [True, False])
def test_first_place_needs_enough_hash_seeds_or_attempts(fresh, confirmed, seeds):
    both = add_round(evidence(3, seeds=seeds), evidence(fresh, seeds=seeds, start=9), adopt=True, note={})
    assert stability_of(both).confirmed is confirmed


def test_hash_seeds_that_come_again_count_once():
    both = add_round(evidence(3), evidence(17), adopt=True, note={})
    assert stability_of(both).hash_seeds == 17


STATUSES = st.sampled_from([Status.OK, Status.WRONG, Status.FLAKY, Status.TIMEOUT])


@given(STATUSES, STATUSES, st.booleans())
def test_a_status_only_gets_worse_and_comes_with_its_own_reason(first, fresh, adopt):
    before = evidence(2, status=first, facts={"from": "first"}, seconds=1)
    after = evidence(5, status=fresh, facts={"from": "fresh"}, seconds=2)
    both = add_round(before, after, adopt=adopt, note={})
    assert both.status.precedence == min(first.precedence, fresh.precedence)
    assert (len(both.attempts), both.seconds) == (7, 3)
    if fresh.precedence < first.precedence:
        assert both.facts["from"] == "fresh"
        assert both.why == "on fresh inputs, attempts 3 to 7: it is"
    elif not adopt:
        assert both.facts["from"] == "first"


def test_facts_of_earlier_rounds_are_kept():
    both = evidence(1)
    for number in range(3):
        both = add_round(both, evidence(1), adopt=True, note={"secret_seed": str(number)})
    assert [one["secret_seed"] for one in both.facts[FACT]] == ["0", "1", "2"]
