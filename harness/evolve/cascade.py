"""Cascade: the checks of a generation, from the cheapest: known, parse, gate, duplicate, screen, judged, again."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from harness.core.evaluation import Evaluation
from harness.core.status import Status
from harness.core.trial import Trial, changed
from harness.evolve.job import Batch, Job, Measures
from harness.evolve.measures import TIME_GATE, TIME_STEP, differences, measure, relative, time_ratio, was_late
from harness.evolve.pools import Pools
from harness.evolve.search_run import SearchRun
from harness.judge.verdict import Verdict
from harness.lane.breed import Breed
from harness.ledger.trials import Trials

STAGES = ("reply", "known", "parse", "gate", "duplicate", "screen", "judged", "again", "confirmed", "rescored")
"""In the order of the cascade. `reply`: a provider gave none. `again`: judged several times, since only time limits
spoke against it."""
MAX_LOOKS = 2


class Cascade:
    """Judges trials, those of several batches at once.

    Args:
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
        other_of: Callable[[Trial], str],
        measures_of: Callable[[str], Measures | None],
    ) -> Batch:
        """Begin to judge trials of one tool and epoch; each gets its result, in whatever order.

        Args:
            proposed: The trials in the order of their numbers, with their sources.
            known: The first trial of each digest.
            forms: The number of the first trial with each normal form.
            other_of, measures_of: As in `Batch`.
        """
        batch = Batch(known, other_of, measures_of)
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

    def rescore(self, elites: Sequence[tuple[Trial, Trial]]) -> None:
        """Score owners of cells for a new epoch; if only an earlier slow call speaks against one, judge it again.

        Args:
            elites: The trials, and the latest judged ones of the same bytes.
        """
        known_of = {trial.digest: known for trial, known in elites}
        batch = Batch({}, lambda _trial: "", lambda digest: _without_performance(known_of[digest]))
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
        kept = _without_performance(known)
        return self._concluded(trial, scored, kept["size"], stage=stage, spent={}, relative=kept)

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
        if stage == "again" or (stage == "screen" and job.looks):  # a pool remembers bytes that it judged
            text += _blank(4 * trial.number + job.looks)
        how: dict[str, Any] = {}
        if stage == "screen":
            how = {"screen": True, "allow_slow": not trial.parents}
        elif other := job.batch.other_of(trial):
            how = {"against": (self._trials.source(other), TIME_STEP)}
        job.batch.in_flight += 1
        judged = self._pools.submit(trial.suite, text, epoch=trial.epoch, **how)
        judged.add_done_callback(lambda found: self._events.put((job, stage, found.exception() or found.result())))

    def _take(self, event: tuple[Job, str, Verdict | BaseException]) -> None:
        job, stage, found = event
        job.batch.in_flight -= 1
        if isinstance(found, BaseException):
            raise found
        job.spent[stage] = job.spent.get(stage, 0.0) + found.evaluation.evidence.seconds
        if found.status is Status.INFRA and not job.retried:
            job.retried = True
            self._submit(job, stage)
        elif found.status is Status.INFRA:
            verdict = {**job.trial.verdict, "why": found.why}
            self._end(job, stage=stage, status=found.status.value, passed=None, verdict=verdict)
        elif stage == "screen" and found.status is Status.OK:
            self._submit(job, "judged")
        elif stage == "screen" and not job.looks and not job.trial.parents and was_late(found.evaluation):
            job.looks += 1  # without its seed parents, a search on a busy machine would take another course
            self._submit(job, "screen")
        elif stage == "screen":
            verdict = {
                **job.trial.verdict,
                "why": found.why,
                "feedback": self._breeds[job.trial.suite].feedback(found.evaluation, is_screened=True),
            }
            self._end(job, stage=stage, status=found.status.value, passed=False, verdict=verdict)
        elif stage in ("judged", "again") and job.looks < MAX_LOOKS and was_late(found.evaluation):
            job.looks += 1  # its calls were in time when it was screened: the next verdict counts
            self._submit(job, "again")
        else:
            self._conclude(job, found.evaluation, stage)

    # --- results ---

    def _conclude(self, job: Job, evaluation: Evaluation, stage: str) -> None:
        """The result of a full verdict; its measures are a number of whole steps above its parent's."""
        trial, case = job.trial, evaluation.case
        subject = case.subject.model_copy(update={"digest": trial.digest})
        inputs = {name: value for name, value in case.inputs.items() if name != "against"}  # its source is a row's
        evaluation = evaluation.model_copy(
            update={"case": case.model_copy(update={"subject": subject, "inputs": inputs})}
        )
        other = job.batch.other_of(trial)
        parent = job.batch.measures_of(trial.parents[0]) if trial.parents else None
        settled: Measures = {}
        if not trial.parents:
            settled = {"time": time_ratio(evaluation)}
        elif parent is not None and parent["time"] is not None:
            mine = self._measure(trial, evaluation, job.size)
            found = differences(evaluation, mine, parent) if evaluation.passed and other else {}
            trial = changed(trial, verdict={**trial.verdict, "differences": found}) if found else trial
            settled = relative(found, parent)
        made = self._concluded(trial, evaluation, job.size, stage=stage, spent=job.spent, relative=settled)
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


def _without_performance(known: Trial) -> dict[str, Any]:
    """The measures of a trial but for the performance, which a new budget changes."""
    return {**known.verdict["measures"], "performance": None}


def _blank(number: int) -> str:
    """A blank line for a number: other bytes, and the same candidate, in any language."""
    return f"\n{number:b}\n".translate({ord("0"): " ", ord("1"): "\t"})
