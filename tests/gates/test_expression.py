"""The language of --gate."""

from __future__ import annotations

import contextlib
import math
import statistics

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.core.gate import GateResult
from harness.core.pass_rate import pass_all, pass_at
from harness.gates.aggregation import UNJUDGED
from harness.gates.expression import evaluate_gate, measured_cases, parse_gate
from harness.gates.row import row
from harness.gates.syntax import AGGREGATES, NUMBER_COLUMNS, SELECTORS, TEXT_COLUMNS
from harness.ledger import queries
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation, make_run


def case(nodeid, score=0.9, **more):
    row = {
        "nodeid": nodeid,
        "lane": "toolgen",
        "suite": "suites/toolgen/clamp.suite.yaml",
        "subject": nodeid,
        "status": "ok",
        "score": score,
        "passed": 1,
        "median_ms": 2.0,
        "expected": None,
        "style": "",
    }
    return row | more


ROWS = [
    case("good", 0.9),
    case("fair", 0.7, median_ms=8.0),
    case("bad", 0.2, passed=0, status="wrong"),
    case("fast", 1.0, lane="kernel", suite="suites/kernel/matmul.suite.yaml", median_ms=0.5, correctness=1.0),
    case("planted", 0.0, status="timeout", expected="timeout", passed=0),
]


def evaluated(text, rows=ROWS, **more) -> GateResult:
    return evaluate_gate(parse_gate(text), rows, **more)


@pytest.mark.parametrize(
    ("text", "observed"),
    [
        ("mean(score) >= 0.5", 0.7),
        ("toolgen.mean(score) >= 0.5", 0.6),
        ("kernel.min(score) == 1", 1.0),
        ('suite("clamp").max(median_ms) <= 8', 8.0),
        ('suite("clamp.suite.yaml").max(median_ms) <= 8', 8.0),
        ('suite("suites/toolgen/*").max(median_ms) <= 8', 8.0),
        ('subject("good").min(score) >= .9', 0.9),
        ('subject("f*").count() == 2', 2.0),
        ('toolgen.suite("clamp").subject("bad").sum(score) <= 2e-1', 0.2),
        ("median(score) >= 0.8", 0.8),
        ("quantile(score, 0) >= 0.2", 0.2),
        ("quantile(score, 1) <= 1", 1.0),
        ('count(status == "timeout") <= 2', 0.0),
        ('count(status != "ok" and score < 0.5) == 1', 1.0),
        ('count(not (passed or status == "wrong")) == 0', 0.0),
        ("count(passed) == 3", 3.0),
        ("count(score >= -1) == 4", 4.0),
        ("max(median_ms, passed) <= 8", 8.0),
        ('mean(score, status == "ok") >= 0.8', 2.6 / 3),
        ("count(passed) / count() >= 0.75", 0.75),
        ("2 * (count() - 1) == 6", 6.0),
        ("-min(score) <= -0.2", -0.2),
        ("1 + 2 * 3 == 7", 7.0),
        ("(1 + 2) * 3 == 9", 9.0),
        ("8 / 4 / 2 == 1", 1.0),
        ("kernel.min('correctness') == 1", 1.0),
        ("kernel.min(correctness) == 1", 1.0),
        ("max(score) > toolgen.max(score)", 1.0),
        ("0.5 <= mean(score)", 0.7),
        ("toolgen.pass_at(1) >= 0.6", 2 / 3),
        ("toolgen.pass_at(2) == 1", 1.0),
        ("toolgen.pass_all(2) >= 0.3", 1 / 3),
        ("pass_at(1) > 0.8", (2 / 3 + 1) / 2),  # the mean of the suites, not of their candidates
        ("toolgen.pass_at(1, score < 0.8) == 0.5", 0.5),
        ("007 + 00 == 7.0", 7.0),
        ("count(passed)>=1and 1<2", 3.0),
        ("\t2 * (\n1 + 1) == 4 ", 4.0),
    ],
)
def test_gates_that_pass(text, observed):
    result = evaluated(text)
    assert result.passed, result.why
    assert result.observed == pytest.approx(observed)


