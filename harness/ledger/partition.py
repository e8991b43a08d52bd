"""Partition: the shards of a run that was divided, put together as one run.

That run is a function of its parts, independent of how and in which order they were merged: `assemble` makes it again.
Shards belong together that have the same partition, secret seed, epoch and commit; of a part that was run again
the latest run counts.
"""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from harness.core.status import RunStatus
from harness.ledger import row_writer
from harness.ledger.lookup import Row
from harness.ledger.standings import rank_boards
from harness.ledger.store import Ledger

if TYPE_CHECKING:
    from harness.core.run import Run

SUFFIX = "-merged"
"""Of a run's id: it is that of the latest part, and so sorts by time, behind all parts."""
SHARD = re.compile(r"(\d{1,9})/(\d{1,9}) (\S+)")
COPIED = ("evaluations", "comparisons", "case_columns")
OF_A_PART = tuple(f"--{prefix}{name}" for name in ("shard", "ledger", "report") for prefix in ("", "crucible-"))
MAX_NAMED = 10  # missing parts that a message names


@dataclass(frozen=True, slots=True)
class Part:
    """One run of one part.

    Attributes:
        run: As it was known at its start.
        number: Its number, from 1.
        total: How many parts the partition has.
        digest: The digest of the partition.
        row: Its row of `runs`, with the number of its evaluations as `cases`.
    """

    run: Run
    number: int
    total: int
    digest: str
    row: Row

    @property
    def whole(self) -> tuple[Any, ...]:
        """What parts of one whole have in common."""
        return self.digest, self.total, self.run.secret_seed, self.run.epoch, self.run.git_commit


@dataclass(frozen=True, slots=True)
class Partition:
    """The parts of one whole in a ledger.

    Attributes:
        parts: The latest run of each part, by its number.
        superseded: Ids of earlier runs of these parts.
        others: Runs of parts of the same partition that were judged on other inputs.
        total: How many parts there should be.
    """

    parts: dict[int, Part]
    superseded: tuple[str, ...]
    others: tuple[Part, ...]
    total: int

    @property
    def latest(self) -> Part:
        """The part that began last."""
        return max(self.parts.values(), key=_age)

    @property
    def run_id(self) -> str:
        """The id of the run that stands for the whole."""
        return self.latest.run.run_id + SUFFIX

    @property
    def gates(self) -> tuple[str, ...]:
        """The gates of the whole, in the order in which its parts name them."""
        return tuple(dict.fromkeys(gate for part in self.parts.values() for gate in part.run.gates))

    @property
    def gate_plugins(self) -> Counter[str]:
        """The plugins that have gates of the whole, by name; two `conftest.py` have one name."""
        found: Counter[str] = Counter()
        for part in self.parts.values():
            found |= Counter(part.run.gate_plugins)
        return found

    @property
    def is_complete(self) -> bool:
        """Whether there is a run of every part."""
        return len(self.parts) == self.total

    def problems(self) -> Iterator[str]:
        """Why the whole cannot hold, whatever its parts found."""
        missing = self.total - len(self.parts)
        free = (number for number in count(1) if number not in self.parts)
        if named := [str(number) for number in islice(free, min(missing, MAX_NAMED))]:
            more = f" and {missing - len(named)} more" if missing > len(named) else ""
            what = f"part {named[0]} of {self.total} is missing"
            if len(named) > 1:
                what = f"parts {', '.join(named)}{more} of {self.total} are missing"
            near = [part for part in self.others if part.number not in self.parts]
            yield f"{what}{self._difference(near[0]) if near else ''}"
        for name in sorted({name for part in self.parts.values() for name in part.run.versions}):
            by_version: dict[str, int] = {}
            for number, part in self.parts.items():
                if name in part.run.versions:
                    by_version.setdefault(part.run.versions[name], number)
            if name.startswith("engine:") and len(by_version) > 1:
                one, two = list(by_version.values())[:2]
                yield (
                    f"parts {one} and {two} were judged by different code of the lane {name.partition(':')[2]}: "
                    "install one version everywhere, and run them again"
                )

    def _difference(self, other: Part) -> str:
        mine, its = self.latest.run, other.run
        for what, option, here, there in (
            ("secret seed", "--secret-seed", mine.secret_seed, its.secret_seed),
            ("epoch", "--epoch", mine.epoch, its.epoch),
        ):
            if here != there:
                return (
                    f": part {other.number} was run with {what} {there}, not {here}; give all parts the same {option}"
                )
        commits = [run.git_commit[:12] or "none" for run in (its, mine)]
        return f": part {other.number} was run at commit {commits[0]}, not {commits[1]}"


