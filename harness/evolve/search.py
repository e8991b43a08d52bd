"""Search: one experiment, generation by generation, from the rows of its trials."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.core.digest import derive_seed
from harness.core.errors import SuiteError
from harness.core.named_path import read_file
from harness.core.paired import Verdict
from harness.core.stability import stability_of
from harness.core.trial import Trial, changed
from harness.evolve import finals
from harness.evolve.budgeted import open_providers
from harness.evolve.cascade import Cascade
from harness.evolve.config import Experiment, lanes, tool_path
from harness.evolve.generation import Generations
from harness.evolve.pools import FINAL, Pools
from harness.evolve.proposal_plan import ProposalPlan
from harness.evolve.result import Champion, Result, count_stages
from harness.evolve.search_run import SearchRun
from harness.evolve.state import State, ToolState
from harness.lane.breed import Breed, BreedingLane
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials
from harness.sweep.loop import run


class Search:
    """One experiment.

    Args:
        file: The YAML file, which its paths are relative to.
        ledger: Open for writing.
        lanes: Judge processes; None for one for each core.
        judged: Options of `JudgePool` that say where: `min_tier`, `cluster`, `insecure`.
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
        judged: Mapping[str, Any] = MappingProxyType({}),
        words: Sequence[str] = (),
        say: Callable[[str], None] = lambda _line: None,
        live: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.experiment, self.say, self.live = experiment, say, live
        self._schedule = experiment.schedule
        paths = {name: tool_path(file, experiment, name) for name in self._schedule.tools}
        breeds = breeds_of(experiment, paths)
        starts = _starts(file, experiment)
        self.trials = Trials.begin(ledger, experiment.key, lane=experiment.domain, config=experiment.to_wire())
        secret = secret_of(experiment)
        self.pools = Pools(paths, secret_seed=secret, lanes=lanes, options=pool_options(experiment, judged))
        self._run = SearchRun(ledger, experiment.name, secret_seed=secret, words=words)
        self.state = State(experiment.islands)
        providers = open_providers(experiment.proposers, self.trials.rows.values())
        plan = ProposalPlan(experiment, starts, self.trials.source, providers, say)
        cascade = Cascade(self.trials, self._run, self.pools, breeds, progress=self._show)
        self._generations = Generations(
            experiment, breeds, self.trials, self.state, plan, cascade, self.pools, lambda: self.say(self._line())
        )
        self._known = sum(trial.is_judged for trial in self.trials.rows.values())
        self._started = time.monotonic()

    def run(self) -> Result:
        """Search until a limit is reached; Ctrl-C passes through, and everything judged is kept.

        Raises:
            TierError: if this machine cannot isolate well enough.
            LedgerError: if the ledger cannot be written; what it holds stays valid.
        """
        is_complete = False
        reason = "interrupted"
        try:
            generations, limits = self._generations, self.experiment.limits
            ended = run(generations, self.trials, limits, parts=self.experiment.islands, spent=generations.spent)
            if ended.fault is not None:
                raise ended.fault
            reason = ended.reason
            champions = [one for tool in self.state.tools if (one := self._champion(tool)) is not None]
            is_complete = True
            return self._result(reason, champions)
        finally:
            tier = self.pools.tier
            self.pools.close()
            self._run.finish(is_complete=is_complete, tier=tier)
            record = {"reason": reason, "stages": count_stages(self.trials.rows.values()), "trace": self.state.trace}
            self.trials.end("finished" if is_complete else "stopped", record)

    # --- champions ---

    def _champion(self, tool: str) -> Champion | None:
        """The first finalist that is confirmed and faster than its seed parent; else the first that is not slower."""
        state = self.state.of(tool)
        members = state.members
        if members and not self.experiment.finalists:
            return Champion(tool, state.latest[members[0].digest], False, None, "")
        found: list[tuple[bool, Champion]] = []
        for member in members[: self.experiment.finalists]:
            trial = state.latest[member.digest]
            final = trial.verdict.get("final") or self._confirm(tool, trial, state)
            if not final["passed"]:
                continue
            one = Champion(tool, self.trials.rows[trial.number], final["confirmed"], final["faster"], final["why"])
            if one.confirmed and one.faster:
                return one
            found.append((final["slower"], one))
        return min(found, key=lambda one: one[0], default=(False, None))[1]

    def _confirm(self, tool: str, trial: Trial, state: ToolState) -> dict[str, Any]:
        root = state.root(trial.digest)
        is_timed = self.experiment.timing == "cpu" and root != trial.digest
        what = ", and timing it against its seed parent" if is_timed else ""
        self.say(f"confirming trial {trial.number} on fresh inputs{what}")
        after, timed = finals.confirm(
            self._run.load(trial),
            self.trials.source(trial.digest),
            seed_parent=self.trials.source(root) if is_timed else None,
            lane=self.pools.lane(tool),
            like=self.pools.get().context,
            secret_seed=self.pools.secret_seed(FINAL),
        )
        self._run.record(after, trial)
        stability = stability_of(after.evidence)
        final = {
            "passed": after.passed,
            "status": after.status.value,
            "confirmed": bool(stability and stability.confirmed),
            "faster": None if timed is None else timed.verdict is Verdict.FASTER,
            "slower": timed is not None and timed.verdict is Verdict.SLOWER,
            "ratio": None if timed is None else timed.ratio,
            "why": after.evidence.unconfirmed
            or (after.why if not after.passed else "" if timed is None else timed.why),
        }
        if not after.evidence.unconfirmed:  # what the judge failed at is asked again when the search continues
            values = {"run_id": self._run.run_id, "verdict": {**trial.verdict, "final": final}}
            state.latest[trial.digest] = changed(trial, stage="confirmed", **values)
            self.trials.complete([state.latest[trial.digest]])
        return final

    # --- figures ---

    @property
    def _judged(self) -> int:
        return sum(trial.is_judged for trial in self.trials.rows.values()) - self._known

    def _result(self, reason: str, champions: list[Champion]) -> Result:
        tokens, money = self._generations.spent()
        return Result(
            experiment=self.trials.experiment,
            reason=reason,
            champions=champions,
            fronts={tool: state.front for tool, state in self.state.tools.items()},
            trace=self.state.trace,
            stages=count_stages(self.trials.rows.values()),
            trials=len(self.trials.rows),
            judged=self._judged,
            tokens=tokens,
            money=money,
        )

    def _show(self) -> None:
        self.live(self._line())

    def _line(self) -> str:
        rows = self.trials.rows.values()
        stages = count_stages(rows)
        rates = ", ".join(f"{name} {found['trials']:g}" for name, found in stages.items() if found["trials"])
        scores = [trial.score for trial in rows if trial.passed and trial.score is not None]
        best = f"{max(scores):.4f}" if scores else "none"
        front = sum(len(state.front) for state in self.state.tools.values())
        elapsed = max(1e-9, time.monotonic() - self._started)
        judged = self._judged
        tokens, _ = self._generations.spent()
        spent = f", {tokens} tokens" if tokens else ""
        return (
            f"generation {self._generations.generation}: "
            f"{judged + self._known}/{len(rows)} trials ({rates}), best {best}, "
            f"front {front}, {judged / elapsed:.1f}/s, {elapsed:.0f} s{spent}"
        )


