"""The verbs that change something."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from harness.cli import main, rescore
from harness.cli.prune import parse_moment
from harness.core.errors import UsageError
from harness.core.evidence import Evidence
from harness.core.gate import Gate
from harness.core.policy import Policy
from harness.core.score import Component, Score, judge
from harness.ledger import queries
from harness.ledger.row import dump
from harness.ledger.run_gates import run_gates, write_run_gates
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation

PLUGIN = """
import harness
from harness.core.score import Component, judge


class Words:
    name = "words"
    options = None
    untrusted = ()
    boxed = False
    min_tier = None

    def collect(self, suite): return []
    def evaluate(self, case, context): raise NotImplementedError
    def score(self, evidence, policy):
        return judge(evidence, policy, [Component(name="length", value=evidence.facts["length"] / 10, weight=1.0)])


@harness.hookimpl
def crucible_lanes():
    return [Words()]
"""


class Words:
    """A lane whose score is a stored fact."""

    name = "words"

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        return judge(evidence, policy, [Component(name="length", value=evidence.facts["length"] / 10, weight=1.0)])


def stored(name, length):
    """An evaluation of that lane, scored by it."""
    made = make_evaluation(name, lane="words", suite="words.suite.yaml", gate=0.5)
    evidence = made.evidence.model_copy(update={"facts": {"length": length}})
    return made.model_copy(update={"evidence": evidence, "score": Words().score(evidence, made.case.policy)})


class TestRescore:
    def test_an_equal_policy_gives_the_same_bytes(self):
        changes = list(rescore.rescore([stored("a", 7), stored("b", 3)], {"words": Words()}))
        assert not any(change.differs for change in changes)
        for change in changes:
            assert dump(change.before.to_wire()) == dump(change.after.to_wire())

    def test_other_gates_and_epochs_judge_anew_and_run_nothing(self):
        [change] = rescore.rescore([stored("a", 7)], {"words": Words()}, epoch=12, gates={"score": 0.9, "length": 0.1})
        assert change.differs
        assert (change.before.passed, change.after.passed) == (True, False)
        assert change.after.case.policy.epoch == 12
        assert [gate.name for gate in change.after.score.gates] == ["score", "length"]
        assert change.after.evidence == change.before.evidence

    def test_gates_are_read(self):
        assert rescore.parse_gates(["score=0.9, correctness = 1", "x=-1e-3"]) == {
            "score": 0.9,
            "correctness": 1.0,
            "x": -0.001,
        }

    @pytest.fixture
    def words(self, tmp_path, capsys):
        fill(tmp_path / "w.db", [stored("a", 7), stored("b", 3)])
        (tmp_path / "words_lane.py").write_text(PLUGIN)

        def run(*more):
            status = main(
                ["rescore", "--ledger", str(tmp_path / "w.db"), "--plugin", str(tmp_path / "words_lane.py"), *more]
            )
            return status, *capsys.readouterr()

        run.path = tmp_path / "w.db"
        return run

    def test_the_verb(self, words):
        assert words()[:2] == (0, "2 evaluations of run 20261122-110100-000001 judged again, 0 differ\n")
        status, out, _ = words("--gates", "score=0.6", "--json")
        assert status == 0
        found = json.loads(out)
        assert [change["passed"] for change in found["changed"]] == [[True, True], [False, False]]
        assert found["written"] is None
        _, out, _ = words("--gates", "score=0.9")
        assert "passes → fails" in out
        with Ledger.read(words.path) as ledger:
            assert len(queries.runs(ledger)) == 1

    def test_writing_adds_a_run(self, words):
        status, out, err = words("--gates", "score=0.9", "--write")
        assert (status, err) == (0, "")
        assert "stored as run " in out
        with Ledger.read(words.path) as ledger:
            new, old = queries.runs(ledger)
            assert (new["passed"], old["passed"]) == (0, 1)
            assert (new["machine"], new["secret_seed"], new["tier"], new["status"]) == ("box", 7, "B", "finished")
            assert new["command"].split()[0] == "crucible"
            assert {row["passed"] for row in queries.leaderboard(ledger)} == {0}

    def test_the_gates_of_the_run_are_evaluated_again(self, words):
        texts = ("sum(passed) == 1", "words.mean(score) >= 0.5", 'delta(score, "gone") >= 0', "a plugin's gate")
        with Ledger.open(words.path) as ledger:
            [run] = queries.runs(ledger)
            write_run_gates(ledger, run["run_id"], [Gate(name=text, threshold=1).evaluate(1) for text in texts])
        assert words("--gates", "score=0.9", "--write")[0] == 0
        with Ledger.read(words.path) as ledger:
            gates = run_gates(ledger, queries.run(ledger)["run_id"])
        assert [(gate["expression"], gate["passed"], gate["observed"]) for gate in gates] == [
            (texts[0], 0, 0.0), (texts[1], 1, 0.5), (texts[2], 0, None), (texts[3], 1, 1.0),
        ]  # fmt: skip
        assert "no run matches 'gone'" in gates[2]["why"]

    def test_a_gate_on_nothing_names_what_there_is(self, tmp_path, capsys):
        fill(tmp_path / "l.db", [make_evaluation("a", suite="x.suite.yaml")])
        assert main(["rescore", "--ledger", str(tmp_path / "l.db"), "--gates", "nope=1"]) == 4
        said = capsys.readouterr().err
        assert "lane toolgen has no component 'nope' to gate" in said
        assert "correctness" in said

    def test_an_unknown_lane(self, words, tmp_path, capsys):
        assert main(["rescore", "--ledger", str(words.path)]) == 4
        assert "unknown lane 'words'" in capsys.readouterr().err


class TestMerge:
    def test_two_into_a_new_one(self, tmp_path, capsys):
        fill(tmp_path / "a.db", [make_evaluation("a")], start=1)
        fill(tmp_path / "b.db", [make_evaluation("b")], start=2)
        words = ["merge", str(tmp_path / "a.db"), str(tmp_path / "b.db"), "--ledger", str(tmp_path / "new" / "l.db")]
        assert main(words) == 0
        assert capsys.readouterr().out.splitlines() == [
            f"{tmp_path / 'a.db'}: 1 new run, 1 new evaluation",
            f"{tmp_path / 'b.db'}: 1 new run, 1 new evaluation",
        ]
        assert main([*words, "--json"]) == 0
        assert [row["runs"] for row in json.loads(capsys.readouterr().out)] == [0, 0]


class TestPrune:
    def test_it_drops_and_says_so(self, crucible):
        dry = crucible("prune", "--keep", "1", "--dry-run")
        assert dry.out.splitlines()[-1] == "1 run would be deleted"
        assert crucible("prune", "--keep", "1", "--json").json["dropped"] == [dry.out.splitlines()[0]]
        assert crucible("prune", "--newer-than", "99999d").out == "0 runs deleted\n"

    def test_moments(self):
        now = datetime(2026, 11, 22, tzinfo=UTC)
        assert parse_moment("36h", now) == now - timedelta(hours=36)
        assert parse_moment("2w", now) == now - timedelta(days=14)
        assert parse_moment("2026-11-01", now) == datetime(2026, 11, 1, tzinfo=UTC)
        assert parse_moment("2026-11-01T10:00+02:00", now) == datetime(2026, 11, 1, 8, tzinfo=UTC)
        for text in ("", "3", "3m", "d", "yesterday", "999999d"):
            with pytest.raises(UsageError):
                parse_moment(text, now)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.db", "nothing here"),
        ("text.db", "not a SQLite"),
        ("folder", "a folder"),
        ("no.jsonl", "nothing"),
        ("pipe", "not a plain file"),
    ],
)
def test_nothing_is_merged_unless_everything_can_be(tmp_path, path, capsys, name, message):
    (tmp_path / "text.db").write_text("hello\n")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert main(["merge", str(path), str(tmp_path / name), "--ledger", str(tmp_path / "new" / "l.db")]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "--ledger" not in err
    assert not (tmp_path / "new").exists()
