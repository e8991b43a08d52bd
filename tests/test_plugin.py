"""The plugin as people meet it: options, outcomes, exit status, what is printed and what is stored."""

from __future__ import annotations

import json
import queue
import shlex
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

from harness.session.termination import drain


def test_outcomes_and_the_ledger(project):
    project.suite(good="ok", bad="wrong", slow="timeout", look="review", jitter="noisy", gone="skipped")
    result = project.run("--secret-seed", "7", "--epoch", "20")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*2 failed, 1 passed, 1 skipped*1 review, 1 noisy*"])
    assert project.verdicts() == {
        "good": "ok", "bad": "wrong", "slow": "timeout", "look": "review", "jitter": "noisy", "gone": "skipped",
    }  # fmt: skip
    assert project.rows("SELECT epoch, secret_seed, status FROM runs") == [(20, 7, "finished")]
    assert project.rows("SELECT passed FROM evaluations WHERE subject = 'good'") == [(1,)]


def test_a_failure_is_explained_without_a_traceback(project):
    project.put("a.suite.yaml", "lane: words\ninline: {bad: wrong}\ngates: {match: 1}\n")
    result = project.run("--secret-seed", "7", "--epoch", "3", "--attempts", "2", "--anneal-temp", "0.5")
    result.stdout.fnmatch_lines(
        [
            "wrong: it says wrong",
            "  gate match: observed 0.25, threshold 1",
            "  rerun: pytest 'a.suite.yaml::bad' --epoch 3 --attempts 2 --anneal-temp 0.5 --secret-seed 7",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert "collection.py" not in result.stdout.str()


def test_the_summary_says_what_to_do_next(project):
    project.suite(good="ok", bad="wrong", look="review", gone="skipped")
    result = project.run("--secret-seed", "7")
    result.stdout.fnmatch_lines(
        [
            "*= crucible =*",
            "NOT GOOD  1 of 2 candidates fails · 2 not judged (1 review, 1 it says skipped)",
            "FAIL  a.suite.yaml::bad: wrong: it says wrong",
            "rerun: pytest --lf 'a.suite.yaml' --epoch 0 --secret-seed 7",
            "review  a.suite.yaml::look: it says review",
            "report reports/index.html   ledger reports/ledger.db   epoch 0, secret seed 7",
        ]
    )
    assert "://" not in (project.path / "reports/index.html").read_text().replace("http://www.w3.org", "")


@pytest.mark.parametrize("options", [(), ("--tb=no",), ("--tb=line",), ("-p", "no:cacheprovider")], ids=str)
def test_the_command_of_a_failing_case_stands_once(project, options):
    """With pytest's explanation of the case, and the summary has one for all; else in the summary."""
    project.suite(good="ok", bad="wrong", worse="crash")
    text = project.run("--secret-seed", "7", *options).stdout.str()
    for name in ("bad", "worse"):
        assert text.count(f"rerun: pytest 'a.suite.yaml::{name}' --epoch 0 --secret-seed 7") == 1
    remembers = options[0] != "-p" if options else True
    explained = not any("--tb" in one for one in options)
    again = f"rerun: pytest {'--lf ' * remembers}'a.suite.yaml' --epoch 0 --secret-seed 7"
    assert (again in text) == explained


def test_a_question_is_shown_whole_and_once(project):
    why = f"add an answer to {'w ' * 60}?"
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace('f"it says {text}"', f'"{why}"'))
    project.suite(first="review", second="review")
    text = project.run().stdout.str()
    assert "review  a.suite.yaml::first and 1 more" in text
    assert " ".join(text.split()).count(" ".join(why.split())) == 1


def test_what_failed_is_said_to_be_new_or_regressed_and_comes_before_what_failed_before(project):
    project.suite(old="wrong", older="crash", breaks="ok")
    project.run()
    project.suite(old="wrong", older="crash", breaks="timeout", fresh="memory")
    failing = [line.partition("::")[2] for line in project.run().outlines if line.startswith("FAIL  ")]
    assert failing == [
        "breaks (regressed): timeout: it says timeout",
        "fresh (new case): memory: it says memory",
        "old: wrong: it says wrong",
        "older: crash: it says crash",
    ]


def test_without_tracebacks_failures_are_still_named(project):
    project.suite(bad="wrong")
    project.run("--tb=no").stdout.fnmatch_lines(
        ["*a.suite.yaml::bad: wrong: it says wrong", "*pytest 'a.suite.yaml::bad'*"]
    )


def test_a_failure_is_one_line_with_tb_line(project):
    project.suite(bad="wrong")
    lines = project.run("--tb=line").outlines
    [start] = [n for n, line in enumerate(lines) if " FAILURES " in line]
    assert lines[start + 1].endswith("a.suite.yaml:2: wrong: it says wrong")
    assert lines[start + 2].startswith("=====")  # the next section


def test_the_board_is_at_most_100_columns_wide(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")
    project.suite(good="ok", bad="wrong")
    [head] = [line for line in project.run().outlines if "words · a.suite.yaml" in line]
    assert len(head) == 100


def test_reports_left_after_an_interrupt_are_recorded_and_faults_are_not_hidden():
    events, seen = queue.SimpleQueue(), []
    for event in (("testreport", {"rep": 1}), ("other", {}), ("testreport", {"rep": 2})):
        events.put(event)
    manager = SimpleNamespace(get_plugin=lambda _: SimpleNamespace(queue=events))
    config = SimpleNamespace(pluginmanager=manager)
    drain(config, seen.append)
    assert seen == [1, 2]
    events.put(("testreport", {}))
    with pytest.raises(KeyError):
        drain(config, seen.append)


COUNTED = """

from harness.core.evaluation import Evaluation
once = Evaluation.model_dump_json
def counted(self, **options):
    with open("serialised", "a") as file:
        file.write(self.case.name + chr(10))
    return once(self, **options)
Evaluation.model_dump_json = counted
"""


@pytest.mark.parametrize("more", [(), ("-n1",)])
def test_an_evaluation_is_serialised_once(project, more):
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + COUNTED)
    project.suite(good="ok", bad="wrong")
    project.run(*more, subprocess=True)  # the counter must not stay in this process
    assert sorted((project.path / "serialised").read_text().split()) == ["bad", "good"]
    assert project.verdicts() == {"good": "ok", "bad": "wrong"}


@pytest.mark.parametrize("more", [(), ("--tb=no",), ("-n1",)])
def test_all_rerun_lines_say_the_same_and_work_where_they_are_shown(project, monkeypatch, more):
    project.put("deep/a.suite.yaml", "lane: words\ninline: {bad: wrong}\n")
    (project.path / "other").mkdir()
    monkeypatch.chdir(project.path / "other")
    asked = ("--epoch", "3", "--attempts", "2", "--anneal-temp", "0.5", "--secret-seed", "7", "--min-tier", "D")
    result = project.run("../deep", *asked, *more)
    command = "'../deep/a.suite.yaml::bad' --epoch 3 --attempts 2 --anneal-temp 0.5 --min-tier D --secret-seed 7"
    text = result.stdout.str()
    said = [line.partition("pytest ")[2] for line in text.splitlines() if "::bad' " in line]
    assert set(said) == {command}, text
    assert said
    assert project.run(*shlex.split(command)).ret == 1
    assert project.rows("SELECT count(*) FROM evaluations") == [(2,)]


@pytest.mark.parametrize("more", [(), ("-n1",)])
def test_github_is_told(project, monkeypatch, more):
    summary = project.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    project.suite(good="ok", bad="wrong")
    result = project.run("--gate", "count() == 2", "--secret-seed", "7", *more)
    assert result.ret == 1
    [line] = [line for line in result.outlines if line.startswith("::")]
    assert line == "::error file=a.suite.yaml,line=2,title=a.suite.yaml%3A%3Abad::wrong: it says wrong"
    text = summary.read_text()
    assert text.startswith("## ❌ Crucible · epoch 0\n")
    assert text.count("## ❌ Crucible") == 1
    assert "| count&#40;&#41; &#61;&#61; 2 | ✅ |" in text or "count&#40;&#41; == 2 | ✅ |" in text
    assert "pytest 'a.suite.yaml::bad' --epoch 0 --secret-seed 7" in text


def test_github_is_told_nothing_elsewhere_and_its_faults_fail_nothing(project, monkeypatch):
    project.suite(good="ok", bad="wrong")
    assert not any(line.startswith("::") for line in project.run().outlines)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "absent/summary.md"))
    result = project.run("-k", "good")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["notice: GitHub's summary could not be written: *"])


