"""Exhibits in the ledger: parts of records, kept by merging, rescoring and reuse."""

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
    return [(one.name, unpack(one.kind, one.text).title) for one in found]


BOTH = [("growth", "Growth"), ("note", "Note")]


def test_exhibits_are_part_of_the_record(tmp_path):
    good = make_evaluation(exhibits=SHOWN)
    other = make_evaluation("other", exhibits=SHOWN[:1])
    runs = fill(tmp_path / "l.db", [good, other], [good])
    with Ledger.read(tmp_path / "l.db") as ledger:
        assert [titles(ledger, run_id, good.case.nodeid) for run_id in runs] == [BOTH, BOTH]
        assert titles(ledger, runs[0], other.case.nodeid) == BOTH[:1]
        assert queries.load(ledger, runs[0], good.case.nodeid) == good


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
