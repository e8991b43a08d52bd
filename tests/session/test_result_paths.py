from __future__ import annotations

import os

import pytest


@pytest.fixture
def mined(project):
    project.put("candidates/good.txt", "ok")
    project.put("x.suite.yaml", "lane: words\nwords: candidates/*.txt\n")
    project.put("precious.txt", "precious")
    os.symlink("../precious.txt", project.path / "candidates" / "index.html")
    os.symlink("candidates", project.path / "linked")
    return project


@pytest.mark.parametrize(
    ("option", "path", "others"),
    [
        ("--ledger", "candidates/new/x.db", ()),
        ("--ledger", "linked/x.db", ()),
        ("--report", "candidates/index.html", ()),
        ("--report", "linked/new/x.html", ("-n2",)),
        ("--junitxml", "candidates/index.html", ()),
        ("--ctrf", "linked/x.json", ("-n2", "-p", "ctrf")),
    ],
)
def test_no_result_is_written_among_candidates(mined, option, path, others):
    result = mined.run(option, path, *others)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    shown = result.stdout.str() + result.stderr.str()
    assert "it is among untrusted files" in shown
    assert f"with {option}" in shown
    assert (mined.path / "precious.txt").read_text() == "precious"
    assert sorted(one.name for one in (mined.path / "candidates").iterdir()) == ["good.txt", "index.html"]


@pytest.mark.parametrize("path", ["reports/ledger.db", "x.suite.yaml", "precious.txt", "way"])
def test_a_report_replaces_no_file_that_is_not_a_page(mined, path):
    mined.run().assert_outcomes(passed=1)
    os.symlink("precious.txt", mined.path / "way")
    before = (mined.path / path).read_bytes()
    result = mined.run("--report", path)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "this file is not a page" in result.stdout.str() + result.stderr.str()
    assert (mined.path / path).read_bytes() == before
    mined.run("--report", "reports/index.html").assert_outcomes(passed=1)  # a page is replaced by the next one
