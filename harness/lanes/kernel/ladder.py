"""Ladder: the steps by which a kernel was made faster, and whether they kept what a ladder promises.

Two invariants: *Correctness*, every step is right; *Monotonic Speedup*, no step is slower than the one before it at any
size. A step that regresses is named, not hidden; what was not measured is neither kept nor broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from harness.core.frozen import Frozen

SLACK = 0.02
"""By how much of its time a step may be slower before it counts: what two runs of one kernel differ by."""


class Step(Frozen):
    """One kernel of a ladder."""

    step: int
    kernel: str
    passed: bool | None = None
    """Whether it was right; None where it was not asked."""
    milliseconds: dict[str, float] = {}
    """Its time at each target that was measured."""


class Regression(Frozen):
    """A step that is slower than the one before it."""

    before: str
    after: str
    target: str
    ratio: float
    """Time of the later step over the earlier one's."""

    @property
    def sentence(self) -> str:
        """What people read."""
        return f"{self.after} takes {self.ratio:.2f} times as long as {self.before} at {self.target}"


class Ladder(Frozen):
    """A ladder and what became of its promises."""

    steps: tuple[Step, ...]
    wrong: tuple[str, ...]
    """Steps that are not right."""
    regressions: tuple[Regression, ...]

    @property
    def correctness(self) -> bool | None:
        """Whether every step is right; None as long as one was not asked and none is wrong."""
        if self.wrong:
            return False
        return None if any(step.passed is None for step in self.steps) or not self.steps else True

    @property
    def monotonic(self) -> bool | None:
        """Whether no step regresses; None as long as two neighbours have no common measurement."""
        if self.regressions:
            return False
        compared = all(one.milliseconds.keys() & other.milliseconds.keys() for one, other in pairwise(self.steps))
        return True if compared and len(self.steps) > 1 else None


def climb(steps: Iterable[Step], *, slack: float = SLACK) -> Ladder:
    """Judge a ladder, in the order of its steps."""
    ordered = tuple(sorted(steps, key=lambda step: (step.step, step.kernel)))
    return Ladder(
        steps=ordered,
        wrong=tuple(step.kernel for step in ordered if step.passed is False),
        regressions=tuple(_regressions(ordered, slack)),
    )


def _regressions(steps: tuple[Step, ...], slack: float) -> Iterator[Regression]:
    for before, after in pairwise(steps):
        for target, milliseconds in after.milliseconds.items():
            if target in before.milliseconds and milliseconds > before.milliseconds[target] * (1 + slack):
                ratio = milliseconds / before.milliseconds[target]
                yield Regression(before=before.kernel, after=after.kernel, target=target, ratio=ratio)
