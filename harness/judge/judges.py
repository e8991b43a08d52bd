"""Judges: the judge processes of one pool, and the distribution of cases among them."""

from __future__ import annotations

import json
import math
import os
import signal
import threading
from collections import deque
from collections.abc import Collection, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from harness.core.case import Case
from harness.core.closing import Closing
from harness.core.errors import InfraError
from harness.core.evaluation import SerialisedEvaluation
from harness.core.owned_folder import OwnedFolder
from harness.core.resources import start_thread
from harness.judge.case import unjudged
from harness.judge.judge_process import NOTICE
from harness.lane.context import Context
from harness.lane.json_worker import JsonWorker, WorkerFault
from harness.lane.protocol import Lane, ObservingLane
from harness.timing.lock import notice

WIDTH = 16
"""Cases in flight in one judge process: while some pause, there is work from the others."""
MIN_LOAD = 4
"""A further judge process starts when there are more cases than this many for each that was started."""
_GRACE = 2.0  # seconds in which a process that was told to end closes its boxes
_LOOK_AHEAD = 64  # waiting cases that are searched for one whose tool a judge has prepared


@dataclass(slots=True)
class _Job:
    number: int
    case: Case
    found: Future[str]
    is_suspect: bool = False

    @property
    def tool(self) -> str:
        """Cases of one tool are given to one process, which has started the tool's oracle."""
        return str(self.case.inputs.get("tool", ""))


@dataclass(slots=True)
class _Judge:
    worker: JsonWorker | None = None
    jobs: dict[int, _Job] = field(default_factory=dict)
    tools: set[str] = field(default_factory=set)
    has_judged: bool = False


