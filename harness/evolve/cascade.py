"""Cascade: the checks of a generation, from the cheapest: known, parse, gate, duplicate, screen, judged, again."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.core.evaluation import Evaluation
from harness.core.status import Status
from harness.core.trial import Trial, changed
from harness.evolve.job import Batch, Job, Measures
from harness.evolve.measures import CLAIM, RELATIVE, difference, measure
from harness.evolve.pools import Pools
from harness.evolve.search_run import SearchRun
from harness.judge.verdict import Verdict
from harness.lane.breed import Breed
from harness.ledger.trials import Trials

STAGES = ("reply", "known", "parse", "gate", "duplicate", "screen", "judged", "again", "confirmed", "rescored")
"""In the order of the cascade. `reply`: a provider gave none. `again`: judged several times, since its measures differ
from its parent's, or only time limits spoke against it."""
MAX_LOOKS = 2
TIME_GATE = "time_ms"  # of lanes that limit the time of a call
_IN_TIME_OR_NOT = frozenset({Status.OK, Status.TIMEOUT})


class Cascade:
    """Judges trials, those of several batches at once.

    Args:
        trials: Where results are written.
        run: Where evaluations are recorded.
        pools: Who judges.
        breeds: What the lane offers for each tool.
        progress: Called whenever results were written.
    """

    def __init__(
        self,
        trials: Trials,
        run: SearchRun,
        pools: Pools,
        breeds: Mapping[str, Breed],
        *,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._trials, self._run, self._pools, self._breeds, self._progress = trials, run, pools, breeds, progress
        self._events: queue.SimpleQueue[tuple[Job, str, Verdict | BaseException]] = queue.SimpleQueue()
        self._done: list[Trial] = []

    def begin(
        self,
        proposed: Iterable[tuple[Trial, str]],
        *,
        known: Mapping[str, Trial],
        forms: Mapping[str, int],
        root_of: Callable[[Trial], Measures | None],
        parent_of: Callable[[Trial], Measures | None],
    ) -> Batch:
        """Begin to judge trials of one tool and epoch; each gets its result, in whatever order.

        Args:
            proposed: The trials in the order of their numbers, with their sources.
            known: The first trial of each digest.
            forms: The number of the first trial with each normal form.
            root_of: The measures of a trial's seed parent; None for a seed parent itself.
            parent_of: The measures of a trial's first parent.
        """
        batch = Batch(known, root_of, parent_of)
        for trial, text in proposed:
            if not trial.verdict.get("fault") and known[trial.digest].number < trial.number:
                batch.copies.append(trial)
            else:
                self._check(Job(batch, trial, text), forms)
        self._write()
        return batch

    def finish(self, batch: Batch) -> None:
        """Wait for the results of a batch; those before it must be finished."""
        try:
            while batch.in_flight:
                self._take(self._events.get())
                while not self._events.empty():
                    self._take(self._events.get())
                self._write()
        finally:
            self._write()
        for trial in batch.copies:
            self._done.append(self.copied(trial, self._trials.rows[batch.known[trial.digest].number]))
        self._write()

    def rescore(self, elites: Iterable[tuple[Trial, Trial]], *, parent_of: Callable[[Trial], Measures | None]) -> None:
        """Score owners of cells for a new epoch; if only an earlier slow call speaks against one, judge it again."""

        def before(trial: Trial) -> Measures | None:
            found = parent_of(trial)
            return None if found is None else {**found, "performance": None}  # which the new budget changes

        batch = Batch({}, before, before)
        for trial, known in elites:
            scored = self.copied(trial, known)
            if known.passed and scored.verdict["why"].startswith(TIME_GATE):
                size = known.verdict["measures"]["size"]
                self._submit(Job(batch, trial, self._trials.source(trial.digest), size, looks=1), "again")
            else:
                self._done.append(scored)
        self.finish(batch)

    def copied(self, trial: Trial, known: Trial) -> Trial:
        """A trial whose bytes were judged before: the verdict is scored for its epoch, and nothing is run."""
        stage = "rescored" if trial.operator == "elite" else "known"
        values = trial.verdict.get("values", {})
        if not known.run_id or not known.verdict.get("measures"):
            return changed(
                trial,
                stage=stage,
                status=known.status,
                passed=known.passed,
                score=known.score,
                verdict=dict(known.verdict),
            )
        before = self._run.load(known)
        policy = before.case.policy.model_copy(
            update={"epoch": trial.epoch, "anneal_temp": values.get("anneal_temp", before.case.policy.anneal_temp)}
        )
        lane = self._pools.lane(trial.suite)
        scored = Evaluation(
            case=before.case.model_copy(update={"policy": policy}),
            evidence=before.evidence,
            score=lane.score(before.evidence, policy),
        )
        old = known.verdict["measures"]
        kept = {**{name: old[name] for name in RELATIVE}, "is_faster": old.get("is_faster", False)}
        kept["performance"] = None  # the new budget changes it
        return self._concluded(trial, scored, old["size"], stage=stage, spent={}, relative=kept)

    # --- stages ---

    def _check(self, job: Job, forms: Mapping[str, int]) -> None:
        trial, started = job.trial, time.perf_counter()
        fault = trial.verdict.get("fault")
        if fault:
            values = {"stage": "reply", "status": Status.INFRA.value, "passed": False}
            self._done.append(changed(trial, **values, verdict={**trial.verdict, "why": fault}))
            return
        found = self._breeds[trial.suite].check(job.text)
        job.size = found.size
        job.spent["check"] = time.perf_counter() - started
        if found.stage:
            verdict = {**trial.verdict, "why": found.why, "feedback": f"{found.status}: {found.why}"}
            self._end(job, stage=found.stage, status=found.status.value, passed=False, verdict=verdict)
        elif forms.get(found.normal_form, trial.number) < trial.number:
            verdict = {**trial.verdict, "why": f"it equals trial {forms[found.normal_form]} but for names and comments"}
            self._end(job, stage="duplicate", status=Status.SKIPPED.value, passed=False, verdict=verdict)
        else:
            self._submit(job, "screen")

    def _submit(self, job: Job, stage: str) -> None:
        trial, text = job.trial, job.text
        if stage == "parent":
            text = self._trials.source(trial.parents[0])
        if stage in ("again", "parent") or (stage == "screen" and job.looks):  # a pool remembers bytes that it judged
            text += _blank(16 * trial.number + 2 * (job.looks + job.pairs) + (stage == "parent"))
        job.batch.in_flight += 1
        judged = self._pools.submit(trial.suite, text, epoch=trial.epoch, screen=stage == "screen")
        judged.add_done_callback(lambda found: self._events.put((job, stage, found.exception() or found.result())))

    def _take(self, event: tuple[Job, str, Verdict | BaseException]) -> None:
        job, stage, found = event
        job.batch.in_flight -= 1
        if isinstance(found, BaseException):
            raise found
        part = "again" if stage == "parent" else stage
        job.spent[part] = job.spent.get(part, 0.0) + found.evaluation.evidence.seconds
        if found.status is Status.INFRA and not job.retried:
            job.retried = True
            self._submit(job, stage)
        elif job.first is not None:
            job.pair[stage] = found
            if len(job.pair) == 2:
                self._compare(job, job.first)
        elif found.status is Status.INFRA:
            verdict = {**job.trial.verdict, "why": found.why}
            self._end(job, stage=stage, status=found.status.value, passed=None, verdict=verdict)
        elif stage == "screen" and found.status is Status.OK:
            self._submit(job, "judged")
        elif stage == "screen" and not job.looks and job.batch.root_of(job.trial) is None and _was_late(found):
            job.looks += 1  # without its seed parents, a search on a busy machine would take another course
            self._submit(job, "screen")
        elif stage == "screen":
            verdict = {
                **job.trial.verdict,
                "why": found.why,
                "feedback": self._breeds[job.trial.suite].feedback(found.evaluation, is_screened=True),
            }
            self._end(job, stage=stage, status=found.status.value, passed=False, verdict=verdict)
        elif stage in ("judged", "again") and job.looks < MAX_LOOKS and _was_late(found):
            job.looks += 1  # its calls were in time when it was screened: the next verdict counts
            self._submit(job, "again")
        elif stage in ("judged", "again") and self._is_unlike(job, found):
            job.first = found
            self._measure_again(job)
        else:
            self._conclude(job, found.evaluation, stage)

    def _is_unlike(self, job: Job, found: Verdict) -> bool:
        """Whether a verdict says that a candidate takes more or less time or memory than its parent."""
        parent = job.batch.parent_of(job.trial)
        if not found.passed or parent is None or parent["time"] is None:
            return False
        mine = self._measure(job.trial, found.evaluation, job.size)
        return any(abs(difference(name, mine[name], parent[name])) > CLAIM for name in RELATIVE)

    def _measure_again(self, job: Job) -> None:
        job.pair.clear()
        job.pairs += 1
        self._submit(job, "again")
        self._submit(job, "parent")

    def _compare(self, job: Job, first: Verdict) -> None:
        """Take one more measurement of a candidate next to its parent, on the same machine at the same time.

        The inputs are those of the first verdict, and so no noise brings a candidate evidence that others lack.
        """
        fresh, parent = job.pair["again"], job.pair["parent"]
        if fresh.status is not Status.OK and fresh.reward is not None and not _was_late(fresh):  # it is not stable
            self._conclude(job, fresh.evaluation, "again")
            return
        if fresh.status is parent.status is Status.OK:
            job.compare(*(self._measure(job.trial, one.evaluation, job.size) for one in (fresh, parent)))
        if job.is_settled:
            self._conclude(job, first.evaluation, "again")
        else:
            self._measure_again(job)

    # --- results ---

    def _conclude(self, job: Job, evaluation: Evaluation, stage: str) -> None:
        """The result of a full verdict; its measures are a number of whole steps above its parent's."""
        subject = evaluation.case.subject.model_copy(update={"digest": job.trial.digest})
        evaluation = evaluation.model_copy(update={"case": evaluation.case.model_copy(update={"subject": subject})})
        trial = job.trial
        if job.differences["time"]:
            trial = changed(trial, verdict={**trial.verdict, "differences": job.differences})
        made = self._concluded(trial, evaluation, job.size, stage=stage, spent=job.spent, relative=job.relative)
        self._done.append(made)

    def _concluded(
        self,
        trial: Trial,
        evaluation: Evaluation,
        size: int,
        *,
        stage: str,
        spent: dict[str, float],
        relative: Measures,
    ) -> Trial:
        """The trial with the result of a full verdict, whose evaluation is recorded, and the measures as settled."""
        values = trial.verdict.get("values", {})
        if values.get("anneal_temp", 1.0) != evaluation.case.policy.anneal_temp:
            policy = evaluation.case.policy.model_copy(update={"anneal_temp": values["anneal_temp"]})
            lane = self._pools.lane(trial.suite)
            evaluation = Evaluation(
                case=evaluation.case.model_copy(update={"policy": policy}),
                evidence=evaluation.evidence,
                score=lane.score(evaluation.evidence, policy),
            )
        found = self._measure(trial, evaluation, size)
        found |= {name: value for name, value in relative.items() if None not in (value, found[name])}
        self._run.record(evaluation, trial)
        return changed(
            trial,
            stage=stage,
            status=evaluation.status.value,
            score=evaluation.score.total,
            passed=evaluation.passed,
            run_id=self._run.run_id,
            seconds=sum(spent.values()),
            verdict={
                **trial.verdict,
                "why": evaluation.why,
                "feedback": self._breeds[trial.suite].feedback(evaluation),
                "measures": found,
                "spent": spent,
            },
        )

    def _end(self, job: Job, **values: Any) -> None:
        verdict = {**values.pop("verdict"), "spent": job.spent}
        self._done.append(changed(job.trial, seconds=sum(job.spent.values()), verdict=verdict, **values))

    def _measure(self, trial: Trial, evaluation: Evaluation, size: int) -> dict[str, Any]:
        return measure(evaluation, size=size, descriptor=self._breeds[trial.suite].descriptor(evaluation))

    def _write(self) -> None:
        if self._done:
            done, self._done = self._done, []
            self._trials.complete(done)
            self._progress()


def _blank(number: int) -> str:
    """A blank line for a number: other bytes, and the same candidate, in any language."""
    return f"\n{number:b}\n".translate({ord("0"): " ", ord("1"): "\t"})


def _was_late(found: Verdict) -> bool:
    """Whether time limits alone speak against a candidate; on a busy machine that may be the machine's fault."""
    statuses = {attempt.status for attempt in found.evaluation.evidence.attempts}
    is_late = found.status is Status.TIMEOUT or (found.status is Status.FLAKY and Status.TIMEOUT in statuses)
    failed = {gate.name for gate in found.evaluation.score.failed}
    return (is_late and statuses <= _IN_TIME_OR_NOT) or (found.status is Status.OK and failed == {TIME_GATE})