def test_required_statuses_fail(project):
    project.put("a.suite.yaml", "lane: words\ninline: {look: review, gpu1: skipped}\nrequire: [review, gpu]\n")
    project.run().assert_outcomes(failed=2)


@pytest.mark.parametrize("verdict", ["raise", "exit", "numpy"])
def test_our_own_failure_is_infra_and_never_exits_0(project, verdict):
    project.put("a.suite.yaml", f"lane: words\ninline: {{bad: {verdict}, good: ok}}\n")
    result = project.run()
    assert result.ret == 1
    assert project.verdicts() == {"bad": "infra", "good": "ok"}
    assert project.rows("SELECT passed, score FROM evaluations WHERE subject = 'bad'") == [(0, None)]
    assert "a failure of the harness, not of the subject" in result.stdout.str()


def test_a_lane_failure_names_the_line(project):
    project.suite(bad="raise")
    project.run().stdout.fnmatch_lines(
        ["*infra: the words lane failed: RuntimeError: the lane broke (at conftest.py:*"]
    )


class TestExitStatus:
    def test_0_when_all_is_as_asked(self, project):
        project.suite(good="ok", look="review")
        assert project.run().ret == 0

    def test_1_when_nothing_was_selected(self, project):
        project.suite(good="ok")
        result = project.run("-k", "nothing")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["exit status 1: suites were asked for, but no case was selected"])
        assert not (project.path / "reports").exists()

    def test_1_when_everything_was_skipped(self, project):
        project.suite(gone="skipped")
        result = project.run()
        assert result.ret == 1
        result.stdout.fnmatch_lines(["exit status 1: every case was skipped: nothing was judged"])

    def test_0_when_other_tests_were_selected(self, project):
        project.suite(good="ok")
        project.put("test_mine.py", "def test_mine():\n    pass\n")
        assert project.run("-k", "mine").ret == 0

    def test_1_when_a_run_gate_fails(self, project):
        project.suite(good="ok")
        result = project.run("--gate", "words.mean(score) >= 1.5", "--gate", "words.count() == 1")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["gate words.mean(score) >= 1.5: FAILS: observed 1, threshold 1.5 (*"])
        result.stdout.fnmatch_lines(["gate words.count() == 1: passes:*"])

    def test_1_when_a_gate_on_the_machine_fails(self, project):
        project.suite(good="ok")
        assert project.run("--gate", 'count(machine == "") == 0', "--gate", 'count(why == "x") == 0').ret == 0
        machine = project.rows("SELECT machine FROM runs")[0][0]
        result = project.run("--gate", f'count(machine == "{machine}") == 0')
        assert result.ret == 1
        result.stdout.fnmatch_lines(["gate count(machine == *) == 0: FAILS: observed 1, threshold 0 (*"])

    def test_planted_controls_are_not_in_a_gate(self, project):
        conftest = project.path / "conftest.py"
        text = conftest.read_text().replace(
            "policy=suite.policy,",
            'policy=suite.policy.model_copy(update={"expect": harness.Status.WRONG} if name == "bad" else {}),',
        )
        conftest.write_text(text)
        project.suite(good="ok", bad="wrong")
        assert project.run("--gate", "count() == 1", "--gate", "min(score) == 1").ret == 0

    def test_0_when_all_run_gates_hold(self, project):
        project.suite(good="ok")
        assert project.run("--gate", "words.mean(score) >= 0.5", "--gate", "words.min(score) >= 1").ret == 0

    def test_a_gate_over_nothing_fails_even_without_suites(self, project):
        project.put("test_mine.py", "def test_mine():\n    pass\n")
        assert project.run("--gate", "words.mean(score) >= 0").ret == 1

    @pytest.mark.parametrize(
        "args",
        [
            ("--epoch", "-1"), ("--epoch", "x"), ("--attempts", "0"), ("--anneal-temp", "nan"), ("--min-tier", "Z"),
            ("--shard", "3/2"), ("--shard", "0/2"), ("--shard", "x"), ("--limit", "0"), ("--top", "-1"),
            ("--secret-seed", str(2**63)), ("--gate", "words.mean(score >= 1"), ("--ledger", "."),
        ],
        ids=" ".join,
    )  # fmt: skip
    def test_4_for_wrong_usage(self, project, args):
        project.suite(good="ok")
        result = project.run(*args)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()

    @pytest.mark.parametrize("extra", [(), ("-n1",)], ids=["serial", "-n1"])
    def test_4_for_a_wrong_pyproject(self, project, extra):
        project.suite(good="ok")
        project.put("pyproject.toml", "[tool.crucible]\nepok = 1\n")
        result = project.run(*extra)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert "did you mean 'epoch'" in result.stderr.str()

    def test_4_when_the_ledger_is_no_ledger(self, project):
        project.suite(good="ok")
        project.put("l.db/x", "")
        result = project.run("--ledger", "l.db")
        assert result.ret == pytest.ExitCode.USAGE_ERROR


