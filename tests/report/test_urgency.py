"""Nothing that failed is cut: the one case of many that fails is shown by every output that has a limit."""

from __future__ import annotations

from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import ci
from harness.report.html import render_report
from harness.report.leaderboard import render_leaderboard, render_overview
from harness.report.page import gather
from harness.report.run_verdict import run_verdict
from harness.report.urgency import Urgency, causes_first, causes_raised, urgencies
from tests.ledger.factory import fill, make_evaluation

CASES = 2_000  # more than any limit on rows or details


def test_one_failing_case_last_in_the_order_of_paths(tmp_path):
    """It also has the best score, so that no order by score or path puts it first by luck."""
    plain = make_evaluation("good", attempts=0, score=0.9, suite="s00.suite.yaml")
    many = []
    for number in range(CASES - 1):
        suite = f"s{number % 40:02}.suite.yaml"
        case = plain.case.model_copy(update={"suite": suite, "name": f"c{number:05}"})
        many.append(plain.model_copy(update={"case": case}))
    bad = make_evaluation("zzz", suite="s39.suite.yaml", status="wrong", score=0.1, why="the one")
    [run_id] = fill(tmp_path / "l.db", [*many, bad])
    with Ledger.read(tmp_path / "l.db") as ledger:
        assert next(iter(urgencies(ledger, run_id))) == "s39.suite.yaml::zzz"
        overview = render_overview(ledger, run_id, rows=5)
        assert (overview[1].split()[1], overview[-1]) == ("s39", "… 36 more suites, all as expected: crucible top")
        assert any({"zzz", "wrong"} <= {*line.split()} for line in render_leaderboard(ledger, run_id, top=1))
        assert "s39.suite.yaml&#58;&#58;zzz" in "\n".join(ci.summary(ledger, run_id))
        page = render_report(ledger, run_id, size=400_000)
    assert "the one" in page.partition("<!-- islands -->")[0].partition('<script type="application/octet-stream"')[0]


def test_the_order(tmp_path):
    before = [make_evaluation(name) for name in ("moved", "rest", "first")]
    after = [
        make_evaluation("first", score=0.99, attempts=0),
        make_evaluation("rest"),
        make_evaluation("moved", score=0.85),
        make_evaluation("caught", status="wrong", expect="wrong"),
        make_evaluation("missed", expect="wrong"),
        make_evaluation("leads", suite="b.suite.yaml"),
        make_evaluation("waits", status="review"),
    ]
    _, run_id = fill(tmp_path / "l.db", before, after)
    with Ledger.read(tmp_path / "l.db") as ledger:
        found = urgencies(ledger, run_id)
        assert len(queries.evaluations(ledger, run_id)) == len(found)
    names = {nodeid.partition("::")[2]: urgency for nodeid, urgency in found.items()}
    assert names == {
        "missed": Urgency.FAILING,
        "leads": Urgency.UNCONFIRMED,
        "first": Urgency.CHANGED,
        "moved": Urgency.CHANGED,
        "waits": Urgency.CHANGED,
        "rest": Urgency.OTHER,
        "caught": Urgency.CONTROL,
    }
    assert list(names.values()) == sorted(names.values())


def rows(*cases):
    return [{"nodeid": nodeid, "why": why} for nodeid, why in cases]


def test_a_cause_comes_before_what_rests_on_it():
    made = rows(
        ("a.suite.yaml::t::success", 'passed("greets") is false: greets (line 4) wrong: saw 1'),
        ("a.suite.yaml::t::greets", "expected 2, saw 1"),
        ("b.suite.yaml::t::success", "the budget is used up"),
        ("b.suite.yaml::t::greets", "greets nobody"),
        ("a.suite.yaml::k-compile", "as in k-interpreter: wrong"),
        ("a.suite.yaml::k-interpreter", "wrong"),
    )
    found = [one["nodeid"] for one in causes_first(made, lambda row: row)]
    assert found == [
        *("a.suite.yaml::t::greets", "a.suite.yaml::k-interpreter"),
        *("a.suite.yaml::t::success", "a.suite.yaml::k-compile"),
        *("b.suite.yaml::t::success", "b.suite.yaml::t::greets"),
    ]


def test_two_that_name_each_other_and_nothing_at_all():
    made = rows(("s::a", "b first"), ("s::b", "a first"))
    assert causes_first(made, lambda row: row) == made
    assert causes_first([], lambda row: row) == []


def test_every_output_has_the_cause_first(tmp_path):
    program = {"lane": "dsl", "suite": "p.suite.yaml", "status": "wrong", "score": 0.1}
    made = [
        make_evaluation("success", case="t::success", why='passed("step") is false', **program | {"score": 0.2}),
        make_evaluation("step", case="t::step", why="saw 1", **program),
    ]
    good = [
        make_evaluation(one.case.subject.name, case=one.case.name, lane="dsl", suite="p.suite.yaml") for one in made
    ]
    _, run_id = fill(tmp_path / "l.db", good, made)
    with Ledger.read(tmp_path / "l.db") as ledger:
        page = gather(ledger, run_id)
        verdict, summary = run_verdict(ledger, run_id), "\n".join(ci.summary(ledger, run_id))
    wanted = ["p.suite.yaml::t::step", "p.suite.yaml::t::success"]
    assert [step.what for step in page.steps][:2] == wanted
    assert [one.row["nodeid"] for one in page.failing] == page.changes.broken == wanted
    assert [fault.what for fault in verdict.faults] == wanted
    failing = summary.partition("### Not as expected")[2]
    assert failing.index("&#58;step") < failing.index("&#58;success")


def test_in_another_order_a_cause_is_raised_above_what_follows_from_it():
    def row(nodeid, why, *, fails=True):
        return {"nodeid": nodeid, "why": why, "as_expected": not fails, "neutral": 0}

    rows = [
        row("p::t::success", "passed(first) is false: first failed"),
        row("q::low", "success of another suite failed"),
        row("p::t::second", "not reached: success"),  # each names the other: no order, and no endless search
        row("p::t::good", "", fails=False),
        row("p::t::first", "saw 2"),
    ]
    found = [one["nodeid"].rpartition("::")[2] for one in causes_raised(rows, lambda one: one)]
    assert found == ["first", "success", "low", "second", "good"]
    rows[0]["why"] += " after second"
    found = [one["nodeid"].rpartition("::")[2] for one in causes_raised(rows, lambda one: one)]
    assert sorted(found) == ["first", "good", "low", "second", "success"]
    assert found.index("first") < found.index("success")