@pytest.mark.parametrize(
    ("text", "observed", "threshold", "message"),
    [
        ("toolgen.mean(score) >= 0.8", 0.6, 0.8, "bad 0.2"),
        ("max(median_ms) <= 5", 8.0, 5.0, "highest: fair 8"),
        ("0.8 <= toolgen.mean(score)", 0.6, 0.8, "needed >= 0.8"),
        ('count(status == "wrong") == 0', 1.0, 0.0, "bad"),
        ("min(score) >= kernel.min(score)", 0.2, 1.0, "kernel.min(score) (1)"),
        ("mean(score) >= 0.9 or min(score) >= 0.9", 0.7, 0.9, "; min(score) is 0.2"),
        ("mean(score) >= 0.1 and min(score) >= 0.9", 0.2, 0.9, "min(score)"),
        ("not mean(score) >= 0.1", 0.7, 0.1, "not (mean(score)"),
        ("pass_at(1) >= 0.9", 5 / 6, 0.9, "2 suites; lowest: suites/toolgen/clamp.suite.yaml: 2 of 3 pass"),
        ("toolgen.pass_all(3) >= 0.1", 0.0, 0.1, "2 of 3 pass"),
    ],
)
def test_gates_that_fail_report_what_was_observed(text, observed, threshold, message):
    result = evaluated(text)
    assert not result.passed
    assert result.observed == pytest.approx(observed)
    assert result.threshold == pytest.approx(threshold)
    assert message in result.why
    assert result.name == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spec.mean(score) >= 0", "no case has lane 'spec'; there are kernel, toolgen"),
        ('suite("clmp").mean(score) >= 0', "no case has suite 'clmp'"),
        ('kernel.subject("good").mean(score) >= 0', "no case matches"),
        ("mean(score) / count(score > 5) >= 0", "is 0 and cannot be a divisor"),
        ("1e308 * 10 * count() >= 0", "too large"),
        ("mean(peak_mb) <= 5", "has no peak_mb"),
        ("mean('magic') <= 5", "has no magic"),
        ("max(score, score > 5) <= 5", "no case meets its condition"),
        ("not mean(peak_mb) > 5", "has no peak_mb"),
        ("mean(peak_mb) >= 0 or mean(peak_mb) < 0", "has no peak_mb"),
        ("count() >= max(peak_mb)", "has no peak_mb"),
        ("regressions == 0", "no earlier run"),
        ("delta(score) >= 0", "no earlier run"),
        ('count(tier == "A") == 0', "good (ok) has no tier"),
        ('count(not tier == "A") == 4', "has no tier"),
        ('count(tier != "A") == 4', "has no tier"),
        ('max(score, machine == "x") <= 1', "has no machine"),
        ("toolgen.count(correctness < 1) == 0", "has no correctness"),
        ("pass_at(2) >= 0", "suites/kernel/matmul.suite.yaml has 1 judged candidate, fewer than 2"),
        ("toolgen.pass_all(4) >= 0", "has 3 judged candidates, fewer than 4"),
        ('pass_at(1, cohort == "mine") >= 0', "has no cohort"),
        ("pass_at(1, score > 5) >= 0", "no candidate was judged"),
    ],
)
def test_what_is_undefined_fails(text, message):
    result = evaluated(text)
    assert not result.passed
    assert message in result.why


def test_undefined_is_not_zero():
    assert evaluated("mean(peak_mb) <= 5").observed is None
    assert evaluated("mean(score) >= 0", rows=[]).observed is None
    assert evaluated("count() == 0", rows=[]).passed is False
    assert evaluated("mean(score) >= 0", rows=[ROWS[-1]]).why.endswith("no case was judged")


def test_an_undefined_side_does_not_hide_one_that_decides():
    assert evaluated("mean(peak_mb) >= 0 or mean(score) >= 0.5").passed
    assert not evaluated("mean(peak_mb) >= 0 and mean(score) >= 0.5").passed


def test_skipped_cases_count_but_have_no_values():
    rows = [*ROWS, case("gpu", None, status="skipped", passed=0)]
    assert evaluated("mean(score) >= 0.5", rows).observed == pytest.approx(0.7)
    assert evaluated('count(status == "skipped") == 1', rows).passed
    assert "every case was skipped" in evaluated("mean(score) >= 0", rows[-1:]).why


def test_skipped_cases_meet_no_condition_on_values_they_lack():
    rows = [case("a", correctness=1.0), case("gpu", None, status="skipped", passed=0)]
    assert evaluated("count(correctness < 1) == 0", rows).passed
    assert not evaluated('count(tier == "A") == 0', rows).passed


def test_all_text_columns_of_a_row_can_be_compared():
    made = make_evaluation("f", style="functional", detected="procedural", status="wrong")
    subject = made.case.subject.model_copy(update={"group": "mine"})
    made = made.model_copy(update={"case": made.case.model_copy(update={"subject": subject})})
    found = row(made, make_run())
    assert set(TEXT_COLUMNS) | {"score", "passed", "correctness"} <= set(found)
    for column in TEXT_COLUMNS:
        assert found[column], column
        assert evaluated(f'count({column} == "{found[column]}") == 1', [found]).passed, column
        assert not evaluated(f'count({column} == "{found[column]}") == 0', [found]).passed, column
        assert not evaluated(f'count({column} != "x") == 0', [found]).passed, column