PROBE = """
import sys, types
from harness.core.tier import Tier

class Probe:
    tier = Tier.D
    def line(self):
        return "sandbox: tier D [rlimits]"
    def advice(self, min_tier):
        return f"allow user namespaces for tier {min_tier}; without them files are within reach"

module = types.ModuleType("harness.sandbox.probe")
module.probe = lambda paths, pool: (open("probed", "a").write("x"), Probe())[1]
sys.modules["harness.sandbox.probe"] = module
Words.boxed = True
"""


class TestTiers:
    @pytest.fixture
    def boxed(self, project):
        conftest = project.path / "conftest.py"
        conftest.write_text(conftest.read_text() + PROBE)
        project.suite(good="ok", seen="tier")
        return project

    @pytest.mark.parametrize("extra", [(), ("-n2",)], ids=["serial", "-n2"])
    def test_below_the_minimum_the_run_refuses(self, boxed, extra):
        result = boxed.run(*extra)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*tier D*needs tier C*", "*allow user namespaces for tier C*"])
        assert not (boxed.path / "reports").exists()

    @pytest.mark.parametrize("extra", [(), ("-n2",)], ids=["serial", "-n2"])
    def test_the_tier_is_probed_once_shown_and_stored(self, boxed, extra):
        result = boxed.run("--min-tier", "d", *extra)
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(
            ["sandbox: tier D [[]rlimits[]]", "*= crucible =*", "epoch 0, tier D, secret seed *"]
        )
        assert (boxed.path / "probed").read_text() == "x"
        assert boxed.rows("SELECT tier FROM runs") == [("D",)]
        [(why,)] = boxed.rows("SELECT why FROM evaluations WHERE subject = 'seen'")
        assert "tier D" in why

    def test_a_lane_may_accept_less_and_says_so(self, boxed):
        conftest = boxed.path / "conftest.py"
        conftest.write_text(conftest.read_text() + "\nWords.min_tier = Tier.E\n")
        result = boxed.run("-k", "good and not seen")
        result.stdout.fnmatch_lines(["lane words accepts tier E, its own default"])

    def test_nothing_is_probed_when_nothing_will_run(self, boxed):
        boxed.run("--collect-only")
        boxed.run("-k", "nothing")
        assert not (boxed.path / "probed").exists()


