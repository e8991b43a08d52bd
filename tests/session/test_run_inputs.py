"""Workers judge with what the controller published."""

from __future__ import annotations

from pathlib import Path

from harness.core.case import Subject
from harness.core.evidence import Evidence
from harness.core.opponent import Opponent
from harness.core.status import Status
from harness.core.tier import Tier
from harness.session.run_inputs import RunInputs
from harness.session.snapshot import Snapshot


def test_published_inputs_are_read_unchanged(tmp_path):
    evidence = Evidence(status=Status.WRONG, why="so", reused="run")
    champion = Opponent(role="champion", subject=Subject.from_bytes("best", b"x"))
    made = RunInputs(Tier.B, (Path("/project"),), {"a::b": evidence}, {"a::b": (champion,)})
    snapshot = Snapshot(tmp_path)
    made.publish(snapshot)
    found = RunInputs.read(snapshot)
    assert (found.tier, found.protect, found.opponents) == (made.tier, made.protect, made.opponents)
    assert found.evidence_for("a::b") == evidence
    assert found.evidence_for("a::c") is None


def test_without_a_run_there_are_none(tmp_path):
    assert RunInputs.read(Snapshot(tmp_path)) == RunInputs()
