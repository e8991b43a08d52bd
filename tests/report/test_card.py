"""One case in full: where its source is, what its score adds up to, and what a gate of the run is computed from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.core.digest import digest_bytes
from harness.core.evidence import Counterexample
from harness.core.gate import Gate, GateResult
from harness.core.score import Component
from harness.ledger import sources
from harness.ledger.run_gates import write_run_gates
from harness.ledger.store import Ledger
from harness.report.card import Cards
from harness.report.gate_cases import gate_cases
from harness.report.html import render_report
from harness.report.page import gather
from tests.ledger.factory import fill, make_evaluation

SOURCE = "# made by a machine\n\ndef run(x):\n    return x + 2\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "l.db"


def placed(made, file, **subject):
    case = made.case
    return made.model_copy(
        update={"case": case.model_copy(update={"subject": case.subject.model_copy(update={"path": file, **subject})})}
    )


def cards(ledger):
    page = gather(ledger)
    return {card.case.row["subject"]: card for card in Cards(ledger, page).of(page.urgent)}


def test_a_failing_case_says_in_which_line_its_subject_begins(path):
    bad = make_evaluation("bad", status="wrong", score=0.1, content=SOURCE)
    made = [placed(bad, str(Path.cwd() / "candidates/bad.py"), line=3), make_evaluation("nowhere")]
    gone = placed(make_evaluation("gone", content="not kept"), "/elsewhere/gone.py", line=99)
    fill(path, [*made, gone])
    with Ledger.open(path) as ledger:
        with ledger.writing() as connection:
            sources.keep(connection, digest_bytes(SOURCE.encode()), SOURCE)
        found, text = cards(ledger), render_report(ledger)
    assert found["bad"].place == ("candidates/bad.py", 3, "def run(x):")
    assert found["gone"].place == ("/elsewhere/gone.py", 99, "")
    assert found["nowhere"].place is None
    assert 'data-line="3"><code>candidates/<wbr>bad.<wbr>py:3</code></a> <code>def run(x):</code>' in text


def scored(*parts):
    made = make_evaluation("one")
    components = tuple(Component(name=name, value=1.0, weight=weight) for name, weight in parts)
    return made.model_copy(update={"score": made.score.model_copy(update={"components": components, "total": 1.0})})


@pytest.mark.parametrize(
    ("parts", "bonus"),
    [
        ((("right", 0.6), ("quick", 0.4), ("other", 0.02)), "other"),
        ((("right", 0.6), ("quick", 0.4), ("shown", 0.0), ("other", 0.02)), "other"),
        ((("right", 0.6), ("quick", 0.4)), ""),
        ((("right", 0.6), ("quick", 0.4), ("shown", 0.0)), ""),
    ],
)
def test_a_weight_above_one_is_called_a_bonus(path, parts, bonus):
    fill(path, [scored(*parts)])
    with Ledger.read(path) as ledger:
        assert cards(ledger)["one"].bonus == bonus


def test_what_two_answers_do_not_have_in_common_is_marked(path):
    long = Counterexample(question="Q", expected="[1, 2…", observed="[1, 3…")
    fill(path, [make_evaluation("bad", status="wrong", score=0.1, counterexample=long)])
    with Ledger.read(path) as ledger:
        text = render_report(ledger)
    assert re.findall("<mark>(.*?)</mark>", text) == ["2", "3"]
    assert "… is left out" in text


def gated(path, *expressions):
    before = [make_evaluation("a"), make_evaluation("b"), make_evaluation("gone")]
    now = [make_evaluation("a", score=0.81), make_evaluation("b", status="wrong", score=0.1), make_evaluation("c")]
    _, run_id = fill(path, before, now)
    ledger = Ledger.open(path)
    results = [GateResult(name=text, observed=0.5, threshold=0.9, passed=False, why="no") for text in expressions]
    write_run_gates(ledger, run_id, results)
    return ledger, run_id


@pytest.mark.parametrize(
    ("expression", "cases"),
    [
        ("mean(score) >= 0.9", [("b", "0.1", True), ("a", "0.81", True), ("c", "0.9", False)]),
        ("0.5 <= mean(score)", [("b", "0.1", True), ("a", "0.81", False), ("c", "0.9", False)]),
        ("mean(score) + 1 >= 0.9", [("b", "0.1", False), ("a", "0.81", False), ("c", "0.9", False)]),
        ('min("correctness") >= 0.9', [("b", "0.1", True), ("a", "0.81", True), ("c", "0.9", False)]),
        ("regressions == 0", [("b", "", False)]),
        ("delta(score) >= -0.5", [("b", "-0.8", True), ("a", "-0.09", False)]),
        ("count(passed == 0) == 0", [("b", "", False)]),
        ('regressions("nope") == 0', []),
        ("of a plugin", []),
    ],
)
def test_a_gate_shows_what_it_is_computed_from(path, expression, cases):
    ledger, run_id = gated(path)
    with ledger:
        found = gate_cases(ledger, run_id, {"expression": expression})
    assert [(one.row["subject"], one.value, one.misses) for one in found] == cases


def test_a_gate_has_a_page_and_is_not_told_twice(path):
    ledger, _ = gated(path, "mean(score) >= 0.9", "regressions == 0")
    with ledger:
        text, steps = render_report(ledger), gather(ledger).steps
    overview, _, rest = text.partition('<div id="view"')
    assert [step.route for step in steps[:2]] == [("gates", "1"), ("gates", "2")]
    assert all(f'href="#/gates/{number}"' in overview and f'id="/gates/{number}"' in rest for number in (1, 2))
    assert "Gates of the run" not in overview
    assert rest.count("Computed from 3 cases, low values first") == 1
    assert rest.count("Computed from 1 case:") == 1
    assert rest.count("✗ 2 of them do not reach the bound") == 1
    assert "Gate 1 of 2 fails" in rest
    assert rest.count("the run compared with has no such gate") == 2


def test_a_gate_shows_what_it_observed_before(path):
    ids = fill(path, [make_evaluation("a")], [make_evaluation("a")])
    with Ledger.open(path) as ledger:
        for run_id, observed in zip(ids, (0.95, 0.5), strict=True):
            gate = GateResult(
                name="mean(score) >= 0.9", observed=observed, threshold=0.9, passed=observed > 0.9, why="no"
            )
            write_run_gates(ledger, run_id, [gate])
        text = render_report(ledger)
    assert f"Before: 0.95 in run {ids[0]}, where the gate passes." in text


def test_a_raw_record_has_all_digits(path):
    facts = {
        "small": 1.23456789e-7,
        "large": 123456789.5,
        "whole": 1234567890123456789,
        "none": None,
        "list": [0.1, 2.0],
    }
    made = make_evaluation("bad", status="wrong", score=0.3)
    fill(path, [made.model_copy(update={"evidence": made.evidence.model_copy(update={"facts": facts})})])
    with Ledger.read(path) as ledger:
        record = cards(ledger)["bad"].record
    wanted = '"facts": {"small": 1.23456789e-07,"large": 123456789.5,"whole": 1234567890123456789,"none": null,'
    assert f'{wanted}"list": [0.1,2.0]' in record


def test_a_page_without_gates_has_no_link_to_them(path):
    fill(path, [make_evaluation()])
    with Ledger.read(path) as ledger:
        assert "/gates" not in render_report(ledger).partition("<script")[0].partition("</style>")[2]


def test_one_score_is_shown_with_one_precision_and_in_plain_words(path):
    value = 0.329309438
    gate = (Gate(name="score", threshold=0.9).evaluate(value),)
    made = make_evaluation("bad", status="wrong", score=value, gate=None)
    made = made.model_copy(update={"score": made.score.model_copy(update={"gates": gate})})
    _, run_id = fill(path, [make_evaluation("bad")], [made])
    with Ledger.open(path) as ledger:
        why = "mean(score) is 0.329, but needed >= 0.9"
        failing = GateResult(name="mean(score) >= 0.9", observed=value, threshold=0.9, passed=False, why=why)
        write_run_gates(ledger, run_id, [failing])
        text = re.sub("<[^>]*>", "", render_report(ledger).partition("</style>")[2].partition("<script")[0])
    assert set(re.findall(r"0\.329\d*", text.partition("Raw record")[0])) == {"0.329"}
    for word in ("δ", "Δ", "p<", "p &lt;", "claims nothing", "on the front"):
        assert word not in text, word
