"""Every clause of what a gate promises, from the command line and from pyproject.toml to the last line printed."""

from __future__ import annotations

import pytest


@pytest.fixture
def runs(project):
    """Two runs: `edited` passed in the first and fails in the second."""
    project.suite(good="ok", edited="ok")
    assert project.run("--epoch", "3").ret == 0
    project.suite(good="ok", edited="wrong")
    assert project.run("--epoch", "3").ret == 1
    project.ids = [run_id for (run_id,) in project.rows("SELECT run_id FROM runs ORDER BY run_id")]
    return project


WRONG = [
    ("mean(scor) >= 1", "did you mean 'score'"),
    ("maen(score) >= 1", "did you mean 'mean'"),
    ("wards.mean(score) >= 1", "did you mean 'words'"),
    ('regressions("nowhere") == 0', "no run matches 'nowhere'"),
    ('delta(score, "latest") >= 0', "no run was recorded yet"),
]
PLACES = [(*wrong, "command line", ()) for wrong in WRONG] + [
    (*WRONG[2], "pyproject", ("-n2",)),
    (*WRONG[0], "pyproject", ()),
]


@pytest.mark.parametrize(("gate", "said", "place", "extra"), PLACES)
def test_a_wrong_gate_is_an_error_before_anything_runs(project, gate, said, extra, place):
    project.suite(good="ok")
    if place == "pyproject":
        project.put("pyproject.toml", f"[tool.crucible]\ngates = ['{gate}']\n")
        result = project.run(*extra)
    else:
        result = project.run(*extra, "--gate", gate)
    assert result.ret == 4
    text = result.stdout.str() + result.stderr.str()
    assert said in text
    lines = text.splitlines()
    [marked] = [place for place, line in enumerate(lines) if line.strip() == "^"]
    assert lines[marked - 1].strip() == gate
    assert not (project.path / "reports/index.html").exists()


@pytest.mark.parametrize("name", ["whole", "part", "latest~1"])
def test_a_baseline_is_a_run_by_its_id(runs, name):
    name = {"whole": runs.ids[0], "part": runs.ids[0][-6:]}.get(name, name)
    result = runs.run("--epoch", "3", "--gate", f'regressions("{name}") == 0', "--gate", f'delta(score, "{name}") >= 0')
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "gate regressions(*) == 0: FAILS: observed 1, threshold 0 (*a.suite.yaml::edited)",
            "gate delta(score, *) >= 0: FAILS: observed -0.375, threshold 0 (*most lost: a.suite.yaml::edited -0.75)",
        ]
    )
    runs.run("--epoch", "3", "--gate", f'regressions("{runs.ids[1]}") == 0').stdout.fnmatch_lines(["gate * passes*"])


def test_a_baseline_of_other_conditions_says_so(runs):
    result = runs.run("--epoch", "9", "--gate", f'regressions("{runs.ids[0]}") == 0')
    result.stdout.fnmatch_lines(["gate *: FAILS: *; not comparable as numbers: epoch 3 -> 9)"])


def test_a_baseline_without_these_cases_is_undefined(runs):
    runs.put("b.suite.yaml", "lane: words\ninline: {other: ok}\n")
    result = runs.run("b.suite.yaml", "--gate", f'regressions("{runs.ids[0]}") == 0')
    assert result.ret == 1
    result.stdout.fnmatch_lines(["gate *: FAILS: observed undefined*judged none of these cases"])


@pytest.mark.parametrize("place", ["command line", "pyproject"])
def test_a_failing_gate_says_everything(project, place):
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace(
            'return harness.Evidence(status=status, why="" if status == "ok" else f"it says {text}")',
            """return harness.Evidence(
            status=status, why="" if status == "ok" else f"it says {text}",
            counterexample=None if status == "ok" else harness.core.evidence.Counterexample(
                question="[1]", expected="2", observed="3"),
        )""",
        )
        + "\nimport harness.core.evidence\n"
    )
    project.suite(good="ok", bad="wrong")
    gate = "mean(score) >= 0.9"
    if place == "pyproject":
        project.put("pyproject.toml", f"[tool.crucible]\ngates = ['{gate}']\n")
    result = project.run("--secret-seed", "5", *(() if place == "pyproject" else ("--gate", gate)))
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "  rerun: pytest 'a.suite.yaml::bad' --epoch 0 --secret-seed 5",
            "rerun: pytest --lf 'a.suite.yaml' --epoch 0 --secret-seed 5",
            "gate mean(score) >= 0.9: FAILS: observed 0.625, threshold 0.9 (2 cases; lowest: 0.25, see above)",
        ]
    )
    below = result.stdout.str().partition("gate mean(score)")[2].partition("\nreport ")[0]
    assert below
    assert "observed: 3" not in below  # it stands above, with the case, and so does its command
    assert "rerun" not in below


def test_a_division_by_zero_is_undefined_and_fails(project):
    project.suite(good="ok")
    result = project.run("--gate", 'mean(score) / count(status == "wrong") >= 0')
    assert result.ret == 1
    result.stdout.fnmatch_lines(["gate *: FAILS: observed undefined, *is 0 and cannot be a divisor"])


def test_the_gate_of_a_suite_fails_with_all_that_is_known(project):
    project.put("a.suite.yaml", "lane: words\ninline: {bad: wrong}\ngates: {match: 0.5}\n")
    project.run("--secret-seed", "5").stdout.fnmatch_lines(
        [
            "  gate match: observed 0.25, threshold 0.5",
            "  rerun: pytest 'a.suite.yaml::bad' --epoch 0 --secret-seed 5",
        ]
    )


def test_the_gate_of_a_suite_must_name_a_component(project):
    project.put("a.suite.yaml", "lane: words\ninline: {good: ok}\ngates: {mtach: 0.5}\n")
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*a.suite.yaml:3:*no component 'mtach' to gate*did you mean 'match'*"])


def test_the_culprit_is_who_pulls_the_number_there():
    from harness.gates.expression import evaluate_gate, parse_gate

    rows = [
        {"nodeid": name, "lane": "x", "suite": "s", "subject": name, "status": status, "score": score, "passed": 1}
        for name, status, score in (("a", "ok", 0.1), ("b", "ok", 0.9), ("c", "wrong", 0.5))
    ]
    for text, culprit in {
        "mean(score) >= 0.9": "a",
        "mean(score) <= 0.1": "b",
        "0.9 <= min(score)": "a",
        "max(score) < 0.5": "b",
        'count(status == "ok") == 3': "c",
        'count(status == "wrong") == 0': "c",
        'count(status == "ok") < 2': "a",
        "mean(median_ms) < 1": "a",
        "not mean(score) >= 0.2": "a",
        "mean(score) >= 0.2": "",
    }.items():
        assert evaluate_gate(parse_gate(text), rows).nodeid == culprit, text
