"""Trials: rows of searches, who holds them, and the searches of other lanes in the same form."""

from __future__ import annotations

import json
import struct

import pytest

from harness.core.errors import LedgerError
from harness.core.trial import Trial, changed
from harness.dsl.analysis.load import load_source
from harness.dsl.improve.revision import Attempt
from harness.grammar.improvement.iteration import improve_spec
from harness.grammar.patch import InsertField, Patch
from harness.lanes.dsl.lineage import record_trials as record_revisions
from harness.lanes.spec.version_trials import record_trials as record_versions
from harness.ledger import sources
from harness.ledger.process import Process
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials, experiments, record_search

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


def test_a_recorded_search_replaces_its_rows(ledger):
    first = record_search(ledger, "s", lane="kernel", config={"a": 1}, trials=[trial(0), trial(1)])
    second = record_search(ledger, "s", lane="kernel", config={"a": 1}, trials=[trial(0)], texts={"d0": "x"})
    assert first == second
    assert [(row["experiment"], row["state"], row["trials"]) for row in experiments(ledger)] == [(first, "finished", 1)]
    assert record_search(ledger, "s", lane="kernel", config={"a": 2}, trials=[]) != first


def test_versions_of_a_grammar_are_trials(ledger):
    fields = [{"name": name, "type": kind} for name, kind in (("flags", "u16"), ("count", "u8"))]
    patch = Patch(tuple(InsertField(("types", "Header"), -1, one) for one in fields), "both")
    found = improve_spec(GRAMMAR, {"a": DATA}, lambda _situation: [patch], max_iterations=1)
    assert found.best.id != found.initial.id
    record_versions(ledger, "pair", found, operator="built-in")
    (row,) = experiments(ledger)
    rows = list(Trials(ledger, row["experiment"]).rows.values())
    assert row["lane"] == "spec"
    assert (rows[0].operator, rows[0].parents) == ("start", ())
    assert len(rows) == len(found.store)
    assert rows[-1].digest == found.best.id
    assert rows[-1].score == pytest.approx(found.best_score / 100)
    assert sources.read(ledger, found.best.id) == found.best.spec_text


def test_revisions_of_a_program_are_trials(ledger):
    program = load_source(PROGRAM, cache=False)
    attempts = [
        Attempt(1, accepted=False, why="not parsed", digest="r1", values=(), text="nonsense"),
        Attempt(2, accepted=True, why="better", digest="r2", values=(1.0, 2.0), text=PROGRAM + "\n"),
        Attempt(3, accepted=False, why="no better", digest="r3", values=(1.0,), text=PROGRAM + "\n\n"),
    ]
    record_revisions(ledger.path, program, attempts, operator="file")
    (row,) = experiments(ledger)
    rows = list(Trials(ledger, row["experiment"]).rows.values())
    assert [one.parents for one in rows] == [(), (program.digest,), (program.digest,), ("r2",)]
    assert [one.passed for one in rows] == [True, False, True, False]
    assert [one.status for one in rows] == ["ok", "wrong", "ok", "ok"]
    assert sources.read(ledger, "r2") == PROGRAM + "\n"
