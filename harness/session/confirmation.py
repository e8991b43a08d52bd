"""Confirmation: finalists are judged again on fresh inputs before anybody calls them first (docs/stability.md)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.case import Case
from harness.core.digest import derive_seed
from harness.core.errors import LedgerError
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.policy import Timing
from harness.core.stability import (
    EVERYONE,
    FIRST_TEN,
    FIRST_THREE,
    MIN_HASH_SEEDS,
    add_round,
    counted,
    stability_of,
)
from harness.core.status import Status
from harness.judge.case import evaluate_case
from harness.judge.folders import scratch_folder
from harness.lane.context import Context
from harness.lane.protocol import Lane
from harness.ledger import queries
from harness.timing.lock import machine_lock

if TYPE_CHECKING:
    from harness.ledger.store import Ledger
    from harness.session.run_session import RunSession

SECONDS = 10.0
"""The least time for confirmations, and"""
SHARE = 0.25
"""the share of the run's own time, if that is more."""
LOOKED_AT = 30
"""First ranks of a suite that are looked at: failures among the first ten let others move up."""
SLOW = 1.0
"""Seconds from which somebody who waits is told for what."""


def another_round(before: Evaluation, lane: Lane, context: Context, *, attempts: int, remeasure: bool) -> Evaluation:
    """Judge a subject once more, on what a context's secret seed draws, and add that to what was known.

    Args:
        before: The evaluation so far.
        lane: Its lane.
        context: Its secret seed must be another one than before.
        attempts: How many to add.
        remeasure: Whether the fresh observations, time included, replace those from before.

    Returns:
        The whole; `before` itself with a reason in `facts["unconfirmed"]` where no verdict came.
    """
    policy = before.case.policy.model_copy(
        update={"attempts": attempts, **({} if remeasure else {"timing": Timing.NONE})}
    )
    lock = machine_lock()
    with lock.exclusive() if policy.timing is Timing.EXACT else lock.shared():
        fresh = evaluate_case(before.case.model_copy(update={"policy": policy}), lane, context)
    if fresh.status in (Status.INFRA, Status.SKIPPED, Status.REVIEW):
        return _with(before, before.evidence, lane, unconfirmed=f"{fresh.status}: {fresh.why}")
    note: dict[str, Any] = {"secret_seed": str(context.secret_seed)}
    if remeasure:
        note["score_before"] = before.score.total
    merged = add_round(before.evidence, fresh.evidence, adopt=remeasure and fresh.status is not Status.NOISY, note=note)
    return _with(before, merged, lane)


def _with(before: Evaluation, evidence: Evidence, lane: Lane, *, unconfirmed: str = "") -> Evaluation:
    facts = {name: value for name, value in evidence.facts.items() if name != "unconfirmed"}
    evidence = evidence.model_copy(update={"facts": facts | ({"unconfirmed": unconfirmed} if unconfirmed else {})})
    return Evaluation(case=before.case, evidence=evidence, score=lane.score(evidence, before.case.policy))


@dataclass(frozen=True, slots=True)
class Contender:
    """A subject that passes, on the board of its suite.

    Attributes:
        run_id: The run that judged it last.
        nodeid: Its case.
        digest: Its content.
        attempts: So far.
        seconds: What judging it took, and
        asked: what of that were its attempts; 0 where nobody took their time.
        confirmed: Whether it may be called first; None where there is nothing to confirm.
        seeds: Hash seeds so far; where attempts have none, the attempts.
        leads: Whether it stands first, alone or with others.
    """

    run_id: str
    nodeid: str
    digest: str
    attempts: int
    seconds: float
    asked: float
    confirmed: bool | None
    seeds: int
    leads: bool

    def expected(self, attempts: int) -> float:
        """Seconds that so many more attempts will take: what is done once, and each of them."""
        asked = self.asked or self.seconds
        return max(0.0, self.seconds - asked) + asked / max(1, self.attempts) * attempts


@dataclass(slots=True)
class Finalists:
    """The boards of a run, best first, and whose turn it is.

    Attributes:
        run_id: The run; nobody else's subjects are judged.
        boards: Contenders by lane and suite.
        tried: Cases that cannot be confirmed, by node id.
    """

    run_id: str
    boards: dict[tuple[str, str], list[Contender]] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)

    def read(self, ledger: Ledger) -> None:
        """Take the boards as they stand: each confirmation may have moved somebody."""
        self.boards = {}
        for row in queries.contenders(ledger, self.run_id, first=LOOKED_AT):
            confirmed = None if row["confirmed"] is None else bool(row["confirmed"])
            names = ("run_id", "nodeid", "digest", "attempts", "seconds")
            contender = Contender(
                **{name: row[name] for name in names},
                asked=row["asked"] or 0.0,
                confirmed=confirmed,
                seeds=row["attempts"] if row["hash_seeds"] is None else row["hash_seeds"],
                leads=row["rank"] == 1,
            )
            self.boards.setdefault((row["lane"], row["suite"]), []).append(contender)

    def jobs(self) -> Iterator[tuple[int, float, Contender, int]]:
        """All there is to do now: urgency (less is sooner), expected seconds, who, attempts to add."""
        for board in self.boards.values():
            for place, one in enumerate(board[:FIRST_TEN_RANKS], 1):
                if one.run_id != self.run_id or one.confirmed is None or one.nodeid in self.tried:
                    continue
                urgency, wanted = _turn(place, one)
                if wanted > 0:
                    yield urgency, one.expected(wanted), one, wanted

    @property
    def unconfirmed(self) -> list[Contender]:
        """Who leads a board and must not be called first."""
        return [board[0] for board in self.boards.values() if board and board[0].confirmed is False]