def test_a_run_without_suites_is_left_alone(project):
    project.put("test_mine.py", "def test_mine():\n    pass\n")
    result = project.run()
    assert result.ret == 0
    said = [line for line in result.outlines if not line.startswith(("plugins:", "rootdir:"))]
    assert "crucible" not in "\n".join(said).lower()
    assert not (project.path / "reports").exists()


def test_a_run_without_suites_imports_nothing_heavy(project):
    project.put("conftest.py", "")
    project.put(
        "test_mine.py",
        "import sys\ndef test_mine():\n"
        "    heavy = {'pydantic', 'yaml', 'harness.session.run_session', 'jinja2'}\n"
        "    assert not heavy & set(sys.modules)\n",
    )
    project.run("-p", "no:hypothesispytest", subprocess=True).assert_outcomes(passed=1)


def test_junit_has_facts_and_reasons(project):
    project.suite(good="ok", look="review", bad="wrong")
    project.run("--junitxml", "j.xml", "--epoch", "4")
    cases = {case.get("name"): case for case in ET.parse(project.path / "j.xml").iter("testcase")}
    facts = {p.get("name"): p.get("value") for p in cases["good"].iter("property")}
    assert facts["crucible_status"] == "ok"
    assert facts["crucible_epoch"] == "4"
    assert len(facts["crucible_digest"]) == 64
    assert cases["look"].find("skipped").get("message") == "review: it says review"
    assert "it says wrong" in cases["bad"].find("failure").text


