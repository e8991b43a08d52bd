"""The ledger when things go well, and when they do not."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.core.errors import LedgerError
from harness.core.status import RunStatus
from harness.core.tier import Tier
from harness.ledger import file, queries, recovery, store
from harness.ledger.journal import folder_of
from harness.ledger.merge import merge
from harness.ledger.store import Ledger
from harness.ledger.version import SCHEMA_VERSION
from tests.ledger.factory import fill, make_evaluation, make_run

ROOT = Path(__file__).parents[2]
OTHER_USER = 65534


def record(ledger, count=1, *, number=1, prefix="c"):
    run_id = make_run(number).run_id
    for i in range(count):
        ledger.record(make_evaluation(f"{prefix}{i}"), run_id=run_id)
    return run_id


def names(ledger):
    return {row["subject"] for row in ledger.rows("SELECT subject FROM evaluations")}


LOCKING_CALLS = {"x86_64": (73, 72), "aarch64": (32, 25)}  # flock, fcntl
WITHOUT_LOCKS = """
# From here on the kernel refuses this process all file locks, as a file system without them does.
import ctypes, errno, struct
flock, fcntl = {calls}
code = [(0x20, 0, 0, 0), (0x15, 5, 0, flock), (0x15, 0, 5, fcntl), (0x20, 0, 0, 24),
        (0x15, 2, 0, 5), (0x15, 1, 0, 6), (0x15, 0, 1, 7), (6, 0, 0, 0x50000 | errno.ENOLCK), (6, 0, 0, 0x7FFF0000)]
rules = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(rules)))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == libc.prctl(22, 2, program, 0, 0) == 0
from pathlib import Path
from harness.core.errors import LedgerError
from harness.ledger.store import Ledger
path = Path({path!r})
try:
    Ledger.open(path)
except LedgerError as error:
    print(str(error).splitlines()[0])
with Ledger.read(path) as ledger:
    print(ledger.notices[0])
    print(ledger.rows("SELECT subject FROM evaluations")[0]["subject"])
