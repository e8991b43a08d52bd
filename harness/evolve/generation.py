"""Generations: what happens between two barriers: owners for the new epoch, proposals, verdicts, migration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.evolve.archive import Archive
from harness.evolve.cascade import Cascade, Measures
from harness.evolve.cheap_checks import check
from harness.evolve.config import Experiment
from harness.evolve.pools import FRESH, Pools
from harness.evolve.proposal_plan import First, ProposalPlan, failures_of
from harness.evolve.proposers import Proposal
from harness.evolve.state import ELITE, MIGRANT, State, ToolState
from harness.lanes.toolgen.tool_spec import Tool
from harness.ledger.trials import Trial, Trials, changed


@dataclass(slots=True)
class Generations:
    """Makes generations, or takes them from their rows as far as these are there.

    Each row has a number that follows from the generations before it. A row that is there is used as it is; what is
    missing is made as it would have been.

    Attributes:
        experiment: The configuration.
        tools: The tools by name.
        trials: The rows.
        state: What the complete generations amount to.
        plan: Makes proposals.
        cascade: Judges them.
        pools: Judge migrants on fresh inputs.
        number: The number of the next row.
    """

    experiment: Experiment
    tools: Mapping[str, Tool]
    trials: Trials
    state: State
    plan: ProposalPlan
    cascade: Cascade
    pools: Pools
    number: int = 0

    def breed(self, generation: int, tool: str) -> None:
        """Complete one generation and take its result into the state."""
        state = self.state.of(tool)
        if state.epoch is not None:
            self._tighten(generation, tool, state)
        rows = self._propose(generation, tool, state)
        self._judge(rows, state)
        self.state.absorb(tool, generation, self._current(rows))
        if self.experiment.islands > 1 and (generation + 1) % self.experiment.migrate_every == 0:
            self._migrate(generation, tool, state)

    # --- owners of cells, when budgets tighten ---

    def _tighten(self, generation: int, tool: str, state: ToolState) -> None:
        owners = {member.digest: member for archive in state.archives for member in archive.members}
        rows = [
            Trial(
                number=self._next(),
                generation=generation,
                epoch=generation,
                suite=tool,
                digest=member.digest,
                normal_form=state.first[member.digest].normal_form,
                parents=(member.digest,),
                operator=ELITE,
                verdict={"values": _values(state, member.digest)},
            )
            for member in sorted(owners.values(), key=lambda one: one.number)
        ]
        waiting = self._add(rows)
        self.trials.complete([self.cascade.copied(row, state.latest[row.digest]) for row in waiting])
        self.state.tighten(tool, generation, self._current(rows))

    # --- proposals ---

    def _propose(self, generation: int, tool: str, state: ToolState) -> list[Trial]:
        slots: Sequence[First | None] = [None] * self.experiment.population
        if state.epoch is None:
            slots = self.plan.first(self.tools[tool])
        earlier = [one for one in self.trials.rows.values() if one.suite == tool and one.generation < generation]
        failures = failures_of(earlier)
        found: list[Trial] = []
        batch: list[Trial] = []
        texts: dict[str, str] = {}
        for index, given in enumerate(slots):
            number, island = self._next(), index % self.experiment.islands
            row = self.trials.rows.get(number)
            if row is None:
                if given is not None:
                    proposal, values = given
                else:
                    made = self.plan.propose(number, island, self.tools[tool], state, failures)
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
        checked = check(proposal.text, self.tools[tool])
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

    # --- verdicts ---

    def _judge(self, rows: Sequence[Trial], state: ToolState) -> None:
        def root_of(trial: Trial) -> Measures | None:
            root = state.root(trial.digest)
            return None if root == trial.digest else state.measures(root)

        def parent_of(trial: Trial) -> Measures | None:
            return state.measures(trial.parents[0]) if trial.parents else None

        waiting = [row for row in self._current(rows) if not row.is_judged]
        proposed = [(row, "" if row.verdict.get("fault") else self.trials.source(row.digest)) for row in waiting]
        self.cascade.judge(proposed, known=state.first, forms=state.forms, root_of=root_of, parent_of=parent_of)

    # --- migration ---

    def _migrate(self, generation: int, tool: str, state: ToolState) -> None:
        """Each island's champion, confirmed on fresh inputs, gets a cell on the next island of the ring."""
        rows: list[Trial] = []
        for island, archive in enumerate(state.archives):
            number, digest = self._next(), _best(archive)
            if digest:
                row = Trial(
                    number=number,
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
        waiting = self._add(rows)
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
        self.state.migrate(tool, self._current(rows))

    # --- rows ---

    def _next(self) -> int:
        self.number += 1
        return self.number - 1

    def _add(self, rows: Sequence[Trial]) -> list[Trial]:
        """Write the rows that are missing; returns those that are not judged."""
        missing = [row for row in rows if row.number not in self.trials.rows]
        if missing:
            self.trials.propose(missing, {})
        return [row for row in self._current(rows) if not row.is_judged]

    def _current(self, rows: Sequence[Trial]) -> list[Trial]:
        return [self.trials.rows[row.number] for row in rows]


def _best(archive: Archive) -> str:
    members = sorted(archive.members, key=lambda member: member.key)
    return members[0].digest if members else ""


def _values(state: ToolState, *digests: str) -> Mapping[str, Any]:
    """The point of the search space that a candidate comes from: that of its first parent."""
    trial = state.latest.get(digests[0]) if digests else None
    values = trial.verdict.get("values", {}) if trial is not None else {}
    return values if isinstance(values, dict) else {}