def partitions(ledger: Ledger) -> list[Partition]:
    """The partitions of which a ledger has parts, oldest first."""
    groups: dict[tuple[Any, ...], list[Part]] = {}
    for part in sorted(_parts(ledger), key=_age):
        groups.setdefault(part.whole, []).append(part)
    found = []
    for whole, runs in groups.items():
        newest = {part.number: part for part in runs}
        kept = {part.run.run_id for part in newest.values()}
        found.append(
            Partition(
                parts=dict(sorted(newest.items())),
                superseded=tuple(part.run.run_id for part in runs if part.run.run_id not in kept),
                others=tuple(
                    part for other, also in groups.items() if other[:2] == whole[:2] and other != whole for part in also
                ),
                total=whole[1],
            )
        )
    return sorted(found, key=lambda one: _age(one.latest))


def parts_of(ledger: Ledger, run_id: str) -> list[Part]:
    """The latest run of each part of a merged run; empty for any other run."""
    return next((list(one.parts.values()) for one in partitions(ledger) if one.run_id == run_id), [])


def assemble(ledger: Ledger) -> list[tuple[Partition, bool]]:
    """Make the runs that stand for the partitions of a ledger; those that are up to date already are left as they are.

    Returns:
        Each partition, and whether its run was made. Such a run is `running` until `conclude`: its gates are yet to be
        evaluated, and if this process is killed before, the next merge makes it again.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    with ledger.writing() as connection:  # of two merges at the same time the second sees what the first one made
        return _assemble(ledger, connection)


def conclude(ledger: Ledger, partition: Partition) -> None:
    """End a run that `assemble` made: it has the status of its parts.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    status = _status(partition)
    if status != RunStatus.RUNNING:
        ended = max(part.row["finished_at"] or "" for part in partition.parts.values())
        with ledger.writing() as connection:
            values = (status, ended, partition.run_id)
            connection.execute("UPDATE runs SET status = ?, finished_at = ? WHERE run_id = ?", values)


def _assemble(ledger: Ledger, connection: sqlite3.Connection) -> list[tuple[Partition, bool]]:
    wholes = partitions(ledger)
    current = {
        found["run_id"]: (json.loads(found["parts"]), found["status"], found["cases"])
        for found in ledger.rows(
            """SELECT run_id, status, json_extract(record, '$.parts') AS parts,
                   (SELECT count(*) FROM evaluations e WHERE e.run_id = runs.run_id) AS cases
               FROM runs WHERE json_valid(record) AND json_array_length(record, '$.parts') > 0"""
        )
    }
    # What is missing depends on other runs, too.
    known = {one.run_id: _state(one) for one in wholes if one.is_complete}
    stale = [run_id for run_id, state in current.items() if known.get(run_id) != state]
    made = [one for one in wholes if one.run_id not in current or one.run_id in stale]
    for run_id in stale:
        connection.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))
    for one in made:
        _write(connection, one)
    rank_boards(connection)
    for one in made:
        row_writer.write_snapshot(connection, one.run_id)
    return [(one, one in made) for one in wholes]


