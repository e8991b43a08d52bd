"""Loop: the one loop of all searches: propose, keep, judge, keep, decide; generation after generation."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.core.errors import InfraError
from harness.core.trial import Trial, changed

START = "start"  # the operator of what a search begins with


class Rows(Protocol):
    """The trials of one search; `harness.ledger.trials.Trials` keeps them in a ledger."""

    @property
    def rows(self) -> dict[int, Trial]:
        """All trials by number."""

    def propose(self, trials: Sequence[Trial], texts: Mapping[str, str | bytes], /) -> None:
        """Keep proposals, with their sources by digest; all of them or none."""

    def complete(self, trials: Iterable[Trial], /) -> None:
        """Keep the results of trials."""

    def source(self, digest: str, /) -> str:
        """The source of a trial."""


@dataclass(slots=True)
class Kept:
    """Rows in memory, for a search that no ledger keeps."""

    rows: dict[int, Trial] = field(default_factory=dict)
    texts: dict[str, str | bytes] = field(default_factory=dict)

    def propose(self, trials: Sequence[Trial], texts: Mapping[str, str | bytes]) -> None:
        """Keep proposals."""
        self.texts.update(texts)
        self.complete(trials)

    def complete(self, trials: Iterable[Trial]) -> None:
        """Keep the results of trials."""
        self.rows.update((trial.number, trial) for trial in trials)

    def source(self, digest: str) -> str:
        """The source of a trial."""
        text = self.texts[digest]
        return text if isinstance(text, str) else text.decode()


@dataclass(slots=True)
class Book:
    """Numbers trials. A row that is there is used as it is, so that a search continues after any kill."""

    kept: Rows
    number: int = 0

    def next(self) -> int:
        """A number for the next trial; it is used up even if no trial gets it."""
        self.number += 1
        return self.number - 1

    def row(self, number: int) -> Trial | None:
        """The trial of a number; None if it was not proposed yet."""
        return self.kept.rows.get(number)

    def proposed(self, generation: int) -> list[Trial]:
        """The trials of a generation whose proposals are made at once; empty before they are made."""
        found = [row for number, row in sorted(self.kept.rows.items()) if row.generation == generation]
        self.number = max(self.number, *(row.number + 1 for row in found)) if found else self.number
        return found

    def proposal(
        self,
        generation: int,
        suite: str,
        digest: str,
        *,
        operator: str,
        parents: tuple[str, ...] = (),
        normal_form: str = "",
        verdict: Mapping[str, Any] | None = None,
    ) -> Trial:
        """The next trial of a search that has neither epochs nor islands."""
        return Trial(
            self.next(),
            generation,
            0,
            suite,
            digest,
            operator=operator,
            parents=parents,
            normal_form=normal_form,
            verdict=verdict or {},
        )

    def add_empty_reply(self, generation: int, suite: str, *, operator: str) -> list[Trial]:
        """Keep that a proposer proposed nothing new, so that a search that continues does not pay for it again."""
        row = self.proposal(generation, suite, "", operator=operator, verdict={"why": "nothing new was proposed"})
        self.add([changed(row, stage="reply", status="skipped", passed=False)])
        return [row]

    def add(self, trials: Sequence[Trial], texts: Mapping[str, str | bytes] | None = None) -> list[Trial]:
        """Keep those trials that are missing; returns those that are not judged."""
        missing = [row for row in trials if row.number not in self.kept.rows]
        if missing:
            self.kept.propose(missing, texts or {})
        return [row for row in self.current(trials) if not row.is_judged]

    def current(self, trials: Iterable[Trial]) -> list[Trial]:
        """Trials as they are kept now."""
        return [self.kept.rows[row.number] for row in trials]


@dataclass(frozen=True, slots=True)
class Limits:
    """When a search ends. Each limit is checked between generations; None for no limit.

    Attributes:
        patience: Generations without a better best.
        seconds: Wall seconds of this process.
        money: US dollars of all replies.
    """

    generations: int
    patience: int | None = None
    seconds: float | None = None
    candidates: int | None = None
    tokens: int | None = None
    money: float | None = None

    def reached(self, *, stale: int, seconds: float, candidates: int, tokens: int, money: float) -> str:
        """The limit that is reached, in words; empty if none is."""
        if self.candidates is not None and candidates >= self.candidates:
            return f"{candidates} candidates"
        if self.seconds is not None and seconds >= self.seconds:
            return f"{self.seconds:g} seconds"
        if self.patience is not None and stale >= self.patience:
            return f"{self.patience} generations without a better candidate"
        if self.tokens is not None and tokens >= self.tokens:
            return f"{tokens} tokens"
        if self.money is not None and money >= self.money:
            return f"{money:.4f} US dollars"
        return ""


class Searched(Protocol):
    """What is searched: proposes, judges and decides; the loop keeps the rows and the limits."""

    def propose(self, generation: int, book: Book, /) -> list[Trial] | None:
        """The proposals of a generation, or of its next part, which the book has; None if there are no further ones.

        Raises:
            InfraError: if the proposer fails; that ends the search, and what it has is kept.
        """

    def judge(self, trials: Sequence[Trial], book: Book, /) -> None:
        """Complete the rows of trials that are not judged."""

    def absorb(self, generation: int, trials: Sequence[Trial], book: Book, /) -> int:
        """Decide by the verdicts of a complete generation, or part of one, in the order of their numbers.

        Returns:
            The number of generations since the best became better; 0 if it did now.
        """


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a search ended.

    Attributes:
        fault: The failure of the proposer that ended it; None if none did.
    """

    reason: str
    fault: InfraError | None = None


def nothing() -> tuple[int, float]:
    """What is spent by a search whose proposers cost nothing, or count for themselves."""
    return 0, 0.0


def run(
    searched: Searched, rows: Rows, limits: Limits, *, parts: int = 1, spent: Callable[[], tuple[int, float]] = nothing
) -> Ended:
    """Search until a limit is reached, nothing more can be proposed, or the proposer fails.

    Args:
        rows: Its rows; those that are there already are neither proposed nor judged again.
        parts: Calls of `propose` in each generation. Before a part is proposed, the same part of the generation before
            was decided; the parts between them are judged meanwhile, so that no judge waits for the slowest verdict.
        spent: Tokens and US dollars of all replies so far.

    Raises:
        Exception: of `judge`, `absorb` or the rows; what was kept stays.
    """
    book, started, stale, candidates = Book(rows), time.monotonic(), 0, 0
    pending: deque[tuple[int, list[Trial]]] = deque()

    def decide() -> int:
        generation, trials = pending.popleft()
        searched.judge([row for row in book.current(trials) if not row.is_judged], book)
        return searched.absorb(generation, book.current(trials), book)

    ended = Ended(f"{limits.generations} generations")
    for turn in range(limits.generations * parts):
        if len(pending) == parts:
            stale = decide()
        tokens, money = spent()
        elapsed = time.monotonic() - started
        reason = limits.reached(stale=stale, seconds=elapsed, candidates=candidates, tokens=tokens, money=money)
        if reason and turn % parts == 0:
            ended = Ended(reason)
            break
        try:
            trials = searched.propose(turn // parts, book)
        except InfraError as fault:
            ended = Ended(str(fault), fault)
            break
        if trials is None:
            ended = Ended("nothing more can be proposed")
            break
        candidates += len(trials)
        pending.append((turn // parts, trials))
    while pending:
        decide()
    return ended
