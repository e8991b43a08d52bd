"""Machine: runs a program from the end of its log until the program ends, waits or is stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping
from typing import Any

from harness.dsl.eventlog.canonical import decode
from harness.dsl.eventlog.runlog import RunLog
from harness.dsl.facts.knowledge import Knowledge
from harness.dsl.ir import Answerer, Await, Effect, Program, Semantics, Sweep
from harness.dsl.machine.effect_round import Call, Writer, perform_round
from harness.dsl.machine.effects import Effects
from harness.dsl.machine.external_effects import ExternalEffects, Interrupted, Query
from harness.dsl.machine.fold import Fold
from harness.dsl.machine.initial_values import initial_event
from harness.dsl.machine.machine_parts import MachineParts
from harness.dsl.machine.program_layout import Layout, lay_out
from harness.dsl.machine.pure_operations import Operations
from harness.dsl.machine.recorder import Listener, Log, Recorder
from harness.dsl.machine.run_limits import Limits
from harness.dsl.machine.state import Fiber, State
from harness.dsl.machine.stepper import Stepper
from harness.dsl.machine.trace_items import Tracing
from harness.dsl.plain import field, mutable
from harness.dsl.tools.request import Response
from harness.dsl.values import Value

QUICK = frozenset(("tool.read", "tool.write", "tool.random", "tool.now"))
"""Tools that do not wait for anything."""
CUT_S = 0.02
"""An effect that times out this close to the end of the run's wall time is ended by it."""


