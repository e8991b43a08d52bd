"""Exhibits in the ledger: stored once, kept by merging, rescoring and reuse, deleted with their runs."""

from __future__ import annotations

from harness.core.evaluation import Evaluation
from harness.core.exhibit import pack, unpack
from harness.core.exhibit_kinds import Text
from harness.ledger import queries
from harness.ledger.exhibits import exhibits
from harness.ledger.merge import merge
from harness.ledger.prune import prune
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation, make_run

SHOWN = (pack("growth", Text(title="Growth", text="as n log n")), pack("note", Text(title="Note", text="\ud83d\ude00")))


def titles(ledger, run_id, nodeid):
    found = exhibits(ledger, run_id, [nodeid]).get(nodeid, [])
    return [(one.name, unpack(one.kind, one.data).title) for one in found]


BOTH = [("growth", "Growth"), ("note", "Note")]


def test_the_data_is_stored_once_and_not_in_the_record(tmp_path):
    good = make_evaluation(exhibits=SHOWN)
    other = make_evaluation("other", exhibits=SHOWN[:1])
    runs = fill(tmp_path / "l.db", [good, other], [good])
    with Ledger.read(tmp_path / "l.db") as ledger:
        assert [titles(ledger, run_id, good.case.nodeid) for run_id in runs] == [BOTH, BOTH]
        assert titles(ledger, runs[0], other.case.nodeid) == BOTH[:1]
        assert len(ledger.rows("SELECT 1 FROM exhibits")) == 2
        [record] = queries.records(ledger, runs[0], [good.case.nodeid]).values()
        assert SHOWN[0].data not in record
        kept = queries.load(ledger, runs[0], good.case.nodeid)
        assert [one.digest for one in kept.evidence.exhibits] == [one.digest for one in SHOWN]


def test_what_is_scored_again_or_merged_keeps_its_exhibits(tmp_path):
    good = make_evaluation(exhibits=SHOWN)
    [first] = fill(tmp_path / "l.db", [good])
    with Ledger.open(tmp_path / "l.db") as ledger:
        again = queries.load(ledger, first, good.case.nodeid)
        ledger.begin(second := make_run(2))
        ledger.record(Evaluation(case=again.case, evidence=again.evidence, score=again.score), run_id=second.run_id)
        ledger.finish(second.run_id)
        assert titles(ledger, second.run_id, good.case.nodeid) == BOTH
    with Ledger.open(tmp_path / "all.db") as joined:
        for _ in range(2):
            merge(joined, tmp_path / "l.db")
        assert titles(joined, second.run_id, good.case.nodeid) == BOTH
        prune(joined, keep=1)
        assert titles(joined, second.run_id, good.case.nodeid) == BOTH
        ledger_rows = joined.rows("SELECT run_id FROM case_exhibits GROUP BY run_id")
        assert [row["run_id"] for row in ledger_rows] == [second.run_id]


def test_exhibits_of_runs_that_were_deleted_are_deleted(tmp_path):
    fill(tmp_path / "l.db", [make_evaluation(exhibits=SHOWN)], [make_evaluation(exhibits=SHOWN[1:])])
    with Ledger.open(tmp_path / "l.db") as ledger:
        prune(ledger, keep=1)
        assert [row["digest"] for row in ledger.rows("SELECT digest FROM exhibits")] == [SHOWN[1].digest]


def test_the_journal_of_a_killed_run_brings_its_exhibits_back(tmp_path):
    good = make_evaluation(exhibits=SHOWN)
    ledger = Ledger.open(tmp_path / "l.db")
    ledger.begin(run := make_run(1))
    ledger.record(good, run_id=run.run_id)
    [journal] = ledger._journals.values()
    with Ledger.open(tmp_path / "again.db") as again:  # as the ledger does with the journal of a process that died
        merge(again, journal.path)
        assert titles(again, run.run_id, good.case.nodeid) == BOTH
    ledger.close()


def test_a_damaged_exhibit_does_no_harm(tmp_path):
    broken = SHOWN[0].model_copy(update={"data": "not base64!"})
    [run_id] = fill(tmp_path / "l.db", [make_evaluation(exhibits=(broken,))])
    with Ledger.read(tmp_path / "l.db") as ledger:
        assert exhibits(ledger, run_id, ["clamp.suite.yaml::good"]) == {}
