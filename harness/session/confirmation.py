"""Confirmation: finalists are evaluated again on fresh inputs before one is called first (docs/stability.md)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from harness.core.case import Case
from harness.core.digest import derive_seed
from harness.core.evaluation import Evaluation, SerialisedEvaluation
from harness.core.evidence import Evidence
from harness.core.policy import Timing
from harness.core.stability import EVERYONE, FIRST_TEN, MIN_HASH_SEEDS, add_round, counted, stability_of
from harness.core.status import Status
from harness.judge.case import evaluate_case
from harness.judge.folders import scratch_folder
from harness.judge.judges import Judges
from harness.lane.context import Context
from harness.lane.protocol import Lane
from harness.lane.registry import Registry
from harness.ledger import queries
from harness.report.rerun import again, asked
from harness.session.finalists import LEADER, Contender, Finalists
from harness.session.recorder import Recorder
from harness.suites.settings import Settings
from harness.timing.lock import machine_lock

MIN_CONFIRM_SECONDS = 10.0  # the budget of a short run
CONFIRM_SHARE = 0.25  # of the run's own duration: the budget of a longer one
SLOW_SECONDS = 1.0  # a confirmation that is expected to take longer is announced
MAX_BATCH = 24  # finalists that are judged in parallel
MARGIN = 1.5  # of the expected time of confirmations: what is suggested for `--confirm`
SPEED_UP = 4.0  # of one judge process over one case after the other, since most of a case's time is pauses
Job = tuple[int, float, Contender, int]


def another_round(before: Evaluation, lane: Lane, context: Context, *, attempts: int, remeasure: bool) -> Evaluation:
    """Judge a subject again, on inputs from the secret seed of a context, and add the attempts to the evaluation.

    Args:
        before: The evaluation so far.
        context: Its secret seed must differ from that of `before`.
        remeasure: Whether the fresh observations, time included, replace those from before.

    Returns:
        The evaluation of all attempts; where the new ones gave no verdict, `before` with the reason in
        `evidence.unconfirmed`.
    """
    case = _round_of(before, attempts, remeasure=remeasure)
    lock = machine_lock()
    with lock.exclusive() if case.policy.timing is Timing.EXACT else lock.shared():
        fresh = evaluate_case(case, lane, context)
    return merge_round(before, fresh, lane, context.secret_seed, remeasure=remeasure)


def _round_of(before: Evaluation, attempts: int, *, remeasure: bool) -> Case:
    policy = before.case.policy.model_copy(
        update={"attempts": attempts, **({} if remeasure else {"timing": Timing.NONE})}
    )
    return before.case.model_copy(update={"policy": policy})


def merge_round(before: Evaluation, fresh: Evaluation, lane: Lane, secret_seed: int, *, remeasure: bool) -> Evaluation:
    """The evaluation of a subject with a further round, from inputs of another secret seed.

    Args:
        before: The evaluation so far.
        remeasure: As in `another_round`.
    """
    if fresh.status in (Status.INFRA, Status.SKIPPED, Status.REVIEW):
        return _with(before, before.evidence, lane, unconfirmed=f"{fresh.status}: {fresh.why}")
    note: dict[str, Any] = {"secret_seed": str(secret_seed)}
    if remeasure:
        note["score_before"] = before.score.total
    merged = add_round(before.evidence, fresh.evidence, adopt=remeasure and fresh.status is not Status.NOISY, note=note)
    return _with(before, merged, lane)


def _with(before: Evaluation, evidence: Evidence, lane: Lane, *, unconfirmed: str = "") -> Evaluation:
    evidence = evidence.replace(unconfirmed=unconfirmed)
    return Evaluation(case=before.case, evidence=evidence, score=lane.score(evidence, before.case.policy))


class Confirmation:
    """The confirmation of one run, after its last item and before its gates.

    Args:
        recorder: The recorder of the open run; confirmed evaluations replace the recorded ones.
        rerun: The command that repeats the case of a node id, with settings changed by name.
        say: Shows a line before a slow confirmation.
        processes: Number of judge processes, for several finalists at once.
    """

    def __init__(
        self,
        recorder: Recorder,
        registry: Registry,
        settings: Settings,
        *,
        rerun: Callable[..., str],
        say: Callable[[str], None],
        processes: int = 1,
    ) -> None:
        self._recorder, self._opened, self._outcome = recorder, recorder.opened, recorder.outcome
        self._registry, self._settings, self._rerun, self._say = registry, settings, rerun, say
        self._finalists = Finalists(self._opened.run.run_id)
        self._contexts: dict[int, Context] = {}
        self._processes = processes
        self._judges: dict[tuple[int, str], Judges] = {}

    def run(self) -> None:
        """Confirm finalists until none is left or the time limit is reached."""
        ran = time.monotonic() - self._opened.begun
        given = self._settings.confirm
        budget = max(MIN_CONFIRM_SECONDS, CONFIRM_SHARE * ran) if given is None else given
        started, done = time.monotonic(), 0
        while True:
            self._finalists.read(self._opened.ledger)
            # Unless more is asked for, only the leaders of the boards are confirmed.
            jobs = [job for job in self._finalists.jobs() if given is not None or job[0] == LEADER]
            left = budget - (time.monotonic() - started)
            fitting = sorted((job for job in jobs if job[1] <= left), key=lambda job: (job[0], job[1], job[2].nodeid))
            if not fitting:
                break
            batch = self._batch(fitting, left)
            if sum(expected for _, expected, _, _ in batch) >= SLOW_SECONDS:
                names = ", ".join(contender.nodeid for _, _, contender, _ in batch[:3])
                more = f" and {len(batch) - 3} more" if len(batch) > 3 else ""
                self._say(f"confirming {names}{more}, on fresh inputs")
            done += self._confirm(batch, until=started + budget)
        self._report(done, [job for job in jobs if job[0] == LEADER], time.monotonic() - started)

    def _batch(self, fitting: list[Job], left: float) -> list[Job]:
        """The most urgent job, and equally urgent ones that can be judged in parallel with it in the remaining time."""
        urgency, expected, first, _ = fitting[0]
        batch = fitting[:1]
        if self._is_timed(first):
            return batch
        pooled = expected if self._is_pooled(first) else 0.0
        for job in fitting[1:]:
            if job[0] != urgency or len(batch) >= MAX_BATCH:
                break
            if self._is_timed(job[2]):
                continue
            if self._is_pooled(job[2]):
                pooled += job[1]
                if pooled > left * self._processes * SPEED_UP:
                    continue
            elif urgency != LEADER:  # on one board, what is found decides which is next
                continue
            batch.append(job)
        return batch

    def _is_timed(self, one: Contender) -> bool:
        """Whether it is measured while nothing else runs, or is not known here."""
        case = self._opened.cases.get(one.nodeid)
        return case is None or case.timed

    def _is_pooled(self, one: Contender) -> bool:
        lane = self._registry.lanes.get(self._opened.cases[one.nodeid].lane)
        return lane is not None and Judges.can_judge(lane)

    def close(self) -> None:
        """Stop the processes that confirmations started."""
        for judges in self._judges.values():
            judges.close()
        for context in self._contexts.values():
            context.close()

    def _confirm(self, batch: list[Job], *, until: float) -> int:
        """Judge finalists on fresh inputs: in judge processes if they are several, and meanwhile the others here.

        Args:
            until: After the first, none is begun here that is expected to take longer.

        Returns:
            How many were judged.
        """
        submitted: list[tuple[Job, int, Evaluation, Lane, Future[str]]] = []
        here: list[tuple[Job, int, Evaluation, Lane]] = []
        for job in batch:
            one, attempts = job[2], job[3]
            before = queries.load(self._opened.ledger, self._opened.run.run_id, one.nodeid)
            lane = self._registry.lanes.get(before.case.lane)
            if lane is None:  # a conftest.py deep in the tree, which only workers have read
                self._finalists.tried.add(one.nodeid)
                continue
            known = stability_of(before.evidence)
            number = 1 if known is None else known.rounds
            if len(batch) > 1 and self._is_pooled(one):
                case = _round_of(before, attempts, remeasure=number == 1)
                submitted.append((job, number, before, lane, self._judges_of(number, lane).submit(case)))
            else:
                here.append((job, number, before, lane))
        done = 0
        for job, number, before, lane in here:
            if done and time.monotonic() + job[1] > until:
                continue
            context, remeasure = self._context(number), number == 1
            after = another_round(before, lane, context, attempts=job[3], remeasure=remeasure)
            self._revise(job, number, before, after)
            done += 1
        for job, number, before, lane, found in submitted:
            fresh, seed = Evaluation.model_validate_json(found.result()), self._context(number).secret_seed
            self._revise(job, number, before, merge_round(before, fresh, lane, seed, remeasure=number == 1))
        return done + len(submitted)

    def _revise(self, job: Job, number: int, before: Evaluation, after: Evaluation) -> None:
        stability = stability_of(after.evidence)
        if after.evidence.unconfirmed or stability is None or not stability.confirmed:
            self._finalists.tried.add(job[2].nodeid)  # no verdict, or its lane makes too few attempts
        rerun = self._rerun_line(before.case, number, job[3])
        self._recorder.revise(SerialisedEvaluation.of(after), rerun=rerun)

    def _context(self, number: int) -> Context:
        if number not in self._contexts:
            self._contexts[number] = Context(
                secret_seed=derive_seed(self._settings.secret_seed, "confirmation", number),
                scratch=scratch_folder(),
                tier=self._opened.tier,
                protect=self._opened.protect,
                controlled=True,
                # One zygote for each hash seed that a finalist needs; the next finalist uses the same ones.
                warm=FIRST_TEN,
            )
        return self._contexts[number]

    def _judges_of(self, number: int, lane: Lane) -> Judges:
        key = number, lane.name
        if key not in self._judges:
            self._judges[key] = Judges([lane], count=self._processes, context=self._context(number))
        return self._judges[key]

    def _rerun_line(self, case: Case, number: int, attempts: int) -> str:
        return self._rerun(case.nodeid, attempts=attempts, secret_seed=self._context(number).secret_seed)

    def _report(self, done: int, left_out: list[Job], seconds: float) -> None:
        if done:
            line = f"confirmed on fresh inputs: {counted(done, 'evaluation')} in {seconds:.1f} s"
            self._outcome.confirmation_line = line
        if left_out:
            nodeid, enough = left_out[0][2].nodeid, math.ceil(MARGIN * sum(job[1] for job in left_out))
            said = f"{nodeid} leads unconfirmed" if len(left_out) == 1 else f"{len(left_out)} leaders are unconfirmed"
            suites = list(dict.fromkeys(job[2].nodeid.partition("::")[0] for job in left_out))
            self._outcome.advice.append((said, again(asked(self._settings), suites, f"--confirm {enough}")))
        for one in self._finalists.unconfirmed:
            if one.run_id != self._finalists.run_id:
                self._outcome.advice.append(
                    (
                        f"{one.nodeid} of run {one.run_id} leads, but was never confirmed",
                        f"crucible stability {one.digest[:12]} --attempts {MIN_HASH_SEEDS + EVERYONE}",
                    )
                )