class Judges(Closing):
    """Judge processes, started as they are needed.

    A process that dies loses no case: all cases that it had are judged again, one at a time, so that the one that ends
    its process a second time is known; that one becomes `infra`.

    Args:
        lanes: The lanes of the cases.
        count: Maximum number of processes.
        context: Its values are those of the processes' own contexts.
    """

    def __init__(self, lanes: Iterable[Lane], *, count: int, context: Context) -> None:
        self._folder = OwnedFolder("judges")
        self._settings = json.dumps(
            {
                "secret_seed": context.secret_seed,
                "scratch": str(context.scratch),
                "tier": context.tier,
                "protect": [str(path) for path in context.protect],
                "without": sorted(context.without),
                "shared": str(self._folder.path),
                "warm": context.warm,
                "width": WIDTH,
                "lanes": {lane.name: [type(lane).__module__, type(lane).__qualname__] for lane in lanes},
            }
        )
        self._tier, self._depth = context.tier, 2 * WIDTH  # those in flight, and the next ones
        self._judges = [_Judge() for _ in range(max(1, count))]
        self._started = 0
        self._waiting: deque[_Job] = deque()
        self._suspects: deque[_Job] = deque()
        self._count = 0
        self._is_closed = False
        self._change = threading.Condition()

    @staticmethod
    def can_judge(lane: Lane) -> bool:
        """Whether the cases of a lane can be judged in a judge process: it observes, and it can be imported there."""
        module = type(lane).__module__
        return isinstance(lane, ObservingLane) and module.startswith("harness.")

    def submit(self, case: Case) -> Future[str]:
        """Give a case to a process; see `submit_all`."""
        return self.submit_all([case])[0]

    def submit_all(self, cases: Collection[Case]) -> list[Future[str]]:
        """Give cases to processes, those of a tool to one as far as all are busy; each result is an evaluation's JSON.

        Submitted one by one, the first cases of each tool would go to all processes, and each would start its oracle.
        A case whose future is cancelled before its process began with it is not judged.

        Raises:
            InfraError: if the judges were closed, or not even one can be started.
        """
        with self._change:
            self.require_open()
            unfinished = self._unfinished + len(cases)
            while self._started < len(self._judges) and unfinished > MIN_LOAD * self._started:
                try:
                    start_thread(self._tend, self._judges[self._started], name="crucible-judge")
                    self._started += 1
                except InfraError:
                    if not self._started:
                        raise
                    break
            jobs = [_Job(number, case, Future()) for number, case in enumerate(cases, self._count + 1)]
            self._count += len(jobs)
            self._waiting.extend(jobs)
            for judge in self._judges[: self._started]:
                self._give(judge)
            if self._waiting and any(judge.worker is None for judge in self._judges[: self._started]):
                self._change.notify_all()
        return [job.found for job in jobs]

    def require_open(self) -> None:
        """Check that cases can still be submitted.

        Raises:
            InfraError: if the judges were closed.
        """
        if self._is_closed:
            raise InfraError("the pool is closed")

    def close(self) -> None:
        """End the processes; cases that were not judged are cancelled."""
        with self._change:
            self._is_closed = True
            jobs = [*self._waiting, *self._suspects, *(job for judge in self._judges for job in judge.jobs.values())]
            self._waiting.clear()
            self._suspects.clear()
            workers = [judge.worker for judge in self._judges if judge.worker is not None]
            for judge in self._judges:
                judge.worker = None
                judge.jobs.clear()
            self._change.notify_all()
        for job in jobs:
            if not job.found.cancel():
                job.found.set_exception(InfraError("the pool was closed before this case was judged"))
        for worker in workers:
            worker.close(grace=0.0 if jobs else _GRACE)
        self._folder.remove()

    # One thread for each process reads its answers. Any thread that holds the lock may write to it: it always reads.

    def _tend(self, judge: _Judge) -> None:
        number = self._judges.index(judge)
        failures = 0
        while True:
            with self._change:
                self._change.wait_for(lambda: self._is_closed or self._waiting or self._suspects or judge.jobs)
                if self._is_closed:
                    return
                judge.has_judged = False
                judge.tools.clear()
            worker, why = self._run_process(judge, number)
            with self._change:
                if judge.worker is not worker:  # closed meanwhile
                    return
                judge.worker = None
                lost, judge.jobs = list(judge.jobs.values()), {}
                failures = 0 if judge.has_judged else failures + 1
                if len(lost) == 1 and lost[0].is_suspect:
                    self._resolve(lost[0], self._unjudged(lost[0].case, f"{why}, twice, with this case"))
                elif failures > 2:  # it cannot even start
                    for job in (*lost, *self._waiting, *self._suspects):
                        self._resolve(job, self._unjudged(job.case, why))
                    self._waiting.clear()
                    self._suspects.clear()
                else:
                    for job in lost:
                        job.is_suspect = True
                    self._suspects.extend(lost)
            if worker is not None:
                worker.close()

    def _run_process(self, judge: _Judge, number: int) -> tuple[JsonWorker | None, str]:
        """Start a process and read its answers until it ends; the process, if there was one, and why it ended."""
        worker = None
        try:
            with self._change:
                if self._is_closed:
                    return None, ""
                folder = self._folder.path
                worker = judge.worker = JsonWorker(
                    "harness.judge.judge_process", self._settings, folder=folder, log=folder / f"judge-{number}.log"
                )
                self._give(judge)
            self._read(judge, worker)
            why = f"the judge process ended with exit status {worker.wait(5.0)}"
            return worker, f"{why} ({worker.last_error})" if worker.last_error else why
        except (OSError, MemoryError) as error:  # what waits must not wait forever
            return worker, f"no judge process can be used: {str(error) or 'out of memory'}"

    def _read(self, judge: _Judge, worker: JsonWorker) -> None:
        """Read evaluations until the process ends."""
        buffer = bytearray()
        while True:
            try:
                data = os.read(worker.answers, 1 << 20)
            except (OSError, WorkerFault):  # closed by `close`
                return
            if not data:
                return
            buffer += data
            if b"\n" not in data:
                continue
            *lines, buffer = buffer.split(b"\n")
            with self._change:
                for line in lines:
                    number, _, text = line.partition(b" ")
                    if int(number) == NOTICE:
                        notice(text.decode())
                    job = judge.jobs.pop(int(number), None)
                    if job is not None:
                        judge.has_judged = True
                        self._resolve(job, text.decode())
                self._give(judge)

    @property
    def _unfinished(self) -> int:
        """Number of cases that wait or are with a process; the lock is held."""
        return len(self._waiting) + len(self._suspects) + sum(len(judge.jobs) for judge in self._judges)

    def _give(self, judge: _Judge) -> None:
        """Give a process its next cases; the lock is held."""
        if judge.worker is None:
            return
        lines: list[bytes] = []
        # Its share: a process that is only starting must find cases, too.
        limit = min(self._depth, math.ceil(self._unfinished / self._started))
        try:
            while len(judge.jobs) < limit and (job := self._next(judge)) is not None:
                if not job.is_suspect and not job.found.set_running_or_notify_cancel():
                    continue
                judge.jobs[job.number] = job
                judge.tools.add(job.tool)
                lines.append(json.dumps({"number": job.number, "case": job.case.to_wire()}).encode())
            if lines:
                data = memoryview(b"\n".join(lines) + b"\n")
                while data:
                    data = data[os.write(judge.worker.requests, data) :]
        except (OSError, WorkerFault):
            pass  # the process has ended: its thread gives its cases to another one
        except MemoryError:  # a case that was taken but not sent: the same
            os.kill(judge.worker.pid, signal.SIGKILL)

    def _next(self, judge: _Judge) -> _Job | None:
        alone = any(job.is_suspect for job in judge.jobs.values())
        if alone:
            return None
        if self._suspects:
            return None if judge.jobs else self._suspects.popleft()
        for index, job in enumerate(self._waiting):
            if job.tool in judge.tools:
                del self._waiting[index]
                return job
            if index >= _LOOK_AHEAD:
                break
        taken = {tool for other in self._judges if other is not judge for tool in other.tools if other.jobs}
        for index, job in enumerate(self._waiting):
            if job.tool not in taken:
                del self._waiting[index]
                return job
            if index >= _LOOK_AHEAD:
                break
        # All waiting tools are another process's: help with them.
        return self._waiting.popleft() if self._waiting else None

    def _resolve(self, job: _Job, text: str) -> None:
        job.found.set_result(text)

    def _unjudged(self, case: Case, why: str) -> str:
        return SerialisedEvaluation.of(unjudged(case, why, tier=self._tier)).text
