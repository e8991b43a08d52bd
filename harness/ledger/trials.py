"""Trials: the rows of a search. There is no other state, so a search continues from them after any kill."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Self

from harness.core.errors import LedgerError
from harness.core.trial import Trial
from harness.ledger import sources
from harness.ledger.process import Process
from harness.ledger.row import now, plain
from harness.ledger.store import Ledger

_COLUMNS = tuple(one.name for one in fields(Trial))
_PROPOSE = f"""INSERT INTO trials (experiment, proposed_at, {", ".join(_COLUMNS)})
VALUES (?, ?{", ?" * len(_COLUMNS)})"""  # noqa: S608 - names are ours
_RESULTS = ("stage", "status", "score", "passed", "run_id", "verdict", "seconds")
_COMPLETE = f"""UPDATE trials SET {", ".join(f"{name} = ?" for name in _RESULTS)}, judged_at = ?
WHERE experiment = ? AND number = ?"""  # noqa: S608 - names are ours


class Trials:
    """The trials of one experiment in an open ledger.

    Args:
        ledger: Open for writing, or for reading if nothing is added.
        experiment: Its key in `experiments`.
    """

    def __init__(self, ledger: Ledger, experiment: str) -> None:
        self._ledger, self.experiment = ledger, experiment
        names = ", ".join(_COLUMNS)
        query = f"SELECT {names} FROM trials WHERE experiment = ? ORDER BY number"  # noqa: S608 - names are ours
        self.rows: dict[int, Trial] = {row["number"]: _trial(row) for row in ledger.rows(query, experiment)}

    @classmethod
    def begin(
        cls, ledger: Ledger, experiment: str, *, lane: str, config: Mapping[str, Any], is_new: bool = False
    ) -> Self:
        """Begin an experiment, or continue it; this process holds it until `end`, or until it dies.

        Args:
            ledger: Open for writing.
            config: All that it depends on, JSON only.
            is_new: Whether it begins again: earlier trials of it are deleted.

        Raises:
            LedgerError: if another process that is alive holds it, or the ledger cannot be written.
        """
        mine = Process.current()
        with ledger.writing() as connection:
            found = connection.execute("SELECT record FROM experiments WHERE experiment = ?", (experiment,)).fetchone()
            record = json.loads(found["record"]) if found else {}
            holder = Process.from_wire(record["holder"]) if record.get("holder") else None
            if holder is not None and holder != mine and holder.near and holder.alive:
                what = f"experiment {experiment} is being searched by process {holder.pid}"
                raise LedgerError(what, where=str(ledger.path), fix="wait until it ends, or use another --ledger")
            if is_new:
                connection.execute("DELETE FROM trials WHERE experiment = ?", (experiment,))
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


def experiments(ledger: Ledger) -> list[dict[str, Any]]:
    """All experiments, oldest first, with the number of their trials."""
    return ledger.rows(
        """SELECT e.*, (SELECT count(*) FROM trials t WHERE t.experiment = e.experiment) AS trials
           FROM experiments e ORDER BY created_at, experiment"""
    )


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