"""


class TestARun:
    def test_from_begin_to_finish(self, tmp_path):
        with Ledger.open(tmp_path / "deep" / "er" / "l.db") as ledger:
            ledger.begin(make_run(tier=None, versions={"pytest": "9"}, git_commit="abc", command="pytest"))
            run_id = record(ledger, 3)
            assert ledger.rows("SELECT status, finished_at FROM runs") == [{"status": "running", "finished_at": None}]
            ledger.finish(run_id, RunStatus.FINISHED, Tier.A)
            [run] = ledger.rows("SELECT * FROM runs")
            assert (run["status"], run["tier"], run["git_commit"], run["command"]) == ("finished", "A", "abc", "pytest")
            assert run["finished_at"] > run["started_at"]
            assert len(ledger.rows("SELECT * FROM snapshots")) == 3
            assert not folder_of(ledger.path).exists()
            assert ledger.notices == []

    def test_closing_an_unfinished_run_aborts_it(self, tmp_path):
        with Ledger.open(tmp_path / "l.db") as ledger:
            ledger.begin(make_run())
            record(ledger, 2)
        with Ledger.open(tmp_path / "l.db") as ledger:
            assert ledger.rows("SELECT status FROM runs") == [{"status": "aborted"}]
            assert len(names(ledger)) == 2
            assert ledger.notices == []

    def test_reading_sees_what_is_pending(self, tmp_path):
        with Ledger.open(tmp_path / "l.db") as ledger:
            ledger.begin(make_run())
            record(ledger, 3)
            assert names(ledger) == {"c0", "c1", "c2"}

    def test_a_case_judged_again_replaces_the_earlier_verdict_with_all_its_parts(self, tmp_path):
        with Ledger.open(tmp_path / "l.db") as ledger:
            ledger.begin(make_run())
            run_id = make_run().run_id
            ledger.record(make_evaluation("a", attempts=5), run_id=run_id)
            ledger.record(make_evaluation("a", attempts=4), run_id=run_id)  # in one batch
            ledger.flush()
            ledger.record(make_evaluation("a", attempts=1, score=0.5, gate=None), run_id=run_id)
            ledger.flush()
            assert len(ledger.rows("SELECT * FROM attempts")) == 1
            assert ledger.rows("SELECT * FROM gates") == []
            assert [row["score"] for row in ledger.rows("SELECT score FROM evaluations")] == [0.5]

    def test_unknown_and_repeated_runs_are_refused(self, tmp_path):
        with Ledger.open(tmp_path / "l.db") as ledger:
            with pytest.raises(LedgerError, match="has not begun"):
                record(ledger)
            with pytest.raises(LedgerError, match="has not begun"):
                ledger.finish("nope")
            ledger.begin(make_run())
            with pytest.raises(LedgerError, match="exists already"):
                ledger.begin(make_run())

    def test_batches_are_written_by_size_and_by_time(self, tmp_path, monkeypatch):
        written = []
        ledger = Ledger.open(tmp_path / "l.db")
        monkeypatch.setattr(store.row_writer, "write_records", lambda _, records: written.append(len(records)))
        clock = [1000.0]
        monkeypatch.setattr(store.time, "monotonic", lambda: clock[0])
        ledger.begin(make_run())
        ledger._flushed = ledger._tried = clock[0]
        record(ledger, store.BATCH + 3)
        assert written == [store.BATCH]
        clock[0] += store.BATCH_SECONDS
        record(ledger, 1)
        assert written == [store.BATCH, 4]
        ledger.close()

    def test_a_snapshot_keeps_the_board_of_its_moment(self, tmp_path):
        first, second = fill(
            tmp_path / "l.db", [make_evaluation("a", score=0.81)], [make_evaluation("b", score=0.95, content="b")]
        )
        with Ledger.read(tmp_path / "l.db") as ledger:
            boards = {
                run_id: [row["subject"] for row in ledger.rows("SELECT * FROM snapshots WHERE run_id = ?", run_id)]
                for run_id in (first, second)
            }
        assert boards == {first: ["a"], second: ["b", "a"]}

    def test_writing_is_all_or_nothing(self, tmp_path):
        fill(tmp_path / "l.db", [make_evaluation()])
        with Ledger.open(tmp_path / "l.db") as ledger:
            with contextlib.suppress(ZeroDivisionError), ledger.writing() as connection:
                connection.execute("DELETE FROM runs")
                raise ZeroDivisionError
            assert len(ledger.rows("SELECT * FROM runs")) == 1
            with pytest.raises(LedgerError), ledger.writing() as connection:
                connection.execute("DELETE FROM nothing")
            with pytest.raises(LedgerError, match="cannot be read"):
                ledger.rows("SELECT * FROM nothing")


class TestOpening:
    def test_missing(self, tmp_path):
        for opening in (lambda p: Ledger.open(p, create=False), Ledger.read):
            with pytest.raises(LedgerError, match="the ledger does not exist") as caught:
                opening(tmp_path / "l.db")
            assert "--ledger" in caught.value.fix
            assert not (tmp_path / "l.db").exists()

    def test_a_folder(self, tmp_path):
        with pytest.raises(LedgerError, match="a folder") as caught:
            Ledger.open(tmp_path)
        assert str(tmp_path / "ledger.db") in caught.value.fix

    def test_a_parent_that_is_a_file(self, tmp_path):
        (tmp_path / "reports").write_text("")
        for name in ("l.db", "deeper/l.db"):
            with pytest.raises(LedgerError, match=f"cannot be written: {tmp_path}/reports is not a folder"):
                Ledger.open(tmp_path / "reports" / name)

    def test_a_newer_one_is_left_alone(self, tmp_path):
        fill(tmp_path / "l.db", [make_evaluation()])
        with contextlib.closing(sqlite3.connect(tmp_path / "l.db")) as other:
            other.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 2}")
        before = (tmp_path / "l.db").read_bytes()
        for opening in (Ledger.open, Ledger.read):
            with pytest.raises(LedgerError, match=f"newer version .schema {SCHEMA_VERSION + 2}") as caught:
                opening(tmp_path / "l.db")
            assert "pip install --upgrade" in caught.value.fix
        assert (tmp_path / "l.db").read_bytes() == before
        assert [p.name for p in tmp_path.iterdir() if "corrupt" in p.name] == []

    def test_somebody_elses_database_is_left_alone(self, tmp_path):
        with contextlib.closing(sqlite3.connect(tmp_path / "l.db")) as other:
            other.execute("CREATE TABLE precious (x)")
        with pytest.raises(LedgerError, match="not a ledger"):
            Ledger.open(tmp_path / "l.db")

    @pytest.mark.parametrize("name", ["README.md", "no.db", "notes.sqlite"])
    @pytest.mark.parametrize("opening", [Ledger.open, Ledger.read])
    def test_somebody_elses_file_is_left_alone(self, tmp_path, name, opening):
        (tmp_path / name).write_text("# Precious\n" * 100)
        with pytest.raises(LedgerError, match="not a SQLite database"):
            opening(tmp_path / name)
        assert [path.name for path in tmp_path.iterdir()] == [name]
        assert (tmp_path / name).read_text() == "# Precious\n" * 100

    @pytest.mark.parametrize("name", ["l.db", "l [1] #%3f ü.db"])
    def test_an_empty_file_becomes_one(self, tmp_path, name):
        (tmp_path / name).touch()
        with pytest.raises(LedgerError, match="the ledger does not exist"):
            Ledger.read(tmp_path / name)
        fill(tmp_path / name, [make_evaluation()])
        assert sorted(p.name for p in tmp_path.iterdir()) == [name]

    def test_an_interrupted_migration_leaves_nothing_behind(self, tmp_path, monkeypatch):
        from harness.ledger import schema

        monkeypatch.setattr(schema, "LEADERBOARD", "CREATE VIEW leaderboard AS SELECT * FROM nowhere syntax error")
        with pytest.raises(LedgerError, match="syntax error"):
            Ledger.open(tmp_path / "l.db")
        monkeypatch.undo()
        fill(tmp_path / "l.db", [make_evaluation()])

    def test_a_network_file_system_gets_a_rollback_journal(self, tmp_path, monkeypatch):
        monkeypatch.setattr(file, "file_system", lambda _: "nfs4")
        with Ledger.open(tmp_path / "l.db") as ledger:
            assert "network file system" in ledger.notices[0]
            assert "crucible merge" in ledger.notices[0]
            assert ledger.rows("PRAGMA journal_mode") == [{"journal_mode": "delete"}]
            ledger.begin(make_run())
            ledger.finish(record(ledger, 3))

    def test_without_locks_it_is_refused_at_once_and_can_still_be_read(self, tmp_path):
        if platform.machine() not in LOCKING_CALLS or sys.platform != "linux":
            pytest.skip("needs the numbers of the system calls")
        path = tmp_path / "l.db"
        fill(path, [make_evaluation()])
        before = path.read_bytes()
        code = WITHOUT_LOCKS.format(calls=LOCKING_CALLS[platform.machine()], path=str(path))
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        refused, notice, rows = done.stdout.splitlines()
        assert refused == (
            f"{path}: the ledger cannot be written: its file system has no locks, so two runs could damage it"
        )
        assert notice.startswith("opened read-only: the ledger cannot be written: its file system has no locks")
        assert rows == "good"
        assert path.read_bytes() == before

    def test_a_run_of_the_future_is_pointed_out(self, tmp_path):
        fill(tmp_path / "l.db", [make_evaluation()], start=60 * 24 * 365 * 50)
        with Ledger.read(tmp_path / "l.db") as ledger:
            assert ledger.notices == [
                "1 run begins later than now, the latest at 2076-11-09T11:00:00.000000+00:00: a clock was set; until "
                "then it counts as the newest run"
            ]

    def test_the_file_system_of_a_path_is_known(self, tmp_path):
        assert file.file_system(Path("/proc/self")) == "proc"
        assert file.file_system(tmp_path / "x") != ""


class TestDamage:
    def test_garbage_after_the_first_bytes_is_kept_aside(self, tmp_path):
        path, content = tmp_path / "l.db", b"SQLite format 3\0" + b"\xff" * 4096
        path.write_bytes(content)
        with pytest.raises(LedgerError, match="damaged"):
            Ledger.read(path)
        fill(path, [make_evaluation()])
        [kept] = tmp_path.glob("l.db.corrupt-*")
        assert kept.read_bytes() == content
        path.write_bytes(content)
        with Ledger.open(path) as ledger:
            assert f"is damaged (file is not a database): it is kept as {path.name}.corrupt-" in ledger.notices[0]
            assert "a new one was started" in ledger.notices[0]

    def test_a_damaged_page_is_found(self, tmp_path):
        path = tmp_path / "l.db"
        fill(path, [make_evaluation(f"c{i}") for i in range(300)])
        data = bytearray(path.read_bytes())
        for page in range(3, len(data) // 4096, 2):
            data[page * 4096 : page * 4096 + 512] = b"\xa5" * 512
        path.write_bytes(data)
        with Ledger.open(path) as ledger:
            assert "is damaged" in ledger.notices[0]
            assert names(ledger) == set()
        [kept] = tmp_path.glob("l.db.corrupt-*")
        assert kept.read_bytes() == bytes(data)

    def test_a_truncated_file_is_found(self, tmp_path):
        path = tmp_path / "l.db"
        fill(path, [make_evaluation(f"c{i}") for i in range(300)])
        path.write_bytes(path.read_bytes()[: 4096 * 20])
        with Ledger.open(path) as ledger:
            assert "is damaged" in ledger.notices[0]

    def test_a_healthy_ledger_is_never_taken_for_a_damaged_one(self, tmp_path):
        path = tmp_path / "l.db"
        for number in range(3):
            fill(path, [make_evaluation(f"c{i}", score=i / 300) for i in range(300)], start=number + 1)
        with Ledger.open(path) as ledger:
            assert ledger.notices == []
            assert len(names(ledger)) == 300

    def test_damage_during_a_run_loses_nothing_of_it(self, tmp_path):
        path = tmp_path / "l.db"
        fill(path, [make_evaluation(f"old{i}") for i in range(300)])
        with Ledger.open(path) as ledger:
            ledger.begin(make_run(5))
            record(ledger, 300, number=5)
            ledger.flush()
            ledger.rows("PRAGMA wal_checkpoint(TRUNCATE)")
            ledger.rows("PRAGMA shrink_memory")  # as if the ledger were larger than its cache
            with path.open("r+b") as broken:
                broken.seek(0)
                broken.write(b"\xa5" * path.stat().st_size)
            record(ledger, 250, number=5, prefix="late")
            ledger.finish(make_run(5).run_id)
            assert any("is damaged" in notice for notice in ledger.notices)
            assert len(names(ledger)) == 550
            assert ledger.rows("SELECT status FROM runs") == [{"status": "finished"}]
        assert len(list(tmp_path.glob("l.db.corrupt-*[0-9]"))) == 1

    def test_a_ledger_deleted_during_a_run_comes_back(self, tmp_path):
        path = tmp_path / "reports" / "l.db"
        with Ledger.open(path) as ledger:
            ledger.begin(make_run())
            record(ledger, 300)
            ledger.flush()
            shutil.rmtree(path.parent)
            path.parent.mkdir()
            record(ledger, 3, prefix="late")
            ledger.finish(make_run().run_id)
            assert "deleted or replaced" in ledger.notices[0]
        with Ledger.read(path) as ledger:
            assert len(names(ledger)) == 303


class TestReadOnly:
    """As root file modes mean nothing, so another user tries."""

    def as_nobody(self, code, *arguments):
        if os.geteuid() != 0:
            pytest.skip("needs root to change the user")
        script = f"import os, sys; os.setgroups([]); os.setgid({OTHER_USER}); os.setuid({OTHER_USER})\n{code}"
        # Imported as root before the user changes: the checkout and the environment may be private to root.
        head = "import urllib.parse; from harness.ledger.store import Ledger\n"
        head += "from harness.ledger import schema, recovery, queries\n"
        head += "from harness.core.errors import LedgerError; from pathlib import Path\n"
        return subprocess.run(
            [sys.executable, "-c", head + script, *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    @pytest.fixture
    def public(self):
        folder = Path(tempfile.mkdtemp(dir="/tmp"))
        folder.chmod(0o755)
        yield folder
        shutil.rmtree(folder)

    def test_a_folder_that_cannot_be_written(self, public):
        done = self.as_nobody(
            "try: Ledger.open(Path(sys.argv[1]))\nexcept LedgerError as e: print(e)", public / "reports" / "l.db"
        )
        assert "the ledger cannot be written" in done.stdout, done.stderr
        assert "fix: make the file and its folder writable" in done.stdout

    def test_a_ledger_that_cannot_be_written(self, public):
        fill(public / "l.db", [make_evaluation()])
        done = self.as_nobody("try: Ledger.open(Path(sys.argv[1]))\nexcept LedgerError as e: print(e)", public / "l.db")
        assert "the ledger cannot be written" in done.stdout, done.stderr

    def test_it_can_still_be_read(self, public):
        fill(public / "l.db", [make_evaluation()])
        done = self.as_nobody(
            "l = Ledger.read(Path(sys.argv[1]))\nprint(l.notices, queries.leaderboard(l)[0]['subject'])\n"
            "try: l.begin(None)\nexcept LedgerError as e: print(e)",
            public / "l.db",
        )
        assert "opened read-only" in done.stdout, done.stderr
        assert "good" in done.stdout
        assert "the ledger is open read-only" in done.stdout


class TestFullDisk:
    def test_nothing_is_lost_if_there_is_room_again(self, small_disk):
        ledger = Ledger.open(small_disk.path / "l.db")
        ledger.begin(make_run())
        with pytest.raises(OSError, match="No space"):
            (small_disk.path / "ballast").write_bytes(b"x" * (2 << 20))
        run_id = record(ledger, 700)
        with pytest.raises(LedgerError) as caught:
            ledger.finish(run_id)
        assert "are not in the ledger: the disk is full" in caught.value.what
        assert "crucible merge" in caught.value.fix
        (small_disk.path / "ballast").unlink()
        small_disk.resize(16 << 10)
        ledger.finish(run_id)
        assert len(names(ledger)) == 700
        assert ledger.rows("SELECT status FROM runs") == [{"status": "finished"}]
        ledger.close()
        saved = Path(caught.value.fix.split("crucible merge ")[1].split(" --ledger")[0])
        with Ledger.open(saved.parents[1] / "other.db") as other:
            assert merge(other, saved).evaluations == 700
        shutil.rmtree(saved.parents[1])

    def test_what_the_journal_holds_comes_in_later(self, small_disk):
        code = f"""
