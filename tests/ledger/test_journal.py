"""The journal of a killed run is replayed; the journal of a live run is left alone."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from harness.core.evaluation import Evaluation
from harness.ledger import journal, row_writer
from harness.ledger.journal import Journal
from harness.ledger.lookup import COLUMNS, RECORD
from harness.ledger.process import Process, started
from harness.ledger.store import Ledger
from tests.forked_workers import PRELOADED
from tests.ledger.factory import make_evaluation, make_run


def write(path, count, number, pipe):
    """In a process of its own: record evaluations, wait to be told, and be killed."""
    ledger = Ledger.open(path)
    run = make_run(number)
    ledger.begin(run)
    for i in range(count):
        ledger.record(make_evaluation(f"c{i}"), run_id=run.run_id)
    pipe.send("ready")
    pipe.recv()
    os.kill(os.getpid(), signal.SIGKILL)


class Writer:
    """A process that writes a ledger until it is killed."""

    def __init__(self, path, count, number):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=write, args=(path, count, number, theirs), daemon=True)
        self._process.start()
        theirs.close()
        assert self._pipe.recv() == "ready"

    def die(self):
        self._pipe.send("die")
        self._process.join()
        self._pipe.close()
        assert self._process.exitcode == -signal.SIGKILL


def kill_writer(path, count=3, number=1):
    Writer(path, count, number).die()
    return make_run(number).run_id


def journals(path):
    return sorted(path.with_name(path.name + ".journal").glob("*"))


@pytest.mark.parametrize("count", [0, 3, 450])
def test_a_killed_run_is_brought_back(tmp_path, count):
    path = tmp_path / "l.db"
    run_id = kill_writer(path, count)
    with Ledger.open(path) as ledger:
        assert f"run {run_id} was killed: {count} evaluations brought back" in ledger.notices[0]
        [run] = ledger.rows("SELECT * FROM runs")
        assert (run["status"], run["run_id"]) == ("aborted", run_id)
        assert run["finished_at"]
        assert len(ledger.rows("SELECT * FROM evaluations")) == count
        assert len(ledger.rows("SELECT * FROM attempts")) == 2 * count
        assert len(ledger.rows("SELECT * FROM snapshots")) == min(count, 100)
        assert journals(path) == []
    with Ledger.open(path) as ledger:
        assert ledger.notices == []


def test_a_live_run_is_not_stolen(tmp_path):
    path = tmp_path / "l.db"
    child = Writer(path, 3, 1)
    with Ledger.open(path) as ledger:
        assert ledger.notices == []
        assert ledger.rows("SELECT status FROM runs") == [{"status": "running"}]
    assert len(journals(path)) == 1
    child.die()


def test_a_live_process_is_believed_where_locks_are_not_carried(tmp_path, monkeypatch):
    path = tmp_path / "l.db"
    with Ledger.open(path) as ledger:
        ledger.begin(make_run())
        monkeypatch.setattr(journal.fcntl, "flock", lambda *_: None)
        assert list(journal.leftovers(path)) == []


def test_a_reused_process_number_is_not_believed(tmp_path):
    path = tmp_path / "l.db"
    kill_writer(path)
    [file] = journals(path)
    lines = file.read_text().splitlines(keepends=True)
    head = json.loads(lines[0])
    assert started(os.getpid())
    head["process"] |= {"pid": os.getpid()}  # our number, but the other one's start time
    file.write_text(json.dumps(head) + "\n" + "".join(lines[1:]))
    with Ledger.open(path) as ledger:
        assert len(ledger.notices) == 1


def test_a_torn_last_line_costs_one_evaluation(tmp_path):
    path = tmp_path / "l.db"
    kill_writer(path)
    [file] = journals(path)
    file.write_bytes(file.read_bytes()[:-40])
    with Ledger.open(path) as ledger:
        assert "2 evaluations brought back from its journal, the one it was writing is lost" in ledger.notices[0]
        assert len(ledger.rows("SELECT * FROM evaluations")) == 2
    assert journals(path) == []


def test_unreadable_lines_are_kept(tmp_path):
    path = tmp_path / "l.db"
    kill_writer(path)
    [file] = journals(path)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + b'{"at": "x", "evaluation": {"from": "the future"}}\n' + b"\xff\n" + lines[1])
    with Ledger.open(path) as ledger:
        assert "1 evaluation brought back" in ledger.notices[0]
        assert "2 unreadable kept as" in ledger.notices[0]
    assert [kept.suffix for kept in journals(path)] == [".unread"]


@pytest.mark.parametrize("content", [b"", b"not json\n", b'{"journal": 1}\n', b"\x00" * 50])
def test_a_journal_without_a_head_is_kept_aside_once_it_is_old(tmp_path, content):
    path = tmp_path / "l.db"
    Ledger.open(path).close()
    folder = path.with_name("l.db.journal")
    folder.mkdir()
    file = folder / "x.jsonl"
    file.write_bytes(content)
    with Ledger.open(path) as ledger:
        assert ledger.notices == []  # its writer may just be starting
    os.utime(file, (time.time() - 3600,) * 2)
    with Ledger.open(path) as ledger:
        assert "cannot be read: it is kept as x.jsonl.unread" in ledger.notices[0]
    assert file.with_name("x.jsonl.unread").read_bytes() == content


def test_replaying_is_idempotent(tmp_path):
    path = tmp_path / "l.db"
    kill_writer(path, 250)
    [file] = journals(path)
    content = file.read_bytes()

    def contents(ledger):
        evaluations = f"SELECT {COLUMNS}, {RECORD} FROM evaluations ORDER BY nodeid"
        return ledger.rows(evaluations), ledger.rows("SELECT * FROM components ORDER BY nodeid, position")

    with Ledger.open(path) as ledger:
        first = contents(ledger)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    with Ledger.open(path) as ledger:
        assert contents(ledger) == first
        assert len(ledger.rows("SELECT * FROM runs")) == 1


def test_a_replay_parses_only_what_the_ledger_lacks_and_holds_few_at_a_time(tmp_path, monkeypatch):
    path = tmp_path / "l.db"
    run_id = kill_writer(path, 30)
    [file] = journals(path)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:11]))
    with Ledger.open(path) as ledger:
        assert len(ledger.rows("SELECT * FROM evaluations")) == 10
    repeated = json.loads(lines[3]) | {"at": "2026-11-22T12:00:00.000000+00:00"}
    repeated["evaluation"]["evidence"]["seconds"] = 7.0
    file.parent.mkdir()
    file.write_bytes(b"".join(lines) + json.dumps(repeated).encode() + b"\n")

    held, parse = [], Evaluation.from_wire

    def counted(wire):
        held.append(parse(wire))
        return held[-1]

    written = []
    write = row_writer.shape_rows

    def watched(*given):
        written.append(len(held))
        return write(*given)

    monkeypatch.setattr(Evaluation, "from_wire", counted)
    monkeypatch.setattr(row_writer, "shape_rows", watched)
    monkeypatch.setattr(row_writer, "AT_ONCE", 4)
    with Ledger.open(path) as ledger:
        assert "31 evaluations brought back" in ledger.notices[0]
        [row] = ledger.rows("SELECT seconds, run_id FROM evaluations WHERE nodeid LIKE '%::c2'")
        assert len(ledger.rows("SELECT * FROM evaluations")) == 30
    assert row == {"seconds": 7.0, "run_id": run_id}
    assert len(held) == 21
    assert max(parsed - done for done, parsed in enumerate(written)) == 4


def test_a_run_that_finished_stays_finished_if_only_its_journal_was_left(tmp_path):
    path = tmp_path / "l.db"
    with Ledger.open(path) as ledger:
        ledger.begin(make_run())
        ledger.record(make_evaluation(), run_id=make_run().run_id)
        [file] = journals(path)
        content = file.read_bytes().replace(b'"pid":', b'"pid":9')
        ledger.finish(make_run().run_id)
    file.parent.mkdir()
    file.write_bytes(content)
    with Ledger.open(path) as ledger:
        assert ledger.rows("SELECT status FROM runs") == [{"status": "finished"}]
    assert journals(path) == []


def test_two_runs_killed_and_one_alive(tmp_path):
    path = tmp_path / "l.db"
    alive = Writer(path, 2, 3)
    first, second = kill_writer(path, 1, 1), kill_writer(path, 2, 2)
    with Ledger.open(path) as ledger:
        states = {row["run_id"]: row["status"] for row in ledger.rows("SELECT run_id, status FROM runs")}
    assert states == {first: "aborted", second: "aborted", make_run(3).run_id: "running"}
    alive.die()


def test_the_same_run_cannot_be_journalled_twice(tmp_path):
    kept = Journal.create(tmp_path / "l.db", make_run())
    with pytest.raises(FileExistsError):
        Journal.create(tmp_path / "l.db", make_run())
    kept.remove()
    assert list(tmp_path.iterdir()) == []


def test_hostile_text_survives_the_journal(tmp_path):
    path = tmp_path / "l.db"
    ledger = Ledger.open(path)
    run = make_run()
    ledger.begin(run)
    nasty = "\ud800 \x00 \n \u2028 'quoted' \U0001f9ea"
    ledger.record(make_evaluation("n", status="wrong", score=0.1, why=nasty), run_id=run.run_id)
    [record] = journal.read(journals(path)[0]).records()
    assert record.evaluation.why == nasty
    ledger.finish(run.run_id)
    [row] = ledger.rows(f"SELECT why, {RECORD} FROM evaluations")
    assert row["why"] == "\\ud800 \\x00 \n \u2028 'quoted' \U0001f9ea"
    assert json.loads(row["record"])["evidence"]["why"] == nasty
    ledger.close()


def test_a_process_knows_itself_and_the_dead(tmp_path):
    here = Process.current()
    assert here.near
    assert here.alive
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    gone = here.model_copy(update={"pid": child.pid})
    assert not gone.alive
    assert not here.model_copy(update={"boot": "another"}).near
    assert not here.model_copy(update={"started": ""}).near
