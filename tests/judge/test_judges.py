"""Judges: which case a process is given next."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from harness.core.policy import Policy
from harness.judge.judges import Judges, _Job, _Judge
from harness.lane.context import Context
from harness.lanes.toolgen.collect import case_for
from harness.lanes.toolgen.lane import Toolgen
from harness.lanes.toolgen.tool_spec import read_tool
from tests.judge.conftest import GOOD


@pytest.fixture
def judges(tmp_path):
    context = Context(secret_seed=7, scratch=tmp_path)
    made = Judges([Toolgen()], count=2, context=context)
    yield made
    made.close()
    context.close()


@pytest.fixture
def job(tool, tmp_path):
    path = tmp_path / "candidate.py"
    path.write_text(GOOD)
    case = case_for(read_tool(tool), path, suite="x.suite.yaml", policy=Policy())

    def make(number: int, *, is_suspect: bool = False) -> _Job:
        return _Job(number, case, Future(), is_suspect=is_suspect)

    return make


def test_a_suspect_is_judged_alone(judges, job):
    busy, idle, suspect, other = _Judge(), _Judge(), job(1, is_suspect=True), job(2)
    busy.jobs[3] = job(3)
    judges._suspects.append(suspect)
    judges._waiting.append(other)
    assert judges._next(busy) is None, "which of its cases ends it would not be known"
    assert judges._next(idle) is suspect
    idle.jobs[1] = suspect
    assert judges._next(idle) is None
    assert judges._next(busy) is other
