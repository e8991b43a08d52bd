"""ClusterJudges: the cases of a pool or a run, judged by the workers of a Dask cluster (docs/cluster.md)."""

from __future__ import annotations

import contextlib
import json
import math
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.case import Case
from harness.core.clip import clip
from harness.core.closing import Closing
from harness.core.errors import InfraError
from harness.core.evaluation import SerialisedEvaluation
from harness.core.named_path import named_path
from harness.core.policy import Timing
from harness.core.resources import start_thread
from harness.core.tier import Tier
from harness.judge.case import unjudged
from harness.judge.cluster_address import CONNECT_SECONDS, connect, require_safe
from harness.judge.judges import Judges
from harness.lane.context import Context
from harness.lane.fingerprint import engine_of
from harness.lane.pinned_file import FileFaultError, read_plain_file
from harness.lane.protocol import Lane

BATCH_SECONDS = 2.0  # a batch is meant to take this long
FIRST_BATCH, MAX_BATCH = 8, 64  # cases
AHEAD = 2  # batches for each thread of a worker: one is judged, the next one waits there and may be stolen
LOSSES = 2  # a case that is lost so often is `infra`
NO_WORKER_SECONDS = 60.0  # that a case waits for a worker that may judge it
MAX_SOURCE = 1 << 20  # bytes; a larger subject is rejected without a worker
POLL_SECONDS = 1.0
GPU = "GPU"
"""The resource of a worker that has one, as `dask worker --resources GPU=1` says."""
Requirement = tuple[str, ...]


@dataclass(slots=True)
class _Job:
    case: Case
    source: bytes
    found: Future[str]
    losses: int = 0


