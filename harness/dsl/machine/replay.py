"""Replay: the program is executed again with the recorded effects; every event must equal the recorded one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from harness.core.errors import InfraError
from harness.dsl.eventlog.canonical import decode
from harness.dsl.eventlog.chain import blob_address
from harness.dsl.eventlog.runlog import Files, RunLog, StoredEvent
from harness.dsl.ir import Await, Program, Unit
from harness.dsl.machine.external_effects import Points, Query
from harness.dsl.machine.machine import Machine
from harness.dsl.machine.run_limits import Limits
from harness.dsl.machine.state import State
from harness.dsl.machine.value_storage import BlobStore, restore_value
from harness.dsl.plain import contents
from harness.dsl.tools.request import Request, Response

_ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which two events differ."""

    path: str
    recorded: str
    produced: str


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first event that differs from the recorded one.

    Attributes:
        where: `file:line:column` of the instruction.
        differences: Field by field.
    """

    seq: int
    where: str
    label: str
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        lines = [f"{self.where}: event {self.seq} ({self.label}) differs from the recorded one"]
        lines += [f"  {d.path}: recorded {d.recorded}, now {d.produced}" for d in self.differences]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of a replay.

    Attributes:
        divergence: The first difference; None if all events are equal.
    """

    events: int
    divergence: Divergence | None


def replay(program: Program, log: RunLog, *, run: str = "") -> Replayed:
    """Execute a program with the recorded effects of a log and compare each event.

    Args:
        program: The program of the run, or a changed one to compare with it.
        run: Hex of the hash in the keys of effects, if it is not the log's first hash.

    Raises:
        LogError: if the log cannot be read.
    """
    recorded = list(log.events())
    compared = _ComparedLog(recorded, log.blobs)
    genesis = log.program_genesis()
    machine = _ReplayMachine(program, compared, log, run=run, seed=genesis.seed)
    try:
        machine.begin(genesis.inputs)
        machine.run()
    except _End:
        return Replayed(len(recorded), None)
    except _Differs as found:
        return Replayed(found.seq, _divergence(program, recorded, found))
    if compared.seq + 1 < len(recorded):
        early = _Differs(compared.seq + 1, None)
        return Replayed(early.seq, _divergence(program, recorded, early))
    return Replayed(len(recorded), None)


class _End(Exception):  # noqa: N818 - control flow of this module
    """All recorded events are equal."""


class _Differs(Exception):  # noqa: N818 - control flow of this module
    def __init__(self, seq: int, produced: bytes | None) -> None:
        self.seq, self.produced = seq, produced


class _ComparedLog:
    """A log that compares events instead of writing them; see `recorder.Log`."""

    is_snapshot_due = False

    def __init__(self, recorded: list[StoredEvent], blobs: BlobStore) -> None:
        self._recorded = recorded
        self.blobs: BlobStore = _ReadBlobs(blobs)
        self.seq = -1
        self.head = b""

    @property
    def next(self) -> dict[str, Any] | None:
        """The recorded event that comes next; None at the end."""
        following = self.seq + 1
        return self._recorded[following].value if following < len(self._recorded) else None

    def append(self, body: bytes, *, wall: bool = False) -> bool:
        following = self.seq + 1
        if following >= len(self._recorded):
            raise _End
        if self._recorded[following].body != body:
            raise _Differs(following, body)
        self.seq, self.head = following, self._recorded[following].hash
        return False

    def attach_files(self, files: Files) -> None: ...

    def wall_of(self, seq: int) -> float | None:
        return None

    def commit(self, *, boundary: bool = False, snapshot: bytes | None = None) -> None: ...

    def set_status(self, status: str) -> None: ...


class _ReadBlobs:
    """The log's blobs; new ones are kept in memory."""

    def __init__(self, stored: BlobStore) -> None:
        self._stored = stored
        self._new: dict[bytes, bytes] = {}

    def put(self, data: bytes) -> bytes:
        name = blob_address(data)
        self._new[name] = data
        return name

    def get(self, name: bytes) -> bytes:
        return self._new[name] if name in self._new else self._stored.get(name)


class _EveryStep(Limits):
    """The limits of the program; pure work stops after each step, because the log may contain a stop there."""

    def of_call(self, unit: Unit, state: State) -> tuple[float, float]:
        return -1.0, -1.0