FIRST_TEN_RANKS, FIRST_THREE_RANKS = 10, 3


def _turn(place: int, one: Contender) -> tuple[int, int]:
    """How urgent somebody's next attempts are (less is sooner), and how many they are."""
    if one.confirmed:
        if one.attempts < FIRST_TEN:
            return 2, FIRST_TEN - one.attempts
        return 3, FIRST_THREE - one.attempts if place <= FIRST_THREE_RANKS else 0
    # However many attempts there are, they were not made on fresh inputs. Who leads is asked for no more than first
    # place needs, so that every board gets as far as that; whoever shares its place comes next.
    if one.leads:
        return (0 if place == 1 else 1), max(EVERYONE, MIN_HASH_SEEDS - one.seeds)
    return 2, max(EVERYONE, FIRST_TEN - one.attempts)


class Confirmation:
    """A pytest plugin of the controller: between the last item and the run's gates.

    Args:
        session: This process's part in the run.
    """

    def __init__(self, session: RunSession) -> None:
        self._session = session
        self._contexts: dict[int, Context] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Confirm the finalists of a run that is complete."""
        recording, settings = self._session.recording, self._session.settings
        complete = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        stopped = bool(session.shouldfail or session.shouldstop)
        if recording is None or recording.run is None or recording.ledger is None or recording.aborted:
            return
        if not complete or stopped or settings.confirm == 0:
            return
        ran = (datetime.now(UTC) - recording.run.started_at).total_seconds()
        budget = max(SECONDS, SHARE * ran) if settings.confirm is None else settings.confirm
        try:
            self._confirm(Finalists(recording.run.run_id), recording.ledger, budget)
        except LedgerError as error:
            recording.notices.append(f"not everybody was confirmed: {error}")
        except Exception as error:  # ours, or a lane's that cannot score what it made: gates and report still follow
            recording.reasons.append(f"the confirmation failed: {type(error).__name__}: {error}")
        except KeyboardInterrupt:
            recording.aborted = True
            session.exitstatus = pytest.ExitCode.INTERRUPTED
            recording.notices.append("the confirmation was interrupted: what it had confirmed stays")
        finally:
            for context in self._contexts.values():
                context.close()

    def _confirm(self, finalists: Finalists, ledger: Ledger, budget: float) -> None:
        started, done = time.monotonic(), 0
        while True:
            finalists.read(ledger)
            left = budget - (time.monotonic() - started)
            fitting = [job for job in finalists.jobs() if job[1] <= left]
            if not fitting:
                break
            _, expected, contender, attempts = min(fitting, key=lambda job: (job[0], job[1], job[2].nodeid))
            self._say(f"confirming {contender.nodeid}: {counted(attempts, 'attempt')} on fresh inputs", expected)
            self._judge(finalists, contender, attempts)
            done += 1
        left_out = [one for _, _, one, _ in finalists.jobs()]
        if done or left_out:
            self._report(finalists, done, len(left_out), time.monotonic() - started, budget)

    def _judge(self, finalists: Finalists, one: Contender, attempts: int) -> None:
        recording = self._session.recording
        if recording is None or recording.ledger is None or recording.run is None:
            return
        before = queries.load(recording.ledger, recording.run.run_id, one.nodeid)
        lane = self._session.registry.lanes.get(before.case.lane)
        if lane is None:  # a conftest.py deep in the tree, which only workers have read
            finalists.tried.add(one.nodeid)
            return
        known = stability_of(before.evidence)
        number = 1 if known is None else known.rounds
        after = another_round(before, lane, self._context(number), attempts=attempts, remeasure=number == 1)
        stability = stability_of(after.evidence)
        if "unconfirmed" in after.evidence.facts or stability is None or not stability.confirmed:
            finalists.tried.add(one.nodeid)  # for reasons of ours, or its lane makes too few attempts
        recording.revise(before, after, rerun=self._rerun(before.case, number, attempts))

    def _context(self, number: int) -> Context:
        if number not in self._contexts:
            self._contexts[number] = Context(
                secret_seed=derive_seed(self._session.settings.secret_seed, "confirmation", number),
                scratch=scratch_folder(),
                tier=self._session.share.tier,
                protect=self._session.protect,
                controlled=True,
                # One for each hash seed that a finalist needs, so that the next one finds them started.
                warm=FIRST_TEN,
            )
        return self._contexts[number]

    def _rerun(self, case: Case, number: int, attempts: int) -> str:
        return self._session.repeat(case.nodeid, attempts=attempts, secret_seed=self._context(number).secret_seed)

    def _report(self, finalists: Finalists, done: int, left_out: int, seconds: float, budget: float) -> None:
        recording = self._session.recording
        if recording is None:
            return
        line = f"confirmed on fresh inputs: {counted(done, 'evaluation')} in {seconds:.1f} s"
        if left_out:
            line += f"; {left_out} would not fit into {budget:.3g} s (--confirm SECONDS)"
        recording.confirmation_line = line
        for one in finalists.unconfirmed:
            if one.run_id != finalists.run_id:
                recording.notices.append(
                    f"{one.nodeid} of run {one.run_id} leads, but was never confirmed: "
                    f"crucible stability {one.digest[:12]} --attempts {MIN_HASH_SEEDS + EVERYONE}"
                )

    def _say(self, line: str, expected: float) -> None:
        reporter = self._session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and expected >= SLOW and reporter.verbosity >= 0:
            reporter.ensure_newline()
            reporter.write_line(line)
