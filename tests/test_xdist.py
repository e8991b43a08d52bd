"""Under xdist: same items on every worker, results through the controller, one secret seed, clean endings."""

from __future__ import annotations

import pytest

pytest.importorskip("xdist")


def test_results_and_the_seed_are_those_of_one_run(project):
    project.suite(**{f"c{n}": "ok" for n in range(8)}, bad="wrong", seen="tier", look="review", broken="raise")
    result = project.run("-n2", "--secret-seed", "11")
    result.assert_outcomes(passed=8, failed=3)
    assert len(project.verdicts()) == 12
    assert project.rows("SELECT count(*), min(status) FROM runs") == [(1, "finished")]
    [(why,)] = project.rows("SELECT why FROM evaluations WHERE subject = 'seen'")
    assert why.endswith("seed 11")


def test_a_drawn_seed_reaches_every_worker(project):
    project.suite(a="tier", b="tier", c="tier", d="tier")
    project.run("-n2")
    [(seed,)] = project.rows("SELECT secret_seed FROM runs")
    assert {why for (why,) in project.rows("SELECT why FROM evaluations")} == {f"it says tier None, seed {seed}"} or {
        why for (why,) in project.rows("SELECT why FROM evaluations")
    } == {f"tier None, seed {seed}"}


def test_candidates_may_appear_while_workers_collect(project):
    """The second worker finds one file more each time it looks, and still collects what the first one did."""
    project.put("w/first.txt", "ok")
    project.put("a.suite.yaml", "lane: words\nwords: w/*.txt\n")
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text() + "\nimport os\n_collect = Words.collect\ndef collect(self, suite):\n"
        "    Path(f'w/made-by-{os.getpid()}.txt').write_text('ok')\n    return _collect(self, suite)\n"
        "Words.collect = collect\n"
    )
    result = project.run("-n2")
    assert "Different tests were collected" not in result.stdout.str()
    assert result.ret == 0
    result.assert_outcomes(passed=len(project.verdicts()))


@pytest.mark.parametrize("dist", ["load", "worksteal", "loadfile", "each"])
def test_every_distribution(project, dist):
    project.suite(a="ok", b="ok", c="wrong")
    result = project.run("-n2", "--dist", dist)
    assert result.ret == 1
    assert project.verdicts() == {"a": "ok", "b": "ok", "c": "wrong"}


def test_nothing_selected(project):
    project.suite(a="ok")
    result = project.run("-n2", "-k", "nothing")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["exit status 1: suites were asked for, but no case was selected"])


def test_run_gates(project):
    project.suite(a="ok")
    assert project.run("-n2", "--gate", "words.mean(score) >= 2").ret == 1
    assert project.run("-n2", "--gate", "words.mean(score) >= 1").ret == 0
    assert project.run("-n2", "--gate", "words.mean(").ret == pytest.ExitCode.USAGE_ERROR


def test_a_run_without_suites_is_left_alone(project):
    project.put("test_mine.py", "def test_mine():\n    pass\n")
    result = project.run("-n2")
    assert result.ret == 0
    assert not (project.path / "reports").exists()
    assert "= crucible =" not in result.stdout.str()


def test_nothing_stays_behind(project, tmp_path_factory, monkeypatch):
    temporary = tmp_path_factory.mktemp("tmp")
    monkeypatch.setenv("TMPDIR", str(temporary))
    project.suite(a="ok")
    project.run("-n2")
    assert [path.name for path in temporary.iterdir() if path.name.startswith("crucible-run")] == []


def test_shards_and_limits(project):
    project.suite(**{f"c{n}": "ok" for n in range(9)})
    counts = []
    for part in ("1/2", "2/2"):
        project.run("-n2", "--shard", part)
        counts.append(len(project.verdicts()))
    assert sum(counts) == 9
    project.run("-n2", "--limit", "3")
    assert len(project.verdicts()) == 3
