"""Search: one experiment, generation by generation, from the rows of its trials."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.digest import derive_seed
from harness.core.errors import SuiteError
from harness.core.paired import Verdict as PairedVerdict
from harness.core.stability import stability_of
from harness.evolve import finals
from harness.evolve.archive import Member
from harness.evolve.cascade import FRESH, STAGES, Cascade, Measures
from harness.evolve.cheap_checks import check
from harness.evolve.config import Experiment, Proposer, tool_path
from harness.evolve.pools import Pools
from harness.evolve.proposal_plan import ProposalPlan, failures_of
from harness.evolve.proposers import Budgeted, Proposal
from harness.evolve.search_run import SearchRun
from harness.evolve.state import ELITE, MIGRANT, State, ToolState
from harness.lanes.toolgen.tool_spec import Tool, read_tool
from harness.ledger.store import Ledger
from harness.ledger.trials import Trial, Trials, changed

FINAL_INPUTS = 2  # the set of inputs of finalists


@dataclass(slots=True)
class Champion:
    """The best candidate of a tool.

    Attributes:
        tool: Its name.
        trial: The trial that brought it.
        confirmed: Whether further rounds on fresh inputs passed, with enough hash seeds.
        faster: Whether paired timing says that it is faster than its seed parent; None where nothing was compared.
        why: What paired timing says.
    """

    tool: str
    trial: Trial
    confirmed: bool
    faster: bool | None
    why: str


@dataclass(slots=True)
class Result:
    """What a search came to.

    Attributes:
        experiment: Its key in the ledger.
        reason: Why it ended.
        champions: One for each tool that has a feasible candidate.
        fronts: The Pareto front of each tool.
        trace: Epoch and tool of each generation.
        stages: For each stage the number of trials that ended there, and the seconds spent in it.
        trials: Number of trials.
        judged: Number of trials that this process judged.
        tokens: Tokens of all replies.
        money: US dollars of all replies.
    """

    experiment: str
    reason: str
    champions: list[Champion]
    fronts: dict[str, list[Member]]
    trace: list[tuple[int, str]]
    stages: dict[str, dict[str, float]]
    trials: int
    judged: int
    tokens: int
    money: float


class Search:
    """One experiment.

    Args:
        experiment: Its configuration.
        file: The YAML file, which its paths are relative to.
        ledger: Open for writing.
        lanes: Judge processes; None for one for each core.
        min_tier: The weakest isolation that is accepted.
        words: The command line, for the record.
        say: Shows one line.
        live: Replaces the live line.

    Raises:
        SuiteError: if a tool or a start file does not exist, or a tool is wrong.
        LedgerError: if another process searches it.
    """

    def __init__(
        self,
        experiment: Experiment,
        file: Path,
        ledger: Ledger,
        *,
        lanes: int | None = None,
        min_tier: str | None = None,
        words: Sequence[str] = (),
        say: Callable[[str], None] = lambda _line: None,
        live: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.experiment, self.say, self.live = experiment, say, live
        self.schedule = experiment.schedule
        paths = {name: tool_path(file, experiment, name) for name in self.schedule.tools}
        self.tools: dict[str, Tool] = {name: read_tool(path) for name, path in paths.items()}
        self.trials = Trials.begin(ledger, experiment.key, lane="toolgen", config=experiment.to_wire())
        self.state = State(experiment.islands)
        secret = experiment.secret_seed
        secret = derive_seed(experiment.seed, experiment.name, "inputs") if secret is None else secret
        options = {
            "attempts": experiment.attempts,
            "timing": experiment.timing,
            "questions": experiment.questions,
            "min_tier": min_tier,
            **({"weights": experiment.fitness_weights} if experiment.fitness_weights else {}),
        }
        self.pools = Pools(paths, secret_seed=secret, lanes=lanes, options=options)
        self.run_row = SearchRun(ledger, experiment.name, secret_seed=secret, words=words)
        self.cascade = Cascade(self.trials, self.run_row, self.pools, self.tools, progress=self._progress)
        self.plan = ProposalPlan(experiment, _starts(file, experiment), self.trials.source, self._providers(), say)
        self._number = 0
        self._known = sum(trial.is_judged for trial in self.trials.rows.values())
        self._started = time.monotonic()
        self._generation = 0

    # --- the loop ---

    def run(self) -> Result:
        """Search until a limit is reached; Ctrl-C passes through, and everything judged is kept."""
        is_complete = False
        reason = "interrupted"
        try:
            reason = self._loop()
            champions = [one for tool in self.state.tools if (one := self._champion(tool)) is not None]
            is_complete = True
            return self._result(reason, champions)
        finally:
            self.pools.close()
            self.run_row.finish(is_complete=is_complete)
            record = {"reason": reason, "stages": self._stages(), "trace": self.state.trace}
            self.trials.end("finished" if is_complete else "stopped", record)

    def _loop(self) -> str:
        for generation in range(self.experiment.generations):
            reason = self._limit()
            if reason:
                return reason
            passed = {name: one.passed for name, one in self.state.tools.items()}
            tool = self.schedule.tool_of(generation, passed, seed=self.experiment.seed)
            self._generation = generation
            self._breed(generation, tool)
        return f"{self.experiment.generations} generations"

    def _limit(self) -> str:
        """Why no further generation begins; empty if one does."""
        limits = self.experiment
        proposals = [trial for trial in self.trials.rows.values() if trial.operator not in (ELITE, MIGRANT)]
        if limits.candidates is not None and len(proposals) >= limits.candidates:
            return f"{len(proposals)} candidates"
        if limits.seconds is not None and time.monotonic() - self._started >= limits.seconds:
            return f"{limits.seconds:g} seconds"
        if limits.patience is not None and self.state.tools:
            stale = [one.stale for one in self.state.tools.values()]
            if min(stale) >= limits.patience:
                return f"{limits.patience} generations without a better candidate"
        if limits.tokens is not None and self.tokens >= limits.tokens:
            return f"{self.tokens} tokens"
        return ""

    def _breed(self, generation: int, tool: str) -> None:
        """One generation: owners for the new epoch, proposals, verdicts, archive, migration."""
        state = self.state.of(tool)
        if state.epoch is not None and state.epoch != generation:
            self._tighten(generation, tool, state)
        rows = self._propose(generation, tool, state)
        self._judge(rows, state)
        self.state.absorb(tool, generation, [self.trials.rows[trial.number] for trial in rows])
        if self.experiment.islands > 1 and (generation + 1) % self.experiment.migrate_every == 0:
            self._migrate(generation, tool, state)
        self._progress(is_end=True)

    def _tighten(self, generation: int, tool: str, state: ToolState) -> None:
        owners = sorted(
            {member.digest: member for archive in state.archives for member in archive.members}.values(),
            key=lambda one: one.number,
        )
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
                verdict={"values": state.latest[member.digest].verdict.get("values", {})},
            )
            for member in owners
        ]
        self._add([row for row in rows if row.number not in self.trials.rows], {})
        waiting = [row for row in rows if not self.trials.rows[row.number].is_judged]
        self.trials.complete([self.cascade.copied(row, state.latest[row.digest]) for row in waiting])
        self.state.tighten(tool, generation, [self.trials.rows[row.number] for row in rows])

    def _propose(self, generation: int, tool: str, state: ToolState) -> list[Trial]:
        """The proposals of a generation; those that are rows already are taken from there."""
        found: list[Trial] = []
        batch: list[Trial] = []
        texts: dict[str, str] = {}
        if state.epoch is None:
            slots: list[tuple[Proposal, dict[str, Any]] | None] = list(self.plan.first(self.tools[tool]))
        else:
            slots = [None] * self.experiment.population
        failures = failures_of([t for t in self.trials.rows.values() if t.suite == tool and t.generation < generation])
        for index, given in enumerate(slots):
            number, island = self._next(), index % self.experiment.islands
            row = self.trials.rows.get(number)
            if row is None:
                proposal, values = given or (None, {})
                if proposal is None:
                    proposal = self.plan.propose(number, island, self.tools[tool], state, failures)
                    if proposal is None:
                        continue
                    if proposal.parents and proposal.parents[0] in state.latest:
                        values = state.latest[proposal.parents[0]].verdict.get("values", {})
                row = self._trial(number, tool, proposal, generation=generation, island=island)
                row = changed(row, verdict={"values": values, **row.verdict})
                batch.append(row)
                texts[row.digest] = proposal.text
                if proposal.tokens or proposal.fault:  # paid for: kept before anything else happens
                    self._add(batch, texts)
                    batch, texts = [], {}
            state.note(row)
            found.append(row)
        self._add(batch, texts)
        return found

    def _trial(
        self, number: int, tool: str, proposal: Proposal, values: Mapping[str, Any], *, generation: int, island: int
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

    def _judge(self, rows: Sequence[Trial], state: ToolState) -> None:
        waiting = [row for row in rows if not self.trials.rows[row.number].is_judged]

        def root_of(trial: Trial) -> Measures | None:
            root = state.root(trial.digest)
            return None if root == trial.digest else state.measures(root)

        def parent_of(trial: Trial) -> Measures | None:
            return state.measures(trial.parents[0]) if trial.parents else None

        proposed = [(row, "" if row.verdict.get("fault") else self.trials.source(row.digest)) for row in waiting]
        self.cascade.judge(proposed, known=state.first, forms=state.forms, root_of=root_of, parent_of=parent_of)

    def _migrate(self, generation: int, tool: str, state: ToolState) -> None:
        """Each island's champion, confirmed on fresh inputs, gets a cell on the next island of the ring."""
        rows = []
        for island, archive in enumerate(state.archives):
            number = self._next()
            members = sorted(archive.members, key=lambda member: member.key)
            if not members:
                continue
            rows.append(
                Trial(
                    number=number,
                    generation=generation,
                    epoch=generation,
                    suite=tool,
                    digest=members[0].digest,
                    island=(island + 1) % self.experiment.islands,
                    normal_form=state.first[members[0].digest].normal_form,
                    parents=(members[0].digest,),
                    operator=MIGRANT,
                )
            )
        self._add([row for row in rows if row.number not in self.trials.rows], {})
        waiting = [row for row in rows if not self.trials.rows[row.number].is_judged]
        pool = self.pools.get(tool, FRESH) if waiting else None
        if pool is not None:
            verdicts = [pool.submit(self.trials.source(row.digest), epoch=generation) for row in waiting]
            done = [
                changed(
                    row,
                    stage="confirmed",
                    status=verdict.status.value,
                    passed=verdict.passed,
                    verdict={"why": verdict.why},
                )
                for row, verdict in zip(waiting, [one.result() for one in verdicts], strict=True)
            ]
            self.trials.complete(done)
        self.state.migrate(tool, [self.trials.rows[row.number] for row in rows])

    # --- the end ---

    def _champion(self, tool: str) -> Champion | None:
        """The first finalist that is confirmed and faster than its seed parent; else the first that is confirmed."""
        state = self.state.of(tool)
        second: Champion | None = None
        for member in state.members[: self.experiment.finalists]:
            trial = state.latest[member.digest]
            final = trial.verdict.get("final") or self._confirm(tool, trial, state)
            if not final["passed"]:
                continue
            found = Champion(tool, self.trials.rows[trial.number], final["confirmed"], final["faster"], final["why"])
            if found.confirmed and found.faster:
                return found
            second = second or found
        if second is None and state.members and not self.experiment.finalists:
            return Champion(tool, state.latest[state.members[0].digest], False, None, "not confirmed")
        return second

    def _confirm(self, tool: str, trial: Trial, state: ToolState) -> dict[str, Any]:
        root = state.root(trial.digest)
        is_timed = self.experiment.timing == "cpu" and root != trial.digest
        self.say(
            f"confirming trial {trial.number} on fresh inputs"
            + (", and timing it against its seed parent" if is_timed else "")
        )
        after = finals.confirm(
            self.run_row.load(trial),
            self.trials.source(trial.digest),
            seed_parent=self.trials.source(root) if is_timed else None,
            pool=self.pools.get(tool),
            secret_seed=self.pools.secret_seed(tool, FINAL_INPUTS),
        )
        self.run_row.record(after, trial)
        compared = finals.against_parent(after)
        stability = stability_of(after.evidence)
        final = {
            "passed": after.passed,
            "status": after.status.value,
            "confirmed": bool(stability and stability.confirmed),
            "faster": None if compared is None else compared.verdict is PairedVerdict.FASTER,
            "ratio": None if compared is None else compared.ratio,
            "why": after.why if not after.passed else "" if compared is None else compared.why,
        }
        done = changed(trial, stage="confirmed", run_id=self.run_row.run_id, verdict={**trial.verdict, "final": final})
        self.trials.complete([done])
        state.latest[trial.digest] = done
        return final

    def _result(self, reason: str, champions: list[Champion]) -> Result:
        return Result(
            experiment=self.trials.experiment,
            reason=reason,
            champions=champions,
            fronts={tool: state.front for tool, state in self.state.tools.items()},
            trace=self.state.trace,
            stages=self._stages(),
            trials=len(self.trials.rows),
            judged=sum(trial.is_judged for trial in self.trials.rows.values()) - self._known,
            tokens=self.tokens,
            money=sum(one.money for one in self.plan.budgeted.values()),
        )

    # --- details ---

    @property
    def tokens(self) -> int:
        """Tokens of all replies, those of earlier processes included."""
        return sum(one.tokens for one in self.plan.budgeted.values())

    def _next(self) -> int:
        self._number += 1
        return self._number - 1

    def _add(self, rows: Sequence[Trial], texts: Mapping[str, str]) -> None:
        if rows:
            self.trials.propose(rows, texts)

    def _stages(self) -> dict[str, dict[str, float]]:
        found = {stage: {"trials": 0, "seconds": 0.0} for stage in STAGES}
        for trial in self.trials.rows.values():
            if trial.stage in found:
                found[trial.stage]["trials"] += 1
            for stage, seconds in trial.verdict.get("spent", {}).items():
                name = "parse" if stage == "check" else stage
                found[name]["seconds"] += seconds
        return found

    def _providers(self) -> dict[int, Budgeted]:
        found: dict[int, Budgeted] = {}
        for index, settings in enumerate(self.experiment.proposers):
            if settings.kind not in ("command", "model"):
                continue
            provider = _provider(settings)
            name = settings.kind if settings.kind == "command" else "model:"
            paid = [trial for trial in self.trials.rows.values() if trial.operator.startswith(name)]
            tokens = sum(int(trial.verdict.get("tokens", 0)) for trial in paid)
            found[index] = Budgeted(settings, provider, calls=len(paid), tokens=tokens)
        return found

    def _progress(self, *, is_end: bool = False) -> None:
        rows = self.trials.rows.values()
        judged = [trial for trial in rows if trial.is_judged]
        stages = self._stages()
        rates = ", ".join(f"{name} {found['trials']:g}" for name, found in stages.items() if found["trials"])
        best = max((trial.score for trial in judged if trial.passed and trial.score is not None), default=None)
        front = sum(len(state.front) for state in self.state.tools.values())
        elapsed = max(1e-9, time.monotonic() - self._started)
        line = (
            f"generation {self._generation}: {len(judged)}/{len(rows)} trials ({rates}), best {best or 0:.4f}, "
            f"front {front}, {(len(judged) - self._known) / elapsed:.1f}/s, {elapsed:.0f} s"
        )
        (self.say if is_end else self.live)(line)


def _provider(settings: Proposer) -> Any:
    from harness.providers.factory import Backend, provider_for

    wanted = "command" if settings.kind == "command" else settings.backend
    names = ("model", "base_url", "answers", "cassette", "command", "timeout_s")
    provider = provider_for(Backend(backend=wanted, **{name: getattr(settings, name) for name in names}))
    if provider is None:
        raise SuiteError(
            f"the back end {wanted!r} has no answers", fix="name `answers:` or `cassette:`, or another one"
        )
    return provider


def _starts(file: Path, experiment: Experiment) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in experiment.start:
        path = (file.parent / name).resolve()
        try:
            found[path.stem] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SuiteError(f"the start file {name!r} cannot be read: {error}", where=str(file)) from None
    return found