def test_rows_are_those_of_the_ledger(tmp_path):
    made = [make_evaluation("a"), make_evaluation("planted", status="wrong", expect="wrong", attempts=0)]
    [run_id] = fill(tmp_path / "l.db", made)
    with Ledger.read(tmp_path / "l.db") as ledger:
        stored = {found["nodeid"]: found for found in queries.evaluations(ledger, run_id)}
    rows = [row(evaluation, make_run()) for evaluation in made]
    for found in rows:
        known = stored[found["nodeid"]]
        shared = (set(found) & set(known)) - {"created_at", "record"}
        assert shared >= {"expected", "stability", "passed", "machine", "tier"}
        assert {name: found[name] for name in shared} == {name: known[name] for name in shared}
    assert evaluated("count() == 1", rows).passed


def test_other_unscored_cases_make_an_aggregate_undefined():
    result = evaluated("mean(score) >= 0", [*ROWS, case("lost", None, status="infra", passed=0)])
    assert result.observed is None
    assert "lost (infra) has no score" in result.why


def test_pass_rates_are_about_candidates_that_were_judged_and_of_one_group_if_asked():
    rows = [case(f"a{number}", passed=number < 2, cohort="a") for number in range(5)]
    rows += [case(f"b{number}", cohort="b") for number in range(5)]
    rows += [case(f"x{number}", status=status, passed=0, cohort="a") for number, status in enumerate(UNJUDGED)]
    assert evaluated('pass_at(3, cohort == "a") > 0', rows).observed == pytest.approx(pass_at(3, passed=2, total=5))
    assert evaluated('pass_all(2, cohort == "a") > 0', rows).observed == pytest.approx(pass_all(2, passed=2, total=5))
    assert evaluated("pass_at(3) > 0", rows).observed == pytest.approx(pass_at(3, passed=7, total=10))
    failed = evaluated('pass_at(1, cohort == "a") == 1', rows)
    assert (failed.passed, failed.nodeid) == (False, "a2")
    assert "no candidate was judged" in evaluated("pass_at(1) >= 0", [case("x", status="infra", passed=0)]).why


def test_controls_are_excluded_in_either_spelling():
    assert evaluated("count() == 4").passed
    assert evaluated("count() == 1", [case("a"), case("b", planted=True), case("c", expected="wrong")]).passed
    assert evaluated("count() == 1", [case("a", expected=True, planted=False)]).passed


def test_regressions_and_delta_compare_with_the_baseline():
    before = [
        case("good", 0.8, of="good"),
        case("old-name", 0.9, of="bad"),
        case("gone", 0.9, of="gone"),
        case("planted", 1.0),
    ]
    assert evaluated("regressions == 0", baseline=before).observed == 1
    assert "bad" in evaluated("regressions == 0", baseline=before).why
    assert evaluated("kernel.regressions == 0", baseline=before).observed is None
    assert evaluated('subject("good").regressions() == 0', baseline=before).passed
    assert evaluated("delta(score) >= 0", baseline=before).observed == pytest.approx((0.1 - 0.7) / 2)
    assert "bad -0.7" in evaluated("delta(score) >= 0", baseline=before).why


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("toolgen.mean(score) >= 0.9", ["b", "a"]),
        ('toolgen.mean(score, status == "ok") >= 0.9', ["a"]),
        ("not (max(score) < 0.2) and kernel.min(score) > 0", ["k", "b", "a"]),
        ("regressions == 0", ["b"]),
        ("delta(score) >= 0", ["b", "a"]),
        ("count(passed == 0) == 0", ["b"]),
        ("pass_at(1) >= 1", ["b", "a", "k"]),
        ("dsl.mean(score) > 0", []),
        ("1 > 2", []),
    ],
)
def test_a_gate_names_the_cases_that_it_is_computed_from(text, names):
    rows = [
        case("a", 0.8, lane="toolgen"),
        case("b", 0.5, lane="toolgen", status="wrong", passed=0),
        case("k", 0.1, lane="kernel"),
        case("off", lane="kernel", status="skipped", passed=0),
        case("planted", 0.0, expected="wrong"),
    ]
    rows[3].pop("score", None)
    before = {"": [case("a", 0.7, of="a"), case("b", 0.9, of="b"), case("gone", 0.9, of="gone")]}
    found = measured_cases(parse_gate(text), rows, baselines=before)
    names = [*names, "off"] if text.startswith("count") else names
    assert [row["nodeid"] for row, _ in found] == names


