"""Machine: runs a program from the end of its log until the program ends, waits or is stopped."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from harness.core.errors import CrucibleError
from harness.dsl.eventlog.canonical import decode
from harness.dsl.eventlog.fault import LogError
from harness.dsl.eventlog.runlog import RunLog
from harness.dsl.facts.knowledge import Knowledge
from harness.dsl.ir import Answerer, Await, Effect, Program, Semantics, Sweep
from harness.dsl.machine.effects import Effects
from harness.dsl.machine.external_effects import ExternalEffects, Query
from harness.dsl.machine.fold import Fold
from harness.dsl.machine.initial_values import initial_event
from harness.dsl.machine.machine_parts import MachineParts
from harness.dsl.machine.machine_settings import MachineSettings
from harness.dsl.machine.program_layout import Layout, lay_out
from harness.dsl.machine.pure_operations import Operations
from harness.dsl.machine.receiver import Receiver
from harness.dsl.machine.recorder import Log, Recorder
from harness.dsl.machine.run_limits import Exceeded, Limits
from harness.dsl.machine.state import Fiber, State
from harness.dsl.machine.stepper import MAX_SEGMENTS, Stepper
from harness.dsl.machine.trace_items import Tracing
from harness.dsl.tools.request import Response
from harness.dsl.values import Value

QUESTION_SPENDS = ("queries", "tokens")  # limits that a question spends of


class Machine:
    """One run of a program.

    Args:
        log: Of the run; call `begin` if it is empty, else `resume`.
        run: Hex of the first hash of the run's chain.
        limits: Replace those of the settings.
    """

    def __init__(
        self,
        program: Program,
        log: Log,
        external: ExternalEffects,
        *,
        run: str,
        seed: int,
        settings: MachineSettings | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.program, self.settings = program, settings or MachineSettings()
        self._limits = limits or Limits(self.settings.limits)
        self.layout: Layout = lay_out(program)
        self.knowledge = Knowledge(program)
        self.fold = Fold(program, self.layout, log.blobs, self.knowledge)
        self.state = self.fold.initial()
        self._log, self._external, self.run_hash, self.seed = log, external, run, seed
        self._started = time.monotonic()
        self._build_parts()

    def _build_parts(self) -> None:
        self.recorder = Recorder(self._log, self.fold, self.state, listener=self.settings.listener)
        self.tracing = Tracing(self.program, self.knowledge, self.recorder)
        operations = Operations(self.program, self.layout, self.tracing.observe)
        self.stepper = Stepper(
            self.program,
            self.fold,
            knowledge=self.knowledge,
            operations=operations,
            recorder=self.recorder,
            limits=self._limits,
        )
        self._parts = MachineParts(
            self.program, self.run_hash, self.seed, self.fold, self.recorder, self.stepper, self.tracing
        )
        self.effects = Effects(self._parts)
        self._receiver = Receiver(
            self._parts,
            self.effects,
            self._external,
            self._log,
            settings=self.settings,
            limits=self._limits,
            clock=lambda: self._seconds,
            stop=self._stop,
        )

    def begin(self, inputs: Mapping[str, Value]) -> None:
        """Write the first event, with the initial values of the variables.

        Raises:
            UsageError: if an input is missing, unknown or of the wrong type.
        """
        self.recorder.write(initial_event(self.fold, self.state, inputs))

    def resume(self, log: RunLog) -> None:
        """Fold the events of the log.

        Raises:
            LogError: if the log is damaged or belongs to another program.
        """
        from harness.dsl.machine import snapshot

        saved, tail = log.load(fits=snapshot.fits)
        seq = -1
        try:
            if saved is not None:
                self.state = snapshot.load(saved, self.fold)
            for event in tail:
                seq = event.seq
                self.fold.apply(self.state, decode(event.body), seq)
        except CrucibleError:
            raise
        except Exception as error:  # the chain shows that the log is whole, not that this program wrote it
            what = f"event {seq} is not one of this program" if seq >= 0 else "the snapshot is not one of this program"
            where = f"run {log.name}"
            raise LogError(f"{what} ({type(error).__name__}: {error})", where=where, fix="restore a copy") from error
        self._build_parts()

    def run(self, *, steps: int | None = None) -> State:
        """Run until the program ends, fails, waits for an answer, reaches a limit, or has ended some more steps.

        Every event either follows from the state alone (`_advance`) or records an external input (`_receive`). So a
        resumed run and a replay, which know only the log, write the same events.

        Raises:
            LogError: if the log cannot be written; its committed events stay valid.
        """
        last = None if steps is None else sum(self.state.left.values()) + steps
        self.stepper.max_segments = MAX_SEGMENTS if steps is None else 1
        while self.state.status == "running" and (last is None or sum(self.state.left.values()) < last):
            if not (self._receiver.cancel() or self._advance() or self._receive() or self._stop_spent()):
                break
        self.recorder.close(self.status)
        return self.state

    @property
    def status(self) -> str:
        """`ok`, `wrong`, `failed`, `budget`, `suspended`, `in_doubt` or `running`."""
        if self.state.status != "running":
            return self.state.status
        if self.in_doubt:
            return "in_doubt"
        waits = self.questions or any(
            isinstance(self._parts.instruction(one), Await) for one in self.state.root.leaves()
        )
        return "suspended" if waits else "running"

    @property
    def in_doubt(self) -> list[Fiber]:
        """Fibers with an effect that may or may not have happened before a crash."""
        return [fiber for fiber in self.state.waiting if self._is_in_doubt(fiber)]

    @property
    def questions(self) -> list[Query]:
        """Open questions, in source order."""
        return [
            self.effects.query(fiber, effect)
            for fiber in self.state.waiting
            if fiber.intent is not None and fiber.intent.question and (effect := self._parts.effect(fiber)) is not None
        ]

    def settle(self, fiber: Fiber, response: Response) -> None:
        """Write the response to a fiber's question or effect."""
        self._receiver.settle(fiber, response)

    def _advance(self) -> bool:
        """Write the next event that follows from the state alone; False if there is none.

        Pure work comes first, then effects begin, each in source order. Where a budget is used up nothing goes on: what
        has begun is performed first, so that no effect is in doubt when the run stops.
        """
        for fiber in self.state.root.walk():
            if fiber.branches:
                if all(branch.done for branch in fiber.branches):
                    self.stepper.join(fiber)
                    return True
            elif fiber.intent is None and not fiber.done:
                if self._exceeded(fiber) is not None:
                    return self._stop(fiber)
                if self.stepper.step(fiber):
                    return True
        for fiber in self.state.root.leaves():
            if self._is_spent(fiber):
                return False
            if fiber.intent is None and self._begin(fiber):
                return True
        return False

    def _exceeded(self, fiber: Fiber, *, spends: Collection[str] = ()) -> Exceeded | None:
        """The limit that is exceeded, or used up if the next event `spends` of it."""
        calls = self.state.root.calls_to(fiber.name)
        units = [self.program.units[call.unit] for call in calls]
        counts = self.state.root.counts(fiber.name)
        return self._limits.exceeded(self.state, calls, units, self._seconds, counts=counts, spends=spends)

    def _spent(self) -> Fiber | None:
        """The first fiber whose next effect is a question that no budget is left for."""
        return next((fiber for fiber in self.state.root.leaves() if self._is_spent(fiber)), None)

    def _is_spent(self, fiber: Fiber) -> bool:
        effect = self._parts.effect(fiber) if fiber.intent is None else None
        asks = effect is not None and effect.who is not Answerer.TOOL
        return asks and self._exceeded(fiber, spends=QUESTION_SPENDS) is not None

    def _stop_spent(self) -> bool:
        """Stop the run if a question is next that no budget is left for, and no effect is in doubt."""
        fiber = self._spent()
        return fiber is not None and not self.in_doubt and self._stop(fiber, spends=QUESTION_SPENDS)

    def _stop(self, fiber: Fiber, *, spends: Collection[str] = ()) -> bool:
        """Stop the run if a limit is exceeded, or used up and the next event `spends` of it; return whether it was.

        No limit but that of wall time, which ends effects, stops the run while an effect is performed.
        """
        over = self._exceeded(fiber, spends=spends)
        if over is None or (over.which != "wall_s" and any(map(self._happens_once, self.state.waiting))):
            return False
        event = {"k": "stopped", "which": over.which, "limit": over.limit, "used": over.used, "unit": over.unit}
        self.recorder.write(event | ({"s": fiber.name} if fiber.name else {}))
        return True

    @property
    def _seconds(self) -> float:
        """Wall time of this process's part of the run."""
        return time.monotonic() - self._started

    def _begin(self, fiber: Fiber) -> bool:
        """Begin the next effect, question or search; return whether there was one."""
        instruction = self._parts.instruction(fiber)
        match instruction:
            case Effect():
                self._receiver.begun.add(self.effects.begin(fiber, instruction))
            case Sweep():
                from harness.dsl.machine import sweep_run

                self._receiver.begun.add(sweep_run.begin(self._parts, fiber, instruction))
            case _:
                return False
        return True

    def _receive(self) -> bool:
        """Write the next external input; return False if there is none now.

        Until all effects in doubt are resolved nothing else moves, so that the events keep their order.
        """
        return not self.in_doubt and self._receiver.receive(only_effects=self._spent() is not None)

    def take_repeated(self) -> int:
        """The number of effects that were repeated after a crash, since the last call."""
        found = self._receiver.repeated
        self._receiver.repeated = 0
        return found

    def _happens_once(self, fiber: Fiber) -> bool:
        """Whether a fiber has begun an effect that may not be repeated, and has no result of it."""
        intent, effect = fiber.intent, self._parts.effect(fiber)
        return intent is not None and effect is not None and not intent.question and effect.semantics is Semantics.ONCE

    def _is_in_doubt(self, fiber: Fiber) -> bool:
        intent = fiber.intent
        return (
            self._happens_once(fiber)
            and intent is not None
            and intent.key not in self._receiver.begun
            and intent.key not in self.settings.resolved
        )
