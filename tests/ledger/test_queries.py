"""What reports and verbs ask a ledger."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import LedgerError
from harness.core.evaluation import Evaluation
from harness.core.gate import Gate
from harness.ledger import pareto, queries, sources
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation, make_run


@pytest.fixture
def path(tmp_path):
    return tmp_path / "l.db"


def scores(rows):
    return {row["subject"]: row["score"] for row in rows}


class TestRuns:
    def test_newest_first_with_counts(self, path):
        first, second = fill(
            path,
            [make_evaluation("a")],
            [
                make_evaluation("a"),
                make_evaluation("b", status="wrong", score=0.1),
                make_evaluation("c", status="skipped", score=None, why="no GPU"),
                make_evaluation("p", status="wrong", score=0.1, expect="wrong"),
            ],
        )
        with Ledger.read(path) as ledger:
            rows = queries.runs(ledger)
            assert [row["run_id"] for row in rows] == [second, first]
            assert [(row["cases"], row["passed"], row["failed"]) for row in rows] == [(4, 1, 1), (1, 1, 0)]
            assert len(queries.runs(ledger, limit=1)) == 1

    def test_a_run_by_name(self, path):
        ids = fill(path, *[[make_evaluation()]] * 3)
        with Ledger.read(path) as ledger:
            assert queries.run(ledger)["run_id"] == ids[2]
            assert queries.run(ledger, "latest~2")["run_id"] == ids[0]
            assert queries.run(ledger, ids[1])["run_id"] == ids[1]
            assert queries.run(ledger, ids[1][-6:])["run_id"] == ids[1]
            assert queries.run(ledger, ids[1])["cases"] == 1
            for wrong, message in (
                ("2026", "3 runs match"),
                ("zzz", "no run matches 'zzz'"),
                ("latest~3", "runs in the ledger: 3"),
                ("", "no run matches ''"),
            ):
                with pytest.raises(LedgerError, match=message) as caught:
                    queries.run(ledger, wrong)
                assert caught.value.fix

    def test_an_empty_ledger(self, path):
        with Ledger.open(path) as ledger, pytest.raises(LedgerError, match="no run was recorded yet"):
            queries.run(ledger)


class TestFinding:
    def test_by_node_id_digest_prefix_and_name(self, path):
        fill(path, [make_evaluation("a"), make_evaluation("b")], [make_evaluation("a", score=0.5)])
        digest = make_evaluation("a").case.subject.digest
        with Ledger.read(path) as ledger:
            for key in ("clamp.suite.yaml::a", digest, digest[:8], "a"):
                assert [row["score"] for row in queries.find(ledger, key)] == [0.5, 0.9]
            assert len(queries.find(ledger, "a", run_id=make_run(1).run_id)) == 1
            assert "record" not in queries.find(ledger, "a")[0]

    @pytest.mark.parametrize("key", ["goood", "****", "[a-f0-9]*", "%", "", "clamp.suite.yaml::goot"])
    def test_nothing_found_names_what_comes_near(self, path, key):
        fill(path, [make_evaluation("good")])
        with Ledger.read(path) as ledger, pytest.raises(LedgerError, match="nothing in the ledger") as caught:
            queries.find(ledger, key)
        assert caught.value.fix
        if "goo" in key:
            assert "good" in caught.value.fix

    def test_whole_evaluations_come_back_as_they_were(self, path):
        made = [make_evaluation("a"), make_evaluation("b", status="wrong", score=0.25)]
        [run_id] = fill(path, made)
        with Ledger.read(path) as ledger:
            assert queries.load(ledger, run_id, "clamp.suite.yaml::b") == made[1]
            assert list(queries.load_all(ledger, run_id)) == made
            with pytest.raises(LedgerError, match="has no evaluation"):
                queries.load(ledger, run_id, "nope")

    def test_what_was_judged_already(self, path):
        good, infra = make_evaluation("a"), make_evaluation("i", status="infra", score=None)
        ids = fill(path, [good, infra], [make_evaluation("a", score=0.95)])
        keys = [good.case.key, infra.case.key, "00", ""] + [f"{i:064x}" for i in range(1200)]
        with Ledger.read(path) as ledger:
            found = queries.judged(ledger, keys)
            assert {key: (run_id, one.score.total) for key, (run_id, one) in found.items()} == {
                good.case.key: (ids[1], 0.95)
            }
            assert queries.judged(ledger, keys, machine="elsewhere") == {}
            assert queries.judged(ledger, keys, engine={"engine:toolgen": "new"}) == {}

    def test_what_another_engine_judged_does_not_count(self, path):
        good = make_evaluation("a")
        fill(path, [good], versions={"engine:toolgen": "1"})
        fill(path, [make_evaluation("a", score=0.1)], start=2, versions={"engine:toolgen": "2"})
        with Ledger.read(path) as ledger:
            found = queries.judged(ledger, [good.case.key], engine={"engine:toolgen": "1"})
            assert found[good.case.key][1].score.total == 0.9

    def test_groups_count_their_latest_and_no_controls(self, path):
        def made(name, group, **more):
            one = make_evaluation(name, **more)
            subject = one.case.subject.model_copy(update={"group": group})
            return one.model_copy(update={"case": one.case.model_copy(update={"subject": subject})})

        fill(path, [made("a", "m", score=0.1), made("b", "m"), made("c", ""), made("d", "m", expect="wrong")])
        fill(path, [made("a", "m"), made("e", "m", status="infra", score=None), made("f", "m", score=0.2)], start=2)
        with Ledger.read(path) as ledger:
            found = [(row["cohort"], row["passed"], row["total"]) for row in queries.cohorts(ledger)]
        assert found == [("", 1, 1), ("m", 2, 3)]

    def test_details_in_order(self, path):
        [run_id] = fill(path, [make_evaluation("a", attempts=12)])
        with Ledger.read(path) as ledger:
            [attempts] = queries.details(ledger, run_id, "attempts", ["clamp.suite.yaml::a"]).values()
            assert [row["position"] for row in attempts] == list(range(12))
            with pytest.raises(ValueError, match="no details"):
                queries.details(ledger, run_id, "runs; DROP TABLE runs", ["a"])

    def test_any_number_of_records_and_details_is_read(self, path):
        """More node ids than SQLite takes in one statement, unknown ones among them."""
        made = [make_evaluation(f"c{number}", attempts=1) for number in range(1200)]
        [run_id] = fill(path, made)
        wanted = [evaluation.case.nodeid for evaluation in made]
        with Ledger.read(path) as ledger:
            records = queries.records(ledger, run_id, [*wanted, "nobody"])
            assert {nodeid: Evaluation.model_validate_json(text) for nodeid, text in records.items()} == dict(
                zip(wanted, made, strict=True)
            )
            assert queries.details(ledger, run_id, "gates", wanted).keys() == set(wanted)

    def test_gates_are_counted_and_failing_ones_named(self, path):
        fails = make_evaluation("fails", score=0.1)
        more = Gate(name="robustness", threshold=1.0).evaluate(0.5)
        fails = fails.model_copy(update={"score": fails.score.replace(gates=(*fails.score.gates, more))})
        [run_id] = fill(path, [make_evaluation("holds"), fails, make_evaluation("none", gate=None)])
        with Ledger.read(path) as ledger:
            found = queries.gate_counts(ledger, run_id)
        assert found == {
            "clamp.suite.yaml::holds": (1, 1, ()),
            "clamp.suite.yaml::fails": (0, 2, ("score", "robustness")),
        }

    def test_what_was_computed_is_forgotten_when_the_ledger_changes(self, path):
        with Ledger.open(path) as ledger, Ledger.open(path) as other:
            run = make_run(1)
            ledger.begin(run)
            ledger.record(make_evaluation("a", score=0.5), run_id=run.run_id)
            [[(_, first)]] = queries.contests(ledger, run.run_id).values()
            assert queries.contests(ledger, run.run_id) is queries.contests(ledger, run.run_id)
            ledger.record(make_evaluation("b", score=0.9), run_id=run.run_id)
            [contest] = queries.contests(ledger, run.run_id).values()
            assert [(str(place), row["subject"]) for place, row in contest] == [("1", "b"), ("2", "a")]
            with other.writing() as connection:
                connection.execute("DELETE FROM evaluations WHERE nodeid = ?", (first["nodeid"],))
            [contest] = queries.contests(ledger, run.run_id).values()
            assert [row["subject"] for _, row in contest] == ["b"]

    def test_leaders_that_a_run_did_not_judge(self, path):
        best, good = make_evaluation("best", score=0.95, attempts=0), make_evaluation("good", attempts=0)
        other = make_evaluation("new", suite="other.suite.yaml")
        ids = fill(path, [best, good], [good], [good, best], [other])
        with Ledger.read(path) as ledger:
            found = [[row["subject"] for row in queries.leaders_elsewhere(ledger, run_id).values()] for run_id in ids]
        assert found == [[], ["best"], [], []]

    def test_the_leaderboard_by_lane_suite_and_rank(self, path):
        fill(
            path,
            [make_evaluation(n, lane=lane, suite=f"{lane}.suite.yaml") for n in "ab" for lane in ("toolgen", "dsl")],
        )
        with Ledger.read(path) as ledger:
            assert len(queries.leaderboard(ledger)) == 4
            assert len(queries.leaderboard(ledger, lane="dsl")) == 2
            assert len(queries.leaderboard(ledger, suite="tool")) == 2
            assert [row["lane"] for row in queries.leaderboard(ledger, top=1)] == ["dsl", "toolgen"]


class TestComparison:
    def test_each_case_is_compared_with_its_last_comparable_run(self, path):
        ids = fill(
            path,
            [make_evaluation("a", score=0.5), make_evaluation("b", score=0.6)],
            [make_evaluation("a", score=0.7)],
            [make_evaluation("a", score=0.9), make_evaluation("b", score=0.9), make_evaluation("new")],
        )
        with Ledger.read(path) as ledger:
            deltas = queries.deltas(ledger, ids[2])
            assert {k: (pytest.approx(d["score"]), d["run_id"]) for k, d in deltas.items()} == {
                "clamp.suite.yaml::a": (0.2, ids[1]),
                "clamp.suite.yaml::b": (0.3, ids[0]),
            }
            first = {row["of"]: row["run_id"] for row in queries.baseline(ledger, ids[2], first=True)}
            assert set(first.values()) == {ids[0]}
            assert queries.deltas(ledger, ids[0]) == {}

    @pytest.mark.parametrize("other", [{"machine": "laptop"}, {"tier": None}, {"epoch": 3}])
    def test_other_machines_tiers_and_epochs_are_not_compared(self, path, other):
        fill(path, [make_evaluation("a", score=0.5)], start=1, **other)
        [run_id] = fill(path, [make_evaluation("a", score=0.7)], start=2)
        with Ledger.read(path) as ledger:
            if other.get("tier", "same") is None:
                # A run that wrote down no tier is known by that of its evaluations only while it is the newer one.
                assert queries.comparable_runs(ledger, run_id) == []
            assert queries.deltas(ledger, run_id) == {}

    def test_an_edited_subject_is_compared_by_name_and_says_so(self, path):
        ids = fill(
            path, [make_evaluation("a", content="v1", score=0.5)], [make_evaluation("a", content="v2", score=0.6)]
        )
        with Ledger.read(path) as ledger:
            [delta] = queries.deltas(ledger, ids[1]).values()
        assert delta["same_digest"] is False
        assert delta["score"] == pytest.approx(0.1)

    def test_a_renamed_subject_is_compared_by_digest(self, path):
        ids = fill(path, [make_evaluation("a", content="x", score=0.5)], [make_evaluation("b", content="x", score=0.6)])
        with Ledger.read(path) as ledger:
            assert queries.deltas(ledger, ids[1])["clamp.suite.yaml::b"]["same_digest"] is True

    def test_a_copy_of_a_case_that_is_still_there_is_new(self, path):
        control = make_evaluation("control", content="x", status="wrong", score=0.1, expect="wrong")
        copy = make_evaluation("copy", content="x", status="wrong", score=0.1)
        ids = fill(path, [control], [control, copy])
        with Ledger.read(path) as ledger:
            assert set(queries.deltas(ledger, ids[1])) == {"clamp.suite.yaml::control"}
            assert set(queries.deltas(ledger, ids[1], before=ids[0])) == {"clamp.suite.yaml::control"}

    def test_what_was_not_judged_is_no_baseline(self, path):
        ids = fill(
            path,
            [make_evaluation("a", score=0.5)],
            [make_evaluation("a", score=None, status="infra")],
            [make_evaluation("a", score=0.6)],
        )
        with Ledger.read(path) as ledger:
            assert queries.deltas(ledger, ids[2])["clamp.suite.yaml::a"]["run_id"] == ids[0]
            assert queries.deltas(ledger, ids[1])["clamp.suite.yaml::a"]["score"] is None

    def test_a_run_that_is_still_going_is_compared_by_what_its_evaluations_know(self, path):
        fill(path, [make_evaluation("a", score=0.5)])
        with Ledger.open(path) as ledger:
            run = make_run(2, tier=None)
            ledger.begin(run)
            ledger.record(make_evaluation("a", score=0.6), run_id=run.run_id)
            assert len(queries.baseline(ledger, run.run_id)) == 1

    def test_regressions(self):
        now = [
            {"nodeid": "a", "passed": 0, "expected": None},
            {"nodeid": "b", "passed": 1, "expected": None},
            {"nodeid": "planted", "passed": 0, "expected": "wrong"},
        ]
        before = [
            {"nodeid": "x", "of": "a", "passed": 1},
            {"nodeid": "b", "passed": 1},
            {"nodeid": "planted", "passed": 1},
        ]
        assert [row["nodeid"] for row in queries.regressions(now, before)] == ["a"]

    def test_diff_of_two_runs(self, path):
        ids = fill(
            path,
            [make_evaluation("same"), make_evaluation("gone"), make_evaluation("worse")],
            [make_evaluation("same"), make_evaluation("new"), make_evaluation("worse", score=0.2, status="wrong")],
            epoch=0,
        )
        [other] = fill(path, [make_evaluation("same")], start=3, epoch=5)
        with Ledger.read(path) as ledger:
            found = queries.diff(ledger, ids[0], ids[1])
            assert found["differs"] == []
            assert [c["nodeid"] for c in found["changed"]] == ["clamp.suite.yaml::worse"]
            assert found["changed"][0]["status"] == ["ok", "wrong"]
            assert found["unchanged"] == 1
            assert (found["added"], found["removed"]) == (["clamp.suite.yaml::new"], ["clamp.suite.yaml::gone"])
            assert queries.diff(ledger, ids[0], other)["differs"] == ["epoch 0 -> 5"]
            json.dumps(found)
            with pytest.raises(LedgerError, match="same run"):
                queries.diff(ledger, ids[0], ids[0])


class TestHistory:
    def test_trend_is_oldest_first(self, path):
        fill(path, *[[make_evaluation("a", score=score)] for score in (0.1, 0.2, 0.3)])
        with Ledger.read(path) as ledger:
            assert [row["score"] for row in queries.trend(ledger, "a")] == [0.1, 0.2, 0.3]

    def test_lineage_in_both_directions_by_digest_prefix_and_name(self, path):
        adam = make_evaluation("adam")
        beth = make_evaluation("beth", parents=(adam.case.subject.digest,))
        carl = make_evaluation("carl", parents=("beth", "unknown-llm"))
        dora = make_evaluation("dora", parents=(carl.case.subject.digest[:12],))
        fill(path, [adam, beth, carl, dora, make_evaluation("stranger")])
        with Ledger.read(path) as ledger:
            rows = queries.lineage(ledger, "carl")
        assert [(row["generation"], row["subject"]) for row in rows] == [
            (-2, "adam"),
            (-1, "beth"),
            (-1, "unknown-llm"),
            (0, "carl"),
            (1, "dora"),
        ]

    def test_a_cycle_ends(self, path):
        fill(path, [make_evaluation("a", parents=("b", "a")), make_evaluation("b", parents=("a",))])
        with Ledger.read(path) as ledger:
            assert {row["subject"] for row in queries.lineage(ledger, "a")} == {"a", "b"}

    def test_pareto(self, path):
        fill(
            path,
            [
                make_evaluation("best", score=0.95, median_ms=5.0, peak_mb=5.0),
                make_evaluation("fast", score=0.85, median_ms=1.0, peak_mb=5.0),
                make_evaluation("small", score=0.81, median_ms=6.0, peak_mb=1.0),
                make_evaluation("beaten", score=0.84, median_ms=2.0, peak_mb=6.0),
                make_evaluation("unmeasured", score=0.94, median_ms=None, peak_mb=None),
                make_evaluation("fails", score=0.1, median_ms=0.1, peak_mb=0.1),
            ],
        )
        with Ledger.read(path) as ledger:
            rows = queries.pareto(ledger)
        assert {row["subject"] for row in rows if row["front"]} == {"best", "fast", "small"}
        assert "fails" not in scores(rows)
        assert {row["hypervolume"] for row in rows} == {rows[0]["hypervolume"]}
        assert 0 < rows[0]["hypervolume"] < 1

    def test_a_smaller_subject_is_on_the_front_and_an_epoch_has_its_own(self, path):
        same = {"score": 0.9, "median_ms": 1.0, "peak_mb": 1.0}
        fill(path, [make_evaluation("long", **same), make_evaluation("short", **same)])
        with Ledger.open(path) as ledger:
            digests = {row["subject"]: row["digest"] for row in queries.pareto(ledger)}
            with ledger.writing() as connection:
                sources.keep(connection, digests["long"], "x = 1\n" * 9)
                sources.keep(connection, digests["short"], "x = 1\n")
            assert {row["subject"] for row in queries.pareto(ledger) if row["front"]} == {"short"}
            at = queries.pareto(ledger)[0]["epoch"]
            assert len(queries.pareto(ledger, epoch=at)) == 2
            assert queries.pareto(ledger, epoch=at + 1) == []

    @pytest.mark.parametrize("is_ranked", [1, 0])
    def test_the_front_of_a_board_is_read_from_its_passing_rows(self, path, monkeypatch, is_ranked):
        monkeypatch.setattr(pareto, "_CHUNK", 2)
        good = [make_evaluation(f"g{n}", score=0.9 + n / 100, median_ms=1.0 + n if n > 3 else 20.0) for n in range(7)]
        bad = [make_evaluation(f"b{n}", status="wrong", score=0.99, median_ms=0.1) for n in range(3)]
        other = make_evaluation("alone", suite="o.suite.yaml")
        fill(path, [*bad, *good, other])
        with Ledger.open(path) as ledger:
            with ledger.writing() as connection:
                connection.execute("UPDATE boards SET is_ranked = ?", (is_ranked,))
            rows = queries.pareto(ledger)
            boards = sorted({(row["lane"], row["suite"]) for row in rows})
            wanted = {(row["lane"], row["suite"], row["digest"]) for row in rows if row["front"]}
            assert queries.fronts(ledger, boards) == wanted
            assert len(wanted) == 4  # g4, g5, g6, and that of the other board
            assert queries.fronts(ledger, boards[:1]) == {one for one in wanted if one[:2] == boards[0]}
            assert queries.fronts(ledger, [("nope", "nope")]) == set()

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.tuples(*[st.integers(1, 4) | st.none()] * 3), min_size=6, max_size=40), st.integers(1, 3))
    def test_the_front_that_sqlite_filters_is_that_of_all_rows(self, tmp_path_factory, values, filters):
        path = tmp_path_factory.mktemp("front") / "l.db"
        fill(
            path,
            [
                make_evaluation(f"c{n}", score=0.8 + (score or 0) / 25, median_ms=ms, peak_mb=mb, attempts=1)
                for n, (score, ms, mb) in enumerate(values)
            ],
        )
        with Ledger.open(path) as ledger, pytest.MonkeyPatch.context() as patch:
            patch.setattr(pareto, "_CHUNK", 2)
            patch.setattr(pareto, "MAX_FILTERS", filters)
            rows = queries.pareto(ledger)
            boards = {(row["lane"], row["suite"]) for row in rows}
            assert queries.fronts(ledger, boards) == {
                (row["lane"], row["suite"], row["digest"]) for row in rows if row["front"]
            }

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 3), st.one_of(st.none(), st.integers(0, 3)), st.one_of(st.none(), st.integers(0, 3))
            ),
            max_size=15,
        )
    )
    def test_the_front_is_what_nobody_dominates(self, values):
        same = {"lane": "l", "suite": "s", "size": 1, "stability_bound": None}
        rows = pareto.mark_fronts([{**same, "score": s, "median_ms": m, "peak_mb": p} for s, m, p in values])
        costs = [pareto.costs(row) for row in rows]
        for row, mine in zip(rows, costs, strict=True):
            beaten = any(other != mine and all(a <= b for a, b in zip(other, mine, strict=True)) for other in costs)
            assert row["front"] is not beaten
