"""Fork: a new run from any event of a run. Upgrade: a run continues under a changed program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.dsl.eventlog.fault import LogError
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.eventlog.runlog import Parent, RunLog
from harness.dsl.ir import Program
from harness.dsl.machine.file_versions import files_at, restore_files
from harness.dsl.machine.replay import Replayed, replay
from harness.dsl.machine.run_files import WORK, folder_of_run
from harness.dsl.machine.seeds import ENGINE
from harness.dsl.machine.settings import RunSettings


def fork(file: LogFile, log: RunLog, seq: int) -> RunLog:
    """Create a run that shares all events up to one; its work files are those of that event.

    Args:
        file: Open for writing.
        seq: The last shared event.

    Raises:
        LogError: if there is no such event, or the work files cannot be restored.
    """
    event = file.event(log, seq)
    files = files_at(log, stop=seq + 1)
    name = _unused_name(file, f"{log.name}/fork-{seq}")
    new = file.create(
        name, log.genesis_value(), settings=file.settings(log), parent=Parent(log.number, seq, event.hash)
    )
    restore_files(files, folder_of_run(file.path.parent, new.number) / WORK, file.blobs)
    return new


def upgrade(file: LogFile, log: RunLog, program: Program) -> tuple[RunLog | None, Replayed]:
    """Continue a run under a changed program, if the change does not affect the recorded events.

    All events are replayed under the new program and must be equal. Then they are chained again from the new program's
    first hash; the keys of effects stay the same. A run that has ended has nothing to continue: it is only verified.

    Returns:
        The new run, the same run if it has ended, None if an event differs; and the result of the replay.

    Raises:
        LogError: if the log is damaged: its events would get valid hashes.
    """
    _, events = log.load(fits=lambda _: False)
    found = replay(program, log, run=log.run_hash)
    if found.divergence is not None:
        return None, found
    if events and _is_last(events[-1].value):
        return log, found
    settings = RunSettings.from_wire(file.settings(log))
    genesis = {
        **log.genesis_value(),
        "engine": ENGINE,
        "program": program.digest,
        "upgraded": {"head": log.head.hex() if not events else events[-1].hash.hex(), "run": log.run_hash},
    }
    source = file.blobs.put(program.source.encode("utf-8")).hex()
    changed = settings.replace(source=source, path=program.path)
    new = file.create(_unused_name(file, f"{log.name}/upgrade"), genesis, settings=changed.to_wire())
    files = dict(log.files(stop=len(events)))
    for event in events:
        new.append(event.body, wall=event.wall)
        if event.seq in files:
            new.attach_files(files[event.seq])
    new.set_status("running")
    new.commit(boundary=True)
    restore_files(files_at(new), folder_of_run(file.path.parent, new.number) / WORK, file.blobs)
    return new, found


def _is_last(event: Mapping[str, Any]) -> bool:
    """Whether an event ended its run: a failure does, unless it is tried again, handled or caught."""
    if event["k"] == "failed":
        return not any(name in event for name in ("again", "handler", "at"))
    return event["k"] in ("ended", "cancelled")


def _unused_name(file: LogFile, name: str) -> str:
    taken = {row.name for row in file.runs()}
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    if len(found) > 500:
        raise LogError("the name is too long: too many forks of forks", where=str(file.path))
    return found