from harness.ledger.store import Ledger
from harness.core.errors import LedgerError
from tests.ledger.factory import *
ledger = Ledger.open(Path({str(small_disk.path / "l.db")!r}))
ledger.begin(make_run())
(Path({str(small_disk.path)!r}) / "ballast").write_bytes(b"x" * (1 << 17))
for i in range(150):
    ledger.record(make_evaluation(f"c{{i}}"), run_id=make_run().run_id)
try:
    ledger.finish(make_run().run_id)
except LedgerError as error:
    print(error)
ledger.close()
print(ledger.notices)
"""
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert "holds them and any `crucible` verb will bring them in" in done.stdout, done.stdout + done.stderr
        (small_disk.path / "ballast").unlink()
        small_disk.resize(16 << 10)
        with Ledger.open(small_disk.path / "l.db") as ledger:
            assert "150 evaluations brought back" in ledger.notices[0]
            assert len(names(ledger)) == 150

    def test_no_disk_takes_it(self, tmp_path, monkeypatch):
        ledger = Ledger.open(tmp_path / "l.db")
        ledger.begin(make_run())

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        monkeypatch.setattr(store.row_writer, "write_records", full)
        monkeypatch.setattr(recovery, "rescue", lambda *_: None)
        run_id = record(ledger, 3)
        with pytest.raises(LedgerError) as caught:
            ledger.finish(run_id)
        assert "3 evaluations of run" in caught.value.what
        assert "they are gone when this process ends" in caught.value.fix
        monkeypatch.undo()
        ledger.finish(run_id)
        assert len(names(ledger)) == 3
        ledger.close()

    def test_no_room_to_begin(self, small_disk):
        Ledger.open(small_disk.path / "l.db").close()
        with contextlib.suppress(OSError):
            (small_disk.path / "ballast").write_bytes(b"x" * (2 << 20))
        with pytest.raises(LedgerError) as caught, Ledger.open(small_disk.path / "l.db") as ledger:
            ledger.begin(make_run())
        assert caught.value.fix.startswith("make room")  # SQLite says "disk I/O error" where its index has no room


WRITER = """
import sys
from pathlib import Path
from harness.ledger.store import Ledger
from tests.ledger.factory import make_evaluation, make_run
number, count = int(sys.argv[2]), int(sys.argv[3])
with Ledger.open(Path(sys.argv[1])) as ledger:
    run = make_run(number)
    ledger.begin(run)
    for i in range(count):
        ledger.record(make_evaluation(f"c{number}-{i}"), run_id=run.run_id)
        if i % 50 == 0:
            ledger.flush()
    ledger.finish(run.run_id)
    assert not ledger.notices, ledger.notices
