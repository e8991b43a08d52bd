"""Weighing and judging, and what stays open where something was not measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.core.evidence import Evidence
from harness.core.gate import Gate
from harness.core.policy import Policy
from harness.core.score import Component, Score, judge, weigh
from harness.core.status import Status

UNIT = st.floats(0, 1)
PARTS = st.lists(
    st.builds(Component, name=st.sampled_from("abcdef"), value=st.none() | UNIT, weight=UNIT),
    max_size=6,
    unique_by=lambda part: part.name,
)
OK = Evidence(status=Status.OK)


def part(name, value, weight=0.5, why=""):
    return Component(name=name, value=value, weight=weight, why=why)


def score(components, *, gates=None, evidence=OK, **more):
    return judge(evidence, Policy(gates=gates or {}), components, **more)


class TestWeigh:
    def test_a_known_vector(self):
        total, low, high = weigh([part("a", 1.0, 0.4), part("b", 0.5, 0.6)])
        assert (total, low, high) == pytest.approx((0.7, 0.7, 0.7))

    def test_what_is_undefined_leaves_an_interval(self):
        total, low, high = weigh([part("a", 1.0, 0.4), part("b", None, 0.6)])
        assert total is None
        assert (low, high) == pytest.approx((0.4, 1.0))

    def test_what_is_undefined_but_weighs_nothing_leaves_none(self):
        assert weigh([part("a", 1.0, 0.4), part("b", None, 0.0)]) == (0.4, 0.4, 0.4)

    def test_factor_and_cap(self):
        assert weigh([part("a", 1.0, 1.0)], factor=0.5)[0] == 0.5
        assert weigh([part("a", 1.0, 1.0)], cap=0.9) == (0.9, 0.9, 0.9)
        assert weigh([part("a", 0.6, 1.0), part("b", None, 1.0)], factor=0.5, cap=0.7) == (None, 0.3, 0.7)

    def test_of_nothing_it_is_0(self):
        assert weigh([]) == (0, 0, 0)

    @given(PARTS, UNIT, UNIT)
    def test_the_total_lies_in_its_interval(self, parts, factor, cap):
        total, low, high = weigh(parts, factor=factor, cap=cap)
        assert 0 <= low <= high <= cap
        if total is not None:
            assert total == low == high

    @given(PARTS, st.lists(UNIT, min_size=6, max_size=6), UNIT, UNIT)
    def test_whatever_is_measured_later_lies_in_the_interval(self, parts, values, factor, cap):
        _, low, high = weigh(parts, factor=factor, cap=cap)
        measured = [
            p if p.value is not None else p.model_copy(update={"value": v}) for p, v in zip(parts, values, strict=False)
        ]
        total, *_ = weigh(measured, factor=factor, cap=cap)
        assert low - 1e-12 <= total <= high + 1e-12


class TestJudge:
    @pytest.mark.parametrize("status", [Status.INFRA, Status.SKIPPED])
    def test_what_was_not_judged_has_no_score(self, status):
        made = score([part("a", 1.0)], gates={"score": 0}, evidence=Evidence(status=status, why="no box"))
        assert (made.total, made.low, made.high, made.gates) == (None, None, None, ())
        assert made.explanation == "no box"

    @pytest.mark.parametrize("status", [s for s in Status if s not in (Status.INFRA, Status.SKIPPED)])
    def test_all_others_have_one(self, status):
        assert score([part("a", 1.0)], evidence=Evidence(status=status, why="so")).total == 0.5

    def test_gates_name_components(self):
        made = score([part("a", 0.5, why="half of it")], gates={"a": 0.6})
        assert [gate.name for gate in made.failed] == ["a"]
        assert made.failed[0].why == "a 0.5 fails >= 0.6: half of it"
        assert not made.gates_pass
        assert score([part("a", 0.5)], gates={"a": 0.5}).gates_pass

    def test_a_gate_without_a_component_fails_and_names_those_there_are(self):
        made = score([part("b", 1.0), part("a", 1.0)], gates={"c": 0.0})
        assert not made.gates_pass
        assert made.failed[0].why == "c is undefined, needed >= 0: no component of that name; there are a, b"

    def test_the_lane_s_own_gates_come_first_and_are_not_held_twice(self):
        own = Gate(name="time_ms", threshold=1000, at_most=True).evaluate(1500)
        made = judge(OK, Policy(gates={"time_ms": 0.0, "a": 1.0}), [part("a", 1.0)], gates=[own])
        assert [gate.name for gate in made.gates] == ["time_ms", "a"]
        assert made.failed == (own,)

    @given(PARTS, st.dictionaries(st.sampled_from([*"abcdef", "score"]), UNIT, max_size=4))
    def test_every_gate_asked_for_is_held_once(self, parts, gates):
        made = score(parts, gates=gates)
        assert sorted(gate.name for gate in made.gates) == sorted(gates)
        assert made.gates_pass is (not made.failed)
        assert made.gates_pass is all(gate.passed for gate in made.gates)

    @given(PARTS, UNIT, UNIT)
    def test_a_lower_threshold_never_fails_what_held(self, parts, one, other):
        if score(parts, gates={"score": max(one, other)}).gates_pass:
            assert score(parts, gates={"score": min(one, other)}).gates_pass

    def test_it_survives_its_wire_form(self):
        made = score([part("a", 0.25), part("b", None)], gates={"score": 0.2})
        assert Score.from_wire(made.to_wire()) == made

    @pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
    def test_components_are_finite_and_not_negative(self, value):
        with pytest.raises(ValidationError):
            part("a", value)


class TestInterval:
    """`a` is 0.5 of 0.5 and `b`, undefined, up to 0.5: the total lies between 0.25 and 0.75."""

    HALF = (part("a", 0.5), part("b", None))

    def evaluate(self, threshold):
        [gate] = score(self.HALF, gates={"score": threshold}).gates
        return gate

    @pytest.mark.parametrize("threshold", [0.0, 0.2, 0.25])
    def test_it_holds_if_the_lower_end_does(self, threshold):
        gate = self.evaluate(threshold)
        assert gate.passed
        assert gate.observed == 0.25

    @pytest.mark.parametrize("threshold", [0.76, 0.9, 1.0])
    def test_it_fails_if_the_upper_end_does(self, threshold):
        gate = self.evaluate(threshold)
        assert not gate.passed
        assert gate.observed == 0.75

    @pytest.mark.parametrize("threshold", [0.26, 0.5, 0.75])
    def test_between_it_is_undefined(self, threshold):
        gate = self.evaluate(threshold)
        assert not gate.passed
        assert gate.observed is None
        assert gate.why.endswith("the total lies between 0.250 and 0.750")

    @given(PARTS, UNIT)
    def test_all_three_ways(self, parts, threshold):
        made = score(parts, gates={"score": threshold})
        [gate] = made.gates
        assert gate.passed is (made.low >= threshold)
        assert (gate.observed is None) is (made.total is None and made.low < threshold <= made.high)


class TestUndecided:
    @pytest.mark.parametrize(
        ("gates", "undecided"),
        [
            ({}, False),
            ({"score": 0.2}, False),
            ({"score": 0.5}, True),
            ({"score": 0.75}, True),
            ({"score": 0.9}, False),
            ({"b": 0.5}, True),
            ({"b": 1.5}, False),
            ({"a": 0.9}, False),
            ({"score": 0.5, "b": 1.0}, True),
            ({"score": 0.5, "a": 0.9}, False),
            ({"score": 0.5, "nothing": 0.1}, False),
        ],
        ids=str,
    )
    def test_only_what_was_not_measured_may_decide(self, gates, undecided):
        assert score(TestInterval.HALF, gates=gates).undecided is undecided

    def test_a_component_without_weight_was_never_to_be_measured(self):
        assert not score([part("a", 0.5), part("b", None, 0.0)], gates={"b": 0.5}).undecided

    @given(PARTS, st.dictionaries(st.sampled_from([*"abcdef", "score"]), UNIT, max_size=4))
    def test_what_holds_is_decided(self, parts, gates):
        made = score(parts, gates=gates)
        assert not (made.gates_pass and made.undecided)
