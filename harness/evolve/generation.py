"""Generations: what happens on an island between two barriers: owners judged again, proposals, verdicts, migration."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.core.trial import Trial, changed
from harness.evolve.archive import Archive
from harness.evolve.cascade import Cascade
from harness.evolve.config import Experiment
from harness.evolve.job import Batch
from harness.evolve.pools import FRESH, Pools
from harness.evolve.proposal_plan import First, ProposalPlan, failures_of
from harness.evolve.state import ELITE, MIGRANT, State, ToolState
from harness.lane.breed import Breed, Proposal
from harness.ledger.trials import Trials
from harness.sweep.loop import Book


@dataclass(frozen=True, slots=True)
class Part:
    """The proposals of an island in a generation, while they are judged.

    Attributes:
        island: Their island; 0 for the first generation of a tool.
        batch: Their way through the cascade.
        migrants: Numbers of the champions that migrate after it, by island; empty if none does. They are taken with
            those of the proposals, since a limit may end the search before anything else is proposed.
    """

    tool: str
    island: int
    batch: Batch
    migrants: tuple[int, ...]


@dataclass(slots=True)
class Generations:
    """Makes generations, or takes them from their rows as far as these are there.

    Each row has a number that follows from the rows before it. A row that is there is used as it is; what is missing is
    made as it would have been. `harness.sweep.loop.run` calls its methods, in as many parts as there are islands: while
    the proposals of one island are judged, those of the next one are made. The first generation of a tool is one part.

    Attributes:
        breeds: What the lane offers for each tool.
        state: What the complete generations amount to.
        pools: Judge migrants on fresh inputs.
        say: Is called when a generation is complete that was not complete before.
    """

    experiment: Experiment
    breeds: Mapping[str, Breed]
    trials: Trials
    state: State
    plan: ProposalPlan
    cascade: Cascade
    pools: Pools
    say: Callable[[], None]
    generation: int = -1
    _island: int = 0
    _open: deque[Part] = field(default_factory=deque)
    _known: int = 0
    _tool: str = ""
    _is_first: bool = True

    def propose(self, generation: int, book: Book) -> list[Trial]:
        """Judge the owners of cells of an island for a new epoch, propose, and begin to judge the proposals."""
        if generation != self.generation:
            self._known, self.generation, self._island = len(self.trials.rows), generation, 0
            passed = {name: one.passed for name, one in self.state.tools.items()}
            self._tool = self.experiment.schedule.tool_of(generation, passed, seed=self.experiment.seed)
            self._is_first = self.state.of(self._tool).epoch is None
        else:
            self._island += 1
        state, rows = self.state.of(self._tool), list[Trial]()
        if not self._is_first:
            self._tighten(generation, state, book)
        if not self._is_first or self._island == 0:
            rows = self._propose(generation, state, book)
        waiting = [row for row in book.current(rows) if not row.is_judged]
        count = self.experiment.islands
        is_last = self._island == count - 1 and (generation + 1) % self.experiment.migrate_every == 0
        migrants = tuple(book.next() for _ in range(count)) if is_last and count > 1 else ()
        self._open.append(Part(self._tool, self._island, self._begin(waiting, state, book), migrants))
        return rows

    def _begin(self, trials: Sequence[Trial], state: ToolState, book: Book) -> Batch:
        def other_of(trial: Trial) -> str:
            if self.experiment.timing == "none":
                return ""
            return trial.parents[0] if trial.parents else state.first_root

        proposed = [(row, "" if row.verdict.get("fault") else book.kept.source(row.digest)) for row in trials]
        known, forms = state.first, state.forms
        return self.cascade.begin(proposed, known=known, forms=forms, other_of=other_of, measures_of=state.measures)

    def judge(self, trials: Sequence[Trial], book: Book) -> None:
        """Wait for the verdicts on the proposals that were made first."""
        self.cascade.finish(self._open[0].batch)

    def absorb(self, generation: int, trials: Sequence[Trial], book: Book) -> int:
        """Take the result of a part of a generation into the state; after the last one champions migrate."""
        part = self._open.popleft()
        self.state.absorb(part.tool, generation, part.island, trials)
        if part.migrants:
            self._migrate(generation, part, book)
        if part.island == self.experiment.islands - 1 and len(self.trials.rows) > self._known:
            self.say()
        return min(one.stale for one in self.state.tools.values())

    def spent(self) -> tuple[int, float]:
        """Tokens and US dollars of all replies, those of earlier processes included."""
        found = self.plan.budgeted.values()
        return sum(one.tokens for one in found), sum(one.money for one in found)

    # --- owners of cells, when budgets tighten ---

    def _tighten(self, generation: int, state: ToolState, book: Book) -> None:
        rows = [
            Trial(
                number=book.next(),
                generation=generation,
                epoch=generation,
                suite=self._tool,
                digest=member.digest,
                island=self._island,
                normal_form=state.first[member.digest].normal_form,
                parents=(member.digest,),
                operator=ELITE,
                verdict={"values": _values(state, member.digest), "brought_by": state.first[member.digest].name},
            )
            for member in state.archives[self._island].members
        ]
        waiting = book.add(rows)
        self.cascade.rescore([(row, state.latest[row.digest]) for row in waiting])
        self.state.tighten(self._tool, generation, self._island, book.current(rows))

    # --- proposals ---

    def _propose(self, generation: int, state: ToolState, book: Book) -> list[Trial]:
        tool, islands = self._tool, self.experiment.islands
        slots: Sequence[First | None] = [None] * len(range(self._island, self.experiment.population, islands))
        if self._is_first:
            slots = self.plan.first(tool, self.breeds[tool])
        earlier = [one for one in self.trials.rows.values() if one.suite == tool and one.generation < generation]
        failures = failures_of([one for one in earlier if self._is_first or one.island == self._island])
        found: list[Trial] = []
        batch: list[Trial] = []
        texts: dict[str, str] = {}
        for index, given in enumerate(slots):
            number, island = book.next(), index % islands if self._is_first else self._island
            row = book.row(number)
            if row is None:
                if given is not None:
                    proposal, values = given
                else:
                    made = self.plan.propose(number, island, self.breeds[tool], state, failures)
                    if made is None:
                        continue
                    proposal, values = made, _values(state, *made.parents)
                row = self._trial(proposal, number, tool, generation=generation, island=island, values=values)
                batch.append(row)
                texts[row.digest] = proposal.text
                if proposal.tokens or proposal.fault:  # it was paid for: kept before anything else happens
                    self.trials.propose(batch, texts)
                    batch, texts = [], {}
            state.note(row)
            found.append(row)
        if batch:
            self.trials.propose(batch, texts)
        return found

    def _trial(
        self, proposal: Proposal, number: int, tool: str, *, generation: int, island: int, values: Mapping[str, Any]
    ) -> Trial:
        checked = self.breeds[tool].check(proposal.text)
        verdict: dict[str, Any] = {"values": dict(values)}
        if proposal.tokens:
            verdict["tokens"] = proposal.tokens
        if proposal.fault:
            verdict["fault"] = proposal.fault
        return Trial(
            number=number,
            generation=generation,
            epoch=generation,
            suite=tool,
            digest=checked.digest,
            island=island,
            normal_form=checked.normal_form,
            parents=proposal.parents,
            operator=proposal.operator,
            verdict=verdict,
        )

    # --- migration ---

    def _migrate(self, generation: int, part: Part, book: Book) -> None:
        """Each island's champion, confirmed on fresh inputs, gets a cell on the next island of the ring."""
        tool, state, rows = part.tool, self.state.of(part.tool), list[Trial]()
        for island, archive in enumerate(state.archives):
            digest = _best(archive)
            if digest:
                row = Trial(
                    number=part.migrants[island],
                    generation=generation,
                    epoch=generation,
                    suite=tool,
                    digest=digest,
                    island=(island + 1) % self.experiment.islands,
                    normal_form=state.first[digest].normal_form,
                    parents=(digest,),
                    operator=MIGRANT,
                )
                rows.append(row)
        waiting = book.add(rows)
        if waiting:
            sources = [self.trials.source(row.digest) for row in waiting]
            judged = [self.pools.submit(tool, source, epoch=generation, inputs=FRESH) for source in sources]
            verdicts = [one.result() for one in judged]
            self.trials.complete(
                changed(
                    row,
                    stage="confirmed",
                    status=one.status.value,
                    passed=one.passed,
                    verdict={"why": one.why},
                    seconds=one.evaluation.evidence.seconds,
                )
                for row, one in zip(waiting, verdicts, strict=True)
            )
        self.state.migrate(tool, book.current(rows))


def _best(archive: Archive) -> str:
    members = sorted(archive.members, key=lambda member: member.key)
    return members[0].digest if members else ""


def _values(state: ToolState, *digests: str) -> Mapping[str, Any]:
    """The point of the search space that a candidate comes from: that of its first parent."""
    trial = state.latest.get(digests[0]) if digests else None
    values = trial.verdict.get("values", {}) if trial is not None else {}
    return values if isinstance(values, dict) else {}
