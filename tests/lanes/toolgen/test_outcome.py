"""The outcome of an attempt: what its digest of answers depends on."""

from __future__ import annotations

import pytest

from harness.core.status import Status
from harness.lanes.toolgen.outcome import Outcome
from harness.sandbox.fault import BoxFault


def sealed(*, fingerprints=(b"a", b"b"), properties: bytes = b"p", fault: BoxFault | None = None) -> str:
    outcome = Outcome(0, 1, 1, fingerprints=dict(enumerate(fingerprints)), property_answers=properties, fault=fault)
    outcome.seal([0, 1])
    return outcome.answers


def test_equal_answers_have_equal_digests():
    assert sealed() == sealed() != ""
    assert sealed(fingerprints=(b"a", b"b", b"an input of this attempt's own")) == sealed()


@pytest.mark.parametrize(
    "change", [{"fingerprints": (b"a", b"c")}, {"properties": b"q"}, {"fingerprints": (b"b", b"a")}]
)
def test_another_answer_has_another_digest(change):
    assert sealed(**change) != sealed()


def test_an_attempt_that_did_not_end_has_no_digest():
    assert sealed(fault=BoxFault(Status.CRASH, "exited")) == ""
    assert sealed(properties=b"") == ""