def test_what_a_gate_reads_is_what_it_aggregates():
    rows = [case(f"c{number}", number / 10) for number in range(1, 6)]
    values = [value for _, value in measured_cases(parse_gate("mean(score) >= 1"), rows, baselines={})]
    assert values == sorted(values)
    assert evaluated("mean(score) >= 1", rows).observed == pytest.approx(sum(values) / len(values))


@pytest.mark.parametrize(
    ("text", "shown"),
    [("mean(score) >= 0.9", "is 0.89996,"), ("mean(score) >= 0.8", "is 0.9,"), ("sum(score) > 9", "1.8")],
)
def test_a_number_is_as_long_as_it_must_be_to_differ_from_its_bound(text, shown):
    assert shown in evaluated(text, [case("a", 0.89992), case("b", 0.9)]).why


@pytest.mark.parametrize(
    ("text", "what", "caret", "hint"),
    [
        ("toolgen.mean(score >= 1", "`(` is never closed", "(score", "close the parenthesis"),
        ("mean(scor) >= 1", "unknown column of numbers 'scor'", "scor)", "did you mean 'score'"),
        ("maen(score) >= 1", "unknown aggregate 'maen'", "maen", "did you mean 'mean'"),
        ("kernl.mean(score) >= 1", "unknown lane 'kernl'", "kernl", "did you mean 'kernel'"),
        ("mean(score)", "must compare something", "", "mean(score) >= 0.8"),
        ("mean(score) = 1", "`=` is not a comparison", "= 1", "=="),
        ("mean(score) >= ", "the gate ends here", "", "an aggregate"),
        ("", "the gate ends here", "", "an aggregate"),
        ("mean(score) >= 1 mean(score)", "not expected here", "mean(score)", "`and`"),
        ("1 < 2 < 3", "cannot be chained", "< 3", "`and`"),
        ("1 < (2 < 3)", "needs numbers on both sides", "< (", "`and`"),
        ("mean(score) and 1", "joins comparisons", "and", "compare both"),
        ("not mean(score)", "`not` needs a comparison", "not", "not mean(score) >= 0.8"),
        ("-(1 < 2) < 3", "`-` needs a number", "-(", "not"),
        ("suite(clamp).mean(score) >= 1", "one quoted suite", "clamp", 'suite("name")'),
        ('suite("a").suite("b").mean(score) >= 1', "one quoted suite", '"b"', "suite"),
        ('count(status == "ok" >= 1', "`(` is never closed", "(status", "close"),
        ("count(status == 3) >= 1", "cannot be compared", "3)", "quoted string"),
        ('count(score == "x") >= 1', "cannot be compared", '"x"', "a number"),
        ("count(score) >= 1", "must be compared", "score)", "write"),
        ("quantile(score, 2) >= 1", "between 0 and 1", "2)", "0.9"),
        ("quantile(score) >= 1", "between 0 and 1", ") >=", "0.9"),
        ("pass_at() >= 1", "an integer from 1", ") >=", "pass_at(5)"),
        ("pass_at(0) >= 1", "an integer from 1", "0)", "number of candidates"),
        ("pass_all(2.5) >= 1", "an integer from 1", "2.5", "pass_all(5)"),
        ("pass_at(passed) >= 1", "an integer from 1", "passed", "pass_at(5)"),
        ("pass_at(5, 3) >= 1", "a column is missing", "3)", "use one of"),
        ("mean(score) >= 1e999", "too large", "1e999", "smaller"),
        ("mean(score) >= 'x", "not closed", "'x", "quote"),
        ("mean(score) >= 1;", "';' is not allowed", ";", "names"),
        ("__import__('os')", "unknown aggregate '__import__'", "__import__", "mean"),
        ("toolgen.", "the gate ends here", "", "mean"),
        ("mean(\u00a0score) >= 1", "is not allowed", "\u00a0", "names"),
        ("mean(score)) >= 1", "not expected here", ") >=", "aggregate"),
        ("mean(score,) >= 1", "an argument is missing", ",)", "comma"),
        ("mean(score score) >= 1", "a comma is missing", "score score", "comma"),
        ("mean(score, passed, passed) >= 1", "no further argument", "passed)", "`and`"),
        ("mean(score) ** 2 >= 1", "not part of the gate language", "mean(score) **", "aggregate"),
        ("mean(score) is 1", "does not compare", "is 1", ">="),
        ("True >= 1", "not part of the gate language", "True", "mean"),
        ("1_000 >= 1", "not part of", "1_000", "number"),
        ("mean(**score) >= 1", "not part of the gate language", "**", "mean(score)"),
        ("mean(score).max(score) >= 1", "unknown selector 'mean'", "mean", "suite"),
        ("toolgen.kernel.mean(score) >= 1", "unknown selector 'kernel'", "kernel", "suite"),
        ("'\u00e9\u00e9' * 2 >= mean(scor)", "not part of", "'\u00e9", "mean"),
        ("subject('\u00e9\u00e9').mean(scor) >= 1", "unknown column of numbers", "scor)", "score"),
        ("\u00a0", "is not allowed", "\u00a0", "names"),
    ],
)
def test_a_malformed_gate_is_marked_and_explained(text, what, caret, hint):
    with pytest.raises(UsageError) as caught:
        parse_gate(text)
    message = caught.value.what
    assert what in message
    assert hint in caught.value.fix
    _, _line, mark = message.rsplit("\n", 2)
    place = mark.index("^") - 4
    assert place == (text.rindex(caret) if caret else place)
    if not caret:
        assert place <= len(text)