def _parts(ledger: Ledger) -> Iterator[Part]:
    from harness.core.run import Run

    for found in ledger.rows(
        """SELECT runs.*, (SELECT count(*) FROM evaluations e WHERE e.run_id = runs.run_id) AS cases FROM runs
           WHERE json_valid(record) AND json_extract(record, '$.shard') <> ''"""
    ):
        try:
            run = Run.from_wire(json.loads(found["record"]))
        except (ValueError, RecursionError):  # of another version: a part that cannot be read is missing
            continue
        shard = SHARD.fullmatch(run.shard)
        if shard and 1 <= int(shard[1]) <= int(shard[2]):
            yield Part(run.replace(run_id=found["run_id"]), int(shard[1]), int(shard[2]), shard[3], found)


def _age(part: Part) -> tuple[str, str]:
    return part.row["started_at"], part.run.run_id


def _ids(partition: Partition) -> Iterator[str]:
    yield from (part.run.run_id for part in partition.parts.values())
    yield from partition.superseded


def _state(partition: Partition) -> tuple[list[str], str, int]:
    cases = sum(part.row["cases"] for part in partition.parts.values())
    return list(_ids(partition)), _status(partition), cases


def _status(partition: Partition) -> str:
    states = {part.row["status"] for part in partition.parts.values()}
    return next((one for one in (RunStatus.RUNNING, RunStatus.ABORTED) if one in states), RunStatus.FINISHED).value


def _write(connection: sqlite3.Connection, partition: Partition) -> None:
    parts, run_id = list(partition.parts.values()), partition.run_id
    row_writer.write_run(connection, _whole(partition), RunStatus.RUNNING)
    tier = max((part.row["tier"] for part in parts if part.row["tier"]), default=None)  # the weakest
    connection.execute("UPDATE runs SET tier = ? WHERE run_id = ?", (tier, run_id))
    for table in COPIED:
        columns = [found[1] for found in connection.execute(f"PRAGMA table_info({table})")]
        others = ", ".join(name for name in columns if name != "run_id")
        for part in parts:
            connection.execute(
                f"INSERT OR IGNORE INTO {table} (run_id, {others}) SELECT ?, {others} FROM {table} WHERE run_id = ?",  # noqa: S608
                (run_id, part.run.run_id),
            )
    found: dict[tuple[str, str], list[Part]] = {(why, ""): parts for why in partition.problems()}
    for part in parts:
        query = "SELECT why, nodeid FROM run_problems WHERE run_id = ? ORDER BY position"
        for why, nodeid in connection.execute(query, (part.run.run_id,)):
            found.setdefault((why, nodeid), []).append(part)
    connection.executemany(
        "INSERT INTO run_problems (run_id, position, why, nodeid) VALUES (?, ?, ?, ?)",
        [
            (run_id, position, why if len(having) == len(parts) else f"part {having[0].number}: {why}", nodeid)
            for position, ((why, nodeid), having) in enumerate(found.items())
        ],
    )


def _whole(partition: Partition) -> Run:
    """The run of the whole: what all parts have in common, and of the rest all that they have."""
    parts = [part.run for part in partition.parts.values()]
    selected = [run.selected for run in parts if run.selected is not None]
    versions = {name: value for run in parts for name, value in run.versions.items()}
    return partition.latest.run.replace(
        run_id=partition.run_id,
        # Numbers of different machines are not comparable: together they are a class of their own.
        machine=" and ".join(sorted({run.machine for run in parts})),
        command=_undivided(parts[0].command),
        # A verdict is reused only where the code that made it is known.
        versions={name: value for name, value in versions.items() if _agree(parts, name, value)},
        shard="",
        selected=sum(selected) if len(selected) == partition.total else None,
        gates=(),
        gate_plugins=(),
        parts=tuple(_ids(partition)),
    )


def _agree(runs: Iterable[Run], name: str, value: str) -> bool:
    return all(run.versions.get(name, value) == value for run in runs)


def _undivided(command: str) -> str:
    """The command of a part without its `--shard` and its files: what judges the whole."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    return shlex.join(_without(words, OF_A_PART))


def _without(words: Sequence[str], options: tuple[str, ...]) -> Iterator[str]:
    left = iter(words)
    for word in left:
        if word in options:
            next(left, None)
        elif word.partition("=")[0] not in options:
            yield word
