"""Receiver: the external inputs of a run: results, answers, events, messages, ends of waits, cancellation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from harness.dsl.ir import Answerer, Await, Sweep
from harness.dsl.machine import timers
from harness.dsl.machine.effect_round import POLL_S, Call, Writer, perform_round
from harness.dsl.machine.effects import Effects
from harness.dsl.machine.external_effects import ExternalEffects, Interrupted
from harness.dsl.machine.machine_parts import MachineParts
from harness.dsl.machine.machine_settings import MachineSettings
from harness.dsl.machine.recorder import Log
from harness.dsl.machine.run_limits import Limits
from harness.dsl.machine.state import Fiber
from harness.dsl.machine.value_storage import store_value
from harness.dsl.tools.request import Response

QUICK = frozenset(("tool.read", "tool.exists", "tool.write", "tool.random", "tool.now"))
"""Tools that do not wait for anything."""
WAIT = "tool.wait"
CUT_S = 0.02  # an effect that times out this close to the end of the run's wall time is ended by it


class Receiver:
    """Performs the effects that have begun in one run, and writes its external inputs.

    Args:
        clock: Wall time of this process's part of the run.
        stop: Stops the run if a fiber has reached a limit; whether it did.

    Attributes:
        begun: Keys of the effects that this process began.
        repeated: Number of effects that were repeated after a crash.
    """

    def __init__(
        self,
        parts: MachineParts,
        effects: Effects,
        external: ExternalEffects,
        log: Log,
        *,
        settings: MachineSettings,
        limits: Limits,
        clock: Callable[[], float],
        stop: Callable[[Fiber], bool],
    ) -> None:
        self._parts, self._effects, self._external, self._log = parts, effects, external, log
        self._program, self._recorder, self._stepper = parts.program, parts.recorder, parts.stepper
        self._settings, self._limits, self._clock, self._stop = settings, limits, clock, stop
        self._walls: dict[int, float] = {}
        self.begun: set[str] = set()
        self.repeated = 0

    def cancel(self) -> bool:
        """Cancel the run if a user has requested it; return whether it was cancelled."""
        why = self._external.cancelled()
        if why is not None:
            self._recorder.write({"k": "cancelled", "why": why})
        return why is not None

    def receive(self, *, only_effects: bool = False) -> bool:
        """Perform the effects that have begun and write their results, or take an event.

        Args:
            only_effects: Take no event and end no wait: the run stops as soon as nothing is performed.

        Returns:
            False if there is no external input now.
        """
        fibers = self._recorder.state.waiting
        if any(self._stop(fiber) for fiber in fibers):
            return True
        self._recorder.commit(boundary=True)
        for name, event, fields in self._external.messages(self._recorder.state.sent):
            stored = store_value(fields, self._log.blobs)
            self._recorder.write({"k": "sent", "id": name, "event": event, "fields": stored})
            return True
        wall_left = min([self.wall_left(fiber) for fiber in fibers], default=math.inf)
        calls = [self._call(fiber, wall_left) for fiber in fibers]
        perform_round(calls, seconds=wall_left, is_interrupted=self._is_cancelled, interrupt=self._external.interrupt)
        settled = self._write_results(fibers, calls)
        if any(call.is_cut for call in calls):
            time.sleep(CUT_S)
            return self.cancel() or any(self._stop(fiber) for fiber in fibers)
        return settled or (not only_effects and (self._take_event() or self._take_timer()))

    def _is_cancelled(self) -> bool:
        return self._external.cancelled() is not None

    def _write_results(self, fibers: list[Fiber], calls: list[Call]) -> bool:
        """Write the results of a round in source order; return whether there was one."""
        wait, settled, changes = 0.0, False, self._external.changed_files()
        for fiber, call in zip(fibers, calls, strict=True):
            # The failure of a branch can end the branches next to it, or the run.
            is_left = not any(one is fiber for one in self._recorder.state.root.leaves())
            if fiber.intent is None or is_left or self._recorder.state.status != "running":
                continue
            if call.is_cut:  # it was interrupted: whether it took effect is not known
                self.begun.discard(fiber.intent.key)
            if call.is_cut or call.writer is None:
                continue
            effect, tries, key, settled = self._parts.effect(fiber), fiber.tries, fiber.intent.key, True
            call.writer()
            if key in changes:
                self._log.attach_files(changes[key])
            if effect is not None and fiber.tries > tries:
                wait = max(wait, effect.retry.backoff_s * 2**tries)
        if wait:
            self._recorder.commit(boundary=True)
            left = [self.wall_left(fiber) for fiber in self._recorder.state.root.leaves()]
            self._settings.sleep(min([wait, *left]))
        return settled

    def wall_left(self, fiber: Fiber) -> float:
        """Seconds until a wall time that binds a fiber is used up."""
        units = [self._program.units[call.unit] for call in self._recorder.state.root.calls_to(fiber.name)]
        return max(0.0, self._limits.wall_left(self._recorder.state, units, self._clock()))

    def _call(self, fiber: Fiber, seconds: float) -> Call:
        """The call that performs the effect of a waiting fiber, within some seconds."""
        instruction, intent = self._parts.instruction(fiber), fiber.intent
        if intent is None:
            raise RuntimeError("no effect has begun")
        if isinstance(instruction, Sweep):
            from harness.dsl.machine import sweep_run

            return Call(sweep_run.measuring(self._parts, self._external, fiber, instruction), False)
        resolved = self._settings.resolved.get(intent.key, {})
        match resolved.get("how"):
            case "done":
                return self._known(fiber, Response("ok", resolved.get("value"), source={"provider": "person"}))
            case "failed":
                return self._known(fiber, Response("crash", why="a user reported that it failed"))
        if not intent.question and intent.key not in self.begun:
            self.begun.add(intent.key)
            self.repeated += 1
        external = self._external
        left, late = timers.deadline(self._recorder.state.root.path_to(fiber.name), self._wall_of, time.time())
        if intent.name == WAIT:
            return Call(lambda: None, True)
        if left <= 0:
            return self._known(fiber, Response("timeout", why=late, may_retry=False))
        seconds = min(seconds, left)
        if instruction.who is Answerer.TOOL:
            request = self._effects.request(fiber, instruction, seconds)
            is_quick = request.name in QUICK or request.arguments.get("cmd", [""])[0] == "echo"
            return Call(lambda: self._writer(fiber, external.perform(request)), is_quick)
        if instruction.timeout_s is None and instruction.who is Answerer.LLM:
            seconds = min(seconds, self._settings.query_seconds)
        query = self._effects.query(fiber, instruction, seconds)
        return Call(lambda: self._writer(fiber, external.ask(query)), external.is_interactive)

    def _writer(self, fiber: Fiber, response: Response | None) -> Writer | None:
        if response is None:
            return None
        if response.status == "timeout" and self.wall_left(fiber) < CUT_S:
            raise Interrupted  # the limit of the run was reached, not that of the effect: the run stops
        left, late = timers.deadline(self._recorder.state.root.path_to(fiber.name), self._wall_of, time.time())
        if response.status == "timeout" and left < CUT_S:
            response = Response("timeout", why=late, may_retry=False)
        return lambda: self.settle(fiber, response)

    def _known(self, fiber: Fiber, response: Response) -> Call:
        return Call(lambda: lambda: self.settle(fiber, response), True)

    def _take_event(self) -> bool:
        """Take an external event for the first waiting service loop; end the loop after the last event."""
        leaves = list(self._recorder.state.root.leaves())
        waiting = [fiber for fiber in leaves if isinstance(self._parts.instruction(fiber), Await)]
        if not waiting:
            return False
        fiber, instruction = waiting[0], self._parts.instruction(waiting[0])
        try:
            event = self._external.event(self._recorder.state.received, min(self.wall_left(fiber), self._timer()[0]))
        except TimeoutError:
            return self._stop(fiber)
        if event is not None:
            self._stepper.take(fiber, instruction, event[0], event[1], received=True)
        elif len(waiting) < len(leaves):  # another branch waits for an answer or a timer, and may post an event later
            return False
        else:
            self._stepper.end_await(fiber, instruction)
        return True

    def _timer(self) -> tuple[float, Fiber | None, Response]:
        """Seconds until the next wait ends (infinite without one), its fiber, and the response that ends it."""
        found: list[tuple[float, int, float, Fiber, Response]] = []
        for number, fiber in enumerate(self._recorder.state.waiting):
            intent = fiber.intent
            if intent is None or intent.name != WAIT:
                continue
            began = self._wall_of(intent.seq)
            seconds = timers.length(intent, began)
            left, late = timers.deadline(self._recorder.state.root.path_to(fiber.name), self._wall_of, time.time())
            rest = timers.rest(intent, began, time.time()) if self._settings.real_time else 0.0
            if left < rest:
                found.append((left, number, left, fiber, Response("timeout", why=late, may_retry=False)))
            else:
                found.append((timers.started(intent) + seconds, number, rest, fiber, Response("ok", seconds)))
        if not found:
            return math.inf, None, Response("ok")
        _, _, rest, fiber, response = min(found, key=lambda one: one[:2])
        return max(0.0, rest), fiber, response

    def _take_timer(self) -> bool:
        """Wait for the next timer and end its wait; return False if there is no timer."""
        rest, fiber, response = self._timer()
        if fiber is None:
            return False
        wall_left = self.wall_left(fiber)
        end = time.monotonic() + min(rest, wall_left)
        while (left := end - time.monotonic()) > 0:
            if self._is_cancelled() or self._external.messages(self._recorder.state.sent):
                return True
            time.sleep(min(POLL_S, left))
        if rest <= wall_left:
            self.settle(fiber, response)
        return True

    def _wall_of(self, seq: int) -> float:
        """Wall time of an event; the current time if it is unknown, as in an unpacked bundle."""
        if seq not in self._walls:
            self._walls[seq] = self._log.wall_of(seq) or time.time()
        return self._walls[seq]

    def settle(self, fiber: Fiber, response: Response) -> None:
        """Write the response to a fiber's question or effect."""
        effect = self._parts.effect(fiber)
        if effect is None:
            raise RuntimeError("no effect has begun")
        self._effects.settle(fiber, effect, response)