def breeds_of(experiment: Experiment, paths: Mapping[str, Path]) -> dict[str, Breed]:
    """What the lane of an experiment offers for each of its tools.

    Raises:
        SuiteError: if the lane offers nothing, or a tool is wrong.
    """
    lane = lanes()[experiment.domain]
    if not isinstance(lane, BreedingLane):
        raise SuiteError(f"the lane {lane.name!r} offers no edits of its subjects", fix="docs/evolution.md")
    return {name: lane.breed(path) for name, path in paths.items()}


def secret_of(experiment: Experiment) -> int:
    """The secret seed of the inputs: the given one, or one that follows from the seed of the search."""
    given = experiment.secret_seed
    return derive_seed(experiment.seed, experiment.name, "inputs") if given is None else given


def pool_options(experiment: Experiment, judged: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the pools of an experiment; `judged` as for `Search`."""
    found: dict[str, Any] = {
        "attempts": experiment.attempts,
        "timing": experiment.timing,
        "questions": experiment.questions,
        **judged,
    }
    return found | ({"weights": experiment.fitness_weights} if experiment.fitness_weights else {})


def _starts(file: Path, experiment: Experiment) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in experiment.start:
        path = (file.parent / name).resolve()
        try:
            found[path.stem] = read_file(path).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise SuiteError(f"the start file {name!r} cannot be read: {error}", where=str(file)) from None
    return found
