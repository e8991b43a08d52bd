"""Problems of first-time users: each message says what, where and how to fix it."""

from __future__ import annotations

import re

import pytest

from harness import hooks
from harness.cli import main
from tests.conftest import BUILT_IN


@pytest.mark.parametrize("name", ["notes.txt", "ledger.db", "run.jsonl"])
@pytest.mark.parametrize("verb", ["top", "merge", "show", "report"])
def test_a_file_that_is_not_a_ledger(tmp_path, capsys, name, verb, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("hello")
    more = {"merge": [name, "--ledger", "out.db"], "show": ["x", "--ledger", name]}.get(verb, ["--ledger", name])
    assert main([verb, *more]) == 1
    message = capsys.readouterr().err
    assert name in message
    assert "not a ledger" in message or "not the journal of a run" in message
    assert "fix: name " in message
    assert (tmp_path / name).read_text() == "hello"


@pytest.mark.parametrize(
    ("word", "message"), [("foo", "there are gpu, noisy, review"), ("reveiw", "did you mean 'review'?")]
)
def test_an_unknown_requirement(project, word, message):
    project.put("a.suite.yaml", f"lane: words\ninline: {{good: ok}}\nrequire: [{word}]\n")
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"*a.suite.yaml:3:*unknown requirement '{word}'; {message}*"])


@pytest.mark.parametrize("extra", [(), ("-n2",)], ids=["serial", "-n2"])
def test_a_suite_that_is_a_link_to_nothing(project, extra):
    project.suite(good="ok")
    (project.path / "suites").mkdir()
    (project.path / "suites/gone.suite.yaml").symlink_to("../elsewhere.yaml")
    (project.path / "suites/notes.txt").symlink_to("../elsewhere.txt")
    result = project.run(*extra)
    assert result.ret == 1
    assert project.verdicts() == {"good": "ok"}
    result.stdout.fnmatch_lines(["*gone.suite.yaml: this suite is a link to ../elsewhere.yaml, which does not exist*"])


def words(page):
    """The page without the links of its words."""
    return re.sub(r'<a class="term"[^>]*>(.*?)</a>', r"\1", page)


def test_controls_with_the_expected_verdict_are_not_red(project):
    project.put("a.suite.yaml", "lane: words\ninline: {good: ok, planted: wrong}\nexpect: {planted: wrong}\n")
    assert project.run().ret == 0
    page = (project.path / "reports/index.html").read_text()
    assert "Good: 1 of 1 candidate pass" in words(page)
    assert "chip-wrong" not in page.partition('<noscript id="static">')[0].partition("<main")[2]
    project.put("a.suite.yaml", "lane: words\ninline: {good: ok, planted: wrong}\nexpect: {planted: timeout}\n")
    assert project.run().ret == 1
    assert "control not caught" in words((project.path / "reports/index.html").read_text())


def test_a_fault_of_a_trusted_file_does_not_count_against_the_subject(project, monkeypatch):
    monkeypatch.setattr(hooks, "BUILT_IN", BUILT_IN)
    project.put("conftest.py", "")
    project.put("tool/tool.yaml", 'tool_id: x\ndescription: d.\nsignature: "def x(a: int) -> int"\n')
    project.put("tool/oracle.py", "def reference(a):\n    return undefined\n")
    project.put("c/one.py", "# /// candidate\n# style = \n# ///\ndef x(a: int) -> int:\n    return a\n")
    project.put("x.suite.yaml", "lane: toolgen\ntool: tool\ncandidates: c/*.py\ntiming: none\n")
    result = project.run("--min-tier", "E", "--confirm", "0")
    result.stdout.fnmatch_lines(
        ["  this is a fault of a trusted file, not of the subject; it does not count against it"]
    )
    project.put("tool/oracle.py", "def reference(a):\n    return a\n")
    assert project.run("--min-tier", "E", "--confirm", "0").ret == 0


def test_a_broken_metadata_block_is_visible(tmp_path, capsys, monkeypatch):
    from tests.ledger.factory import fill, make_evaluation

    one = make_evaluation()
    facts = {"metadata": {"generator": "", "license": "", "problem": "not TOML: Invalid value"}}
    fill(tmp_path / "l.db", [one.model_copy(update={"evidence": one.evidence.model_copy(update={"facts": facts})})])
    assert main(["show", "good", "--ledger", str(tmp_path / "l.db")]) == 0
    assert "  metadata   ignored: not TOML: Invalid value" in capsys.readouterr().out.splitlines()
