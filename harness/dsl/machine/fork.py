"""Forking: another run from any event of a run; upgrading: a run goes on under a changed program."""

from __future__ import annotations

from harness.core.errors import UsageError
from harness.dsl.eventlog.fault import LogError
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.eventlog.runlog import Parent, RunLog
from harness.dsl.ir import Program
from harness.dsl.machine.replay import Replayed, replay
from harness.dsl.machine.run_files import copy_work_files
from harness.dsl.machine.seeds import ENGINE
from harness.dsl.machine.settings import RunSettings


def fork(file: LogFile, log: RunLog, seq: int) -> RunLog:
    """A new run that shares everything up to an event; only its work files are copied, as they are now.

    Args:
        file: Open for writing.
        log: The run it leaves.
        seq: The last event they share.

    Raises:
        LogError: if there is no such event, or the work files cannot be copied.
    """
    event = file.event(log, seq)
    name = _free(file, f"{log.name}/fork-{seq}")
    new = file.create(
        name, log.genesis_value(), settings=file.settings(log), parent=Parent(log.number, seq, event.hash)
    )
    copy_work_files(file.path.parent, log.number, new.number)
    return new


def upgrade(file: LogFile, log: RunLog, program: Program) -> tuple[RunLog | None, Replayed]:
    """Let a run go on under a changed program, if the change does not touch what has happened.

    The whole past is executed under the new program; every event must come out the same. Then the events are chained
    anew under the new program's first hash; keys of effects stay what they were.

    Returns:
        The new run, None if the past comes out differently; and how far it came.

    Raises:
        UsageError: if the run has ended.
    """
    settings = RunSettings.from_wire(file.settings(log))
    events = list(log.events())
    if events and events[-1].value["k"] in ("ended", "failed") and "again" not in events[-1].value:
        raise UsageError(
            f"run {log.name} has ended", where=str(file.path), fix="run the changed program, or fork the run first"
        )
    found = replay(program, log, run=log.run_hash)
    if found.divergence is not None:
        return None, found
    genesis = {
        **log.genesis_value(),
        "engine": ENGINE,
        "program": program.digest,
        "upgraded": {"head": log.head.hex() if not events else events[-1].hash.hex(), "run": log.run_hash},
    }
    source = file.blobs.put(program.source.encode("utf-8")).hex()
    changed = settings.replace(source=source, path=program.path)
    new = file.create(_free(file, f"{log.name}/upgrade"), genesis, settings=changed.to_wire())
    copy_work_files(file.path.parent, log.number, new.number)
    for event in events:
        new.append(event.body, wall=event.wall is not None)
    new.set_status("running")
    new.commit(boundary=True)
    return new, found


def _free(file: LogFile, name: str) -> str:
    taken = {row.name for row in file.runs()}
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    if len(found) > 500:
        raise LogError("forks of forks of forks: the name is too long", where=str(file.path))
    return found
