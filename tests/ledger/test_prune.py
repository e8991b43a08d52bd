"""Old runs go, and their room with them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from harness.core.errors import LedgerError
from harness.ledger import queries
from harness.ledger.prune import prune
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
