"""KnownVerdicts: the ledger of a pool: verdicts of earlier runs that still apply, and the rows of this one."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from harness.core.case import Case
from harness.core.errors import CrucibleError, LedgerError
from harness.core.evaluation import Evaluation, SerialisedEvaluation
from harness.core.evidence import NOT_REUSED, REUSED_IF_EXPECTED, Evidence
from harness.core.run import Run, new_run_id
from harness.core.status import RunStatus, Status
from harness.core.tier import Tier
from harness.judge.judged_suite import JudgedSuite
from harness.judge.provenance import git_commit, machine, versions
from harness.judge.verdict import Verdict
from harness.ledger import file
from harness.ledger.store import Ledger


def is_reusable(evidence: Evidence, tier: Tier | None, *, expect: Status | None = None) -> bool:
    """Whether evidence of an earlier run is a verdict: it was judged, not too noisily, and in boxes of this tier.

    Args:
        expect: The status that its case must have: what was to be `review` or `flaky`, and is, needs no second look.
    """
    is_noisy = evidence.quality is not None and evidence.quality.noisy
    status = evidence.status
    is_settled = status not in NOT_REUSED and (status not in REUSED_IF_EXPECTED or expect is status)
    return is_settled and not is_noisy and evidence.tier in (None, tier)


class KnownVerdict(Verdict):
    """A verdict of an earlier run. Its evaluation is read when it is asked for: that takes longer than finding it.

    Args:
        row: A row of `evaluations`.
        case: The case to which it applies, or a `Template`'s.
    """

    _row: sqlite3.Row
    _case: Case

    def __init__(self, row: sqlite3.Row, case: Case) -> None:
        vars(self).update(_row=row, _case=case)  # the class is frozen

    @cached_property
    def evaluation(self) -> Evaluation:
        """The evaluation of the earlier run, for this case; a template's gets the name that its candidate had there."""
        row, case = self._row, self._case
        try:
            known = Evaluation.model_validate_json(row["record"])
        except (ValueError, RecursionError) as error:
            what = f"the record of evaluation {case.nodeid} in run {row['run_id']} cannot be read"
            raise LedgerError(what, fix="judge it again: fresh=True") from error
        before = known.case
        if case.subject.digest != before.subject.digest:
            subject = before.subject.model_copy(update={"path": ""})
            changes = {"name": before.name, "title": before.title, "subject": subject}
            case = case.model_copy(update=changes)
        reused = known.evidence.replace(reused=known.evidence.reused or row["run_id"])
        return known.model_copy(update={"case": case, "evidence": reused})

    @property
    def status(self) -> Status:
        """As recorded."""
        return Status(self._row["status"])

    @property
    def passed(self) -> bool:
        """As recorded."""
        return bool(self._row["passed"])

    @property
    def score(self) -> float | None:
        """As recorded."""
        found: float | None = self._row["score"]
        return found

    @property
    def why(self) -> str:
        """As recorded."""
        return str(self._row["why"])

    @property
    def size(self) -> int:
        """Characters of its record."""
        return len(self._row["record"])

    def is_reusable(self, tier: Tier | None) -> bool:
        """Whether it is a verdict, see `is_reusable`."""
        row = self._row
        if self.status in NOT_REUSED | REUSED_IF_EXPECTED or '"noisy":true' in row["record"]:  # its evidence decides
            known = Evaluation.model_validate_json(row["record"])
            return is_reusable(known.evidence, tier, expect=known.case.policy.expect)
        return row["tier"] in (None, tier)


