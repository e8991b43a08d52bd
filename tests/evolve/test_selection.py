"""Ranks, crowding, tournaments, archive, front and steps."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.case import Case, Subject
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.paired import Comparison, settle
from harness.core.pareto import dominates, hypervolume
from harness.core.score import Score
from harness.core.trial import Trial, changed
from harness.evolve.archive import Archive, Front, Member
from harness.evolve.finals import paired_time
from harness.evolve.measures import TIME_STEP, Steps, cell_of, differences, levels, relative, steps
from harness.evolve.selection import crowding, order, ranks, tournament

vectors = st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=25)


def named(found):
    return {f"{number:02d}": vector for number, vector in enumerate(found)}


@given(vectors)
def test_ranks_peel_fronts(found):
    by_name = named(found)
    rank = ranks(by_name)
    for name, vector in by_name.items():
        better = [other for other, one in by_name.items() if dominates(one, vector)]
        assert (rank[name] == 0) == (not better)
        assert rank[name] == max((rank[other] + 1 for other in better), default=0)


@given(vectors, st.randoms(use_true_random=False))
def test_the_order_depends_on_no_order_of_arrival(found, rng):
    by_name = named(found)
    shuffled = list(by_name.items())
    rng.shuffle(shuffled)
    assert order(dict(shuffled)) == order(by_name)


def test_ties_are_settled_by_digest_and_ends_are_kept():
    assert order({"b": (1, 1), "a": (1, 1)}) == ["a", "b"]
    distance = crowding({"a": (0, 9), "b": (1, 5), "c": (2, 4), "d": (9, 0)})
    assert distance["a"] == distance["d"] == float("inf")
    assert 0 < distance["c"] < float("inf")


@pytest.mark.parametrize("size", range(1, 8))
def test_odd_brackets_have_a_bye_and_the_best_wins_what_it_enters(size):
    for seed in range(30):
        entered: list[int] = []

        def better(one: int, other: int, entered: list[int] = entered) -> bool:
            entered.extend((one, other))
            return one < other

        winner = tournament(range(7), better, random.Random(seed), size=size)
        assert winner == min(entered, default=winner)
        assert winner == tournament(range(7), lambda a, b: a < b, random.Random(seed), size=size)
    assert tournament([3], lambda a, b: a < b, random.Random(0), size=5) == 3


def member(digest: str, *vector: int, cell: str = "set/n^1/9") -> Member:
    performance, time, memory, size, stability = (*vector, *[0] * 5)[:5]
    found = Steps(performance, time, memory, size, stability, 1.0)
    return Member(digest, int(digest), cell, found)


def test_an_owner_falls_only_to_a_better_one_of_its_own_cell():
    archive = Archive()
    assert archive.add(member("1", 0, 5))
    assert archive.add(member("2", 0, 1, cell="trie/n^1/9"))
    assert not archive.add(member("3", 0, 6))
    assert not archive.add(member("4", 0, 5)), "the same steps: the smaller digest stays"
    assert archive.add(member("5", 0, 4))
    assert [one.digest for one in archive.members] == ["2", "5"]


@given(vectors)
def test_the_front_is_that_of_the_ranks_whatever_the_order(found):
    members = [member(str(number), *vector) for number, vector in enumerate(found)]
    front = Front()
    for one in members:
        front.add(one)
    rank = ranks({one.digest: one.steps.vector for one in members})
    assert {one.digest for one in front.members} == {name for name, level in rank.items() if level == 0}


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), max_size=6))
def test_the_hypervolume_counts_the_dominated_cubes(found):
    cubes = itertools.product(range(5), repeat=3)
    counted = sum(any(all(a <= b for a, b in zip(one, cube, strict=True)) for one in found) for cube in cubes)
    assert hypervolume(found, (5, 5, 5)) == pytest.approx(counted)


def test_noise_moves_no_candidate_off_its_parents_step():
    root = {"time": 0.917, "memory": 13.0, "size": 100, "growth": 1.85, "performance": 1.0, "stability": 0.776}
    rng = random.Random(1)
    at = steps(root, root)
    for _ in range(1000):
        noisy = root | {
            "time": root["time"] * rng.uniform(0.92, 1.1),
            "memory": root["memory"] * rng.uniform(0.9, 1.1),
            "growth": root["growth"] + rng.uniform(-0.1, 0.1),
        }
        assert steps(noisy, root) == at
    faster = steps(root | {"time": root["time"] / 1.9}, root)
    assert faster.time == at.time - 3
    assert cell_of("set", at) == "set/n^2/7"


def test_seed_parents_are_compared_by_the_distance_of_neighbours():
    """So a factor that all have in common changes nothing, and neither does noise at the limit of a fixed grid."""
    times = {"a": 1.0, "b": 1.3, "c": 2.9, "d": None, "e": 11.0}
    found = levels(times, 2.0)
    assert found == {"a": 0, "b": 0, "c": 1, "d": 0, "e": 3}
    rng = random.Random(1)
    for _ in range(100):
        speed = rng.uniform(0.5, 2)
        noisy = {name: one and one * speed * rng.uniform(0.97, 1.03) for name, one in times.items()}
        assert levels(noisy, 2.0) == found


def test_what_was_not_measured_is_no_step():
    at = steps({"size": 3, "time": None, "memory": None, "growth": None, "performance": None, "stability": None}, {})
    assert at.vector == (0, 0, 0, 3, 0)


@given(st.integers(-6, 6), st.lists(st.floats(-0.25, 0.25), min_size=1, max_size=4))
def test_noise_within_its_margin_changes_no_number_of_steps(steps_apart, noise):
    """Whatever the measurements, they prove no more than there is; all at the truth prove it."""
    found, _ = settle([steps_apart + one for one in noise])
    assert abs(found) <= abs(steps_apart)
    assert settle([float(steps_apart)] * 4) == (steps_apart, True)


def test_a_difference_within_the_noise_is_none():
    assert settle([0.46, 0.52, 0.55, 0.49]) == (0, False)
    assert settle([0.02]) == (0, True)
    assert settle([-1.3]) == (-1, False)
    assert settle([-1.3, -1.1]) == (-1, True)


SUBJECT = Subject(name="c", digest="0" * 64)
PARENT = {"performance": 0.9, "time": 2.0, "memory": 16.0, "growth": 1.4}


def verdict_with(facts):
    evidence = Evidence(status="ok", facts=facts)
    return Evaluation(
        case=Case(lane="t", suite="s", name="c", subject=SUBJECT), evidence=evidence, score=Score(total=1)
    )


@given(
    st.integers(-4, 4),
    st.integers(-2, 2),
    st.lists(st.floats(-0.1, 0.1), min_size=16, max_size=16),
    st.lists(st.floats(-0.1, 0.1), min_size=16, max_size=16),
)
def test_two_noisy_measurements_of_one_child_give_the_same_measures(time, growth, noise, other_noise):
    """Its own times, by a machine of any speed, have no part in that; those of both in turns have."""
    found = []
    for at in (noise, other_noise):
        groups = [(time + one) * TIME_STEP for one in at]
        verdict = verdict_with({"against": {"time": groups, "growth": [(growth + one) / 2 for one in at]}})
        mine = PARENT | {"time": 5 + 9 * at[0], "performance": 0.5 + at[0], "memory": 16 + 9 * at[0]}
        measured = differences(verdict, mine, PARENT)
        found.append(relative(measured, PARENT))
    assert found[0] == found[1]
    assert found[0]["time"] == pytest.approx(2.0 * 2 ** (time / 3))
    assert found[0]["growth"] == pytest.approx(1.4 + growth / 2)
    assert found[0]["memory"] == 16.0
    assert found[0].get("performance") == (None if time else 0.9), "it is what was measured only where the times differ"


def test_a_lane_that_compares_nothing_has_one_measurement_of_each():
    mine = {"time": 4.0, "memory": None, "growth": 1.9}
    found = differences(verdict_with({}), mine, PARENT)
    assert found == {"time": [pytest.approx(3)], "memory": [0.0], "growth": [pytest.approx(1)]}
    assert relative({}, PARENT) == PARENT, "nothing was compared"


@pytest.mark.parametrize(
    ("ratios", "deviation", "verdict"),
    [
        ([0.9], 0.01, "faster"),
        ([0.97], 0.01, "underpowered"),
        ([0.97, 0.972, 0.968, 0.97], 0.004, "faster"),
        ([1.0], 0.004, "alike"),
        ([1.1], None, "slower"),
        ([0.9, 1.1], 0.01, "alike"),
    ],
)
def test_repeated_paired_measurements_decide_together(ratios, deviation, verdict):
    found = [Comparison(verdict="alike", why="", ratio=one, deviation=deviation) for one in ratios]
    timed = paired_time(found)
    assert (timed.verdict, timed.count) == (verdict, len(ratios))
    assert timed.low < timed.ratio < timed.high
    assert paired_time([Comparison(verdict="underpowered", why="too few groups")]) is None


def test_an_owner_that_is_judged_again_has_the_name_of_the_trial_that_brought_it():
    first = Trial(3, 0, 0, "t", "d", operator="delete")
    assert (
        changed(first, number=9, operator="elite", verdict={"brought_by": first.name}).name == first.name == "3-delete"
    )