@dataclass(slots=True)
class _Batch:
    jobs: list[_Job]
    needs: Requirement
    task: Any = None
    started: float = 0.0


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
        self._waiting: deque[_Job] = deque()
        self._running: dict[str, _Batch] = {}
        self._cost = BATCH_SECONDS / FIRST_BATCH
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
        job = _Job(case, source, Future())
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

    # The cluster

    def _set_up(self) -> None:
        from harness.judge.cluster_worker import Bundle, ClusterWorker

        plugin = ClusterWorker(
            self._name,
            lanes={name: (type(lane).__module__, type(lane).__qualname__) for name, lane in self._lanes.items()},
            engine=engine_of(self._lanes, self._lanes),
            secret_seed=self._context.secret_seed,
            bundles=[Bundle.read(Path(path)) for path in sorted(self._trusted)],
        )
        self._client.register_plugin(plugin, name=self._name)

    def _disconnect(self) -> None:
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)
        cluster = getattr(self._client, "crucible_cluster", None)
        if cluster is not None:
            with contextlib.suppress(Exception):
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

    def _workers(self) -> list[tuple[int, dict[str, float]]]:
        """Threads and resources of each worker."""
        info = self._client.scheduler_info()
        return [(worker["nthreads"], worker["resources"]) for worker in info["workers"].values()]

    def _needs(self, case: Case) -> Requirement:
        needs = [f"{self._name}:tier-{self._min_tier}"]
        if "gpu" in case.markers or "gpu" in case.policy.require:
            needs.append(GPU)
        if case.policy.timing is not Timing.NONE and self._machine:
            needs.append(self._machine)  # CPU times of different machines are not compared
        return tuple(needs)

    def _choose_machine(self, workers: Sequence[tuple[int, dict[str, float]]]) -> None:
        """CPU times are measured on one class of machines: the one with the most threads."""
        prefix = f"{self._name}:machine-"
        classes: Counter[str] = Counter()
        for threads, resources in workers:
            classes.update({name: threads for name, held in resources.items() if name.startswith(prefix) and held})
        if classes and not self._machine:
            self._machine = max(sorted(classes), key=lambda name: classes[name])

    # One thread gives out batches; Dask's threads bring results.

    def _dispatch(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._is_closed or bool(self._waiting), timeout=POLL_SECONDS)
                if self._is_closed:
                    return
                if not self._waiting:
                    continue
            try:
                if not self._reconnected():
                    self._give_up(f"the cluster at {self._address} does not answer")
                    continue
                workers = self._workers()
            except Exception:  # the connection broke meanwhile: the next round notices
                time.sleep(POLL_SECONDS / 10)
                continue
            self._choose_machine(workers)
            batches = self._form_batches(workers)
            for batch in batches:
                self._send(batch)
            if not batches:
                with self._change:
                    self._change.wait(POLL_SECONDS)

    def _form_batches(self, workers: Sequence[tuple[int, dict[str, float]]]) -> list[_Batch]:
        """Batches for the workers that have room; what no worker may judge waits, and is refused in the end."""
        batches: list[_Batch] = []
        with self._change:
            waiting: dict[Requirement, deque[_Job]] = {}
            for job in self._waiting:
                if not job.found.cancelled():
                    waiting.setdefault(self._needs(job.case), deque()).append(job)
            self._waiting.clear()
            for needs, jobs in waiting.items():
                threads = sum(count for count, held in workers if all(held.get(need, 0) for need in needs))
                room = AHEAD * threads - sum(batch.needs == needs for batch in self._running.values())
                fitting = max(1, min(MAX_BATCH, round(BATCH_SECONDS / self._cost)))
                size = max(1, min(fitting, math.ceil(len(jobs) / max(1, AHEAD * threads))))
                while jobs and room > 0:
                    taken = [jobs.popleft() for _ in range(min(size, len(jobs)))]
                    kept = [job for job in taken if job.losses or job.found.set_running_or_notify_cancel()]
                    if kept:
                        batches.append(_Batch(kept, needs))
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

    def _send(self, batch: _Batch) -> None:
        from harness.judge.cluster_worker import Sent, judge_batch

        sent = [Sent(json.dumps(job.case.to_wire()), job.source) for job in batch.jobs]
        key = f"{self._name}-{secrets.token_hex(8)}"
        batch.started = time.monotonic()
        with self._change:
            self._running[key] = batch
        batch.task = self._client.submit(
            judge_batch, self._name, sent, key=key, pure=False, resources=dict.fromkeys(batch.needs, 1)
        )
        batch.task.add_done_callback(lambda _task: self._receive(key))

    def _receive(self, key: str) -> None:
        """Take the result of a batch, or its loss."""
        from harness.judge.cluster_worker import require_answers

        with self._change:
            batch = self._running.pop(key, None)
        if batch is None:  # closed meanwhile
            return
        try:
            texts = require_answers(batch.task.result(timeout=CONNECT_SECONDS), [job.case for job in batch.jobs])
            self._cost += ((time.monotonic() - batch.started) / len(batch.jobs) - self._cost) / 4
        except BaseException as error:
            self._lose(batch.jobs, f"the worker of this case was lost: {type(error).__name__}: {error}")
        else:
            for job, text in zip(batch.jobs, texts, strict=True):
                job.found.set_result(text)
        with self._change:
            self._change.notify()

    def _lose(self, jobs: Iterable[_Job], why: str) -> None:
        """What is lost the first time is judged again, at once; the second time it is `infra`."""
        again = []
        for job in jobs:
            job.losses += 1
            if job.losses < LOSSES and not self._is_closed:
                again.append(job)
            else:
                self._resolve(job, clip(why))
        with self._change:
            self._waiting.extendleft(reversed(again))

    def _refuse(self, jobs: Sequence[_Job], needs: Requirement) -> None:
        wanted = ", ".join(need.removeprefix(f"{self._name}:") for need in needs)
        states: dict[str, str] = {}
        with contextlib.suppress(Exception):
            from harness.judge.cluster_worker import worker_state

            states = self._client.run(worker_state, self._name)
        held = "; ".join(f"{worker}: {state}" for worker, state in sorted(states.items())) or "there is no worker"
        for job in jobs:
            self._resolve(job, clip(f"no worker of the cluster has {wanted} ({held})"))

    def _give_up(self, why: str) -> None:
        with self._change:
            jobs = [job for job in self._waiting if job.losses or job.found.set_running_or_notify_cancel()]
            self._waiting.clear()
        for job in jobs:
            self._resolve(job, why)

    def _resolve(self, job: _Job, why: str) -> None:
        job.found.set_result(SerialisedEvaluation.of(unjudged(job.case, why, tier=self._context.tier)).text)

    def _judge_here(self, case: Case) -> Future[str]:
        with self._change:
            if self._here is None:
                self._here = Judges(self._lanes.values(), count=1, context=self._context)
        return self._here.submit(case)


def trusted_paths(case: Case) -> list[str]:
    """The trusted files and folders that the inputs of a case name, by absolute path."""
    values = [value for value in case.inputs.values() if isinstance(value, str) and value.startswith("/")]
    return [value for value in values if value != case.subject.path and named_path(Path(value), "") is not None]
