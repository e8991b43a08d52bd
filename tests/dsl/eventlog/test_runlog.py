"""The log of one run: chained, grouped, resumable after a kill at any write."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dsl.eventlog.canonical import encode, normalize
from harness.dsl.eventlog.durability import Durability
from harness.dsl.eventlog.fault import LogError, translate_error
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.eventlog.runlog import Parent, RunLog

GENESIS = {"engine": "test/1", "program": "p", "inputs": {}, "seed": 0}


def _filled(file: LogFile, count: int = 10) -> RunLog:
    log = file.create("main", GENESIS, settings={})
    for number in range(count):
        log.append(encode({"k": "ran", "n": number}))
    log.commit()
    return log


def test_appended_events_are_loaded_and_continued(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log.db") as file:
        head = _filled(file).head
    with LogFile(tmp_path / "log.db") as file:
        log = file.open_run()
        snapshot, tail = log.load()
        assert (snapshot, len(tail), log.head, log.seq) == (None, 10, head, 9)
        log.append(encode({"k": "ran", "n": 10}))
        log.commit(snapshot=b"state")
        after = log.head
    with LogFile(tmp_path / "log.db") as file:
        log = file.open_run("main")
        assert log.load() == (b"state", [])
        assert log.head == after


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET body = CAST(replace(CAST(body AS TEXT), '5', '6') AS BLOB) WHERE id & 255 = 5",
        "DELETE FROM events WHERE id & 255 = 4",
        "UPDATE events SET hash = zeroblob(16) WHERE id & 255 = 3",
    ],
)
def test_a_tampered_log_does_not_load(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "log.db"
    with LogFile(path) as file:
        _filled(file)
    with sqlite3.connect(path) as connection:
        assert connection.execute(damage).rowcount == 1
    connection.close()
    with LogFile(path) as file, pytest.raises(LogError, match="chain is broken"):
        file.open_run().load()


def test_one_writer_and_many_readers(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with LogFile(path) as file:
        _filled(file)
        with pytest.raises(LogError, match=rf"another process \(pid {os.getpid()}\)"):
            LogFile(path)
        with LogFile(path, read_only=True) as reader:
            assert [row.events for row in reader.runs()] == [10]
    LogFile(path).close()


def test_a_fork_shares_its_parents_prefix_and_forks_again(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log.db") as file:
        log = _filled(file)
        fourth = file.event(log, 4)
        fork = file.create("main/fork", GENESIS, settings={}, parent=Parent(log.number, 4, fourth.hash))
        fork.append(encode({"k": "ran", "n": 500}))
        fork.append(encode({"k": "ran", "n": 600}))
        fork.commit()
        fifth = file.event(fork, 5)
        again = file.create("main/again", GENESIS, settings={}, parent=Parent(fork.number, 5, fifth.hash))
        again.append(encode({"k": "ran", "n": 700}))
        again.commit()
    with LogFile(tmp_path / "log.db") as file:
        numbers = [event.value["n"] for event in file.open_run("main/again").events()]
        assert numbers == [0, 1, 2, 3, 4, 500, 700]
        assert [event.value["n"] for event in file.open_run("main/again").events(start=3, stop=6)] == [3, 4, 500]
        assert len(file.open_run("main/again").load()[1]) == 7
        assert file.open_run().name == "main"


def test_a_newer_or_foreign_file_is_refused(tmp_path: Path) -> None:
    newer, foreign, text = tmp_path / "newer.db", tmp_path / "foreign.db", tmp_path / "text.db"
    LogFile(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    text.write_text("this is a text file, long enough to have a header of SQLite's size, and more than that" * 3)
    for path, words in ((newer, "version 99"), (foreign, "not an event log"), (text, "not an event log")):
        with pytest.raises(LogError, match=words):
            LogFile(path)
    with pytest.raises(LogError, match="the event log does not exist"):
        LogFile(tmp_path / "absent.db", read_only=True)
    assert not (tmp_path / "absent.db").exists()


def test_a_full_disk_loses_no_event_and_the_run_continues(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with LogFile(path) as file:
        log = _filled(file)
        pages = file.connection.execute("PRAGMA page_count").fetchone()[0]
        file.connection.execute(f"PRAGMA max_page_count = {pages}")
        log.append(encode({"k": "ran", "text": "x" * 20000}))
        with pytest.raises(LogError, match="disk is full"):
            log.commit()
        file.connection.execute("PRAGMA max_page_count = 100000")
        log.commit()
        head = log.head
    with LogFile(path) as file:
        log = file.open_run()
        log.load()
        assert log.head == head


def test_a_truncated_wal_leaves_a_prefix(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    file = LogFile(path)
    log = _filled(file, 5)
    for number in range(40):
        log.append(encode({"k": "ran", "n": number, "pad": "x" * 500}))
        log.commit()
    wal = path.with_name("log.db-wal")
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    copy.with_name("copy.db-wal").write_bytes(wal.read_bytes()[: wal.stat().st_size // 2])
    whole = [event.body for event in log.events()]
    file.close()
    with LogFile(copy) as file:
        log = file.open_run()
        tail = [event.body for event in log.load()[1]]
        assert 5 <= len(tail) < 45
        assert tail == whole[: len(tail)]


def test_blobs_are_stored_once_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with LogFile(path) as file:
        log = file.create("main", GENESIS, settings={})
        name = log.blobs.put(b"a" * 5000)
        assert log.blobs.get(name) == b"a" * 5000
        log.append(encode({"blob": name.hex()}))
        log.commit()
        assert log.blobs.put(b"a" * 5000) == name
    with LogFile(path) as file:
        assert file.blobs.all() == {name.hex(): 5000}
        assert file.blobs.get(name) == b"a" * 5000
        file.connection.execute("UPDATE blobs SET data = zeroblob(5000)")
        with pytest.raises(ValueError, match="is damaged"):
            file.blobs.get(name)
        with pytest.raises(KeyError):
            file.blobs.get(b"0" * 16)


CHILD = """
import os, signal, sys
from pathlib import Path
from harness.dsl.eventlog.canonical import encode
from harness.dsl.eventlog.logfile import LogFile
left = [int(sys.argv[2])]
def probe(point):
    left[0] -= 1
    if left[0] == 0:  # 0 at the start never comes back to 0
        os.kill(os.getpid(), signal.SIGKILL)
