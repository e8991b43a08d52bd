"""Evidence that is not ok says why; text from a candidate is tamed before it enters a record."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.core.clip import CLIP, clip
from harness.core.evidence import Attempt, Evidence
from harness.core.status import Status

NOT_OK = [status for status in Status if status is not Status.OK]
ATTEMPTS = st.builds(
    Attempt,
    index=st.integers(0, 9),
    seed=st.integers(0, 2**63 - 1),
    status=st.sampled_from(Status),
    answers=st.sampled_from(["", "a", "b"]),
)


@pytest.mark.parametrize("status", NOT_OK)
def test_what_is_not_ok_must_say_why(status):
    with pytest.raises(ValidationError, match=f"status {status} must say why"):
        Evidence(status=status)
    assert Evidence(status=status, why="it does").why == "it does"


def test_ok_needs_no_reason():
    assert Evidence(status=Status.OK).why == ""


@pytest.mark.parametrize("name", ["median_ms", "peak_mb", "seconds"])
@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_amounts_are_finite_and_not_negative(name, value):
    with pytest.raises(ValidationError):
        Evidence.model_validate({"status": "ok", name: value})


@pytest.mark.parametrize("change", [{"seed": -1}, {"index": -1}, {"cpu_ms": -0.5}, {"extra": 1}])
def test_attempts_are_checked(change):
    with pytest.raises(ValidationError):
        Attempt.model_validate({"index": 0, "seed": 0, "status": "ok"} | change)


@given(st.lists(ATTEMPTS, max_size=5))
def test_stable_is_agreement_in_verdict_and_answers(attempts):
    evidence = Evidence(status=Status.OK, attempts=tuple(attempts))
    agree = all((a.status, a.answers) == (b.status, b.answers) for a in attempts for b in attempts)
    assert evidence.stable is agree
    assert evidence.stability == (1.0 if agree else 0.5)


@given(st.lists(ATTEMPTS, max_size=3), st.dictionaries(st.text(), st.integers() | st.text(), max_size=3))
def test_it_survives_json(attempts, facts):
    evidence = Evidence(status=Status.WRONG, why="so", attempts=tuple(attempts), facts=facts, median_ms=1.5)
    assert Evidence.from_wire(json.loads(json.dumps(evidence.to_wire()))) == evidence


@given(st.text(max_size=2000), st.integers(1, 500))
def test_clipped_text_is_bounded_and_printable(text, limit):
    clipped = clip(text, limit=limit)
    assert clipped.isprintable()
    assert len(clipped) <= 10 * limit  # an escape is ten characters at most: \U0010ffff
    clipped.encode("utf-8")


@given(st.text(min_size=CLIP + 1, max_size=3 * CLIP, alphabet=st.characters(categories=["L", "N"])))
def test_long_text_is_cut_and_says_so(text):
    assert len(clip(text)) == CLIP
    assert clip(text) == text[: CLIP - 1] + "…"


@given(st.text(max_size=CLIP, alphabet=st.characters(categories=["L", "N", "P"])))
def test_harmless_text_is_left_alone(text):
    assert clip(text) == text


@pytest.mark.parametrize(
    ("text", "clipped"),
    [
        ("a\nb", "a\\nb"),
        ("\x1b[31mPASSED\r", "\\x1b[31mPASSED\\r"),
        ("\u202eright to left", "\\u202eright to left"),
        ("\ud800", "\\ud800"),
        ("\x00", "\\x00"),
        ("tab\t", "tab\\t"),
    ],
)
def test_what_could_deceive_a_terminal_is_spelt_out(text, clipped):
    assert clip(text) == clipped


IMPOSSIBLE = [
    ({"status": "wrong", "fault": "trusted file"}, "names a fault"),
    ({"status": "infra", "reused": "run"}, "cannot be reused"),
    ({"status": "noisy", "reused": "run"}, "cannot be reused"),
    ({"status": "skipped", "reused": "run"}, "cannot be reused"),
    ({"status": "ok", "unconfirmed": "infra: its file changed"}, "without attempts"),
    ({"status": "infra", "fault": "somewhere"}, "Input should be"),
]


@pytest.mark.parametrize(("values", "message"), IMPOSSIBLE)
def test_impossible_combinations_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        Evidence.model_validate({"why": "so", **values})


def test_a_replaced_field_is_validated():
    evidence = Evidence(status=Status.WRONG, why="so")
    assert evidence.replace(reused="run").reused == "run"
    with pytest.raises(ValidationError, match="names a fault"):
        evidence.replace(fault="trusted file")


def test_a_record_of_an_earlier_version_keeps_its_meaning():
    facts = {
        "finalist": False,
        "reused": "20261122-113711-1a2b3c",
        "notices": ["the oracle is slow"],
        "quality": {"why": "others took 50% of the core", "calls": 3},
        "questions": {"right": 3, "total": 3},
    }
    attempt = {"index": 0, "seed": 0, "status": "ok"}
    old = {"status": "ok", "attempts": [attempt], "facts": facts | {"unconfirmed": "infra: its file changed"}}
    for found in (Evidence.from_wire(old), Evidence.model_validate_json(json.dumps(old))):
        assert found.facts == {"questions": {"right": 3, "total": 3}}
        assert not found.finalist
        assert found.reused == "20261122-113711-1a2b3c"
        assert found.notices == ("the oracle is slow",)
        assert found.quality is not None
        assert (found.quality.calls, found.quality.noisy) == (3, True)
        assert found.unconfirmed == "infra: its file changed"
    broken = Evidence.from_wire({"status": "infra", "why": "so", "facts": {"fault": "trusted file"}})
    assert (broken.fault, broken.facts) == ("trusted file", {})


@pytest.mark.parametrize("fact", [{"quality": 0.9}, {"fault": "left"}, {"notices": 3}, {"reused": None}])
def test_a_fact_of_a_lane_that_means_something_else_stays(fact):
    assert Evidence(status=Status.OK, facts=fact).facts == fact