@mutable
class MachineSettings:
    """Settings of a machine; they are not in the chain, so they must not change an outcome.

    Attributes:
        limits: Limits of the run, by the names of `Budget`.
        listener: Called with each event as it is written.
        resolved: How effects in doubt are resolved, by key: `how` is repeat, done (with `value`) or failed.
        sleep: Waits real seconds between tries; not called in a replay.
        query_seconds: Limit of the seconds until a model's answer, for questions that state none.
    """

    limits: Mapping[str, float] = field(default_factory=dict)
    listener: Listener | None = None
    resolved: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sleep: Any = time.sleep
    query_seconds: float = math.inf


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
        self.recorder.write(initial_event(self.fold, self.state, inputs))

    def resume(self, log: RunLog) -> None:
        """Fold the events of the log.

        Raises:
            LogError: if the log is damaged or belongs to another program.
        """
        from harness.dsl.machine import snapshot

        saved, tail = log.load(fits=snapshot.fits)
        if saved is not None:
            self.state = snapshot.load(saved, self.fold)
        for event in tail:
            self.fold.apply(self.state, decode(event.body), event.seq)
        self._build_parts()

    def run(self) -> State:
        """Run until the program ends, fails, waits for an answer, or reaches a limit.

        Every event is either the one that follows from the state alone (`_advance`), or brings something from outside
        (`_receive`). So a resumed run and a replay, which know only the log, write the same events.

        Raises:
            LogError: if the log cannot be written; its committed events stay valid.
        """
        while self.state.status == "running" and (self._advance() or self._receive()):
            pass
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
        """Write the response to a fiber's question or effect."""
        effect = self._effect(fiber)
        if effect is None:
            raise RuntimeError("no effect has begun")
        self.effects.settle(fiber, effect, response)

    def _advance(self) -> bool:
        """Write the next event that follows from the state alone; False if there is none.

        Pure work comes first, then effects begin, each in source order.
        """
        for fiber in self.state.root.walk():
            if fiber.branches:
                if all(branch.done for branch in fiber.branches):
                    self.stepper.join(fiber)
                    return True
            elif fiber.intent is None and not fiber.done and (self._stop(fiber) or self.stepper.step(fiber)):
                return True
        return any(fiber.intent is None and self._begin(fiber) for fiber in self.state.root.leaves())

    def _stop(self, fiber: Fiber, *, spends: Collection[str] = ()) -> bool:
        """Stop the run if a limit is exceeded, or used up although the next event `spends` of it."""
        calls = self.state.root.calls_to(fiber.name)
        units = [self.program.units[call.unit] for call in calls]
        over = self._limits.exceeded(self.state, calls, units, self._seconds, spends=spends)
        if over is None:
            return False
        event = {"k": "stopped", "which": over.which, "limit": over.limit, "used": over.used, "unit": over.unit}
        self.recorder.write(event | ({"s": fiber.name} if fiber.name else {}))
        return True

    @property
    def _seconds(self) -> float:
        """Wall time of this process's part of the run."""
        return time.monotonic() - self._started

    def _begin(self, fiber: Fiber) -> bool:
        """Begin the effect, question or search that comes next; whether there is one."""
        instruction = self._instruction(fiber)
        match instruction:
            case Effect():
                if instruction.who is Answerer.TOOL or not self._stop(fiber, spends=("queries", "tokens")):
                    self._begun.add(self.effects.begin(fiber, instruction))
            case Sweep():
                from harness.dsl.machine import sweep_run

                self._begun.add(sweep_run.begin(self._parts, fiber, instruction))
            case _:
                return False
        return True

    def _receive(self) -> bool:
        """Perform what has begun and write the results, or take an event; False if nothing comes from outside now."""
        if self.in_doubt:  # until they are resolved nothing else moves, so that the events keep their order
            return False
        fibers = self.state.waiting
        if any(self._stop(fiber) for fiber in fibers):
            return True
        self.recorder.commit(boundary=True)
        wall_left = min([self._wall_left(fiber) for fiber in fibers], default=math.inf)
        calls = [self._call(fiber, wall_left) for fiber in fibers]
        perform_round(calls, seconds=wall_left, is_interrupted=lambda: False, interrupt=self._external.interrupt)
        settled = self._write_results(fibers, calls)
        if any(call.is_cut for call in calls):
            time.sleep(CUT_S)
            return any(self._stop(fiber) for fiber in fibers)
        return settled or self._take_event()

    def _write_results(self, fibers: list[Fiber], calls: list[Call]) -> bool:
        """Write the results of a round, in source order; whether there was any."""
        wait, settled, changes = 0.0, False, self._external.changed_files()
        for fiber, call in zip(fibers, calls, strict=True):
            if fiber.intent is None or self.state.status != "running":
                continue
            if call.is_cut:  # it has begun and was ended: whether it happened is not known
                self._begun.discard(fiber.intent.key)
            if call.is_cut or call.writer is None:
                continue
            effect, tries, key, settled = self._effect(fiber), fiber.tries, fiber.intent.key, True
            call.writer()
            if key in changes:
                self._log.attach_files(changes[key])
            if effect is not None and fiber.tries > tries:
                wait = max(wait, effect.retry.backoff_s * 2**tries)
        if wait:
            self.recorder.commit(boundary=True)
            self.settings.sleep(min([wait, *[self._wall_left(fiber) for fiber in fibers]]))
        return settled

    def _wall_left(self, fiber: Fiber) -> float:
        units = [self.program.units[call.unit] for call in self.state.root.calls_to(fiber.name)]
        return max(0.0, self._limits.wall_left(self.state, units, self._seconds))

    def _call(self, fiber: Fiber, seconds: float) -> Call:
        """What performs the effect that a fiber waits for, within some seconds."""
        instruction, intent = self._instruction(fiber), fiber.intent
        if intent is None:
            raise RuntimeError("no effect has begun")
        if isinstance(instruction, Sweep):
            from harness.dsl.machine import sweep_run

            return Call(sweep_run.measuring(self._parts, self._external, fiber, instruction), False)
        resolved = self.settings.resolved.get(intent.key, {})
        match resolved.get("how"):
            case "done":
                return self._known(fiber, Response("ok", resolved.get("value"), source={"provider": "person"}))
            case "failed":
                return self._known(fiber, Response("crash", why="a user reported that it failed"))
        if not intent.question and intent.key not in self._begun:
            self._begun.add(intent.key)
            self.repeated += 1
        external = self._external
        if instruction.who is Answerer.TOOL:
            request = self.effects.request(fiber, instruction, seconds)
            is_quick = request.name in QUICK or request.arguments.get("cmd", [""])[0] == "echo"
            return Call(lambda: self._writer(fiber, external.perform(request)), is_quick)
        if instruction.timeout_s is None and instruction.who is Answerer.LLM:
            seconds = min(seconds, self.settings.query_seconds)
        query = self.effects.query(fiber, instruction, seconds)
        return Call(lambda: self._writer(fiber, external.ask(query)), False)

    def _writer(self, fiber: Fiber, response: Response | None) -> Writer | None:
        if response is None:
            return None
        if response.status == "timeout" and self._wall_left(fiber) < CUT_S:
            raise Interrupted  # not the effect's limit, but the run's is used up: the run stops
        return lambda: self.settle(fiber, response)

    def _known(self, fiber: Fiber, response: Response) -> Call:
        return Call(lambda: lambda: self.settle(fiber, response), True)

    def _take_event(self) -> bool:
        """Take an event from outside for the first service loop that waits; at their end, end the loop."""
        leaves = list(self.state.root.leaves())
        waiting = [fiber for fiber in leaves if isinstance(self._instruction(fiber), Await)]
        if not waiting:
            return False
        fiber, instruction = waiting[0], self._instruction(waiting[0])
        event = self._external.event(self.state.received)
        if event is not None:
            self.stepper.take(fiber, instruction, event[0], event[1], received=True)
        elif len(waiting) < len(leaves):  # another branch waits for an answer, and may post an event later
            return False
        else:
            self.stepper.end_await(fiber, instruction)
        return True

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
            and intent.key not in self.settings.resolved
        )
