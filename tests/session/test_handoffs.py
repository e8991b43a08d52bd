"""Which candidates of a run are queued for repair."""

from __future__ import annotations

import json

import pytest

NOTICE = "*1 candidate waits for repair: `crucible repair --once`*"


@pytest.fixture
def repairable(project):
    """The words lane, as one whose failures can be repaired."""
    conftest = project.path / "conftest.py"
    text = conftest.read_text().replace("    boxed = False", "    boxed = False\n    repairable = True")
    conftest.write_text(text.replace('name="match"', 'name="correctness"').replace('("match",)', '("correctness",)'))
    project.put("a.suite.yaml", "lane: words\nexpect: {control: wrong}\ninline: {good: ok, bad: wrong, ours: infra, "
                "unsure: review, control: wrong}\n")  # fmt: skip
    return project


def queued(project):
    return project.rows("SELECT nodeid, state, payload FROM handoffs")


def test_a_wrong_candidate_is_queued_once_and_nothing_else(repairable):
    repairable.run().stdout.fnmatch_lines([f"notice: {NOTICE}"])
    [(nodeid, state, text)] = queued(repairable)
    payload = json.loads(text)
    assert (nodeid, state) == ("a.suite.yaml::bad", "queued")
    keys = {"ts", "source", "spec_path", "bundle_dir", "epoch", "impl_style", "reason", "metrics"}
    assert keys < set(payload)
    assert payload["metrics"] == {"correctness": 0.25, "fitness": 0.25}
    assert payload["suite"] == str(repairable.path / "a.suite.yaml")
    again = repairable.run()
    again.stdout.no_fnmatch_line(NOTICE)
    assert len(queued(repairable)) == 1


def test_it_can_be_turned_off(repairable):
    repairable.put("pyproject.toml", "[tool.crucible]\nhandoffs = false\n")
    repairable.run().stdout.no_fnmatch_line(NOTICE)
    assert queued(repairable) == []


def test_a_lane_that_does_not_ask_for_it_queues_nothing(project):
    project.suite(bad="wrong")
    project.run()
    assert queued(project) == []
