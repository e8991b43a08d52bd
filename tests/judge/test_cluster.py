"""A cluster: a real scheduler and workers on loopback, of which some die, are slow, lack something, or join late."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import JudgePool, Status
from harness.core.case import Case, Subject
from harness.core.digest import digest_bytes
from harness.core.errors import InfraError, UsageError
from harness.core.evaluation import SerialisedEvaluation
from harness.core.tier import Tier
from harness.judge import cluster, cluster_address, cluster_batch
from harness.judge.case import unjudged
from harness.judge.cluster_address import require_safe
from harness.judge.cluster_sources import LARGE
from harness.ledger.store import Ledger
from tests.forked_workers import run_dask, start_forkserver
from tests.judge.conftest import CRASHING, GOOD, WRONG, write_tool

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="a cluster needs the extra `cluster`"
)

FAST = {"jitter_ms": (0, 0), "timing": "none", "attempts": 1, "secret_seed": 7}
PATIENCE = 120  # seconds, reached only by what never happens, also on a loaded machine
ROOT = Path(__file__).parents[2]
WEAK = """
from harness.sandbox.pool import BoxPool

if not hasattr(BoxPool, "strong"):  # Dask imports a preload more than once
    BoxPool.strong = BoxPool.__init__
    weaker = frozenset({"namespaces", "cgroup"})
    BoxPool.__init__ = lambda self, **how: BoxPool.strong(self, **{**how, "without": weaker})
"""
SLOW = """
import time
from harness.judge.cluster_worker import ClusterWorker

if not hasattr(ClusterWorker, "quick"):
    ClusterWorker.quick = ClusterWorker.judge
    ClusterWorker.judge = lambda self, sent: (time.sleep(2), self.quick(sent))[1]
"""
HELD = """
import time
from pathlib import Path
from harness.judge.cluster_worker import ClusterWorker

def judge(self, sent):
    Path("held-cases").write_text(str(len(sent)))
    while not Path("released").exists():
        time.sleep(0.01)
    return self.prompt(sent)

if not hasattr(ClusterWorker, "prompt"):
    ClusterWorker.prompt, ClusterWorker.judge = ClusterWorker.judge, judge
"""
ENDING = """
import json
import os
from harness.judge.cluster_worker import ClusterWorker

def judge(self, sent):
    if any(b"poison" in source for _, source in sent):
        with open("ended-with", "a") as file:
            print(*(json.loads(case)["subject"]["digest"] for case, _ in sent), file=file)
        os._exit(3)
    return self.survived(sent)

if not hasattr(ClusterWorker, "survived"):
    ClusterWorker.survived, ClusterWorker.judge = ClusterWorker.judge, judge
"""
SIZED = """
import time
from harness.judge.cluster_worker import ClusterWorker

def judge(self, sent):
    mark = "costly" if b"costly" in sent[0][1] else "quick"
    with open(mark, "a") as file:
        print("." * len(sent), file=file)
    time.sleep(0.2 * len(sent) * (mark == "costly"))
    return self.unsized(sent)

if not hasattr(ClusterWorker, "unsized"):
    ClusterWorker.unsized, ClusterWorker.judge = ClusterWorker.judge, judge
"""
OTHER_MACHINE = """
from pathlib import Path
from harness.judge import cluster_worker
from harness.judge.cluster_worker import ClusterWorker

if not hasattr(ClusterWorker, "unseen"):
    cluster_worker.machine_class = lambda: "other"
    ClusterWorker.unseen = ClusterWorker.judge
    ClusterWorker.judge = lambda self, sent: (Path("judged-by-other").touch(), self.unseen(sent))[1]