class KnownVerdicts:
    """The verdicts of a ledger, for one program that judges; any thread may use it.

    The run is registered with its first verdict, so a program that judged nothing leaves no run.

    Args:
        path: The ledger; made if it is missing.
        root: The project, for the commit.
        epoch: The epoch of the run.
        secret_seed: Its secret seed.
        tier: The proved tier.
        engine: Fingerprints of the judging code by `engine:LANE` (`harness.lane.fingerprint`).
        fresh: Whether verdicts of earlier runs are ignored.

    Attributes:
        run: The run.
        fresh: As given.

    Raises:
        LedgerError: if the ledger cannot be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        root: Path,
        epoch: int,
        secret_seed: int,
        tier: Tier | None,
        engine: Mapping[str, str],
        fresh: bool = False,
    ) -> None:
        started = datetime.now(UTC)
        self.run = Run(
            run_id=new_run_id(started, started.microsecond << 4 | os.urandom(1)[0] & 15),
            started_at=started,
            epoch=epoch,
            secret_seed=secret_seed,
            tier=tier,
            machine=machine(),
            git_commit=git_commit(root),
            command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            versions=versions() | dict(engine),
        )
        self._engine, self.fresh = dict(engine), fresh
        self._lock = threading.Lock()
        self._ledger = Ledger.open(path)
        # Its own connection: a question to the ledger itself would write what is pending first.
        self._reader = file.connect(path, read_only=True)
        self._engines: dict[str, dict[str, str]] = {}
        self._names: dict[str, str] = {}
        self._has_begun = False

    def named(self, case: Case) -> Case:
        """The case under a name that no other candidate of this run has: rows are kept by name."""
        with self._lock:
            if self._names.setdefault(case.nodeid, case.subject.digest) == case.subject.digest:
                return case
        return case.model_copy(update={"name": f"{case.name}-{case.subject.digest[:12]}"})

    def find(self, case: Case, key: str) -> KnownVerdict | None:
        """The latest verdict of an earlier run that applies to a case; None if there is none.

        Args:
            case: The case, or a `Template`'s.
            key: The `key` of the candidate's case.
        """
        if self.fresh:
            return None
        with self._lock:
            rows = self._reader.execute(
                """SELECT run_id, e.status, passed, score, why, e.tier, unpacked(e.record, digest, numbers) AS record
                   FROM evaluations e JOIN runs USING (run_id)
                   WHERE case_key = ? AND machine = ? AND e.status NOT IN ('infra', 'skipped')
                   ORDER BY created_at DESC, run_id""",
                (bytes.fromhex(key), self.run.machine),
            ).fetchall()
            name = f"engine:{case.lane}"
            rows = [row for row in rows if self._engine_of(row["run_id"]).get(name, "") == self._engine.get(name)]
        if not rows:
            return None
        found = KnownVerdict(rows[0], case)
        try:
            return found if found.is_reusable(self.run.tier) else None
        except (ValueError, RecursionError):  # not one that this version wrote: judged again
            return None

    def find_bytes(
        self, suite: JudgedSuite, blank: Path, how: str, epoch: int | None, digest: str
    ) -> tuple[str, KnownVerdict | None]:
        """The key and the verdict of a candidate by its digest, as `find` would for its case, which is not made.

        Args:
            suite: Its suite.
            blank: An empty file.
            how: As for `JudgedSuite.case_of`.
            epoch: As for `JudgedSuite.case_of`.
            digest: Hex SHA-256 of the candidate.
        """
        if self.fresh:
            return "", None
        try:
            template = suite.template(blank, how=how, epoch=epoch)
        except (OSError, CrucibleError):
            return "", None  # making the case says what is wrong
        key = template.key_of(digest)
        return key, self.find(template.case, key)

    def record(self, evaluation: Evaluation, text: str) -> None:
        """Record a verdict of this run.

        Args:
            evaluation: The evaluation.
            text: Its JSON.
        """
        with self._lock:
            if not self._has_begun:
                self._ledger.begin(self.run)
                self._has_begun = True
            self._ledger.record(evaluation, run_id=self.run.run_id, text=text)

    def close(self) -> None:
        """Finish the run.

        Raises:
            LedgerError: if a verdict could not be stored.
        """
        with self._lock:
            try:
                if self._has_begun:
                    self._ledger.finish(self.run.run_id, RunStatus.FINISHED)
            finally:
                self._reader.close()
                self._ledger.close()

    def _engine_of(self, run_id: str) -> dict[str, str]:
        if run_id not in self._engines:
            [row] = file.rows(self._reader, "SELECT versions FROM runs WHERE run_id = ?", (run_id,))
            self._engines[run_id] = json.loads(row["versions"])
        return self._engines[run_id]


def without_path(evaluation: Evaluation) -> tuple[Evaluation, str]:
    """An evaluation, and its JSON, of a candidate that was not read from a file of the user."""
    subject = evaluation.case.subject.model_copy(update={"path": ""})
    case = evaluation.case.model_copy(update={"subject": subject})
    made = SerialisedEvaluation.of(evaluation.model_copy(update={"case": case}))
    return made.evaluation, made.text