with LogFile(Path(sys.argv[1]), probe=probe) as file:
    log = file.find("main") or file.create("main", {"engine": "t"}, settings={})
    log.load()
    while log.seq < 300:
        if log.append(encode({"n": log.seq + 1, "pad": "x" * 1500})):
            log.commit(snapshot=encode({"n": log.seq}) if log.is_snapshot_due else None)
    log.commit()
    print(log.head.hex())
"""


def _child(path: Path, kill_at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(CHILD), str(path), str(kill_at)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_kill_at_any_write_ends_in_the_same_head(tmp_path: Path) -> None:
    calm = _child(tmp_path / "calm.db", 0).stdout
    assert calm
    for kill_at in (1, 2, 3, 8, 14):
        path = tmp_path / f"{kill_at}.db"
        killed = _child(path, kill_at)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert _child(path, 0).stdout == calm


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(json_values)
def test_canonical_json_has_one_encoding(value: object) -> None:
    try:
        once = normalize(value)
    except ValueError:  # lone surrogates: no text
        return
    assert normalize(once) == once
    body = encode(once)
    assert b"-0.0" not in body or "-0.0" in str(value)
    assert encode(normalize(__import__("json").loads(body))) == body


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {"a": object()}, "\ud800"])
def test_values_without_a_json_form_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"\$"):
        normalize(value)


def test_depth_is_limited() -> None:
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ValueError, match="nested more than"):
        normalize(deep)


def test_levels_promise_different_things() -> None:
    assert len({level.promise for level in Durability}) == len(Durability)


@pytest.mark.parametrize(
    ("hinder", "free", "words"),
    [
        ("PRAGMA query_only = 1", "PRAGMA query_only = 0", "cannot be written"),
        ("lock", "unlock", "holds the database's lock"),
    ],
)
def test_a_file_that_cannot_be_written_for_a_while_loses_no_event(tmp_path: Path, hinder, free, words) -> None:
    path = tmp_path / "log.db"
    with LogFile(path) as file:
        log = _filled(file)
        file.connection.execute("PRAGMA busy_timeout = 0")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE") if hinder == "lock" else file.connection.execute(hinder)
        log.append(encode({"k": "ran", "n": 10}))
        with pytest.raises(LogError, match=words):
            log.commit()
        other.execute("ROLLBACK") if free == "unlock" else file.connection.execute(free)
        other.close()
        log.commit()
        head = log.head
    with LogFile(path) as file:
        log = file.open_run()
        log.load()
        assert (log.head, log.seq) == (head, 10)


def test_a_read_only_archive_is_read_and_no_file_is_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.db"
    with LogFile(path) as file:
        head = _filled(file).head
    for name in ("log.db-wal", "log.db-shm", "log.db.lock"):
        (tmp_path / name).unlink(missing_ok=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with LogFile(path, read_only=True) as reader:
        log = reader.open_run()
        log.load()
        assert log.head == head
        assert [found.name for found in tmp_path.iterdir()] == ["log.db"]


def test_an_io_error_on_a_full_disk_is_reported_as_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    assert "reports an error" in str(translate_error(error, tmp_path / "log.db"))
    monkeypatch.setattr("harness.dsl.eventlog.fault.MIN_SPACE", 1 << 62)
    assert "full" in str(translate_error(error, tmp_path / "log.db"))
