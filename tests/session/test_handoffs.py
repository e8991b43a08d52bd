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


def test_the_notice_counts_all_that_wait_and_not_only_the_new_ones(repairable):
    """`crucible repair` takes all of them, also those that earlier runs queued."""
    repairable.run()
    repairable.put("b.suite.yaml", "lane: words\ninline: {worse: crash, worst: timeout}\n")
    repairable.run().stdout.fnmatch_lines(["notice: 3 candidates wait for repair, 2 of them from this run:*"])


def test_it_can_be_turned_off(repairable):
    repairable.put("pyproject.toml", "[tool.crucible]\nhandoffs = false\n")
    repairable.run().stdout.no_fnmatch_line(NOTICE)
    assert queued(repairable) == []


def test_a_lane_that_does_not_ask_for_it_queues_nothing(project):
    project.suite(bad="wrong")
    project.run()
    assert queued(project) == []