"""


class Site:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
        self.processes: dict[str, ForkServerProcess] = {}
        self.address, self.protocol = "", "tcp"

    def use_tls(self) -> dict[str, str]:
        """Make a CA and a certificate as docs/cluster.md says; returns Dask's settings for the driver."""
        page = (ROOT / "docs" / "cluster.md").read_text("utf-8")
        for line in re.findall(r"^openssl .+$", page, flags=re.MULTILINE):
            subprocess.run(line.split(), cwd=self.folder, check=True, capture_output=True)
        found = {"ca-file": str(self.folder / "ca.pem")}
        for role in ("scheduler", "worker", "client"):
            found |= {f"{role}.cert": str(self.folder / "node.pem"), f"{role}.key": str(self.folder / "node.key")}
        for name, value in found.items():
            variable = name.upper().replace("-", "_").replace(".", "__")
            self.environment[f"DASK_DISTRIBUTED__COMM__TLS__{variable}"] = value
        self.environment["DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION"] = "True"
        self.protocol = "tls"
        return {f"distributed.comm.tls.{name}": value for name, value in found.items()}

    def start_scheduler(self, port: int = 0) -> None:
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        words = ["--protocol", self.protocol, "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show"]
        self._start("scheduler", "dask_scheduler", *words, "--scheduler-file", str(file))
        while not file.exists() or not file.read_text().rstrip().endswith("}"):
            assert self.processes["scheduler"].is_alive()
            time.sleep(0.02)
        self.address = file.read_text().split('"address": "')[1].partition('"')[0]

    def start_worker(self, name: str, *words: str, preload: str = "") -> None:
        if preload:
            (self.folder / f"{name}.py").write_text(preload)
            words = (*words, "--preload", str(self.folder / f"{name}.py"))
        always = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--name", name, "--death-timeout", "60"]
        self._start(name, "dask_worker", self.address, *always, "--local-directory", str(self.folder), *words)

    def _start(self, name: str, module: str, *words: str) -> None:
        """As `python -m distributed.cli.{module}`, forked from a process that has imported it."""
        how = (self.folder / f"{name}.log", self.folder, self.environment, module, words)
        self.processes[name] = start_forkserver().Process(target=run_dask, args=how)
        self.processes[name].start()

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """With TLS where there is OpenSSL; the scheduler that is restarted is without."""
    import dask  # here, as below: at the top, each pytest worker would import it

    made = Site(tmp_path_factory.mktemp("site"))
    with dask.config.set(made.use_tls() if shutil.which("openssl") else {}):
        made.start_scheduler()
        made.start_worker("good", "--resources", "GPU=1")
        yield made
    made.close()


@pytest.fixture(scope="module")
def pool(site, tool):
    with JudgePool(tool, cluster=site.address, **FAST) as made:
        yield made


def candidates(count: int, mark: str) -> list[str]:
    kinds = [GOOD, WRONG, CRASHING, "def ("]
    return [f"{kinds[number % 4]}\n# {mark} {number}" for number in range(count)]


def test_the_ledger_is_that_of_one_machine(site, tool, tmp_path):
    sources = [*candidates(24, "same"), "", b"\xff", "x" * 2_000_000, tmp_path / "missing.py"]
    rows = []
    for where, address in (("here", None), ("there", site.address)):
        with JudgePool(tool, cluster=address, ledger=tmp_path / f"{where}.db", **FAST) as pool:
            pool.judge_all(sources)
        with Ledger.read(tmp_path / f"{where}.db") as ledger:
            rows.append(
                ledger.rows(
                    "SELECT nodeid, suite, subject, digest, status, score, passed, why, case_key"
                    " FROM evaluations ORDER BY nodeid"
                )
            )
    assert len(rows[0]) == len(sources)
    assert rows[0] == rows[1]


def test_without_the_certificate_a_cluster_with_tls_does_not_answer(site, tool, monkeypatch):
    if site.protocol != "tls":
        pytest.skip("OpenSSL is not installed")
    import dask

    assert site.address.startswith("tls://127.0.0.1:")
    monkeypatch.setattr(cluster_address, "CONNECT_SECONDS", 1.0)
    with dask.config.set({"distributed.comm.tls.ca-file": None, "distributed.comm.tls.client.cert": None}):
        for address in (site.address, site.address.replace("tls:", "tcp:")):
            with pytest.raises(InfraError, match="does not answer"):
                JudgePool(tool, cluster=address, **FAST)


