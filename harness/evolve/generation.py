"""Generations: what happens between two barriers: owners for the new epoch, proposals, verdicts, migration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.trial import Trial, changed
from harness.evolve.archive import Archive
from harness.evolve.cascade import Cascade, Measures
from harness.evolve.config import Experiment
from harness.evolve.pools import FRESH, Pools
from harness.evolve.proposal_plan import First, ProposalPlan, failures_of
from harness.evolve.state import ELITE, MIGRANT, State, ToolState
from harness.lane.breed import Breed, Proposal
from harness.ledger.trials import Trials
from harness.sweep.loop import Book


@dataclass(slots=True)
class Generations:
    """Makes generations, or takes them from their rows as far as these are there.

    Each row has a number that follows from the generations before it. A row that is there is used as it is; what is
    missing is made as it would have been. `harness.sweep.loop.run` calls its methods.

    Attributes:
        experiment: The configuration.
        breeds: What the lane offers for each tool.
        trials: The rows.
        state: What the complete generations amount to.
        plan: Makes proposals.
        cascade: Judges them.
        pools: Judge migrants on fresh inputs.
        say: Is called when a generation is complete that was not complete before.
        generation: The number of the latest generation.
    """

    experiment: Experiment
    breeds: Mapping[str, Breed]
    trials: Trials
    state: State
    plan: ProposalPlan
    cascade: Cascade
    pools: Pools
    say: Callable[[], None]
    generation: int = 0
    _tool: str = ""
    _known: int = 0

    def propose(self, generation: int, book: Book) -> list[Trial]:
        """Judge the owners of cells for a new epoch, and propose."""
        self._known, self.generation = len(self.trials.rows), generation
        passed = {name: one.passed for name, one in self.state.tools.items()}
        self._tool = self.experiment.schedule.tool_of(generation, passed, seed=self.experiment.seed)
        state = self.state.of(self._tool)
        if state.epoch is not None:
            self._tighten(generation, state, book)
        return self._propose(generation, state, book)

    def judge(self, trials: Sequence[Trial], book: Book) -> None:
        """Judge proposals by the cascade."""
        state = self.state.of(self._tool)

        def root_of(trial: Trial) -> Measures | None:
            root = state.root(trial.digest)
            return None if root == trial.digest else state.measures(root)

        def parent_of(trial: Trial) -> Measures | None:
            return state.measures(trial.parents[0]) if trial.parents else None

        proposed = [(row, "" if row.verdict.get("fault") else book.kept.source(row.digest)) for row in trials]
        self.cascade.judge(proposed, known=state.first, forms=state.forms, root_of=root_of, parent_of=parent_of)

    def absorb(self, generation: int, trials: Sequence[Trial], book: Book) -> int:
        """Take the result of a generation into the state; champions migrate."""
        self.state.absorb(self._tool, generation, trials)
        if self.experiment.islands > 1 and (generation + 1) % self.experiment.migrate_every == 0:
            self._migrate(generation, self.state.of(self._tool), book)
        if len(self.trials.rows) > self._known:
            self.say()
        return min(one.stale for one in self.state.tools.values())

    def spent(self) -> tuple[int, float]:
        """Tokens and US dollars of all replies, those of earlier processes included."""
        found = self.plan.budgeted.values()
        return sum(one.tokens for one in found), sum(one.money for one in found)

    # --- owners of cells, when budgets tighten ---

    def _tighten(self, generation: int, state: ToolState, book: Book) -> None:
        owners = {member.digest: member for archive in state.archives for member in archive.members}
        rows = [
            Trial(
                number=book.next(),
                generation=generation,
                epoch=generation,
                suite=self._tool,
                digest=member.digest,
                normal_form=state.first[member.digest].normal_form,
                parents=(member.digest,),
                operator=ELITE,
                verdict={"values": _values(state, member.digest)},
            )
            for member in sorted(owners.values(), key=lambda one: one.number)
        ]
        waiting = book.add(rows)
        self.trials.complete([self.cascade.copied(row, state.latest[row.digest]) for row in waiting])
        self.state.tighten(self._tool, generation, book.current(rows))

    # --- proposals ---

    def _propose(self, generation: int, state: ToolState, book: Book) -> list[Trial]:
        tool = self._tool
        slots: Sequence[First | None] = [None] * self.experiment.population
        if state.epoch is None:
            slots = self.plan.first(tool, self.breeds[tool])
        earlier = [one for one in self.trials.rows.values() if one.suite == tool and one.generation < generation]
        failures = failures_of(earlier)
        found: list[Trial] = []
        batch: list[Trial] = []
        texts: dict[str, str] = {}
        for index, given in enumerate(slots):
            number, island = book.next(), index % self.experiment.islands
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

    def _migrate(self, generation: int, state: ToolState, book: Book) -> None:
        """Each island's champion, confirmed on fresh inputs, gets a cell on the next island of the ring."""
        rows: list[Trial] = []
        for island, archive in enumerate(state.archives):
            number, digest = book.next(), _best(archive)
            if digest:
                row = Trial(
                    number=number,
                    generation=generation,
                    epoch=generation,
                    suite=self._tool,
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
            judged = [self.pools.submit(self._tool, source, epoch=generation, inputs=FRESH) for source in sources]
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
        self.state.migrate(self._tool, book.current(rows))


def _best(archive: Archive) -> str:
    members = sorted(archive.members, key=lambda member: member.key)
    return members[0].digest if members else ""


def _values(state: ToolState, *digests: str) -> Mapping[str, Any]:
    """The point of the search space that a candidate comes from: that of its first parent."""
    trial = state.latest.get(digests[0]) if digests else None
    values = trial.verdict.get("values", {}) if trial is not None else {}
    return values if isinstance(values, dict) else {}
