"""Repairer: repairs one candidate by single edits, then pairs, then a provider; only a confirmed repair counts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from harness.core.clip import clip
from harness.core.errors import InfraError
from harness.core.status import Status
from harness.judge.verdict import Verdict
from harness.lanes.toolgen.proposals.cheap_checks import check
from harness.ledger.handoffs import EXHAUSTED, PASSING, REPAIRED, UNCONFIRMED
from harness.repair.localisation import Suspects
from harness.repair.patterns import Patterns, Step
from harness.repair.proposals import Proposal, changed_size, show_change, single_edits, syntax_repairs
from harness.repair.workbench import Workbench
from harness.sandbox.loop import OutOfTimeError

BATCH = 32  # proposals that are screened together; the search ends after the first batch with a confirmed one
MAX_STARTS = 12
"""Single edits from which pairs are made: those that got most answers right, then the most promising ones."""
MAX_SECONDS_EDITS = 120  # second edits of each of them

Proposer = Callable[[str, Verdict], Iterable[str]]
"""Proposes whole sources from a candidate and its verdict on the inputs of the search."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What became of one candidate.

    Attributes:
        state: `repaired`, `nothing to repair`, `exhausted` (no proposal passed the search) or `unconfirmed` (some did,
            but none on inputs that the search had not seen).
        strategy: `syntax`, `single`, `pair` or `provider`; empty unless repaired.
        source: The repaired bytes; None unless repaired.
        steps: The edits; empty for a provider's.
        confirmed_on: `fresh inputs` or `held-back examples`.
        unseen: How many of these the search had not seen.
        screened: Number of proposals that were screened.
        passed: Number of those that passed the search.
        seconds: Wall seconds.
        change: A unified diff.
        tried: The strategies that were tried, in order.
    """

    state: str
    why: str
    strategy: str = ""
    source: bytes | None = None
    steps: tuple[Step, ...] = ()
    confirmed_on: str = ""
    unseen: int = 0
    screened: int = 0
    passed: int = 0
    seconds: float = 0.0
    change: str = ""
    tried: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """The result as the ledger keeps it."""
        return {
            "state": self.state,
            "why": self.why,
            "strategy": self.strategy,
            "edits": [step.to_wire() for step in self.steps],
            "confirmed_on": self.confirmed_on,
            "unseen": self.unseen,
            "screened": self.screened,
            "passed": self.passed,
            "seconds": round(self.seconds, 3),
            "change": self.change,
            "tried": list(self.tried),
        }


def repair(
    bench: Workbench,
    candidate: bytes,
    *,
    seconds: float,
    patterns: Patterns | None = None,
    proposer: Proposer | None = None,
) -> Repair:
    """Repair one candidate.

    Args:
        seconds: Limit on the wall seconds; what is judged then ends with its processes.
        proposer: Asked when no edit helps; it limits its own time.

    Raises:
        SpecError: if the oracle fails.
        InfraError: if the candidate cannot be judged.
    """
    begun = time.monotonic()
    bench.until = begun + seconds
    try:
        search = _Search(bench, candidate, patterns or Patterns(), proposer)
        found = search.run()
    finally:
        bench.until = math.inf
    return replace(
        found,
        screened=search.screened,
        passed=search.passed,
        seconds=time.monotonic() - begun,
        tried=tuple(search.tried),
    )


@dataclass(slots=True)
class _Search:
    bench: Workbench
    candidate: bytes
    patterns: Patterns
    proposer: Proposer | None
    known: set[str] = field(default_factory=set)
    starts: list[tuple[int, float, Proposal]] = field(default_factory=list)
    screened: int = 0
    passed: int = 0
    unconfirmed: str = ""
    tried: dict[str, None] = field(default_factory=dict)

    def run(self) -> Repair:
        try:
            verdict = _judged(self.bench.screen([self.candidate])[0])
            if verdict.status is Status.OK:
                verdict = _judged(self.bench.confirm(self.candidate))
                if verdict.status is Status.OK:
                    return Repair(PASSING, "the candidate passes on fresh inputs")
        except OutOfTimeError:
            return Repair(EXHAUSTED, "the time is over before the candidate itself was judged; raise --budget-s")
        try:
            source = self.candidate.decode("utf-8")
        except UnicodeDecodeError:
            return Repair(EXHAUSTED, verdict.why)
        self.known.add(check(source, self.bench.tool).normal_form)
        try:
            for strategy, proposals in self._strategies(source, verdict):
                self.tried[strategy] = None
                found = self._try(strategy, source, proposals)
                if found is not None:
                    return found
            ended = "no edit helped"
        except OutOfTimeError:
            ended = "the time is over"
        if self.passed:
            return Repair(
                UNCONFIRMED,
                clip(
                    f"{self.passed} proposals passed the inputs of the search, none the confirmation: "
                    f"{self.unconfirmed or ended}"
                ),
            )
        return Repair(EXHAUSTED, clip(f"{ended}; {verdict.status}: {verdict.why}"))

    def _strategies(self, source: str, verdict: Verdict) -> Iterator[tuple[str, Iterator[list[Proposal]]]]:
        parts = list(syntax_repairs(source))
        if parts:
            yield "syntax", self._batches(parts)
            bases = [start for _, _, start in self._best_starts()[:1]]
        else:
            bases = [Proposal(source, ())]
        for base in bases:
            self.starts = []
            singles = self._singles(base)
            yield "pair" if parts else "single", self._batches(singles)
            for start in [one for _, _, one in self._best_starts()]:
                yield "pair", self._batches(self._singles(start)[:MAX_SECONDS_EDITS])
        if self.proposer is not None:
            texts = self.proposer(source, verdict)
            yield "provider", ([Proposal(text)] for text in texts)

    def _singles(self, base: Proposal) -> list[Proposal]:
        self._require_time()
        try:
            suspects: Suspects = self.bench.suspects(base.source)
            return single_edits(base, suspects.lines, self.patterns)
        except (SyntaxError, ValueError, RecursionError):
            return []

    def _batches(self, proposals: list[Proposal]) -> Iterator[list[Proposal]]:
        for start in range(0, len(proposals), BATCH):
            yield proposals[start : start + BATCH]

    def _best_starts(self) -> list[tuple[int, float, Proposal]]:
        """The edits that got further than the rest, then the most promising ones."""
        return sorted(self.starts, key=lambda one: (-one[0], -one[1]))[:MAX_STARTS]

    def _try(self, strategy: str, source: str, batches: Iterator[list[Proposal]]) -> Repair | None:
        for batch in batches:
            self._require_time()
            new = [one for one in batch if self._is_new(one.source)]
            if not new:
                continue
            self.screened += len(new)
            passing = []
            for proposal, verdict in zip(new, self.bench.screen(one.source for one in new), strict=True):
                if verdict.status is Status.OK:
                    passing.append(proposal)
                elif verdict.status is Status.WRONG or strategy == "syntax":
                    right = verdict.evaluation.evidence.facts["questions"]["right"]
                    self.starts.append((right, proposal.rank, proposal))
            self.passed += len(passing)
            passing.sort(key=lambda one: (changed_size(source, one.source), -one.rank))
            while passing:
                proposal = passing.pop(0)
                if (found := self._confirmed(strategy, source, proposal)) is not None:
                    return found
                if self.bench.widen():  # the search asked too little to tell right from wrong
                    verdicts = self.bench.screen(one.source for one in passing)
                    passing = [one for one, seen in zip(passing, verdicts, strict=True) if seen.status is Status.OK]
        return None

    def _confirmed(self, strategy: str, source: str, proposal: Proposal) -> Repair | None:
        self._require_time()
        unseen = self.bench.count_unseen()
        if not unseen:
            self.unconfirmed = f"the tool has no {self.bench.confirmed_on} that the search had not seen"
            return None
        verdict = _judged(self.bench.confirm(proposal.source))
        if verdict.status is not Status.OK:
            self.unconfirmed = f"{verdict.status}: {verdict.why}"
            return None
        return Repair(
            REPAIRED,
            f"confirmed on {unseen} {self.bench.confirmed_on}",
            strategy=strategy,
            source=proposal.source.encode("utf-8", "surrogatepass"),
            steps=proposal.steps,
            confirmed_on=self.bench.confirmed_on,
            unseen=unseen,
            change=show_change(source, proposal.source),
        )

    def _is_new(self, source: str) -> bool:
        checked = check(source, self.bench.tool)
        if checked.stage or checked.normal_form in self.known:
            return False
        self.known.add(checked.normal_form)
        return True

    def _require_time(self) -> None:
        if time.monotonic() >= self.bench.until:
            raise OutOfTimeError


def _judged(verdict: Verdict) -> Verdict:
    if verdict.status is Status.INFRA:
        raise InfraError(f"the candidate cannot be judged: {verdict.why}")
    return verdict
