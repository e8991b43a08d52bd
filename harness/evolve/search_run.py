"""SearchRun: the run of the ledger that holds the evaluations of one process that searches."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.core.evaluation import Evaluation, SerialisedEvaluation
from harness.core.run import Run, new_run_id
from harness.core.status import RunStatus
from harness.core.tier import Tier
from harness.core.trial import Trial
from harness.judge.provenance import git_commit, machine, versions
from harness.ledger import queries
from harness.ledger.store import Ledger


class SearchRun:
    """Evaluations of trials, as rows that `top`, `show`, `lineage`, `trend` and `pareto` read.

    Args:
        ledger: Open for writing.
        name: The experiment; part of the suite's name.
        secret_seed: Of the inputs.
    """

    def __init__(self, ledger: Ledger, name: str, *, secret_seed: int, words: Sequence[str]) -> None:
        self._ledger, self._name = ledger, name
        started = datetime.now(UTC)
        self._run = Run(
            run_id=new_run_id(started, started.microsecond << 4 | os.urandom(1)[0] & 15),
            started_at=started,
            epoch=0,
            secret_seed=secret_seed,
            tier=None,
            machine=machine(),
            git_commit=git_commit(Path.cwd()),
            command=shlex.join(["crucible", *words]),
            versions=versions(),
        )
        self._has_begun = False

    @property
    def run_id(self) -> str:
        """Its id in the ledger."""
        return self._run.run_id

    def record(self, evaluation: Evaluation, trial: Trial) -> Evaluation:
        """Record the evaluation of a trial under its name, with its parents.

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        if not self._has_begun:  # a search that only shows its result leaves no run
            self._ledger.begin(self._run)
            self._has_begun = True
        subject = evaluation.case.subject.model_copy(
            update={
                "name": trial.name,
                "path": "",
                "parents": tuple(parent for parent in trial.parents if parent != trial.digest),
                "group": self._name,
            }
        )
        case = evaluation.case.model_copy(
            update={"suite": self.suite(trial.suite), "name": trial.digest[:16], "subject": subject}
        )
        named = evaluation.model_copy(update={"case": case})
        self._ledger.record(named, run_id=self.run_id, text=SerialisedEvaluation.of(named).text)
        return named

    def load(self, trial: Trial) -> Evaluation:
        """The evaluation that is the verdict of a trial.

        Raises:
            LedgerError: if it is not there.
        """
        return queries.load(self._ledger, trial.run_id, f"{self.suite(trial.suite)}::{trial.digest[:16]}")

    def suite(self, tool: str) -> str:
        """The name under which the verdicts on one tool are ranked."""
        return f"evolve/{self._name}/{tool}"

    def finish(self, *, is_complete: bool, tier: Tier | None) -> None:
        """End the run."""
        if self._has_begun:
            status = RunStatus.FINISHED if is_complete else RunStatus.ABORTED
            self._ledger.finish(self.run_id, status, tier=tier)
