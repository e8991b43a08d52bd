"""Terminal, ledger, JUnit, GitHub and exit status say the same of a run, whatever happened to it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.ledger.store import Ledger
from harness.report.run_verdict import run_verdict
from harness.report.words import printable
from tests.session.test_confirmation import coins  # noqa: F401 - a fixture

HOOKS = """
def pytest_runtest_{when}(item):
    raise RuntimeError("the other plugin broke")
"""

# suite files, arguments, exit status
WAYS = {
    "all good": ({"a": "good: ok"}, (), 0),
    "a review": ({"a": "good: ok, look: review"}, (), 0),
    "a control that is caught": ({"a": "good: ok, bad: wrong}\nexpect: {bad: wrong"}, (), 0),
    "a gate passes": ({"a": "good: ok"}, ("--gate", "count() == 1"), 0),
    "a candidate": ({"a": "good: ok, bad: wrong"}, (), 1),
    "a candidate, in a worker": ({"a": "good: ok, bad: wrong"}, ("-n1",), 1),
    "a gate of the suite": ({"a": "bad: wrong}\ngates: {match: 0.5"}, (), 1),
    "a control": ({"a": "good: ok}\nexpect: {good: wrong"}, (), 1),
    "a required status": ({"a": "good: ok, look: review}\nrequire: [review]\ngates: {"}, (), 1),
    "infra": ({"a": "good: ok, bad: raise"}, (), 1),
    "a gate of the run": ({"a": "good: ok"}, ("--gate", "count() == 2", "--gate", "count() == 1"), 1),
    "a gate that is undefined": ({"a": "good: ok"}, ("--gate", "mean(median_ms) < 1"), 1),
    "a wrong suite": ({"a": "good: ok", "b": "good: ok}\nxyz: {a: 1"}, (), 1),
    "only a wrong suite": ({"b": "good: ok}\nxyz: {a: 1"}, (), 1),
    "nothing selected": ({"a": "good: ok"}, ("-k", "nothing"), 1),
    "all skipped": ({"a": "one: skipped, two: skipped"}, (), 1),
    "stopped by -x": ({"a": "bad: wrong, good: ok"}, ("-x",), 1),
    "no room for the report": ({"a": "good: ok"}, ("--report", "conftest.py/r.html"), 1),
}  # fmt: skip


def facts(project, result):
    """What each output says: held or not."""
    root = ET.parse(project.path / "junit.xml").getroot()
    properties = [(one.get("name"), one.get("value")) for one in root.iter("property")]
    commands = [line for line in result.outlines if line.startswith("::error ")]
    found = {
        "exit status": result.ret == 0,
        "terminal": not any(line.startswith("NOT GOOD  ") for line in result.outlines),
        "junit": dict(properties)["crucible_held"] == "true",
        "annotations": not commands,
    }
    ledger = project.path / "reports/ledger.db"
    if ledger.exists():
        with Ledger.read(ledger) as opened:
            verdict = run_verdict(opened, "latest")
        found["ledger"] = verdict.held
        found["step summary"] = (project.path / "summary.md").read_text().startswith("## ✅")
        said = printable(f"{verdict.word}: {' · '.join(verdict.facts())}")
        assert said == dict(properties)["crucible_verdict"]
        failing = [gate for gate in verdict.gates if not gate["passed"]]
        assert sum("title=gate " in line for line in commands) == len(failing)
        gates = [f"{'passes' if gate['passed'] else 'FAILS'}: {gate['why']}" for gate in verdict.gates]
        assert [value for name, value in properties if name == "crucible_gate"] == gates
    return found


@pytest.fixture
def run(project, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary.md"))

    def judge(*args, **more):
        return project.run("--junitxml", "junit.xml", *args, **more)

    return judge


@pytest.mark.parametrize("way", WAYS)
def test_all_outputs_say_the_same(project, run, way):
    suites, args, status = WAYS[way]
    for name, inline in suites.items():
        project.put(f"{name}.suite.yaml", "lane: words\ninline: {" + inline + "}\n")
    result = run(*args)
    assert result.ret == status, result.stdout.str()
    assert set(facts(project, result).values()) == {status == 0}, result.stdout.str()


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_another_plugin_that_fails_before_or_after_the_verdict(project, run, when):
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + HOOKS.format(when=when))
    project.suite(good="ok")
    result = run()
    assert result.ret == 1
    assert set(facts(project, result).values()) == {False}


def test_an_interrupt(project, run):
    project.suite(good="ok", bad="interrupt", other="ok")
    result = run(subprocess=True)
    assert result.ret == 2
    assert set(facts(project, result).values()) == {False}
    done = "the run was interrupted: 1 of 3 cases were judged"
    assert done in result.stdout.str()
    with Ledger.read(project.path / "reports/ledger.db") as ledger:
        assert run_verdict(ledger, "latest").facts()[0].startswith(done)
    assert done in (project.path / "reports/index.html").read_text("utf-8")


def test_an_empty_shard_is_good(project, run):
    project.suite(good="ok")
    result = run("--shard", "2/2")
    assert set(facts(project, result).values()) == {True}


@pytest.mark.parametrize(("kind", "said"), [("later", "passed, but not its"), ("sure", "the confirmation failed: Ari")])
def test_the_confirmation(coins, run, kind, said):  # noqa: F811
    coins.coins(one=f"{kind} {'1.0' if kind == 'later' else '0.75'}")
    result = run()
    assert result.ret == 1
    assert said in result.stdout.str()
    assert set(facts(coins, result).values()) == {False}


def test_a_ledger_that_is_deleted_while_the_run_lasts(project, run):
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text() + "\ndef pytest_runtest_teardown():\n    Path('reports/ledger.db').unlink()\n"
    )
    project.suite(good="ok")
    result = run("--gate", "count() == 2")
    assert result.ret == 1
    assert set(facts(project, result).values()) == {False}
    assert Path(project.path / "reports/ledger.db").exists()


def test_a_plugin_whose_hooks_fail(project, run):
    """A column costs no verdict; a gate that cannot be evaluated did not pass."""
    conftest = project.path / "conftest.py"
    hook = "\n@hookimpl\ndef crucible_{}({}):\n    raise RuntimeError('no idea')\n"
    conftest.write_text(conftest.read_text() + hook.format("columns", "evaluation"))
    project.suite(good="ok", other="ok")
    result = run()
    assert set(facts(project, result).values()) == {True}
    assert result.stdout.str().count("a plugin's crucible_columns failed: RuntimeError: no idea") == 1
    (project.path / "summary.md").unlink()
    conftest.write_text(conftest.read_text() + hook.format("gates", "rows"))
    result = run()
    assert set(facts(project, result).values()) == {False}
    assert "exit status 1: a plugin's crucible_gates failed: RuntimeError: no idea" in result.stdout.str()
