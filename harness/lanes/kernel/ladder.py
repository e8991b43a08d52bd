"""Ladder: the optimisation steps of a kernel, and whether its two invariants hold.

*Correctness*: every step is right. *Monotonic Speedup*: no step is slower than the one before it at any size. A step
that regresses is named; without measurements an invariant is undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from harness.core.frozen import Frozen

SLACK = 0.02  # a step may be slower by this share: two runs of one kernel differ by as much


class Step(Frozen):
    """One kernel of a ladder."""

    step: int
    kernel: str
    passed: bool | None = None
    """Whether it was right; None if it was not asked."""
    milliseconds: dict[str, float] = {}
    """Its time at each measured target."""


class Regression(Frozen):
    """A step that is slower than the one before it."""

    before: str
    after: str
    target: str
    ratio: float
    """Time of the later step over the earlier one's."""

    @property
    def sentence(self) -> str:
        """The regression as a sentence for reports."""
        return f"{self.after} takes {self.ratio:.2f} times as long as {self.before} at {self.target}"


class Ladder(Frozen):
    """A ladder and the state of its invariants."""

    steps: tuple[Step, ...]
    wrong: tuple[str, ...]
    """Steps that are not right."""
    regressions: tuple[Regression, ...]

    @property
    def correctness(self) -> bool | None:
        """Whether every step is right; None if no step is wrong and one was not asked."""
        if self.wrong:
            return False
        return None if any(step.passed is None for step in self.steps) or not self.steps else True

    @property
    def monotonic(self) -> bool | None:
        """Whether no step regresses; None if two neighbours have no common measurement."""
        if self.regressions:
            return False
        compared = all(one.milliseconds.keys() & other.milliseconds.keys() for one, other in pairwise(self.steps))
        return True if compared and len(self.steps) > 1 else None


def evaluate_ladder(steps: Iterable[Step]) -> Ladder:
    """Evaluate the invariants of a ladder, in the order of its steps."""
    ordered = tuple(sorted(steps, key=lambda step: (step.step, step.kernel)))
    return Ladder(
        steps=ordered,
        wrong=tuple(step.kernel for step in ordered if step.passed is False),
        regressions=tuple(_regressions(ordered)),
    )


def _regressions(steps: tuple[Step, ...]) -> Iterator[Regression]:
    for before, after in pairwise(steps):
        for target, milliseconds in after.milliseconds.items():
            if target in before.milliseconds and milliseconds > before.milliseconds[target] * (1 + SLACK):
                ratio = milliseconds / before.milliseconds[target]
                yield Regression(before=before.kernel, after=after.kernel, target=target, ratio=ratio)
