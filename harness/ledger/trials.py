"""Trials: the rows of a search. There is no other state, so a search continues from them after any kill."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from harness.core.digest import digest_json
from harness.core.errors import LedgerError
from harness.ledger import sources
from harness.ledger.process import Process
from harness.ledger.row import now, plain
from harness.ledger.store import Ledger

PROPOSED = "proposed"
"""The stage of a trial that was not judged yet."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One proposal.

    Attributes:
        number: Its number in the experiment, from 0; the order of all decisions.
        generation: The barrier that it belongs to.
        epoch: The epoch of its budget.
        suite: The name of what it is judged by; for tools the tool id.
        digest: Digest of its bytes; the source is kept under it.
        island: The island that it was proposed on.
        normal_form: Digest of its syntax tree without names of local variables, comments and positions.
        parents: Digests of the trials that it was made from; the first gave most of its text.
        operator: What made it.
        stage: The last stage that it reached; `proposed` until it is judged.
        status: The status of its verdict; empty until it is judged.
        score: Its score; None where it was not scored.
        passed: Whether its verdict passed; None until it is judged.
        cell: Its cell of the archive; empty where it has none.
        run_id: The run whose evaluation is its verdict; empty where none is stored.
        verdict: Measures of the verdict, JSON only.
        seconds: Seconds of judging it.
    """

    number: int
    generation: int
    epoch: int
    suite: str
    digest: str
    island: int = 0
    normal_form: str = ""
    parents: tuple[str, ...] = ()
    operator: str = ""
    stage: str = PROPOSED
    status: str = ""
    score: float | None = None
    passed: bool | None = None
    cell: str = ""
    run_id: str = ""
    verdict: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def is_judged(self) -> bool:
        """Whether it has a result."""
        return self.stage != PROPOSED


_COLUMNS = tuple(one.name for one in fields(Trial))
_PROPOSE = f"""INSERT INTO trials (experiment, proposed_at, {", ".join(_COLUMNS)})
VALUES (?, ?{", ?" * len(_COLUMNS)})"""  # noqa: S608 - names are ours
_RESULTS = ("stage", "status", "score", "passed", "cell", "run_id", "verdict", "seconds")
_COMPLETE = f"""UPDATE trials SET {", ".join(f"{name} = ?" for name in _RESULTS)}, judged_at = ?
WHERE experiment = ? AND number = ?"""  # noqa: S608 - names are ours


class Trials:
    """The trials of one experiment in an open ledger.

    Args:
        ledger: Open for writing, or for reading if nothing is added.
        experiment: Its key in `experiments`.

    Attributes:
        rows: All trials by number.
    """

    def __init__(self, ledger: Ledger, experiment: str) -> None:
        self._ledger, self.experiment = ledger, experiment
        names = ", ".join(_COLUMNS)
        query = f"SELECT {names} FROM trials WHERE experiment = ? ORDER BY number"  # noqa: S608 - names are ours
        self.rows: dict[int, Trial] = {row["number"]: _trial(row) for row in ledger.rows(query, experiment)}

    @classmethod
    def begin(cls, ledger: Ledger, experiment: str, *, lane: str, config: Mapping[str, Any]) -> Self:
        """Begin an experiment, or continue it; this process holds it until `end`, or until it dies.

        Raises:
            LedgerError: if another process that is alive holds it, or the ledger cannot be written.
        """
        mine = Process.current()
        with ledger.writing() as connection:
            found = connection.execute("SELECT record FROM experiments WHERE experiment = ?", (experiment,)).fetchone()
            record = json.loads(found["record"]) if found else {}
            holder = Process.from_wire(record["holder"]) if record.get("holder") else None
            if holder is not None and holder != mine and holder.near and holder.alive:
                raise LedgerError(
                    f"experiment {experiment} is being searched by process {holder.pid}",
                    where=str(ledger.path),
                    fix="wait until it ends, or use another --ledger",
                )
            text = json.dumps(record | {"holder": mine.to_wire()})
            connection.execute(
                """INSERT INTO experiments (experiment, lane, config, record, created_at, updated_at)
                   VALUES (:experiment, :lane, :config, :record, :now, :now) ON CONFLICT (experiment) DO UPDATE
                   SET config = :config, record = :record, state = 'running', updated_at = :now""",
                {
                    "experiment": experiment,
                    "lane": lane,
                    "config": json.dumps(dict(config)),
                    "record": text,
                    "now": now(),
                },
            )
        return cls(ledger, experiment)

    def propose(self, trials: Sequence[Trial], texts: Mapping[str, str | bytes]) -> None:
        """Add trials, with their sources by digest, in one transaction.

        Raises:
            LedgerError: if the ledger cannot be written; then none of them was added.
        """
        with self._ledger.writing() as connection:
            for digest, text in texts.items():
                sources.keep(connection, digest, text)
            at = now()
            connection.executemany(_PROPOSE, [(self.experiment, at, *_values(trial, _COLUMNS)) for trial in trials])
        self.rows.update((trial.number, trial) for trial in trials)

    def complete(self, trials: Iterable[Trial]) -> None:
        """Write the results of trials.

        Raises:
            LedgerError: if the ledger cannot be written.
        """
        done = list(trials)
        if not done:
            return
        with self._ledger.writing() as connection:
            at = now()
            rows = [(*_values(trial, _RESULTS), at, self.experiment, trial.number) for trial in done]
            connection.executemany(_COMPLETE, rows)
        self.rows.update((trial.number, trial) for trial in done)

    def end(self, state: str, record: Mapping[str, Any]) -> None:
        """Release the experiment and keep what it came to.

        Args:
            state: `running` (it can be continued), `finished` or `stopped`.
            record: JSON only.
        """
        with self._ledger.writing() as connection:
            connection.execute(
                "UPDATE experiments SET state = ?, record = ?, updated_at = ? WHERE experiment = ?",
                (state, json.dumps(dict(record)), now(), self.experiment),
            )

    def source(self, digest: str) -> str:
        """The source of a trial.

        Raises:
            LedgerError: if the ledger does not have it.
        """
        text = sources.read(self._ledger, digest)
        if text is None:
            raise LedgerError(f"the source {digest[:16]} is not kept", where=str(self._ledger.path))
        return text


def record_search(
    ledger: Ledger,
    name: str,
    *,
    lane: str,
    config: Mapping[str, Any],
    trials: Sequence[Trial],
    texts: Mapping[str, str | bytes] | None = None,
) -> str:
    """Record a search that a verb has made, as rows of the same form; recording it again replaces its rows.

    Args:
        ledger: Open for writing.
        name: What was searched.
        lane: Its lane.
        config: All that the search depends on, JSON only.
        trials: Its complete trials.
        texts: Sources by digest.

    Returns:
        The key of the experiment.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    key = f"{name}-{digest_json([lane, name, dict(config)])[:12]}"
    with ledger.writing() as connection:
        connection.execute("DELETE FROM experiments WHERE experiment = ?", (key,))
        connection.execute(
            """INSERT INTO experiments (experiment, lane, config, state, created_at, updated_at)
               VALUES (:key, :lane, :config, 'finished', :now, :now)""",
            {"key": key, "lane": lane, "config": json.dumps(dict(config)), "now": now()},
        )
        for digest, text in (texts or {}).items():
            sources.keep(connection, digest, text)
        at = now()
        connection.executemany(_PROPOSE, [(key, at, *_values(trial, _COLUMNS)) for trial in trials])
        connection.execute("UPDATE trials SET judged_at = ? WHERE experiment = ?", (at, key))
    return key


def experiments(ledger: Ledger) -> list[dict[str, Any]]:
    """All experiments, oldest first, with the number of their trials."""
    return ledger.rows(
        """SELECT e.*, (SELECT count(*) FROM trials t WHERE t.experiment = e.experiment) AS trials
           FROM experiments e ORDER BY created_at, experiment"""
    )


def changed(trial: Trial, **values: Any) -> Trial:
    """The trial with other values."""
    return replace(trial, **values)


def _trial(row: dict[str, Any]) -> Trial:
    passed = None if row["passed"] is None else bool(row["passed"])
    parents, verdict = tuple(json.loads(row["parents"])), json.loads(row["verdict"])
    return Trial(**{**row, "passed": passed, "parents": parents, "verdict": verdict})


def _values(trial: Trial, names: Sequence[str]) -> list[Any]:
    values = asdict(trial)
    found = []
    for name in names:
        value = values[name]
        if name in ("parents", "verdict"):
            value = json.dumps(value, allow_nan=False)
        elif isinstance(value, bool):
            value = int(value)
        elif isinstance(value, str):
            value = plain(value)
        found.append(value)
    return found
