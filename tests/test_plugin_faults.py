"""Whatever dies, what finished is kept, and no run that lost something exits 0."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import pytest

from harness.ledger import journal
from harness.ledger.store import Ledger
from tests.forked_workers import start_forkserver
from tests.judge.conftest import GOOD, WRONG, write_tool

# Preloaded into every process: the time of day is now, a day ago or in a day, another one at each seventh look.
JUMPING_CLOCK = r"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static int looks;
int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = syscall(SYS_clock_gettime, clock, at);
    if (clock == CLOCK_REALTIME) at->tv_sec += (looks++ / 7 % 3 - 1) * 86400;
    return failed;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


@pytest.fixture(scope="module")
def jumping_clock(tmp_path_factory):
    """A library that makes the clock of whatever preloads it jump; None without a C compiler."""
    if (compiler := shutil.which("cc")) is None:
        return None
    made = tmp_path_factory.mktemp("clock") / "clock.so"
    made.with_suffix(".c").write_text(JUMPING_CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, made.with_suffix(".c")], check=True)
    look = "import time; print(*(time.time() - time.monotonic() for _ in range(99)))"
    seen = subprocess.run([sys.executable, "-c", look], env=os.environ | {"LD_PRELOAD": str(made)}, capture_output=True,
                          text=True, check=True).stdout  # fmt: skip
    shown = sorted(map(float, seen.split()))
    assert shown[-1] - shown[0] > 86400
    return made


@pytest.fixture
def start(project):
    """Start pytest in its own process group; whatever is left of it is killed."""
    started = []

    def start(*args):
        command = [sys.executable, "-m", "pytest", "-p", "harness.plugin", "-p", "no:benchmark", *args]
        process = subprocess.Popen(
            command,
            cwd=project.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(path, *, seconds=60):
    limit = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < limit, f"{path} never came"
        time.sleep(0.02)


def test_an_interrupt_while_text_is_executed_keeps_the_exit_status(project):
    """As while a module makes a data class: CPython would end `python -m` by SIGINT, though it was handled."""
    project.put("test_x.py", "def test_x():\n    exec('raise KeyboardInterrupt')\n")
    result = project.run(subprocess=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*no tests ran*"])


def test_an_interrupt_inside_a_case(project):
    project.suite(a="ok", b="wrong", c="interrupt", d="ok")
    result = project.run(subprocess=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.verdicts() == {"a": "ok", "b": "wrong"}
    assert project.rows("SELECT status FROM runs") == [("aborted",)]
    result.stdout.fnmatch_lines(
        ["NOT GOOD  the run was interrupted: 2 of 4 cases were judged;*", "*1 of 2 candidates fails*"]
    )


@pytest.mark.parametrize("extra", [(), ("-n2",)], ids=["serial", "-n2"])
def test_ctrl_c(project, start, extra):
    project.suite(a="ok", b="ok", c="sleep60", d="sleep60")
    process = start(*extra)
    wait_for(project.path / "started")
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert project.rows("SELECT status FROM runs") == [("aborted",)]
    if not extra:
        assert project.verdicts() == {"a": "ok", "b": "ok"}
    assert set(project.verdicts().values()) <= {"ok"}
    assert "INTERNALERROR" not in output


def test_a_killed_worker_leaves_an_infra_verdict(project):
    project.suite(a="ok", b="kill", c="ok", d="ok", e="wrong")
    result = project.run("-n2")
    assert result.ret == 1
    assert project.verdicts() == {"a": "ok", "b": "infra", "c": "ok", "d": "ok", "e": "wrong"}
    result.stdout.fnmatch_lines(["*worker 'gw*' crashed while running 'a.suite.yaml::b'*"])


def test_a_killed_worker_fails_the_run_even_where_that_was_all(project):
    project.put("a.suite.yaml", "lane: words\ninline: {b: kill}\n")
    result = project.run("-n1", "--max-worker-restart", "0")
    assert result.ret != 0
    assert project.verdicts() == {"b": "infra"}


def test_a_killed_controller_is_replayed_at_the_next_start(project, start):
    project.suite(a="ok", b="wrong", c="sleep60")
    process = start()
    wait_for(project.path / "started")
    process.kill()
    process.wait()
    project.suite(a="ok")
    result = project.run()
    result.stdout.fnmatch_lines(["notice: run * was killed: 2 evaluations brought back from*"])
    runs = project.rows("SELECT run_id, status FROM runs ORDER BY run_id")
    assert [status for _, status in runs] == ["aborted", "finished"]
    assert project.rows(f"SELECT subject, status FROM evaluations WHERE run_id = '{runs[0][0]}' ORDER BY 1") == [
        ("a", "ok"),
        ("b", "wrong"),
    ]


def test_two_runs_write_one_ledger_at_once(project, start):
    project.suite(**{f"c{n}": "ok" for n in range(40)})
    processes = [start("-n2", "--report", f"r{n}.html") for n in range(2)]
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
    assert project.rows("SELECT count(*), count(DISTINCT run_id) FROM evaluations") == [(80, 2)]


def test_a_case_whose_setup_breaks_elsewhere_is_infra(project):
    project.suite(a="ok")
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + "\ndef pytest_runtest_setup(item):\n    raise RuntimeError('no disk')\n")
    result = project.run()
    assert result.ret == 1
    assert project.verdicts() == {"a": "infra"}


def test_a_report_that_cannot_be_written_fails_loudly(project):
    project.suite(a="ok")
    project.put("file", "")
    result = project.run("--report", "file/r.html")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["exit status 1: the report could not be written: *"])
    assert project.verdicts() == {"a": "ok"}


def test_a_damaged_ledger_is_kept_aside(project):
    project.suite(a="ok")
    project.put("reports/ledger.db", "SQLite format 3\0" + "this is no database\n" * 100)
    project.run()
    assert project.verdicts() == {"a": "ok"}


def test_a_file_that_is_no_ledger_is_refused_and_left_alone(project):
    project.suite(a="ok")
    project.put("no.db", "this is no database\n" * 100)
    result = project.run("--ledger", "no.db")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*not a ledger: it is not a SQLite database*"])
    assert [path.name for path in project.path.glob("no.db*")] == ["no.db"]


@pytest.mark.parametrize(("room", "extra"), [(0, ()), (60, ("-n2",)), (200, ()), (330, ()), (420, ("-n2",)), (560, ())])
def test_a_disk_that_is_full_at_any_write(project, small_disk, room, extra):
    """Everything a run writes is on the disk: run folder, snapshot, ledger, journal, sources, page."""
    names = {f"c{number}": "wrong" if number % 7 == 3 else "ok" for number in range(30)}
    project.suite(**names)
    (small_disk.path / "tmp").mkdir()
    small_disk.resize(max(8, room))  # a size of 0 is no limit
    with (small_disk.path / "ballast").open("wb", buffering=0) as ballast, pytest.MonkeyPatch.context() as full:
        if not room:
            with pytest.raises(OSError, match="No space left"):
                while True:
                    ballast.write(b"x" * (4 << 10))
        start_forkserver()  # not on the small disk, which goes after this test
        full.setenv("TMPDIR", str(small_disk.path / "tmp"))
        full.setattr(tempfile, "tempdir", None)
        result = project.run(f"--ledger={small_disk.path}/l.db", f"--report={small_disk.path}/r.html", *extra)
    output = result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in output
    assert "Traceback" not in output
    assert result.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.USAGE_ERROR)
    has_verdicts = result.ret == pytest.ExitCode.TESTS_FAILED
    if not (small_disk.path / "r.html").exists():
        assert "disk is full" in output or "No space left" in output
    small_disk.resize(32 << 10)
    with Ledger.open(small_disk.path / "l.db") as ledger:
        stored = {row["subject"]: row["status"] for row in ledger.rows("SELECT subject, status FROM evaluations")}
    # A dead process's journal would be in the ledger now; this one lives.
    for path in journal.folder_of(small_disk.path / "l.db").glob("*.jsonl"):
        if (left := journal.read(path)) is not None:
            stored |= {one.evaluation.case.subject.name: str(one.evaluation.status) for one in left.records()}
    assert stored.items() <= names.items()
    if has_verdicts and len(stored) < len(names):
        assert "are not in the ledger: the disk is full" in output
        assert "they are gone when this process ends" in output
    elif "any `crucible` verb will bring them in" in output:
        assert stored == names


@pytest.mark.parametrize(("locale", "option"), [("C", "-O"), ("tr_TR.UTF-8", "-I")])
def test_a_hostile_environment(tmp_path, jumping_clock, locale, option):
    """Odd paths, locales and time zone, a jumping clock, a hash seed, no assertions, isolated: the same verdicts."""
    if locale != "C":
        made = (
            subprocess.run(
                ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(tmp_path / locale)], capture_output=True, check=False
            )
            if shutil.which("localedef")
            else None
        )
        if made is None or not (tmp_path / locale).exists():
            pytest.skip("the sources of the Turkish locale are not installed")
    odd = tmp_path / "a b'q\"ü-ş $HOME;#%?&*\n new"
    for folder in ("project/candidates", "project/tool", "tmp", "run"):
        (odd / folder).mkdir(parents=True, mode=0o700)
    write_tool(odd / "project" / "tool")
    for number in range(10):
        path = odd / "project" / "candidates" / f"é {number}.py"
        path.write_text(f"{WRONG if number == 3 else GOOD}# {number}\n")
    suite = "lane: toolgen\ntool: tool\ncandidates: candidates/*.py\ntiming: none\nattempts: 1\njitter_ms: [0, 0]\n"
    (odd / "project" / "ş ü.suite.yaml").write_text(suite)
    strange = {"TMPDIR": str(odd / "tmp"), "XDG_RUNTIME_DIR": str(odd / "run"), "TZ": "Pacific/Kiritimati"}
    strange |= {"LC_ALL": locale, "LOCPATH": str(tmp_path), "PYTHONHASHSEED": "7"}
    if jumping_clock:
        strange["LD_PRELOAD"] = str(jumping_clock)
    done = subprocess.run(
        [sys.executable, option, "-m", "pytest", "-p", "harness.plugin", "-p", "no:benchmark", "-n1", "--confirm", "0"],
        cwd=odd / "project",
        env=os.environ | strange,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    with sqlite3.connect(odd / "project" / "reports" / "ledger.db") as ledger:
        rows = ledger.execute("SELECT status, seconds FROM evaluations").fetchall()
        [(started,)] = ledger.execute("SELECT started_at FROM runs").fetchall()
    assert sorted(status for status, _ in rows) == ["ok"] * 9 + ["wrong"]
    assert all(0 <= seconds < 3600 for _, seconds in rows)
    assert started.endswith("+00:00")
    assert (odd / "project" / "reports" / "index.html").stat().st_size > 1000
    assert [path.name for path in (odd / "tmp").iterdir() if path.name.endswith(".owned")] == []
