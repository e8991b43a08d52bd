"""Trials: rows of searches, and who holds them."""

from __future__ import annotations

import json
import struct

import pytest

from harness.core.errors import LedgerError
from harness.core.trial import Trial, changed
from harness.ledger import sources
from harness.ledger.process import Process
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials, experiments

GRAMMAR = (
    "endian: big\ntypes:\n  Header:\n    fields:\n      - {name: magic, type: u16}\n      - {name: version, type: u8}\n"
)
DATA = b"".join(struct.pack(">HBHB", 0x4D5A, 2, number % 7, number % 3) for number in range(60))
PROGRAM = "task Tune {\n  step a {\n    let x = 1\n  }\n}\n"


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.db") as opened:
        yield opened


def trial(number: int, **values) -> Trial:
    return Trial(**{"number": number, "generation": 0, "epoch": 0, "suite": "t", "digest": f"d{number}", **values})


def test_rows_are_what_was_written(ledger):
    trials = Trials.begin(ledger, "e", lane="toolgen", config={"seed": 1})
    trials.propose([trial(0, parents=("a", "b")), trial(1)], {"d0": "x = 1\n"})
    done = changed(trial(0, parents=("a", "b")), stage="judged", status="ok", passed=True, verdict={"why": "\ud800"})
    trials.complete([done])
    again = Trials(ledger, "e").rows
    assert again[0] == done
    assert not again[1].is_judged
    assert trials.source("d0") == "x = 1\n"
    with pytest.raises(LedgerError, match="is not kept"):
        trials.source("d1")
    with pytest.raises(ValueError, match="not JSON compliant"):
        trials.complete([changed(done, verdict={"time": float("nan")})])


def test_a_proposal_is_kept_whole_or_not_at_all(ledger):
    trials = Trials.begin(ledger, "e", lane="toolgen", config={})
    trials.propose([trial(0)], {})
    with pytest.raises(LedgerError):
        trials.propose([trial(1), trial(0)], {"d1": "x"})
    assert list(Trials(ledger, "e").rows) == [0]
    assert sources.read(ledger, "d1") is None


def test_an_experiment_is_held_by_a_process_that_lives(ledger, monkeypatch):
    Trials.begin(ledger, "e", lane="toolgen", config={})
    Trials.begin(ledger, "e", lane="toolgen", config={})  # the same process
    mine = Process.current()
    with monkeypatch.context() as patch:
        patch.setattr(Process, "current", classmethod(lambda cls: mine.model_copy(update={"pid": 1})))
        with pytest.raises(LedgerError, match="is being searched by process"):
            Trials.begin(ledger, "e", lane="toolgen", config={})
    dead = mine.model_copy(update={"started": "1"})
    with ledger.writing() as connection:
        connection.execute("UPDATE experiments SET record = ?", (json.dumps({"holder": dead.to_wire()}),))
    Trials.begin(ledger, "e", lane="toolgen", config={})


def test_a_search_that_begins_again_has_no_earlier_rows(ledger):
    Trials.begin(ledger, "s", lane="kernel", config={"a": 1}).propose([trial(0), trial(1)], {})
    assert len(Trials.begin(ledger, "s", lane="kernel", config={"a": 1}).rows) == 2
    assert not Trials.begin(ledger, "s", lane="kernel", config={"a": 1}, is_new=True).rows
    assert [(row["experiment"], row["state"], row["trials"]) for row in experiments(ledger)] == [("s", "running", 0)]