"""


def test_several_runs_write_one_ledger_at_once(tmp_path):
    path = tmp_path / "l.db"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(n), "400"], cwd=ROOT, stderr=subprocess.PIPE)
        for n in range(1, 5)
    ]
    assert [(w.communicate()[1], w.returncode) for w in writers] == [(b"", 0)] * 4
    with Ledger.read(path) as ledger:
        assert ledger.notices == []
        assert len(names(ledger)) == 1600
        assert [row["status"] for row in queries.runs(ledger)] == ["finished"] * 4
    assert [p.name for p in tmp_path.iterdir()] == ["l.db"]


def test_several_runs_meet_one_damaged_ledger(tmp_path):
    path = tmp_path / "l.db"
    path.write_bytes(file.MAGIC + b"x" * 5000)
    code = WRITER.replace("    assert not ledger.notices, ledger.notices\n", "")
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n), "50"], cwd=ROOT) for n in range(1, 4)]
    assert [w.wait() for w in writers] == [0] * 3
    with Ledger.read(path) as ledger:
        assert len(names(ledger)) == 150
    assert len(list(tmp_path.glob("*.corrupt-*"))) == 1


def test_a_ledger_is_read_through_once_when_it_is_opened(tmp_path, monkeypatch):
    """Reading one through takes the time of its size, and `read` opens it twice: first without writing."""
    statements: list[str] = []
    connect = file.connect

    def traced(*given, **how):
        connection = connect(*given, **how)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(file, "connect", traced)
    for opened in (Ledger.open, Ledger.read):
        statements.clear()
        with opened(tmp_path / "l.db"):
            pass
        assert len([one for one in statements if "quick_check" in one]) == 1


def test_cases_of_one_batch_keep_their_own_components_and_gates(tmp_path):
    scores = [0.25, 0.5, 0.25, 1.0, 0.5]
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        run_id = make_run().run_id
        ledger.begin(make_run())
        for number, score in enumerate([*scores, *scores]):  # each twice: the second replaces the first
            ledger.record(make_evaluation(f"c{number % len(scores)}", score=score, attempts=0), run_id=run_id)
            if number == 7:
                ledger.flush()
        ledger.finish(run_id)
        for view, column in (("components", "value"), ("gates", "observed")):
            found = ledger.rows(f"SELECT {column} AS value FROM {view} ORDER BY nodeid")
            assert [row["value"] for row in found] == scores
        assert len(ledger.rows("SELECT DISTINCT shape FROM evaluations")) == 2  # the gate of 0.25 and 0.5 fails
