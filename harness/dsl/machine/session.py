"""Session: an open run in a folder, with its log, work files and settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.core.closing import Closing
from harness.core.errors import UsageError
from harness.dsl.eventlog.fault import LogError
from harness.dsl.eventlog.logfile import LogFile
from harness.dsl.eventlog.runlog import RunLog
from harness.dsl.eventlog.storage import Probe
from harness.dsl.ir import Program
from harness.dsl.machine.answers import QuestionHandler, give_answer
from harness.dsl.machine.effect_handler import EffectHandler
from harness.dsl.machine.file_versions import FileVersions, files_at, restore_files
from harness.dsl.machine.machine import Machine
from harness.dsl.machine.machine_settings import MachineSettings
from harness.dsl.machine.outcome import Outcome, outcome_of
from harness.dsl.machine.recorder import Listener
from harness.dsl.machine.run_files import LOG, WORK, folder_of_run, write_input_files
from harness.dsl.machine.seeds import ENGINE
from harness.dsl.machine.settings import RunSettings
from harness.dsl.machine.stored_run import stored_program
from harness.dsl.values import Value

if TYPE_CHECKING:
    from harness.dsl.tools.boxed_script import Boxed
    from harness.providers.question import Provider
    from harness.sandbox.pool import BoxPool


class Session(Closing):
    """An open run, and a context manager; create it with `Session.start` or `Session.resume`.

    Args:
        folder: Of the log; `place` is the folder of the run's files.
        provider: Answers questions, instead of the settings' back end.
        boxes: Runs scripts; by default a pool is started at first use.
    """

    def __init__(
        self,
        program: Program,
        folder: Path,
        file: LogFile,
        log: RunLog,
        settings: RunSettings,
        *,
        provider: Provider | None = None,
        boxes: BoxPool | None = None,
        listener: Listener | None = None,
        progress: Callable[[str], None] | None = None,
        retry_failed: bool = False,
    ) -> None:
        self.program, self.folder, self.file, self.log, self.settings = program, folder, file, log, settings
        self._started_boxes: list[BoxPool] = []
        self._boxes = boxes
        self._boxed: Boxed | None = None
        self.place = folder_of_run(folder, log.number)
        work = self.place / WORK
        if not work.is_dir():  # a new run, or a crash between creating a fork and writing its files
            if kept := files_at(log):
                restore_files(kept, work, file.blobs)
            work.mkdir(parents=True, exist_ok=True)
        self._versions = FileVersions(work, file.blobs, log)
        asked = _provider(settings) if provider is None else provider
        self.questions = QuestionHandler(asked, concurrency=settings.concurrency)
        self.handler = EffectHandler(
            settings,
            folder,
            work,
            versions=self._versions,
            boxed=lambda: self.boxed,
            questions=self.questions,
            mocks=(*settings.mocks, *program.mocks),
            progress=progress,
            retry_failed=retry_failed,
        )
        log.group = settings.group
        self.machine = Machine(
            program,
            log,
            self.handler,
            run=log.run_hash,
            seed=log.program_genesis().seed,
            settings=MachineSettings(
                limits=settings.limits,
                listener=listener,
                query_seconds=settings.query_seconds,
                real_time=settings.live,
                resolved={str(entry.get("key")): entry for entry in settings.resolutions},
            ),
        )

    @classmethod
    def start(
        cls,
        program: Program,
        folder: Path,
        *,
        inputs: Mapping[str, Value] | None = None,
        seed: int = 0,
        settings: RunSettings | None = None,
        files: Mapping[str, bytes] | None = None,
        probe: Probe | None = None,
        **more: Any,
    ) -> Self:
        """Start a run in a folder without one.

        Args:
            folder: Created if it does not exist.
            settings: Of the run; see `RunSettings`.
            files: Initial content of the work folder, by path.
            probe: See `LogFile`.
            more: Keyword arguments of `Session`.

        Raises:
            UsageError: if the folder holds a run, or the inputs do not fit.
            LogError: if the log or a file cannot be written.
        """
        settings = settings or RunSettings()
        path, was_there = folder / LOG, folder.exists()
        file = LogFile(path, durability=settings.durability, probe=probe)
        try:
            if file.runs():
                fix = "resume it, or choose another folder"
                raise UsageError("there is a run in this folder", where=str(folder), fix=fix)
            if files:
                write_input_files(folder, files)
            given = dict(inputs or {})
            source = file.blobs.put(program.source.encode("utf-8")).hex()
            settings = settings.replace(source=source, path=program.path)
            entry = program.units[program.main].name if program.main >= 0 else ""
            genesis = {"engine": ENGINE, "program": program.digest, "entry": entry, "inputs": given, "seed": seed}
            log = file.create("main", genesis, settings=settings.to_wire())
            session = cls(program, folder, file, log, settings, **more)
            session.begin(given)
        except BaseException:
            file.close()
            if not was_there:  # remove the folder of a run that did not begin
                import shutil

                shutil.rmtree(folder, ignore_errors=True)
            raise
        return session

    @classmethod
    def resume(
        cls,
        folder: Path,
        *,
        run: str | None = None,
        change: Mapping[str, Any] | None = None,
        probe: Probe | None = None,
        **more: Any,
    ) -> Self:
        """Open a stored run to continue it, in any process.

        Args:
            run: Name of the run; by default the newest main run.
            change: Settings to replace, by name.
            probe: See `LogFile`.
            more: Keyword arguments of `Session`.

        Raises:
            LogError: if there is no run, or its log is damaged.
        """
        path = folder / LOG
        if not path.is_file():
            raise LogError("the folder has no run", where=str(folder), fix="`crucible dsl runs` lists them")
        with LogFile(path, read_only=True) as reader:
            durability = RunSettings.from_wire(reader.settings(reader.open_run(run))).durability
        file = LogFile(path, durability=durability, probe=probe)
        try:
            log = file.open_run(run)
            settings = RunSettings.from_wire(file.settings(log) | dict(change or {}))
            program = stored_program(file, log)
            session = cls(program, folder, file, log, settings, **more)
            session.machine.resume(log)
            if log.seq < 0:  # killed before the first event was committed
                session.begin(log.program_genesis().inputs)
            if change:
                session.save_settings(settings)
        except BaseException:
            file.close()
            raise
        return session

    def begin(self, inputs: Mapping[str, Value]) -> None:
        """Write and commit the first event, with the files that the run begins with."""
        self.machine.begin(inputs)
        self.log.attach_files(self._versions.changes())
        self.log.commit(boundary=True)

    def run(self, *, steps: int | None = None) -> Outcome:
        """Run until the program ends, waits or is stopped, or until `steps` more steps have ended.

        Raises:
            LogError: if the log cannot be written.
        """
        self.machine.run(steps=steps)
        if repeated := self.machine.take_repeated():
            self.save_settings(self.settings.replace(repeated=self.settings.repeated + repeated))
        if self.machine.state.status != "running":
            self.handler.forget_messages(self.machine.state.sent)
        outcome = self.outcome
        if outcome.status != self.machine.status:  # it ended without passing: `crucible dsl runs` shows why
            self.log.set_status(outcome.status)
            self.log.commit(boundary=True)
        return outcome

    @property
    def outcome(self) -> Outcome:
        """The outcome so far, from the state of the machine."""
        machine = self.machine
        doubts = [fiber.intent.key for fiber in machine.in_doubt if fiber.intent is not None]
        return outcome_of(
            self.program,
            machine.state,
            status=machine.status,
            head=self.log.head.hex(),
            events=self.log.seq + 1,
            questions=machine.questions,
            in_doubt=doubts,
            repeated=self.settings.repeated,
        )

    def answer(self, question: str, text: str, *, source: str = "") -> str:
        """Answer an open question; `run` continues.

        Returns:
            `answered`, or `known` if the same answer was given before.

        Raises:
            UsageError: if there is no such open question, the answer has the wrong type, or a different one was given.
        """
        return give_answer(self.machine, self.log, question, text, source=source, where=str(self.folder))

    def resolve(self, key: str, how: str, value: Value = None) -> None:
        """Resolve an effect in doubt: `repeat` it, or state that it is `done` with a result, or that it `failed`.

        Raises:
            UsageError: if no such effect is in doubt.
        """
        fiber = next((s for s in self.machine.in_doubt if s.intent is not None and s.intent.key == key), None)
        if fiber is None:
            doubts = ", ".join(self.outcome.in_doubt) or "none"
            raise UsageError(f"effect {key} is not in doubt", where=str(self.folder), fix=f"in doubt: {doubts}")
        if how not in ("repeat", "done", "failed"):
            raise UsageError(f"cannot resolve by {how!r}", fix="repeat, done or failed")
        # The run continues as if the effect had just been performed: the order of events does not change.
        entry = {"key": key, "how": how} | ({"value": value} if how == "done" else {})
        self.save_settings(self.settings.replace(resolutions=(*self.settings.resolutions, entry)))
        self.machine.settings.resolved = {**self.machine.settings.resolved, key: entry}

    def grant(self, which: str, limit: float) -> None:
        """Raise a limit that stopped the run; the grant is an event, as it changes the run.

        Raises:
            UsageError: if the run was not stopped by a limit.
        """
        if self.machine.state.status != "budget":
            raise UsageError("the run was not stopped by a budget", where=str(self.folder))
        self.machine.recorder.write({"k": "granted", "which": which, "limit": float(limit)})

    def save_settings(self, settings: RunSettings) -> None:
        """Store changed settings of the run."""
        self.settings = settings
        self.file.connection.execute(
            "UPDATE runs SET settings = ? WHERE run = ?", (json.dumps(settings.to_wire()), self.log.number)
        )

    @property
    def boxed(self) -> Boxed:
        """Runs scripts; created at first use."""
        from harness.dsl.tools.boxed_script import Boxed

        if self._boxed is None:
            if self._boxes is None:
                from harness.sandbox.pool import BoxPool

                self._boxes = BoxPool(protect=(self.folder,))
                self._started_boxes.append(self._boxes)
            self._boxed = Boxed(self._boxes, memory_mb=self.settings.memory_mb)
        return self._boxed

    def close(self) -> None:
        """Close the log, the event source and the boxes. Safe to repeat."""
        while self._started_boxes:
            self._started_boxes.pop().close()
        self.handler.close()
        self.file.close()


def _provider(settings: RunSettings) -> Provider | None:
    if settings.backend is None:
        return None
    from harness.providers.factory import provider_for

    return provider_for(settings.backend)