def test_first_failure_stops(project):
    project.suite(a="wrong", b="ok")
    result = project.run("-x")
    result.assert_outcomes(failed=1)
    assert project.verdicts() == {"a": "wrong"}


def test_stepwise_and_last_failed(project):
    project.suite(a="ok", b="wrong", c="ok")
    project.run("--sw").assert_outcomes(passed=1, failed=1)
    project.suite(a="ok", b="ok", c="ok")
    project.run("--sw").assert_outcomes(passed=2, deselected=1)


def test_reports_carry_the_evaluation(project):
    project.suite(good="ok")
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text() + "\ndef pytest_runtest_logreport(report):\n    if report.when == 'call':\n"
        "        open('seen.json', 'w').write(report.crucible)\n"
    )
    project.run()
    wire = json.loads((project.path / "seen.json").read_text())
    assert wire["case"]["name"] == "good"
    assert wire["evidence"]["status"] == "ok"


def test_a_conftest_is_told_of_every_evaluation(project):
    project.suite(good="ok", bad="wrong")
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text()
        + "\n@hookimpl\ndef crucible_evaluated(evaluation):\n    open('told', 'a').write(evaluation.case.name + ' ')\n"
    )
    project.run("-n2")
    assert sorted((project.path / "told").read_text().split()) == ["bad", "good"]


def test_the_fixture(project):
    project.suite(good="ok", bad="wrong")
    project.put(
        "test_mine.py",
        """
        import pytest, harness
        def test_mine(evaluate):
            assert evaluate("a.suite.yaml::good").passed
            found = evaluate("a.suite.yaml::bad", attempts=2)
            assert not found.passed
            assert (found.case.policy.epoch, found.case.policy.attempts) == (5, 2)
            with pytest.raises(harness.CrucibleError, match="has 2 cases: good, bad"):
                evaluate("a.suite.yaml")
            with pytest.raises(harness.CrucibleError, match="did you mean 'good'"):
                evaluate("a.suite.yaml::goood")
            assert evaluate(found.case.model_copy(update={"name": "again"})).case.policy.epoch == 5
            assert evaluate("a.suite.yaml::good").case.policy.anneal_temp == 0.25
            assert evaluate("a.suite.yaml::good", anneal_temp=2).case.policy.anneal_temp == 2
        """,
    )
    project.run("test_mine.py", "--epoch", "5", "--anneal-temp", "0.25").assert_outcomes(passed=1)


