"""Suites become items: ids, markers, selection, wrong suites beside good ones."""

from __future__ import annotations

import pytest


def ids(result):
    return [line for line in result.outlines if "::" in line and " " not in line]


def test_one_item_per_case_in_order(project):
    project.suite("a", good="ok", wrong="wrong")
    assert ids(project.run("--collect-only", "-q")) == ["a.suite.yaml::good", "a.suite.yaml::wrong"]
    assert not (project.path / "reports").exists()


def test_collecting_nests_what_names_nest(project):
    project.put("a.suite.yaml", "lane: words\ninline: {prog::one: ok, prog::two: wrong, alone: ok}\n")
    result = project.run("--collect-only", "-q")
    assert ids(result) == ["a.suite.yaml::alone", "a.suite.yaml::prog::one", "a.suite.yaml::prog::two"]
    project.run("a.suite.yaml::prog").assert_outcomes(passed=1, failed=1)
    project.run("a.suite.yaml::prog::one").assert_outcomes(passed=1)


@pytest.mark.parametrize("name", ["x[a-b]", "x[k=1,v=2]", "a.b-c_d"])
def test_odd_names_can_be_selected_and_failed_last(project, name):
    project.put("a.suite.yaml", f"lane: words\ninline: {{'{name}': wrong, other: ok}}\n")
    project.run(f"a.suite.yaml::{name}").assert_outcomes(failed=1)
    project.run().assert_outcomes(failed=1, passed=1)
    project.run("--lf").assert_outcomes(failed=1)
    result = project.run("--sw")
    result.assert_outcomes(failed=1, **({} if name.startswith("x") else {"passed": 0}))


def test_markers_of_lane_suite_and_case(project):
    project.put("a.suite.yaml", "lane: words\ninline: {gpu1: ok, plain: ok}\ntags: [nightly]\n")
    project.put("b.suite.yaml", "lane: words\ninline: {exact: ok}\ntiming: exact\n")
    for expression, count in {"words": 3, "gpu": 1, "nightly": 2, "timed": 1, "words and not gpu": 2}.items():
        project.run("-m", expression).assert_outcomes(passed=count, deselected=3 - count)


def test_markers_are_registered(project):
    result = project.run("--markers")
    for name in ("toolgen", "spec", "dsl", "kernel", "timed", "gpu"):
        result.stdout.fnmatch_lines([f"@pytest.mark.{name}: *"])


@pytest.mark.parametrize("extra", [(), ("-n2",)], ids=["serial", "-n2"])
def test_other_suites_run_beside_a_wrong_one(project, extra):
    project.suite("good", good="ok", also="ok")
    project.put("bad.suite.yaml", "lane: words\nwrods: x\n")
    project.put("test_mine.py", "def test_mine():\n    pass\n")
    result = project.run(*extra, "-k", "good.suite and not also or mine")
    result.assert_outcomes(passed=2, errors=1, deselected=0 if extra else 1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*ERROR collecting bad.suite.yaml*", "bad.suite.yaml:2:1: unknown key 'wrods'*'words'?"]
    )
    assert "Traceback" not in result.stdout.str()


def test_a_wrong_suite_shows_in_collect_only_and_last_failed(project):
    project.suite("good", good="ok")
    project.put("bad.suite.yaml", "lane: words\nwrods: x\n")
    result = project.run("--collect-only")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*<CaseItem good>", "*unknown key 'wrods'*"])
    project.run()
    project.run("--lf").assert_outcomes(passed=1, errors=1)  # as pytest does for a module that cannot be imported


def test_a_broken_python_test_still_interrupts_as_ever(project):
    project.suite("good", good="ok")
    project.put("test_broken.py", "import nothing_of_that_name\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert not (project.path / "reports").exists()


def test_a_lane_that_breaks_while_collecting_is_a_collection_error(project):
    project.suite("good", good="ok")
    project.put("bad.suite.yaml", "lane: words\nwords: missing/*.txt\n")
    result = project.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["bad.suite.yaml:2:1: 'missing/[*].txt' matches no file"])


def test_files_with_one_case_name_are_numbered(project):
    for name in ("a b", "a-b", "a@b"):
        project.put(f"w/{name}.txt", "ok")
    project.put("a.suite.yaml", "lane: words\nwords: w/*.txt\nexpect: {a-b: ok}\n")
    assert ids(project.run("--collect-only", "-q")) == [f"a.suite.yaml::a-b{end}" for end in ("-2", "", "-3")]


def test_limit_counts_per_suite_after_selection(project):
    project.suite("a", x1="ok", y1="ok", x2="ok")
    project.suite("b", x1="ok", x2="ok")
    project.put("test_mine.py", "def test_mine():\n    pass\n")
    project.run("--limit", "1").assert_outcomes(passed=3, deselected=3)
    assert ids(project.run("--limit", "1", "-k", "y1 or x2", "--collect-only", "-q")) == [
        "a.suite.yaml::y1",
        "b.suite.yaml::x2",
    ]


def test_shards_are_disjoint_and_complete(project):
    project.suite("a", **{f"c{n}": "ok" for n in range(20)})
    parts = [ids(project.run("--shard", f"{n}/3", "--collect-only", "-q")) for n in (1, 2, 3)]
    assert sorted(nodeid for part in parts for nodeid in part) == sorted(f"a.suite.yaml::c{n}" for n in range(20))
    assert all(parts)
    assert parts[0] == ids(project.run("--shard", "1/3", "--collect-only", "-q"))


def test_an_empty_shard_is_no_failure(project):
    project.suite("a", only="ok")
    results = [project.run("--shard", f"{n}/2") for n in (1, 2)]
    assert [result.ret for result in results] == [0, 0]
    assert "this shard holds none of the selected cases" in results[0].stdout.str() + results[1].stdout.str()


def test_expectations_decide(project):
    project.put("a.suite.yaml", "lane: words\ninline: {bad: wrong, good: ok}\nexpect: {bad: wrong, good: wrong}\n")
    result = project.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["ok instead of wrong", "*expected: wrong (a control of a.suite.yaml:2)"])
    result.stdout.fnmatch_lines(["FAIL  a.suite.yaml::good: ok instead of wrong"])


def test_reports_lines_of_the_suite(project):
    project.put("a.suite.yaml", "lane: words\ninline:\n  good: ok\n  wrong: wrong\n  skip: skipped\n")
    result = project.run("-rs")
    result.stdout.fnmatch_lines(["SKIPPED [[]1[]] a.suite.yaml:5: skipped: it says skipped"])


def test_ids_are_relative_to_the_root_from_anywhere(project, monkeypatch):
    project.put("deep/er/a.suite.yaml", "lane: words\ninline: {bad: wrong}\n")
    monkeypatch.chdir(project.path / "deep")
    result = project.run("--rootdir", str(project.path), "er")
    result.stdout.fnmatch_lines(["*deep/er/a.suite.yaml::bad*", "*rerun: pytest 'er/a.suite.yaml::bad' --epoch 0*"])
    assert project.verdicts() == {"bad": "wrong"}
