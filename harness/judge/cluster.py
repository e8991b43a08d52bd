"""ClusterJudges: the cases of a pool or a run, judged by the workers of a Dask cluster (docs/cluster.md)."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path

from harness.core.case import Case
from harness.core.clip import clip
from harness.core.closing import Closing
from harness.core.errors import InfraError
from harness.core.evaluation import SerialisedEvaluation
from harness.core.policy import Timing
from harness.core.resources import start_thread
from harness.core.tier import Tier
from harness.judge.case import unjudged
from harness.judge.cluster_address import CONNECT_SECONDS, connect, require_safe
from harness.judge.cluster_batch import (
    AHEAD,
    FIRST_COST,
    LOSSES,
    Batch,
    Job,
    Offer,
    Requirement,
    Unplaced,
    batch_size,
    largest_class,
    threads_for,
)
from harness.judge.cluster_sources import ClusterSources, trusted_paths
from harness.judge.judges import Judges
from harness.lane.context import Context
from harness.lane.fingerprint import engine_of
from harness.lane.pinned_file import FileFaultError, read_plain_file
from harness.lane.protocol import Lane

NO_WORKER_SECONDS = 60.0  # that a case waits for a worker that may judge it
MAX_SOURCE = 1 << 20  # bytes; a larger subject is rejected without a worker
POLL_SECONDS = 1.0
WORKERS_LOST = "two workers of the cluster were lost while they judged the batch of this case"
GPU = "GPU"
"""The resource of a worker that has one, as `dask worker --resources GPU=1` says."""


class ClusterJudges(Closing):
    """Judges cases on a cluster; it has the methods of `Judges`.

    Args:
        lanes: The lanes of the cases.
        address: `local`, `tcp://HOST:PORT` or `tls://HOST:PORT`.
        context: Secret seed, scratch folder and tier of the cases that need no worker.
        examples: A case of each suite: their trusted files are sent to each worker once.
        min_tier: The weakest tier of a worker that may judge.
        insecure: Whether an unencrypted connection to another machine is accepted.

    Raises:
        UsageError: if the address is wrong, or leads to another machine unencrypted.
        MissingExtraError: if Dask is not installed.
        InfraError: if the scheduler does not answer.
    """

    def __init__(
        self,
        lanes: Iterable[Lane],
        *,
        address: str,
        context: Context,
        examples: Iterable[Case],
        min_tier: Tier,
        insecure: bool = False,
    ) -> None:
        require_safe(address, insecure=insecure)
        self._lanes = {lane.name: lane for lane in lanes}
        self._address, self._min_tier, self._context = address, min_tier, context
        self._trusted = {path for case in examples for path in trusted_paths(case)}
        self._name = f"crucible-{secrets.token_hex(4)}"
        self._client = connect(address)
        self._waiting: deque[Job] = deque()
        self._running: dict[str, Batch] = {}
        self._unplaced = Unplaced()
        self._cost = FIRST_COST
        self._missing_since: dict[Requirement, float] = {}
        self._is_closed = False
        self._change = threading.Condition()
        self._here: Judges | None = None
        self._machine = ""
        try:
            self._set_up()
        except BaseException:
            self._disconnect()
            raise
        start_thread(self._dispatch, name="crucible-cluster")

    def submit(self, case: Case) -> Future[str]:
        """Give a case to the cluster; see `Judges.submit_all`."""
        self.require_open()
        try:
            source = read_plain_file(Path(case.subject.path), max_bytes=MAX_SOURCE)
        except FileFaultError:
            return self._judge_here(case)  # its verdict needs no box
        job = Job(case, source, Future())
        with self._change:
            self.require_open()
            self._waiting.append(job)
            self._change.notify()
        return job.found

    def submit_all(self, cases: Iterable[Case]) -> list[Future[str]]:
        """`submit` for several cases."""
        return [self.submit(case) for case in cases]

    def require_open(self) -> None:
        """Check that cases can still be submitted.

        Raises:
            InfraError: if the judges were closed.
        """
        if self._is_closed:
            raise InfraError("the pool is closed")

    def close(self) -> None:
        """Leave the cluster; cases that were not judged are cancelled."""
        with self._change:
            if self._is_closed:
                return
            self._is_closed = True
            batches = list(self._running.values())
            jobs = [*self._waiting, *(job for batch in batches for job in batch.jobs)]
            self._waiting.clear()
            self._running.clear()
            self._change.notify_all()
        for job in jobs:
            if not job.found.cancel():
                with contextlib.suppress(Exception):
                    job.found.set_exception(InfraError("the pool was closed before this case was judged"))
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self._client.cancel([batch.task for batch in batches if batch.task is not None], force=True)
            self._client.unregister_worker_plugin(self._name)
        self._disconnect()
        if self._here is not None:
            self._here.close()

    def _set_up(self) -> None:
        from harness.judge.cluster_worker import BEGAN, Bundle, ClusterWorker

        plugin = ClusterWorker(
            self._name,
            lanes={name: (type(lane).__module__, type(lane).__qualname__) for name, lane in self._lanes.items()},
            engine=engine_of(self._lanes, self._lanes),
            secret_seed=self._context.secret_seed,
            bundles=[Bundle.read(Path(path)) for path in sorted(self._trusted)],
        )
        self._sources = ClusterSources(self._client)
        self._client.subscribe_topic(BEGAN, self._note_begin)
        self._client.register_plugin(plugin, name=self._name)

    def _disconnect(self) -> None:
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)
        if (cluster := getattr(self._client, "crucible_cluster", None)) is not None:
            with contextlib.suppress(Exception):  # such as a scheduler that is gone
                cluster.close(timeout=10)

    def _reconnected(self) -> bool:
        """Whether the scheduler answers; one that was restarted is connected to, and its workers are set up."""
        if self._client.status == "running":
            return True
        self._disconnect()
        try:
            self._client = connect(self._address)
            self._set_up()
        except Exception:
            return False
        return True

    def _workers(self) -> dict[str, Offer]:
        info = self._client.scheduler_info(n_workers=-1)  # all: some versions answer with five
        return {address: (worker["nthreads"], worker["resources"]) for address, worker in info["workers"].items()}

    def _needs(self, case: Case) -> Requirement:
        needs = [f"{self._name}:tier-{self._min_tier}"]
        if "gpu" in case.markers or "gpu" in case.policy.require:
            needs.append(GPU)
        if case.policy.timing is not Timing.NONE and self._machine:
            needs.append(self._machine)  # CPU times of different machines are not compared
        return tuple(needs)

    # One thread gives out batches; Dask's threads bring results.

    def _dispatch(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._is_closed or bool(self._waiting), timeout=POLL_SECONDS)
                if self._is_closed:
                    return
                if not (self._waiting or self._running):
                    continue
            try:
                if not self._reconnected():
                    self._give_up(f"the cluster at {self._address} does not answer")
                    continue
                found = self._workers()
                pending = [key for key, batch in self._running.copy().items() if batch.task.status != "finished"]
                unplaced = self._unplaced.find(pending, found, self._client.processing)
            except Exception:  # the connection broke meanwhile: the next round notices
                time.sleep(POLL_SECONDS / 10)
                continue
            workers = list(found.values())
            self._withdraw(workers, unplaced)
            self._machine = self._machine or largest_class(f"{self._name}:machine-", workers)
            batches = self._form_batches(workers)
            for batch in batches:
                self._send(batch)
            if not batches:
                with self._change:
                    self._change.wait(POLL_SECONDS)

    def _withdraw(self, workers: Sequence[Offer], unplaced: Collection[str]) -> None:
        """Take back what no worker has, or has the resources for: Dask would not look again when one offers them."""
        with self._change:
            gone = {k for k, one in self._running.items() if k in unplaced or not threads_for(one.needs, workers)}
            batches = [self._running.pop(key) for key in gone]
        for batch in batches:
            with contextlib.suppress(Exception):  # such as a scheduler that is gone
                self._client.cancel([batch.task], force=True)
            self._lose(batch, WORKERS_LOST)

    def _form_batches(self, workers: Sequence[Offer]) -> list[Batch]:
        """Batches for the workers that have room; what no worker may judge waits, and is refused in the end."""
        batches: list[Batch] = []
        with self._change:
            waiting: dict[tuple[Requirement, bool], deque[Job]] = {}
            for job in self._waiting:
                if not job.found.cancelled():  # what was lost may end a worker again: no other case is with it
                    waiting.setdefault((self._needs(job.case), job.losses > 0), deque()).append(job)
            self._waiting.clear()
            for (needs, _), jobs in waiting.items():
                threads = threads_for(needs, workers)
                room = AHEAD * threads - sum(batch.needs == needs for batch in self._running.values())
                size = batch_size(len(jobs), threads=threads, cost=self._cost)
                while jobs and room > 0:
                    taken = [jobs.popleft() for _ in range(min(size, len(jobs)))]
                    kept = [job for job in taken if job.losses or job.found.set_running_or_notify_cancel()]
                    if kept:
                        batches.append(Batch(kept, needs))
                        room -= 1
                if threads:
                    self._missing_since.pop(needs, None)
                elif time.monotonic() - self._missing_since.setdefault(needs, time.monotonic()) > NO_WORKER_SECONDS:
                    refused = [job for job in jobs if job.losses or job.found.set_running_or_notify_cancel()]
                    jobs.clear()
                    try:
                        start_thread(self._refuse, refused, needs, name="crucible-cluster")
                    except InfraError as error:
                        for job in refused:
                            self._resolve(job, str(error))
                self._waiting.extend(jobs)
        return batches

    def _send(self, batch: Batch) -> None:
        from harness.judge.cluster_worker import judge_batch

        cases = [json.dumps(job.case.to_wire()) for job in batch.jobs]
        key = f"{self._name}-{secrets.token_hex(8)}"
        with self._change:
            self._running[key] = batch
        try:
            how = {"key": key, "pure": False, "resources": dict.fromkeys(batch.needs, 1)}
            sources = self._sources.of(batch.jobs)
            batch.task = self._client.submit(judge_batch, self._name, key, cases, sources, **how)
            batch.task.add_done_callback(lambda _task: self._receive(key))
        except Exception as error:  # such as a scheduler that is gone: this thread has other batches
            if self._running.pop(key, None) is not None:
                self._lose(batch, f"the batch of this case could not be sent: {error!r}")

    def _note_begin(self, event: tuple[float, str]) -> None:
        """Count that a worker began with a batch; the runs of all drivers are told."""
        with self._change:
            if (batch := self._running.get(event[1])) is not None:
                batch.begins, batch.began = batch.begins + 1, time.monotonic()

    def _receive(self, key: str) -> None:
        """Take the result of a batch, or its loss."""
        from harness.judge.cluster_worker import require_answers

        if (batch := self._running.get(key)) is None:  # closed meanwhile
            return
        try:
            texts, why = require_answers(batch.task.result(CONNECT_SECONDS), [job.case for job in batch.jobs]), ""
        except BaseException as error:
            is_killed = type(error).__name__ == "KilledWorker"  # its own words name the batch
            texts, why = [], WORKERS_LOST if is_killed else f"the batch of this case was lost: {error!r}"
        with self._change:  # a result that is lost with its worker is withdrawn while it is waited for
            if self._running.pop(key, None) is None:
                return
        if why:
            self._lose(batch, why)
        elif batch.begins:
            self._cost += ((time.monotonic() - batch.began) / len(batch.jobs) - self._cost) / 4
        for job, text in zip(batch.jobs, texts, strict=not why):
            job.found.set_result(text)
        with self._change:
            self._change.notify()

    def _lose(self, batch: Batch, why: str) -> None:
        """What is lost the first time is judged again, at once; the second time it is `infra`."""
        batch.lose()
        again = []
        for job in batch.jobs:
            if job.losses < LOSSES and not self._is_closed:
                again.append(job)
            else:
                self._resolve(job, clip(why))
        with self._change:
            self._waiting.extendleft(reversed(again))

    def _refuse(self, jobs: Sequence[Job], needs: Requirement) -> None:
        wanted = ", ".join(need.removeprefix(f"{self._name}:") for need in needs)
        states: dict[str, str] = {}
        with contextlib.suppress(Exception):
            from harness.judge.cluster_worker import worker_state

            states = self._client.run(worker_state, self._name)
        held = "; ".join(f"{worker}: {state}" for worker, state in sorted(states.items())) or "no worker is connected"
        for job in jobs:
            self._resolve(job, clip(f"no worker of the cluster has {wanted} ({held})"))

    def _give_up(self, why: str) -> None:
        with self._change:
            jobs = [job for job in self._waiting if job.losses or job.found.set_running_or_notify_cancel()]
            self._waiting.clear()
        for job in jobs:
            self._resolve(job, why)

    def _resolve(self, job: Job, why: str) -> None:
        job.found.set_result(SerialisedEvaluation.of(unjudged(job.case, why, tier=self._context.tier)).text)

    def _judge_here(self, case: Case) -> Future[str]:
        with self._change:
            if self._here is None:
                self._here = Judges(self._lanes.values(), count=1, context=self._context)
        return self._here.submit(case)
