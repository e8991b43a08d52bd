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
