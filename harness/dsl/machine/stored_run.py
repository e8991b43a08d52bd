"""Reading a stored run: its log and the program that it began with."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from harness.dsl.analysis.load import load_source
from harness.dsl.eventlog.fault import LogError
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.eventlog.runlog import RunLog
from harness.dsl.ir import Program
from harness.dsl.machine.external_effects import ExternalEffects
from harness.dsl.machine.machine import Machine
from harness.dsl.machine.outcome import Outcome, outcome_of
from harness.dsl.machine.run_files import LOG
from harness.dsl.machine.seeds import ENGINE
from harness.dsl.machine.settings import RunSettings


def open_log(folder: Path) -> LogFile:
    """The log of a run's folder, for reading; any number of processes may read it at the same time.

    Raises:
        LogError: if there is none, or it cannot be read.
    """
    return LogFile(folder / LOG, read_only=True)


def stored_program(file: LogFile, log: RunLog) -> Program:
    """The program that a run began with, from the text in the log; its file may have changed since.

    Raises:
        LogError: if the text is missing, or is not the one whose digest is in the chain.
    """
    settings = RunSettings.from_wire(file.settings(log))
    genesis = log.program_genesis()
    if genesis.engine != ENGINE:
        fix = "use the version that made it, or run the program again"
        raise LogError(f"the run was made by {genesis.engine}, this is {ENGINE}", where=str(file.path), fix=fix)
    try:
        source = file.blobs.get(bytes.fromhex(settings.source)).decode("utf-8")
    except (KeyError, ValueError) as error:
        raise LogError(f"the program's text is missing: {error}", where=str(file.path), fix="restore a copy") from error
    program = load_source(source, path=settings.path, inputs=tuple(genesis.inputs), entry=genesis.entry)
    if program.digest != genesis.program:
        raise LogError("the stored program is not the one in the chain", where=str(file.path), fix="restore a copy")
    return program


def stored_outcome(program: Program, log: RunLog) -> Outcome:
    """The outcome of a run so far, from its log alone; another process may be writing it.

    Raises:
        LogError: if the log is damaged.
    """
    # Nothing is performed: a machine that only folds events needs no external effects.
    nothing = cast("ExternalEffects", None)
    machine = Machine(program, log, nothing, run=log.run_hash, seed=log.program_genesis().seed)
    machine.resume(log)
    return outcome_of(
        program,
        machine.state,
        status=machine.status,
        head=log.head.hex(),
        events=log.seq + 1,
        questions=machine.questions,
        in_doubt=[fiber.intent.key for fiber in machine.in_doubt if fiber.intent is not None],
        repeated=0,
    )