class _ReplayMachine(Machine):
    """A machine that takes from the log what came from outside: results, answers, events, stops and grants."""

    def __init__(self, program: Program, compared: _ComparedLog, log: RunLog, *, run: str, seed: int) -> None:
        self._compared = compared
        super().__init__(program, compared, _NoEffects(), run=run or log.run_hash, seed=seed, limits=_EveryStep({}))

    def run(self, *, steps: int | None = None) -> Any:
        while True:
            state = super().run(steps=steps)
            event = self._compared.next
            if event is None or state.status != "budget":
                return state
            if event["k"] == "granted":
                self.recorder.write(event)
            elif event["k"] != "answered" or not self._take_result(event):  # a stopped run can be answered
                return state

    _seconds = 0.0  # the wall time of a replay stops nothing

    def _advance(self) -> bool:
        event = self._compared.next
        return (event is not None and self._take(event)) or super()._advance()

    def _receive(self) -> bool:
        return False

    def _take(self, event: dict[str, Any]) -> bool:
        """Write the recorded event if it brought something from outside to a fiber that waits for it."""
        match event["k"]:
            case "stopped":
                self._write_stop(event)
                return True
            case "sent" | "cancelled":
                self.recorder.write(event)
                return True
            case "result" | "answered" | "failed" if "key" in event:
                return self._take_result(event)
            case "took" | "ran":
                return self._take_recorded_event(event)
        return False

    def _write_stop(self, event: dict[str, Any]) -> None:
        """Write a recorded stop; its used amount is one that the state has, of the run or of an active call."""
        used, name = contents(self.state.used), event.get("s", "")
        root, found = self.state.root, [used]
        if any(one.name == name for one in root.leaves()):
            found += [root.counts(name), *map(contents, root.calls_to(name))]
        amounts = [counts[event["which"]] for counts in found if event["which"] in counts]
        amount = event["used"] if event["used"] in amounts else next(iter(amounts), 0)
        self.recorder.write({**event, "used": amount})

    def _take_result(self, event: dict[str, Any]) -> bool:
        key = event["key"]
        fiber = next((one for one in self.state.waiting if one.intent is not None and one.intent.key == key), None)
        if fiber is None:
            return False
        if self._parts.effect(fiber) is not None:
            self.settle(fiber, response_of(event))
        else:
            from harness.dsl.machine import sweep_run

            sweep_run.settle_recorded(self._parts, fiber, event)
        return True

    def _take_recorded_event(self, event: dict[str, Any]) -> bool:
        name = event.get("s", "")
        fiber = next((one for one in self.state.root.leaves() if one.name == name), None)
        instruction = None if fiber is None else self._parts.instruction(fiber)
        if fiber is None or not isinstance(instruction, Await) or self.state.queue:
            return False
        if event["k"] == "ran":
            self.stepper.end_await(fiber, instruction)
        elif event.get("received"):
            fields = restore_value(event["fields"], self._compared.blobs)
            self.stepper.take(fiber, instruction, event["event"], fields, received=True)
        return True


class _NoEffects:
    """No external effects: a replay takes every result from the log; see `ExternalEffects`."""

    workers, retry_failed, is_interactive = 1, False, False
    progress: Callable[[str], None] | None = None

    def perform(self, request: Request) -> Response:
        raise _unexpected(request.name)

    def changed_files(self) -> dict[str, Files]:
        return {}

    def ask(self, query: Query) -> Response | None:
        raise _unexpected(query.label)

    def interrupt(self) -> None:
        pass

    def messages(self, known: list[str]) -> list[tuple[str, str, dict[str, Any]]]:
        return []

    def cancelled(self) -> str | None:
        return None

    def event(self, skip: int, seconds: float) -> tuple[str, dict[str, Any]] | None:
        raise _unexpected(f"event {skip}")

    def points(self, key: str) -> AbstractContextManager[Points]:
        raise _unexpected(f"search {key}")


def _unexpected(what: str) -> InfraError:
    return InfraError(f"a replay performs no effect, but {what} was asked for")


def response_of(event: dict[str, Any]) -> Response:
    """The response that a recorded event contains."""
    if event["k"] == "failed":
        again = bool(event.get("again"))
        return Response(event["status"], why=event["why"], source=event.get("source", {}), may_retry=again)
    return Response(event.get("status", "ok"), recorded=event)


def _divergence(program: Program, recorded: list[StoredEvent], found: _Differs) -> Divergence:
    old = recorded[found.seq].value
    new = {} if found.produced is None else dict(decode(found.produced))
    label = str(old.get("label") or old.get("at") or new.get("at") or "")
    spans = {i.label: i.span for unit in program.units for i in unit.code}
    span = spans.get(label) or spans.get(str(new.get("label") or new.get("at") or ""))
    where = program.where(span) if span is not None else program.path
    differences = tuple(_differences(old, new, ""))[:20]
    return Divergence(found.seq, where, label, differences)


def _differences(old: Any, new: Any, path: str) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            inner = f"{path}.{key}" if path else str(key)
            if key not in old:
                yield Difference(inner, _ABSENT, _shown(new[key]))
            elif key not in new:
                yield Difference(inner, _shown(old[key]), _ABSENT)
            else:
                yield from _differences(old[key], new[key], inner)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from _differences(left, right, f"{path}[{index}]")
    elif old != new or type(old) is not type(new):
        yield Difference(path, _shown(old), _shown(new))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:199] + "…"
