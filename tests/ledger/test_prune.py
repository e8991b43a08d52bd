"""Old runs go, and their room with them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from harness.core.errors import LedgerError
from harness.core.exhibit import pack
from harness.core.exhibit_kinds import Text
from harness.ledger import queries
from harness.ledger.prune import prune
from harness.ledger.retention import shorten_rejected
from harness.ledger.store import Ledger
from tests.ledger.factory import START, fill, make_evaluation, make_run


@pytest.fixture
def path(tmp_path):
    fill(tmp_path / "l.db", *[[make_evaluation(f"c{i}") for i in range(40)]] * 5)
    return tmp_path / "l.db"


def left(ledger):
    return [int(row["run_id"][-6:], 16) for row in queries.runs(ledger)]


def test_the_newest_stay(path):
    before = path.stat().st_size
    with Ledger.open(path) as ledger:
        assert prune(ledger, keep=2) == [make_run(n).run_id for n in (1, 2, 3)]
        assert left(ledger) == [5, 4]
        assert len(ledger.rows("SELECT * FROM evaluations")) == 80
        assert len(ledger.rows("SELECT * FROM components")) == 80
        assert len(ledger.rows("SELECT * FROM snapshots")) == 80
        assert prune(ledger, keep=2) == []
    assert path.stat().st_size < before


def test_the_younger_stay(path):
    with Ledger.open(path) as ledger:
        prune(ledger, newer_than=START + timedelta(minutes=4))
        assert left(ledger) == [5, 4]


def test_either_reason_is_enough_to_stay(path):
    with Ledger.open(path) as ledger:
        prune(ledger, keep=3, newer_than=START + timedelta(minutes=5))
        assert left(ledger) == [5, 4, 3]


def test_a_dry_run_only_says(path):
    with Ledger.open(path) as ledger:
        assert len(prune(ledger, keep=0, dry_run=True)) == 5
        assert len(left(ledger)) == 5


def test_a_run_that_is_still_going_stays(path):
    with Ledger.open(path) as ledger:
        ledger.begin(make_run(9))
        assert len(prune(ledger, keep=0)) == 5
        assert left(ledger) == [9]


def test_nothing_is_dropped_by_accident(path):
    with Ledger.open(path) as ledger, pytest.raises(LedgerError, match="which runs to keep"):
        prune(ledger)


@pytest.mark.parametrize(("keep", "short"), [("leaders", {"bad"}), ("none", {"bad", "led"})])
def test_evidence_of_rejected_candidates_goes_and_their_verdicts_stay(tmp_path, keep, short):
    shown = (pack("note", Text(title="Note", text="text")),)
    good, led = (make_evaluation(name, exhibits=shown) for name in ("good", "led"))
    rejected = [make_evaluation(name, status="wrong", exhibits=shown) for name in ("bad", "led")]
    control = make_evaluation("control", status="wrong", expect="wrong")
    fill(tmp_path / "l.db", [led], [good, *rejected, control])
    with Ledger.open(tmp_path / "l.db") as ledger:
        before = ledger.rows("SELECT * FROM gates"), ledger.rows("SELECT * FROM attempts")
        assert shorten_rejected(ledger, keep) == len(short)
        assert shorten_rejected(ledger, keep) == 0
        assert (ledger.rows("SELECT * FROM gates"), ledger.rows("SELECT * FROM attempts")) == before
        run_id = queries.run(ledger)["run_id"]
        for one in (good, *rejected, control):
            kept = queries.load(ledger, run_id, one.case.nodeid)
            assert bool(kept.evidence.attempts) == (one.case.name not in short)
        assert {one.case.name for one in queries.load_all(ledger, run_id)} == {"good", "bad", "led", "control"} - short
        assert set(queries.judged(ledger, [rejected[0].case.key])) == set()