def test_a_verdict_names_the_drivers_paths(pool, tool, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    case = pool.judge(path).evaluation.case
    assert (case.subject.path, case.inputs["tool"]) == (str(path), str(tool))


def case_for(name):
    subject = Subject.from_bytes(name, name.encode(), path=Path(f"/far/{name}.py"))
    return Case(lane="toolgen", suite="s", name=name, subject=subject)


def test_each_case_of_a_batch_has_a_file_of_its_own(tmp_path):
    """Equal bytes under one name, for two tools: the file of one was removed when the other had been judged."""
    from harness.judge.cluster_worker import ClusterWorker

    class Judges:
        def submit(self, case):
            return SimpleNamespace(result=lambda: f"{case.subject.path} {Path(case.subject.path).read_text()}")

    worker = ClusterWorker("name", lanes={}, engine={}, secret_seed=1, bundles=[])
    worker._sources, worker._places, worker._judges = tmp_path, {}, Judges()
    case = case_for("long" * 60)
    assert worker.judge([(json.dumps(case.to_wire()), b"same")] * 2) == [f"{case.subject.path} same"] * 2
    assert not list(tmp_path.iterdir())


def test_answers_for_other_cases_are_refused():
    from harness.judge.cluster_worker import require_answers

    cases = [case_for("a"), case_for("b")]
    texts = [SerialisedEvaluation.of(unjudged(case, "no box", tier=Tier.A)).text for case in cases]
    assert require_answers(texts, cases) == texts
    for wrong in (texts[::-1], texts[:1], [*texts, texts[0]]):
        with pytest.raises(ValueError, match="for other cases"):
            require_answers(wrong, cases)


def test_order_screening_and_partial_credit(pool):
    sources = candidates(9, "order")
    assert [verdict.status.value for verdict in pool.judge_all(sources)] == ["ok", "wrong", "crash", "crash"] * 2 + [
        "ok"
    ]
    assert [verdict.passed for verdict in pool.screen_all(sources[:2])] == [True, False]
    assert 0.0 < pool.submit(WRONG, graded=True).result().graded < 0.5


def test_one_is_slow_and_dies_one_is_weak_and_one_comes_late(site, tool):
    site.start_worker("doomed", preload=SLOW)
    site.start_worker("weak", preload=WEAK)
    with JudgePool(tool, cluster=site.address, min_tier="B", **FAST) as pool:
        wait_for_workers(pool, 3)
        offered = workers_of(pool)
        if min(offered["good"]) > "B":
            pytest.skip("boxes of this machine have no namespaces: no worker is weaker")
        assert min(offered["weak"]) == "C"  # it attacked its own boxes
        found = [pool.submit(source) for source in candidates(60, "faults")]
        site.start_worker("late")
        wait_until(lambda: on_worker(pool, "doomed"))
        site.processes["doomed"].kill()
        verdicts = [future.result(120) for future in found]
    assert [verdict.status.value for verdict in verdicts] == ["ok", "wrong", "crash", "crash"] * 15
    tiers = {verdict.evaluation.evidence.tier.value for verdict in verdicts if verdict.evaluation.evidence.tier}
    assert max(tiers) <= "B"  # nothing was judged by the weak worker
    for name in ("weak", "late"):
        site.processes[name].kill()


def test_a_batch_that_two_workers_are_lost_with_is_infra_and_no_other(tool, tmp_path):
    """The batch that waits behind it is lost with both workers, too, but has not begun at either."""
    site = Site(tmp_path)
    sources = [f"{GOOD}# poison", *candidates(15, "innocent")]
    try:
        site.start_scheduler()
        with JudgePool(tool, cluster=site.address, ledger=tmp_path / "ledger.db", **FAST) as pool:
            found = [pool.submit(source) for source in sources]
            site.start_worker("first", preload=ENDING)  # when all cases wait, so that batches are as large as they get
            assert end_of(site.processes["first"]) == 3
            site.start_worker("second", preload=ENDING)
            assert end_of(site.processes["second"]) == 3
            site.start_worker("third", preload=ENDING)
            assert all(future.result(PATIENCE) for future in found)
            assert site.processes["third"].is_alive()
        with Ledger.read(tmp_path / "ledger.db") as ledger:
            rows = [tuple(row.values()) for row in ledger.rows("SELECT digest, status, why FROM evaluations")]
    finally:
        site.close()
    first, second = [set(line.split()) for line in (tmp_path / "ended-with").read_text().splitlines()]
    assert first == second
    assert digest_bytes(sources[0].encode()) in first
    assert {digest for digest, status, _ in rows if status == "infra"} == first
    assert len(rows) == len(sources) > len(first)
    assert {why for _, status, why in rows if status == "infra"} == {
        "two workers of the cluster were lost while they judged the batch of this case"
    }


def test_a_worker_that_joins_between_two_looks_gets_what_the_lost_one_had(tool, tmp_path, monkeypatch):
    """Dask looks when a worker joins, which is before it offers its resources, and then never again."""
    site = Site(tmp_path)
    try:
        site.start_scheduler()
        with JudgePool(tool, cluster=site.address, **FAST) as pool:
            found = [pool.submit(source) for source in candidates(4, "between")]
            site.start_worker("first", preload=HELD)
            wait_until(lambda: on_worker(pool, "first"))
            monkeypatch.setattr(cluster, "POLL_SECONDS", 4.0)
            time.sleep(1.1)  # the look that had begun is over
            site.processes["first"].kill()
            site.start_worker("second")
            assert [future.result(60).status.value for future in found] == ["ok", "wrong", "crash", "crash"]
    finally:
        site.close()


def test_a_large_source_is_sent_once_and_again_only_when_its_worker_was_lost(tool, tmp_path, monkeypatch):
    from dask.distributed import Client

    site, sent = Site(tmp_path), []
    large, small = f"{GOOD}#{'x' * LARGE}", GOOD
    real = Client.scatter
    monkeypatch.setattr(
        Client,
        "scatter",
        lambda self, data, **how: (sent.extend(map(len, data)), real(self, data, **how))[1],
    )
    try:
        site.start_scheduler()
        site.start_worker("first")
        with JudgePool(tool, cluster=site.address, **FAST) as pool:
            for epoch in range(3):  # another epoch is another verdict
                verdicts = [pool.submit(source, epoch=epoch).result(120) for source in (large, small)]
                assert [verdict.passed for verdict in verdicts] == [True, True]
                assert verdicts[0].evaluation.case.policy.epoch == epoch
            assert pool.screen_all([large])[0].passed
            assert sent == [len(large)]
            site.processes["first"].kill()
            site.start_worker("second")
            assert pool.submit(large, epoch=3).result(120).passed
            assert sent == [len(large)] * 2
    finally:
        site.close()


def test_batches_grow_and_shrink_with_the_measured_cost(tool, tmp_path, monkeypatch):
    """In batches of 0.4 seconds no more than two cases have room of which each takes 0.2 seconds."""
    monkeypatch.setattr(cluster_batch, "BATCH_SECONDS", 0.4)
    site = Site(tmp_path)
    try:
        site.start_scheduler()
        site.start_worker("only", preload=SIZED)
        with JudgePool(tool, cluster=site.address, **FAST) as pool:
            pool.judge_all(candidates(40, "quick"))
            for number in range(5):  # what is submitted at once may be all on its way before its cost is known
                pool.judge(f"{GOOD}# costly {number}")
            pool.judge_all(candidates(12, "costly"))
    finally:
        site.close()
    sizes = {mark: [len(line) for line in (tmp_path / mark).read_text().splitlines()] for mark in ("quick", "costly")}
    assert sum(sizes["quick"]) == 40
    assert max(sizes["quick"]) > 2
    assert sum(sizes["costly"]) == 17
    assert max(sizes["costly"]) <= 2


def test_what_waits_behind_a_batch_is_judged_by_another_worker(site, tool):
    """One worker never ends its first batch until all other cases have been judged."""
    site.start_worker("held", preload=HELD)
    held = site.folder / "held-cases"
    with JudgePool(tool, cluster=site.address, **FAST) as pool:
        wait_for_workers(pool, 2)
        found = [pool.submit(source) for source in candidates(60, "held")]
        wait_until(lambda: held.exists() and held.read_text())
        wait_until(lambda: sum(future.done() for future in found) == len(found) - int(held.read_text()))
        (site.folder / "released").touch()
        assert [future.result(120).status.value for future in found] == ["ok", "wrong", "crash", "crash"] * 15
    site.processes["held"].kill()


def test_times_are_measured_on_one_class_of_machines(site, tool):
    site.start_worker("other", preload=OTHER_MACHINE)
    judged = site.folder / "judged-by-other"
    with JudgePool(tool, cluster=site.address, **FAST | {"timing": "cpu"}) as pool:
        wait_for_workers(pool, 2)
        assert len(machines_of(pool)) == 2
        assert {verdict.status.value for verdict in pool.judge_all([GOOD, *candidates(11, "timed")])} >= {"ok", "wrong"}
        assert not judged.exists()  # both have one thread, and its class sorts last
    with JudgePool(tool, cluster=site.address, **FAST) as pool:
        wait_for_workers(pool, 2)
        for number in range(20):
            pool.judge_all(candidates(12, f"not timed {number}"))
            if judged.exists():
                break
    assert judged.exists()
    site.processes["other"].kill()


def test_what_no_worker_may_judge_is_infra_and_says_why(site, tmp_path, monkeypatch):
    suite = tmp_path / "double.suite.yaml"
    tool = write_tool(tmp_path / "double")
    suite.write_text(f"lane: toolgen\ntool: {tool}\ncandidates: none/*.py\ntiming: none\nrequire: [gpu]\nattempts: 1\n")
    with JudgePool(suite, cluster=site.address, secret_seed=7) as pool:
        assert pool.judge(GOOD).passed  # the worker `good` has one
        monkeypatch.setattr(cluster, "GPU", "TPU")
        monkeypatch.setattr(cluster, "NO_WORKER_SECONDS", 0.0)
        verdict = pool.judge(f"{GOOD}# tpu")
    assert (verdict.status, verdict.reward) == (Status.INFRA, None)
    assert "no worker of the cluster has tier-C, TPU" in verdict.why
    assert "tier " in verdict.why.partition("(")[2]


def test_a_closed_pool_leaves_the_worker_clean(site, tool):
    pool = JudgePool(tool, cluster=site.address, **FAST)
    assert pool.judge(GOOD).passed
    found = [pool.submit(source) for source in candidates(60, "closed")]
    pool.close()
    assert all(future.done() for future in found)
    with pytest.raises(InfraError, match="closed"):
        pool.judge(GOOD)
    name = pool._judges._name
    wait_until(lambda: not list(site.folder.glob(f"**/{name}*")))


def test_a_scheduler_that_is_restarted_is_found_again(tool, tmp_path):
    site = Site(tmp_path)
    try:
        site.start_scheduler()
        site.start_worker("first")
        port = int(site.address.rpartition(":")[2])
        with JudgePool(tool, cluster=site.address, **FAST) as pool:
            assert pool.judge(GOOD).passed
            site.close()
            later = [pool.submit(source) for source in candidates(4, "later")]
            site.start_scheduler(port)
            site.start_worker("second")
            assert [future.result(120).status.value for future in later] == ["ok", "wrong", "crash", "crash"]
    finally:
        site.close()


@pytest.mark.parametrize(
    ("address", "insecure", "said"),
    [
        ("tcp://192.0.2.1:8786", False, "unencrypted"),
        ("tcp://cluster.example:8786", False, "unencrypted"),
        ("192.0.2.1:8786", False, "not the address of a cluster"),
        ("tcp://127.0.0.1", False, "not the address of a cluster"),
        ("tcp://127.0.0.1:x", False, "not the address of a cluster"),
        ("", False, "not the address of a cluster"),
        ("tcp://192.0.2.1:8786", True, None),
        ("tcp://127.0.0.1:8786", False, None),
        ("tcp://[::1]:8786", False, None),
        ("tls://192.0.2.1:8786", False, None),
        ("local", False, None),
    ],
)
def test_secrets_do_not_cross_a_network_unencrypted(address, insecure, said):
    if said is None:
        require_safe(address, insecure=insecure)
    else:
        with pytest.raises(UsageError, match=said):
            require_safe(address, insecure=insecure)


def end_of(process: ForkServerProcess) -> int | None:
    process.join(PATIENCE)
    return process.exitcode


def workers_of(pool: JudgePool) -> dict[str, set[str]]:
    """The tiers that each worker offers to a pool, by the worker's name."""
    prefix = f"{pool._judges._name}:tier-"
    info = pool._judges._client.scheduler_info()
    return {
        worker["name"]: {name.removeprefix(prefix) for name in worker["resources"] if name.startswith(prefix)}
        for worker in info["workers"].values()
    }


def machines_of(pool: JudgePool) -> set[str]:
    """The classes of machines that workers offer to a pool."""
    prefix = f"{pool._judges._name}:machine-"
    workers = pool._judges._client.scheduler_info()["workers"].values()
    return {name for worker in workers for name in worker["resources"] if name.startswith(prefix)}


def wait_for_workers(pool: JudgePool, count: int) -> None:
    wait_until(lambda: sum(bool(tiers) for tiers in workers_of(pool).values()) >= count)


def on_worker(pool: JudgePool, name: str) -> bool:
    """Whether a worker has a batch."""
    processing = pool._judges._client.processing()
    names = {address: worker["name"] for address, worker in pool._judges._client.scheduler_info()["workers"].items()}
    return any(tasks for address, tasks in processing.items() if names.get(address) == name)


def wait_until(condition) -> None:
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)
