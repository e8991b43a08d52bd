"""State: the fold of a log: program counters, variables and used budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.dsl.plain import field, mutable
from harness.dsl.values import Undefined, Value


@mutable
class Call:
    """An active call of a unit.

    Attributes:
        unit: Its index in the program.
        pc: The next instruction.
        iterations: Backward jumps so far.
        steps: Steps and checks begun so far.
        events: Events taken so far.
        queries, tokens: Questions asked and tokens used by it and by what it called.
    """

    unit: int
    pc: int
    slots: list[Value]
    iterations: int = 0
    steps: int = 0
    events: int = 0
    queries: int = 0
    tokens: int = 0


@mutable
class Intent:
    """An effect or question that has begun and has no result yet.

    Attributes:
        key: See `effect_key`.
        name: `tool.run`, `llm.query` ...
        arguments: Evaluated, by name.
        attempt: 1 for the first try.
        question: Id of a question, empty for tools.
        seq: The event that began it.
        occurrence: Number of this question among equal ones of the run, from 1; 0 for tools.
    """

    key: str
    name: str
    arguments: dict[str, Value]
    attempt: int
    question: str = ""
    seq: int = -1
    occurrence: int = 0


@mutable
class Fiber:
    """A line of execution; the branches of a `parallel` are fibers below it and share its slots.

    Attributes:
        name: `""` for the main one, `/0/2` for a branch of a branch.
        calls: Units that call each other; the last one runs.
        end: Index of the join instruction where a branch ends; -1 for the main fiber.
        branches: Fibers that must end before this one continues.
        intent: The effect or question that it waits for.
        tries: Failed tries of the current effect.
        done: Whether a branch has reached its end.
        deadlines: Of the steps that it is in: label of the step, seconds, and the event from which they count.
        failure: What an `on failure` block handles: `label`, `status` and `why`.
    """

    name: str
    calls: list[Call]
    end: int = -1
    branches: list[Fiber] = field(default_factory=list)
    intent: Intent | None = None
    tries: int = 0
    done: bool = False
    deadlines: list[tuple[str, float, int]] = field(default_factory=list)
    failure: dict[str, str] = field(default_factory=dict)

    @property
    def call(self) -> Call:
        """The innermost call, which is being executed."""
        return self.calls[-1]

    def leaves(self) -> Iterator[Fiber]:
        """The fibers that can run, in source order."""
        if not self.branches:
            if not self.done:
                yield self
            return
        for branch in self.branches:
            yield from branch.leaves()

    def walk(self) -> Iterator[Fiber]:
        """All fibers, each after those below it, in source order."""
        for branch in self.branches:
            yield from branch.walk()
        yield self

    def path_to(self, name: str) -> list[Fiber]:
        """This fiber, and those below it down to the one of that name.

        Raises:
            KeyError: if there is no fiber of that name.
        """
        if name == self.name:
            return [self]
        for branch in self.branches:
            if name == branch.name or name.startswith(branch.name + "/"):
                return [self, *branch.path_to(name)]
        raise KeyError(name)

    def counts(self, name: str) -> dict[str, int]:
        """Steps and iterations of the innermost call of the fiber of that name, with those of all its branches."""
        *outer, fiber = self.path_to(name)
        while len(fiber.calls) == 1 and outer:  # a branch is a part of the call that forked
            fiber = outer.pop()
        calls = list(fiber.parts(fiber.call))
        return {"steps": sum(c.steps for c in calls), "iterations": sum(c.iterations for c in calls)}

    def parts(self, call: Call) -> Iterator[Call]:
        """A call of this fiber, and its parts in the branches below it."""
        yield call
        if self.call is call:
            for branch in self.branches:
                yield from branch.parts(branch.calls[0])

    def calls_to(self, name: str) -> list[Call]:
        """The calls that are active in the fiber of that name, outermost first: also those of the fibers above it."""
        return [call for fiber in self.path_to(name) for call in fiber.calls]

    def find(self, name: str) -> Fiber:
        """This fiber or one below it, by name."""
        return self.path_to(name)[-1]


@mutable
class Used:
    """The used budget of a run; `time` is in logical seconds."""

    queries: int = 0
    tokens: int = 0
    events: int = 0
    effects: int = 0
    simulated: int = 0
    time: float = 0.0
    mocked: int = 0
    """Effects that mocks answered."""


@mutable
class Judgement:
    """The verdict of a check."""

    label: str
    name: str
    held: bool
    seen: str
    """The observed value, for messages."""


def value_of_check(held: bool, seen: str) -> Value:
    """The value of a check in expressions: true, false, or undefined with the reason."""
    if not held and seen.startswith("undefined: "):
        return Undefined(seen.removeprefix("undefined: "))
    return held


@mutable
class State:
    """The state of a run without its trace, which `Knowledge` holds.

    Attributes:
        values: State variables of the program.
        queue: Posted events that wait for a service loop.
        received: Number of external events taken.
        occurrences: How often each effect was begun, by label; part of its key.
        asked: How often each question was asked, by the digest of what its answer depends on.
        entered, left: Number of times a step began and ended, by label, in order.
        judged: Checks, by the label of the instruction.
        sent: Names of the messages taken from other processes.
        granted: Raised limits, by name of the budget.
        chunks: Addresses of blobs with the trace up to the newest snapshot.
        fresh: The trace since the newest snapshot: [sequence number, item].
        status: `running`, `ok`, `failed`, `wrong`, `budget` or `cancelled`.
        ended: The event that ended or stopped the run.
    """

    root: Fiber
    values: list[Value]
    queue: list[tuple[str, dict[str, Value]]] = field(default_factory=list)
    received: int = 0
    occurrences: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    entered: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    judged: dict[str, Judgement] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    used: Used = field(default_factory=Used)
    sent: list[str] = field(default_factory=list)
    granted: dict[str, float] = field(default_factory=dict)
    chunks: list[str] = field(default_factory=list)
    fresh: list[list[Any]] = field(default_factory=list)
    status: str = "running"
    ended: dict[str, Any] = field(default_factory=dict)

    @property
    def waiting(self) -> list[Fiber]:
        """Fibers that wait for an effect or an answer."""
        return [fiber for fiber in self.root.leaves() if fiber.intent is not None]
