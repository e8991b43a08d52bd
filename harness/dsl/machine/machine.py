"""Machine: runs a program from the end of its log until the program ends, waits or is stopped."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from harness.core.errors import UsageError
from harness.dsl.eventlog.canonical import decode
from harness.dsl.eventlog.runlog import RunLog
from harness.dsl.expressions.compiled import compiled
from harness.dsl.expressions.nodes import Frame, slots_of
from harness.dsl.facts.knowledge import Knowledge
from harness.dsl.ir import Await, Effect, Program, Semantics, Sweep
from harness.dsl.machine.effects import Effects
from harness.dsl.machine.external_effects import ExternalEffects, Query
from harness.dsl.machine.fold import Fold
from harness.dsl.machine.machine_parts import MachineParts
from harness.dsl.machine.program_layout import Layout, lay_out
from harness.dsl.machine.pure_operations import Operations
from harness.dsl.machine.recorder import Listener, Log, Recorder
from harness.dsl.machine.run_limits import Limits
from harness.dsl.machine.state import Fiber, State
from harness.dsl.machine.stepper import Stepper
from harness.dsl.machine.trace_items import Tracing
from harness.dsl.machine.value_storage import store_value
from harness.dsl.plain import field, mutable
from harness.dsl.tools.request import Response
from harness.dsl.values import MismatchError, Undefined, Value, conform

MAX_PARALLEL_EFFECTS = 8
"""Maximum number of effects of parallel branches at the same time."""


@mutable
class MachineSettings:
    """Settings of a machine; they are not in the chain, so they must not change an outcome.

    Attributes:
        limits: Limits of the run, by the names of `Budget`.
        listener: Called with each event as it is written.
        may_repeat: Keys of effects in doubt that a user allowed to repeat.
        sleep: Waits real seconds between tries; not called in a replay.
    """

    limits: Mapping[str, float] = field(default_factory=dict)
    listener: Listener | None = None
    may_repeat: Collection[str] = ()
    sleep: Any = time.sleep


class Machine:
    """One run of a program.

    Args:
        program: A checked program.
        log: Of the run; call `begin` if it is empty, else `resume`.
        external: Performs its effects.
        run: Hex of the first hash of the run's chain.
        seed: Of its random numbers.
        settings: Limits, listener and the like.
        limits: Replace those of the settings.

    Attributes:
        repeated: Number of effects that were repeated after a crash.
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
        self._begun: set[str] = set()
        self.repeated = 0
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

    def begin(self, inputs: Mapping[str, Value]) -> None:
        """Write the first event, with the initial values of the variables.

        Raises:
            UsageError: if an input is missing, unknown or of the wrong type.
        """
        if self.program.main < 0:
            raise UsageError(
                "the program has nothing to run", where=self.program.path, fix="add a task or an agent_loop"
            )
        unit = self.program.units[self.program.main]
        call, state = self.state.root.call, self.state
        frame = Frame(call.slots, state.values, self.knowledge.trace, self.knowledge.verdicts, self.knowledge.hints)
        known = {v.name for v in (*unit.slots, *self.program.state) if v.is_input}
        if unknown := sorted(set(inputs) - known):
            fix = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
            raise UsageError(f"the program has no input {unknown[0]!r}", where=self.program.path, fix=fix)
        event: dict[str, Any] = {"k": "began"}
        names = self.layout.units[self.program.main].slot_names
        # Initial values of state variables are compiled outside any unit, with their own slots.
        slot_count = max([slots_of(variable.initial) for variable in self.program.state], default=0)
        outer = Frame(
            [Undefined("is no variable")] * slot_count, state.values, frame.trace, frame.verdicts, frame.hints
        )
        for key, variables, target in (("state", self.program.state, state.values), ("set", unit.slots, call.slots)):
            bound = {}
            for index, variable in enumerate(variables):
                if variable.is_input and variable.name in inputs:
                    try:
                        target[index] = conform(inputs[variable.name], variable.type, path=variable.name)
                    except MismatchError as error:
                        raise UsageError(
                            f"input {error}", where=self.program.path, fix=f"give {variable.type}"
                        ) from error
                elif variable.initial is not None:
                    target[index] = compiled(variable.initial)(outer if key == "state" else frame)
                elif variable.is_input:
                    raise UsageError(
                        f"input {variable.name!r} is missing", where=self.program.path, fix=f"--input {variable.name}=…"
                    )
                else:
                    continue
                bound[names[index] if key == "set" else variable.name] = store_value(target[index], self._log.blobs)
            if bound:
                event[key] = bound
        self.recorder.write(event)

    def resume(self, log: RunLog) -> None:
        """Fold the events of the log.

        Raises:
            LogError: if the log is damaged or belongs to another program.
        """
        saved, tail = log.load()
        if saved is not None:
            from harness.dsl.machine import snapshot

            self.state = snapshot.load(saved, self.fold)
        for event in tail:
            self.fold.apply(self.state, decode(event.body), event.seq)
        self._build_parts()

    def run(self) -> State:
        """Run until the program ends, fails, waits for an answer, or reaches a limit.

        Raises:
            LogError: if the log cannot be written; its committed events stay valid.
        """
        while self.state.status == "running":
            if self._run_pure():
                continue
            if not self._run_effects():
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
        return "suspended" if self.questions else "running"

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
            if fiber.intent is not None and fiber.intent.question and (effect := self._effect(fiber)) is not None
        ]

    def settle(self, fiber: Fiber, response: Response) -> None:
        """Write the response to a fiber's question or effect in doubt."""
        effect = self._effect(fiber)
        if effect is None:
            raise RuntimeError("no effect has begun")
        self.effects.settle(fiber, effect, response)

    def _run_pure(self) -> bool:
        """Run the pure work of every fiber; whether any fiber moved."""
        moved = False
        for fiber in list(self.state.root.leaves()):
            while fiber.intent is None and not fiber.done and not fiber.branches and self.state.status == "running":
                if self._over_budget(fiber):
                    return False
                if not self.stepper.step(fiber):
                    break
                moved = True
        return self._join(self.state.root) or moved

    def _join(self, fiber: Fiber) -> bool:
        joined = False
        for branch in fiber.branches:
            joined |= self._join(branch)
        if fiber.branches and all(branch.done for branch in fiber.branches):
            self.stepper.join(fiber)
            joined = True
        return joined

    def _over_budget(self, fiber: Fiber) -> bool:
        unit = self.program.units[fiber.call.unit]
        over = self._limits.exceeded(self.state, fiber.call, unit, time.monotonic() - self._started)
        if over is None:
            return False
        self.recorder.write(
            {"k": "stopped", "which": over.which, "limit": over.limit, "used": over.used, "unit": over.unit}
        )
        return True

    def _run_effects(self) -> bool:
        """Begin the next effects, perform them and write their results; whether there was any."""
        fibers = [s for s in self.state.root.leaves() if not s.branches]
        for fiber in fibers:
            instruction = self._instruction(fiber)
            if fiber.intent is None and isinstance(instruction, Effect):
                self._begun.add(self.effects.begin(fiber, instruction))
        if self.state.status != "running":
            return True
        if self.in_doubt:
            # No other fiber moves: events must be in the order of a run without an interruption.
            return False
        ready = [s for s in fibers if s.intent is not None and self._effect(s) is not None]
        if not ready:
            return self._run_other(fibers)
        self.recorder.commit(boundary=True)
        for fiber in ready:
            if fiber.intent is not None and fiber.intent.key not in self._begun:
                self.repeated += 1
        any_done = False
        for fiber, response in zip(ready, self._perform_all(ready), strict=True):
            if response is not None and self.state.status == "running":
                any_done = True
                self._settled(fiber, response)
        return any_done or self._run_other(fibers)

    def _settled(self, fiber: Fiber, response: Response) -> None:
        effect, tries = self._effect(fiber), fiber.tries
        self.settle(fiber, response)
        if effect is not None and fiber.tries > tries:
            self.settings.sleep(effect.retry.backoff_s * 2**tries)

    def _perform_all(self, fibers: list[Fiber]) -> list[Response | None]:
        calls = [self._call(fiber) for fiber in fibers]
        if len(calls) == 1:
            return [calls[0]()]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(MAX_PARALLEL_EFFECTS) as pool:
            return [future.result() for future in [pool.submit(call) for call in calls]]

    def _call(self, fiber: Fiber) -> Any:
        effect = self._effect(fiber)
        if effect is None or fiber.intent is None:
            raise RuntimeError("no effect has begun")
        if fiber.intent.question:
            query = self.effects.query(fiber, effect)
            return lambda: self._external.ask(query)
        request = self.effects.request(fiber, effect)
        return lambda: self._external.perform(request)

    def _run_other(self, fibers: list[Fiber]) -> bool:
        """Searches and events from external, one at a time."""
        for fiber in fibers:
            instruction = self._instruction(fiber)
            if isinstance(instruction, Sweep):
                from harness.dsl.machine.sweep_run import search

                search(self._parts, self._external, fiber, instruction)
                return True
            if isinstance(instruction, Await) and fiber.intent is None:
                self.recorder.commit(boundary=True)
                event = self._external.event(self.state.received)
                if event is None:
                    self.stepper.end_await(fiber, instruction)
                else:
                    self.stepper.take(fiber, instruction, event[0], event[1], received=True)
                return True
        return False

    def _instruction(self, fiber: Fiber) -> Any:
        return self.program.units[fiber.call.unit].code[fiber.call.pc]

    def _effect(self, fiber: Fiber) -> Effect | None:
        instruction = self._instruction(fiber)
        return instruction if isinstance(instruction, Effect) else None

    def _is_in_doubt(self, fiber: Fiber) -> bool:
        intent, effect = fiber.intent, self._effect(fiber)
        return (
            intent is not None
            and effect is not None
            and not intent.question
            and effect.semantics is Semantics.ONCE
            and intent.key not in self._begun
            and intent.key not in self.settings.may_repeat
        )
