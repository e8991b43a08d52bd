"""JudgePool: order, faults, known candidates, screening, and processes that are killed."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from harness import JudgePool, Status, Verdict
from harness.core.digest import digest_bytes
from harness.core.errors import InfraError, SuiteError, UsageError
from harness.judge import judges
from harness.lane.json_worker import WorkerFault
from harness.lanes.toolgen.depth import FILE
from harness.ledger.lookup import RECORD
from harness.ledger.store import Ledger
from tests.judge.conftest import CALLS, CRASHING, ENDLESS, GOOD, NO_SOURCES, ONE_SOURCE, ORACLE, WRONG, write_tool

FAST = {"workers": 2, "jitter_ms": (0, 0), "timing": "none", "attempts": 1}  # each attempt has a zygote of its own


@pytest.fixture(scope="module")
def pool(tool):
    with JudgePool(tool, **FAST) as made:
        yield made


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]


def judges_of(pool: JudgePool) -> list[int]:
    return [judge.worker.pid for judge in pool._judges._judges if judge.worker is not None]


def test_a_verdict(pool):
    verdict = pool.judge(GOOD)
    assert (verdict.status, verdict.passed, verdict.reward) == (Status.OK, True, 1.0)
    assert verdict.score is not None
    assert verdict.evaluation.case.subject.digest


def test_verdicts_come_in_the_order_of_the_candidates(pool):
    quick = [(GOOD, "ok"), (WRONG, "wrong"), (CRASHING, "crash"), ("def (", "crash")]
    kinds = [(ENDLESS, "timeout"), *quick, *quick]  # the endless one computes for its whole limit
    verdicts = pool.judge_all(f"{source}\n# {number}" for number, (source, _) in enumerate(kinds))
    assert [verdict.status for verdict in verdicts] == [status for _, status in kinds]
    assert all(verdict.reward == 0.0 for verdict in verdicts if not verdict.passed)


def test_a_file_that_the_oracle_reads_counts_from_when_it_changes(tmp_path):
    offset = "(n > 2) * int(__import__('pathlib').Path(__file__).with_name('offset').read_text())"
    folder = write_tool(tmp_path, oracle=ORACLE.replace("2 * n", f"2 * n + {offset}"))
    (folder / "offset").write_text("0")
    with JudgePool(folder, **FAST | {"workers": 1}) as made:
        assert made.judge(GOOD).status is Status.OK
        (folder / "offset").write_text("10")
        verdicts = made.judge_all([GOOD + "# again\n", GOOD.replace("n + n", "n + n + 10 * (n > 2)")])
        assert [one.status for one in verdicts] == [Status.WRONG, Status.OK]


@pytest.mark.parametrize(
    "source", [b"\xff\xfe", "\ud800", "", b"def double(n):\n    return 2 * n\n\x00", "x" * 3_000_000]
)
def test_no_candidate_raises(pool, source):
    verdict = pool.judge(source)
    assert not verdict.passed
    assert verdict.reward == 0.0


def test_feedback_shows_test_cases_and_no_hidden_input(pool):
    public = pool.judge("def double(n: int) -> int:\n    return 5\n# always\n")
    hidden = pool.judge("def double(n: int) -> int:\n    return 2 * n if n == 2 else -1\n")
    ends = pool.judge("import os\n\n\ndef double(n: int) -> int:\n    return 4 if n == 2 else os._exit(3)\n")
    assert hidden.feedback == "wrong: an answer to a hidden input is not right"
    assert hidden.evaluation.evidence.counterexample.question not in hidden.feedback
    assert public.feedback.startswith("wrong: ")
    assert ends.status is Status.CRASH
    assert '{"n"' in ends.why
    assert "asked" not in ends.feedback
    screened = pool.screen_all(["def double(n: int) -> int:\n    return 7\n"])[0]
    assert screened.feedback == 'wrong: double({"n":2}) returned 7, not 4'


def test_a_path_is_a_candidate(pool, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    assert pool.judge(path).passed
    assert not pool.judge(tmp_path / "missing.py").passed


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("given", NO_SOURCES, ids=lambda given: repr(given)[:20])
def test_anything_else_is_a_mistake_of_the_caller(pool, call, given):
    with pytest.raises(TypeError, match=f"a source is text, bytes or a path .* not {type(given).__name__}"):
        CALLS[call](pool, given)


@pytest.mark.parametrize("call", ["judge_all", "screen_all"])
@pytest.mark.parametrize("one", ONE_SOURCE, ids=lambda one: type(one).__name__)
def test_one_source_in_place_of_several_is_a_mistake_of_the_caller(pool, call, one):
    with pytest.raises(TypeError, match=rf"not one {type(one).__name__}; for a single source: (judge|screen_all)\("):
        getattr(pool, call)(one)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_are_a_source(pool, kind):
    assert pool.judge(kind(GOOD.encode())).passed


def test_known_bytes_are_judged_once_and_a_comment_makes_others(pool):
    first = pool.judge(GOOD)
    assert pool.judge(GOOD).evaluation == first.evaluation  # the same seconds
    assert pool.judge(GOOD.encode()).evaluation == first.evaluation
    other = pool.judge(f"# a comment\n{GOOD}")
    assert other is not first
    assert other.passed


def test_a_cancelled_candidate_is_not_judged_unless_another_caller_waits_for_it(tool):
    with JudgePool(tool, **{**FAST, "workers": 1}) as pool:
        pool._judges._depth = 1  # the process is given one candidate at a time
        first = pool.submit(ENDLESS)
        left = pool.submit(f"{GOOD}# left")
        shared = [pool.submit(f"{GOOD}# shared") for _ in range(2)]
        assert left.cancel()
        assert shared[0].cancel()
        assert shared[1].result(120).passed
        assert [job for job in pool._judges._waiting if not job.found.cancelled()] == []
        assert first.result(120).status is Status.TIMEOUT
        assert list(pool._sources.folder.iterdir()) == [pool._sources.keep(b"")]  # what was judged is not kept
        assert pool.judge(f"{GOOD}# left").passed  # asked again, it is judged
    assert not pool._sources.folder.exists()


def test_the_second_process_starts_before_the_first_is_ready(pool):
    """A run that submits all its cases at once, and then none, is judged by two processes."""
    judges = pool._judges
    with judges._change:  # no process becomes ready meanwhile
        futures = [pool.submit(f"{GOOD}\n# at once, {number}\n") for number in range(12)]
        assert judges._started == 2
    assert all(future.result(60).passed for future in futures)


def test_several_tools_share_the_processes(tool, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    write_tool(other, ORACLE.replace("return 2 * n", "return 2 * n if n != 7 else 0"))
    with JudgePool([tool, other], **FAST) as pool:
        assert pool.tools == (tool.name, "other")
        assert pool.judge(GOOD, tool=tool.name).passed
        special = "def double(n: int) -> int:\n    return 0 if n == 7 else 2 * n\n"
        assert pool.judge(special, tool="other").passed
        with pytest.raises(UsageError, match="name one"):
            pool.judge(GOOD)
        with pytest.raises(UsageError, match="did you mean 'other'"):
            pool.judge(GOOD, tool="othr")
    with pytest.raises(UsageError, match="two tools are named"):
        JudgePool([tool, tool])


def test_a_ledger_receives_verdicts_and_answers_for_known_candidates(tool, tmp_path):
    ledger = tmp_path / "ledger.db"
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "mine.py").write_text(f"{GOOD}# a\n")
    (tmp_path / "b" / "mine.py").write_text(f"{WRONG}# b\n")
    sources = [GOOD, WRONG, tmp_path / "a" / "mine.py", tmp_path / "b" / "mine.py"]
    with JudgePool(tool, ledger=ledger, **FAST) as pool:
        first = pool.judge_all(sources)
        pool.screen_all([GOOD])
    with Ledger.read(ledger) as kept:
        rows = kept.rows(f"SELECT run_id, status, digest, {RECORD} FROM evaluations")
        assert sorted(row["status"] for row in rows) == ["ok", "ok", "wrong", "wrong"]  # screening is not recorded
        paths = {json.loads(row["record"])["case"]["subject"]["path"] for row in rows}
        assert paths == {"", *map(str, sources[2:])}  # the pool's own files are gone
    with JudgePool(tool, ledger=ledger, **FAST) as pool:
        again = pool.judge_all(sources)
        assert {verdict.evaluation.evidence.reused for verdict in again} == {rows[0]["run_id"]}
        assert [verdict.status for verdict in again] == [verdict.status for verdict in first]
        assert judges_of(pool) == []  # nothing was judged
    with Ledger.read(ledger) as kept:
        assert len(kept.rows("SELECT 1 FROM runs")) == 1
    with JudgePool(tool, ledger=ledger, secret_seed=1, **FAST) as pool:  # its own inputs are asked for
        assert not pool.judge(GOOD).evaluation.evidence.reused


def test_known_bytes_have_the_verdict_of_the_ledger_without_reading_its_record(tmp_path):
    folder, ledger = write_tool(tmp_path / "double"), tmp_path / "ledger.db"
    sources = [GOOD, WRONG, "def double(n: int) -> int:\n    return (\n", f"{CRASHING}# é\n".encode()]
    with JudgePool(folder, ledger=ledger, **FAST) as pool:
        first = pool.judge_all(sources)
    with JudgePool(folder, ledger=ledger, **FAST) as pool:
        again = pool.judge_all(sources)
        for before, known in zip(first, again, strict=True):
            said = (known.status, known.passed, known.score, known.why, known.reward)
            assert said == (before.status, before.passed, before.score, before.why, before.reward)
            assert "evaluation" not in vars(known)
            found = known.evaluation
            assert said == (*((v := Verdict(found)).status, v.passed, v.score, v.why), v.reward)
            assert found.case.key == before.evaluation.case.key
            assert found.case.subject.model_copy(update={"path": ""}) == before.evaluation.case.subject.model_copy(
                update={"path": ""}
            )
            assert (known.feedback, known.graded) == (before.feedback, before.graded)
        assert judges_of(pool) == []
        # What the verdict depends on: the way of judging, the epoch, and each file of the tool.
        graded, later = pool.submit(GOOD, graded=True), pool.submit(GOOD, epoch=7)
        assert not graded.result().evaluation.evidence.reused
        assert not later.result().evaluation.evidence.reused
    with JudgePool(folder, ledger=ledger, **FAST) as pool:
        assert pool.judge(WRONG).evaluation.evidence.reused  # from here on the pool has a template
        (folder / "oracle.py").write_text((folder / "oracle.py").read_text().replace("2 * n", "n + 2"))
        (folder / "tool.yaml").write_text((folder / "tool.yaml").read_text().replace("Twice", "Two and"))
        changed = pool.judge(GOOD)
        assert not changed.evaluation.evidence.reused
        assert changed.status is Status.WRONG


def test_asyncio(pool):
    async def judge_both() -> list[Verdict]:
        return await asyncio.gather(pool.ajudge(f"{GOOD}#a"), pool.ajudge(f"{WRONG}#b"))

    assert [verdict.status for verdict in asyncio.run(judge_both())] == [Status.OK, Status.WRONG]


def test_threads_may_share_a_pool(pool):
    found: dict[int, Status] = {}

    def use(number: int) -> None:
        source = GOOD if number % 2 else WRONG
        found[number] = pool.judge(f"{source}# thread {number}").status

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: Status.OK if number % 2 else Status.WRONG for number in range(8)}


@pytest.mark.parametrize("ends", ["close", "exit"])
def test_a_fork_of_the_process_leaves_the_pool_to_it(tool, tmp_path, ends):
    with JudgePool(tool, **FAST, ledger=tmp_path / "ledger.db") as made:
        made.judge(f"{GOOD}# before\n")
        before = judges_of(made)
        read, write = os.pipe()
        if (child := os.fork()) == 0:
            try:
                with made if ends == "exit" else suppress():
                    made.submit(f"{GOOD}# in a fork\n")
            except InfraError as refused:
                os.write(write, str(refused).encode())
            finally:
                if ends == "close":
                    made.close()
                os._exit(0)
        os.close(write)
        with os.fdopen(read) as said:
            assert said.read() == "the pool is the process's that opened it\n  fix: open a pool in each process"
        os.waitpid(child, 0)
        assert made.judge(f"{GOOD}# after\n").passed
        assert judges_of(made) == before
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        assert len(ledger.rows("SELECT * FROM evaluations")) == 2


def test_a_source_that_cannot_be_kept_is_no_verdict_and_the_next_one_is_judged(tool, monkeypatch):
    def full(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[:5])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with JudgePool(tool, **FAST) as made:
        kept = set(made._sources.folder.iterdir())
        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", full)
            with pytest.raises(InfraError, match="cannot be kept while it is judged: No space left") as caught:
                made.judge(GOOD)
        assert "set TMPDIR" in str(caught.value)
        assert set(made._sources.folder.iterdir()) == kept
        assert made.judge(GOOD).passed


def test_screening_finds_the_shortest_wrong_question_and_times_nothing(pool):
    good, wrong = pool.screen_all([GOOD, "def double(n: int) -> int:\n    return 2 * n if n < 5 else 0\n"])
    assert good.status is Status.OK
    assert good.evaluation.evidence.facts["profile"]["rows"] == []
    assert wrong.status is Status.WRONG
    assert "more" not in wrong.why


def test_screening_names_each_fault_and_the_question_that_causes_it(pool):
    late = "def double(n: int) -> int:\n    if n > 5:\n        {}\n    return 2 * n\n"
    bodies = {"while True: pass": "timeout", "import os; os._exit(3)": "crash", "return n": "wrong"}
    verdicts = pool.screen_all(late.format(body) for body in bodies)
    assert [verdict.status for verdict in verdicts] == list(bodies.values())
    assert all('{"n":' in verdict.why for verdict in verdicts)
    assert "within 2 s" in verdicts[0].why
    [quick] = pool.screen_all([late.format("while True: pass")], allow_slow=False)  # another verdict than the known one
    assert quick.status is Status.TIMEOUT
    assert "within 2 s" not in quick.why


class TestFaults:
    def test_a_killed_judge_loses_nothing_and_blames_nobody(self, tool):
        with JudgePool(tool, **FAST) as pool:
            pool.judge(GOOD)
            futures = [pool.submit(f"{GOOD}# {number}") for number in range(60)]
            for pid in judges_of(pool):
                os.kill(pid, signal.SIGKILL)
            assert {future.result(120).status for future in futures} == {Status.OK}

    def test_judges_without_memory_blame_no_candidate(self, tool):
        with JudgePool(tool, **FAST) as pool:
            assert pool.judge(GOOD).passed
            limited = judges_of(pool)
            for pid in limited:
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
                resource.prlimit(pid, resource.RLIMIT_AS, (pages * resource.getpagesize(), resource.RLIM_INFINITY))
            expected = {
                f"{source}# {'#' * (n * 150_000)}": source is GOOD for n in range(4) for source in (GOOD, WRONG)
            }
            for verdict, is_good in zip(pool.judge_all(expected), expected.values(), strict=True):
                assert verdict.status in (Status.OK if is_good else Status.WRONG, Status.INFRA), verdict.why
                assert verdict.status is not Status.INFRA or verdict.reward is None
            assert not set(limited) & set(judges_of(pool))  # others took their place
            assert pool.judge(f"{GOOD}# later").passed

    def test_the_case_that_ends_its_judge_twice_is_infra_and_no_other(self, tool, monkeypatch):
        deadly = f"{GOOD}# this one\n"
        with JudgePool(tool, **FAST) as pool:
            stop = threading.Event()
            digest = digest_bytes(deadly.encode())

            def kill() -> None:  # whichever process has the deadly case is killed
                while not stop.wait(0.002):
                    for judge in pool._judges._judges:
                        jobs, worker = list(judge.jobs.values()), judge.worker
                        if worker is not None and any(job.case.subject.digest == digest for job in jobs):
                            with suppress(ProcessLookupError, WorkerFault):  # it has ended meanwhile
                                os.kill(worker.pid, signal.SIGKILL)

            killer = threading.Thread(target=kill)
            killer.start()
            try:
                sources = [f"{GOOD}# {number}" for number in range(8)]
                verdicts = pool.judge_all([*sources, deadly, *(f"{source} too" for source in sources)])
            finally:
                stop.set()
                killer.join()
            assert [verdict.status for verdict in verdicts] == [Status.OK] * 8 + [Status.INFRA] + [Status.OK] * 8
            assert "ended with exit status -9" in verdicts[8].why
            assert pool.judge(deadly).status is Status.OK  # what says nothing of a candidate is not remembered
            assert verdicts[8].reward is None

    def test_a_judge_that_cannot_start_is_infra_for_all(self, tool, monkeypatch):
        with JudgePool(tool, **FAST) as pool:
            pool._judges._settings = "no JSON"
            verdicts = pool.judge_all([GOOD, WRONG])
        assert {verdict.status for verdict in verdicts} == {Status.INFRA}
        assert "JSONDecodeError" in verdicts[0].why

    @pytest.mark.parametrize("error", [OSError(errno.ENOMEM, "Cannot allocate memory"), MemoryError()], ids=repr)
    def test_a_judge_that_no_memory_is_left_for_is_infra_for_all(self, tool, monkeypatch, error):
        def refuse(*_given, **_named):
            raise error

        with JudgePool(tool, **FAST) as pool:
            with monkeypatch.context() as limited:
                limited.setattr(judges, "JsonWorker", refuse)
                verdicts = pool.judge_all([GOOD, WRONG])
            assert {verdict.status for verdict in verdicts} == {Status.INFRA}
            assert re.search("no judge process can be used: .*memory", verdicts[0].why)
            assert [verdict.status for verdict in pool.judge_all([GOOD, WRONG])] == [Status.OK, Status.WRONG]

    def test_a_judge_whose_thread_cannot_start_is_an_error_and_the_pool_can_be_used_later(self, tool, monkeypatch):
        def refuse(*_given, **_named):
            raise InfraError("no thread can be started: out of memory")

        with JudgePool(tool, **FAST) as pool:
            with monkeypatch.context() as limited:
                limited.setattr(judges, "start_thread", refuse)
                with pytest.raises(InfraError, match="no thread"):
                    pool.judge(GOOD)
            assert pool.judge(GOOD).passed

    @pytest.mark.parametrize(
        ("body", "seconds", "said"),
        [
            ("return sum(__import__('itertools').count())", 1, "did not return within 1 s"),
            ("return __import__('os')._exit(5)", 60, "ended with exit status 5"),
            ("return 'x' * 10**7", 60, "an answer of more than"),
        ],
        ids=["endless", "ends", "floods"],
    )
    def test_an_oracle_that_never_returns_dies_or_floods(self, tmp_path, monkeypatch, body, seconds, said):
        oracle = ORACLE.replace("return 2 * n", body)
        limited = tmp_path / "limits"
        limited.mkdir()
        (limited / "sitecustomize.py").write_text(
            f"import harness.lanes.toolgen.oracle as oracle\noracle.TRUSTED_SECONDS = {seconds}\n"
            "import harness.lane.json_worker as json_worker\njson_worker.MAX_LINE = 1 << 20\n"
        )
        monkeypatch.setenv("PYTHONPATH", f"{limited}:{Path(__file__).parents[2]}")
        folder = tmp_path / "tool"
        folder.mkdir()
        with JudgePool(write_tool(folder, oracle), **FAST) as pool:
            verdicts = pool.judge_all([GOOD, WRONG, ENDLESS])
        assert {verdict.status for verdict in verdicts} == {Status.INFRA}
        assert all(said in verdict.why for verdict in verdicts)
        assert {verdict.reward for verdict in verdicts} == {None}

    def test_a_closed_pool_leaves_no_process_and_takes_no_candidate(self, tool):
        pool = JudgePool(tool, **FAST)
        futures = [pool.submit(f"{ENDLESS}# {number}") for number in range(16)]
        while not judges_of(pool):
            time.sleep(0.01)
        judges = judges_of(pool)
        descendants = [child for judge in judges for child in children_of(judge)]
        pool.close()
        for future in futures:
            with pytest.raises((InfraError, asyncio.CancelledError)):
                future.result(10)
        with pytest.raises(InfraError, match="closed"):
            pool.judge(GOOD)
        until = time.monotonic() + 10
        for pid in (*judges, *descendants):
            while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
                time.sleep(0.01)
            assert not Path(f"/proc/{pid}").exists()

    def test_a_killed_owner_leaves_no_process(self, tool):
        script = (
            "import sys, time\nfrom harness import JudgePool\n"
            "pool = JudgePool(sys.argv[1], workers=1, jitter_ms=(0, 0), timing='none')\n"
            "pool.judge('def double(n):\\n    return 2 * n\\n')\n"
            "print(*[judge.worker.pid for judge in pool._judges._judges], flush=True)\ntime.sleep(60)\n"
        )
        owner = subprocess.Popen([sys.executable, "-c", script, str(tool)], stdout=subprocess.PIPE, text=True)
        judges = [int(word) for word in owner.stdout.readline().split()]
        started = [pid for judge in judges for pid in (judge, *children_of(judge))]
        assert len(started) > 1
        owner.kill()
        owner.wait()
        owner.stdout.close()
        until = time.monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() for pid in started) and time.monotonic() < until:
            time.sleep(0.05)
        assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


class TestWhatIsJudged:
    def test_a_suite_sets_policy_and_questions(self, tmp_path):
        """And its processes share what they know of the first places of its board."""
        workload = '\n\n    def workload(size, rng):\n        return {"n": rng.randrange(size)}\n'
        tool, suite = write_tool(tmp_path / "double", ORACLE + workload), tmp_path / "double.suite.yaml"
        suite.write_text(
            f"lane: toolgen\ntool: {tool}\ncandidates: none/*.py\nquestions: 5\njitter_ms: [0, 0]\nattempts: 2\n"
        )
        with JudgePool(suite, workers=2) as pool:
            found = [one.evaluation for one in pool.judge_all(f"{GOOD}# {number}\n" for number in range(12))]
            lines = (pool._judges._folder.path / FILE).read_text().splitlines()
        case = found[0].case
        assert (case.inputs["questions"], case.policy.attempts, case.policy.timing.value) == (5, 2, "cpu")
        assert all(one.status is Status.OK for one in found), [one.why for one in found]
        assert len(lines) == sum("deepened" in one.evidence.facts for one in found) >= 10

    def test_there_must_be_one(self, tmp_path):
        with pytest.raises(UsageError, match="no such tool or suite"):
            JudgePool(tmp_path / "nothing")
        with pytest.raises(SuiteError):
            JudgePool(tmp_path)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"questins": 3}, "unknown option 'questins'; did you mean 'questions'"),
            ({"questions": 0}, "questions: "),
            ({"timing": "quick"}, "timing: "),
            ({"gates": {"correctness": "all"}}, "gates: "),
            ({"timing": "exact"}, "cannot time exactly"),
            ({"workers": 0}, "workers must be an integer of at least 1, not 0"),
            ({"workers": 1.5}, "workers must be an integer of at least 1, not 1.5"),
            ({"workers": "2"}, "workers must be an integer of at least 1, not '2'"),
        ],
    )
    def test_options_are_checked(self, tool, options, said):
        with pytest.raises(UsageError, match=said):
            JudgePool(tool, **options)

    def test_a_lane_that_judges_no_sources(self):
        suite = Path(__file__).parents[2] / "suites" / "dsl" / "hello.suite.yaml"
        with pytest.raises(UsageError, match="does not judge sources"):
            JudgePool(suite)