def test_a_lane_of_a_third_party():
    assert evaluated("words.mean(score) >= 0", [case("a", lane="words")]).passed
    assert parse_gate("words.mean(score) >= 0", lanes=["toolgen", "words"])
    with pytest.raises(UsageError, match="unknown lane 'word'"):
        parse_gate("word.mean(score) >= 0", lanes=["toolgen", "words"])


def test_hostile_length_and_depth():
    for text in ("(" * 1000, "not " * 400 + "1 < 2", "-" * 1500 + "1 < 2", "1+" * 900 + "1 < 2", "x" * 5000):
        with contextlib.suppress(UsageError):
            evaluated(text)
    with pytest.raises(UsageError, match="nested too deeply"):
        parse_gate("not " * 99 + "1 < 2")
    with pytest.raises(UsageError, match="nested too deeply"):
        parse_gate("1 < " + "-(" * 60 + "2" + ")" * 60)
    with pytest.raises(UsageError, match="too long"):
        parse_gate("(" * 999 + "1 < 2" + ")" * 999)
    assert evaluated("(" * 99 + "1 < 2" + ")" * 99).passed
    assert evaluated("count(" + "(" * 99 + "passed" + ")" * 99 + ") > 1").passed
    with pytest.raises(UsageError, match="too long"):
        parse_gate("1+" * 900 + "1 < 2")


WORDS = st.sampled_from(
    [
        *AGGREGATES,
        *SELECTORS,
        *NUMBER_COLUMNS,
        *TEXT_COLUMNS,
        "and",
        "or",
        "not",
        "toolgen",
        '"x"',
        "'",
        '"',
        "1",
        "0.5",
        "1e400",
        *"()+-*/.,<>=! \n\t",
        ">=",
        "<=",
        "==",
        "!=",
    ]
)


@given(st.one_of(st.text(), st.lists(WORDS, max_size=30).map(" ".join), st.lists(WORDS, max_size=30).map("".join)))
@example("count(not)")
@example("mean('')>1")
@example("'\x00'")
def test_no_text_raises_anything_but_a_usage_error(text):
    try:
        expression = parse_gate(text)
    except UsageError:
        return
    assert isinstance(evaluate_gate(expression, ROWS, baseline=ROWS), GateResult)


NUMBER = st.one_of(st.none(), st.floats(), st.integers(), st.booleans(), st.text(max_size=3))


@given(
    st.lists(st.fixed_dictionaries({"nodeid": st.text(max_size=3), "score": NUMBER, "status": st.just("ok")})),
    st.sampled_from(["mean", "median", "min", "max", "sum", "delta", "quantile"]),
)
def test_no_rows_raise_and_a_result_is_always_finite(rows, name):
    text = f"{name}(score{', 0.9' if name == 'quantile' else ''}) >= 0"
    result = evaluated(text, rows, baseline=rows)
    assert result.observed is None or math.isfinite(result.observed)
    assert result.passed <= (result.observed is not None)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_aggregates_agree_with_the_standard_library(scores):
    rows = [case(str(i), score) for i, score in enumerate(scores)]
    assert evaluated("mean(score) >= 0", rows).observed == pytest.approx(statistics.fmean(scores), abs=1e-6)
    assert evaluated("median(score) >= 0", rows).observed == pytest.approx(statistics.median(scores), abs=1e-6)
    assert evaluated("max(score) >= 0", rows).observed == max(scores)