def test_unchanged_verdicts_are_reused_where_the_lane_allows_it(project):
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + "\nWords.keyed = True\n")
    project.suite(good="ok", bad="wrong", look="review")
    first = project.run()
    assert "unchanged since" not in first.stdout.str()
    again = project.run()
    again.stdout.fnmatch_lines(
        [
            "*1  good *ok (reused)*",
            "notice: 2 unchanged since an earlier run, whose verdicts stand (on that run's*",
        ]
    )
    again.assert_outcomes(passed=1, failed=1)
    runs = [run_id for (run_id,) in project.rows("SELECT run_id FROM runs ORDER BY run_id")]
    reused = "SELECT subject, reused_from FROM evaluations WHERE run_id = (SELECT max(run_id) FROM runs) ORDER BY 1"
    assert project.rows(reused) == [("bad", runs[0]), ("good", runs[0]), ("look", "")]
    project.run("-n2").stdout.fnmatch_lines(["notice: 2 unchanged*"])
    assert project.rows(reused)[0] == ("bad", runs[0])  # whoever judged it, not whoever repeated that
    for args in (("--fresh",), ("--epoch", "1"), ("--secret-seed", "5"), ("--attempts", "4")):
        assert "unchanged since" not in project.run(*args).stdout.str()
    conftest.write_text(conftest.read_text() + "\n# the judge is another one\n")
    assert "unchanged since" not in project.run(subprocess=True).stdout.str()


@pytest.mark.parametrize("status", ["flaky", "review", "noisy", "infra"])
def test_what_was_no_steady_verdict_is_judged_again(project, status):
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + "\nWords.keyed = True\n")
    project.suite(odd=status, good="ok")
    project.run()
    project.run().stdout.fnmatch_lines(["notice: 1 unchanged since*"])


@pytest.mark.parametrize("plugin", ["xdist", "benchmark", "cacheprovider", "terminal", "junitxml"])
def test_it_works_without_other_plugins(project, plugin):
    project.suite(good="ok")
    result = project.run("-p", f"no:{plugin}")
    assert result.ret == 0
    assert project.verdicts() == {"good": "ok"}


def test_help_lists_the_options(project):
    text = project.run("--help").stdout.str()
    for option in ("--epoch", "--attempts", "--anneal-temp", "--secret-seed", "--ledger", "--report", "--gate"):
        assert option in text


def test_another_plugin_may_own_a_short_option(project):
    conftest = project.path / "conftest.py"
    project.put("other.py", "def pytest_addoption(parser):\n    parser.addoption('--epoch')\n")
    conftest.write_text(conftest.read_text())
    project.suite(good="ok")
    result = project.pytester.runpytest_subprocess("-p", "other", "-p", "harness.plugin", "--crucible-epoch", "3")
    assert result.ret == 0
    assert project.rows("SELECT epoch FROM runs") == [(3,)]


def test_registered_by_entry_point_and_conftest_at_once(project, monkeypatch):
    from pathlib import Path

    import harness

    info = project.path / "site/pytest_crucible-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pytest-crucible\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[pytest11]\nharness.plugin = harness.plugin\n")
    monkeypatch.setenv("PYTHONPATH", f"{info.parent}:{Path(harness.__file__).parents[1]}")
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + "\npytest_plugins = ['harness.plugin']\n")
    project.suite(good="ok")
    for args in ((), ("-p", "harness.plugin"), ("-n1",)):
        result = project.pytester.runpytest_subprocess(*args)
        assert result.ret == 0, result.stderr.str()
        result.assert_outcomes(passed=1)
