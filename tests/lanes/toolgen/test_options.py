from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.lanes.toolgen.options import ToolgenSuite


def test_the_defaults():
    suite = ToolgenSuite(lane="toolgen", tool="t", candidates="*.py")
    assert (suite.questions, suite.jitter_ms) == (24, (0.0, 10.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"questions": 0},
        {"questions": 10**9},
        {"jitter_ms": (5, 1)},
        {"jitter_ms": (-1, 1)},
        {"candidats": "x"},
        {"weights": {"correctness": -1}},
        {"weights": {"correctness": True}},
        {"weights": {"correctness": float("nan")}},
    ],
)
def test_what_is_refused(wrong):
    with pytest.raises(ValidationError):
        ToolgenSuite(lane="toolgen", tool="t", candidates="*.py", **wrong)
