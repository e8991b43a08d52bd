"""State: what a log says, folded: where the machine is, what its variables hold, what it has used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.dsl.plain import field, mutable
from harness.dsl.values import Undefined, Value


@mutable
class Call:
    """A unit that is being run.

    Attributes:
        unit: Its index in the program.
        pc: The next instruction.
        slots: Its variables.
        iterations: Backward jumps so far.
        steps: Steps and checks begun so far.
    """

    unit: int
    pc: int
    slots: list[Value]
    iterations: int = 0
    steps: int = 0


@mutable
class Intent:
    """An effect that was begun, or a question that was asked, and of which no result is known.

    Attributes:
        key: Digest of run, label, occurrence, arguments and try.
        name: `tool.run`, `llm.query` ...
        arguments: Evaluated, by name.
        attempt: 1 for the first try.
        question: Id of a question, empty for tools.
        seq: The event that began it.
    """

    key: str
    name: str
    arguments: dict[str, Value]
    attempt: int
    question: str = ""
    seq: int = -1


@mutable
class Fiber:
    """A line of execution; branches of a fork are fibers below it and share its slots.

    Attributes:
        name: `""` for the main one, `/0/2` for a branch of a branch.
        calls: Units that call each other; the last one runs.
        end: Where a branch ends: the fork's join; -1 for the main fiber.
        branches: Fibers that must end before this one goes on.
        intent: What it waits for.
        tries: Failed tries of the effect at hand.
        done: A branch that has reached its end.
    """

    name: str
    calls: list[Call]
    end: int = -1
    branches: list[Fiber] = field(default_factory=list)
    intent: Intent | None = None
    tries: int = 0
    done: bool = False

    @property
    def call(self) -> Call:
        """What runs."""
        return self.calls[-1]

    def leaves(self) -> Iterator[Fiber]:
        """The fibers that can move, in the order of the text."""
        if not self.branches:
            if not self.done:
                yield self
            return
        for branch in self.branches:
            yield from branch.leaves()

    def find(self, name: str) -> Fiber:
        """A fiber below (or) this one, by name."""
        if name == self.name:
            return self
        for branch in self.branches:
            if name == branch.name or name.startswith(branch.name + "/"):
                return branch.find(name)
        raise KeyError(name)


@mutable
class Used:
    """What a run has used of its budget; `time` is logical seconds."""

    queries: int = 0
    tokens: int = 0
    events: int = 0
    effects: int = 0
    simulated: int = 0
    time: float = 0.0


@mutable
class Judgement:
    """What became of a check."""

    label: str
    name: str
    held: bool
    seen: str
    """What was seen instead, for people."""


def outcome(held: bool, seen: str) -> Value:
    """What a check is for expressions: true, false, or undefined with the reason."""
    if not held and seen.startswith("undefined: "):
        return Undefined(seen.removeprefix("undefined: "))
    return held


@mutable
class State:
    """Everything a run is, beside its trace (which `Knowledge` holds).

    Attributes:
        root: The main fiber.
        values: State variables of the program.
        queue: Posted events that no service loop has taken yet.
        received: Events taken from outside so far.
        occurrences: How often each effect was begun, by label; part of its key.
        entered, left: Steps that began and those that ended well, by label, in order.
        judged: Checks, by the label of the instruction.
        sweeps: Best points, by label.
        granted: Budget given later, by name.
        chunks: Blobs with the trace up to the newest snapshot.
        fresh: The trace since then: [sequence number, item].
        status: `running`, `ok`, `failed`, `wrong` or `budget`.
        ended: The event that ended or stopped it.
    """

    root: Fiber
    values: list[Value]
    queue: list[tuple[str, dict[str, Value]]] = field(default_factory=list)
    received: int = 0
    occurrences: dict[str, int] = field(default_factory=dict)
    entered: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    judged: dict[str, Judgement] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    used: Used = field(default_factory=Used)
    granted: dict[str, float] = field(default_factory=dict)
    chunks: list[str] = field(default_factory=list)
    fresh: list[list[Any]] = field(default_factory=list)
    status: str = "running"
    ended: dict[str, Any] = field(default_factory=dict)

    @property
    def waiting(self) -> list[Fiber]:
        """Fibers that wait for an effect or an answer."""
        return [fiber for fiber in self.root.leaves() if fiber.intent is not None]
