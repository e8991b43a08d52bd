"""Climbing: experiments of a lane that proposes and decides by its own rules."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.digest import derive_seed
from harness.core.errors import SuiteError
from harness.core.frozen import Frozen
from harness.core.nearest import nearest
from harness.core.trial import Trial
from harness.evolve.budgeted import open_providers
from harness.evolve.config import Experiment, tool_path
from harness.evolve.recording import Costs, add_costs, recording
from harness.evolve.result import Champion, Result, count_stages
from harness.lane.climb import ClimbingLane, ClimbRequest
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials
from harness.providers.fault import ProviderError
from harness.providers.question import Question, Reply
from harness.sweep import loop


class Proposing:
    """The providers of an experiment as one, whose limits are kept before they are reached.

    Args:
        experiment: Names them, their shares and their limits.
        trials: The trials of earlier processes, which were paid for.
    """

    name = "proposers"

    def __init__(self, experiment: Experiment, trials: Sequence[Trial]) -> None:
        self._experiment = experiment
        self._budgeted = open_providers(experiment.proposers, ())
        for at, paid in add_costs(trial.verdict.get("paid", {}) for trial in trials).items():
            self._budgeted[int(at)].calls, self._budgeted[int(at)].tokens = paid
        self._asked = sum(one.calls for one in self._budgeted.values())
        self._costs: dict[str, tuple[int, int]] = {}

    def answer(self, question: Question) -> Reply | None:
        """The reply of one provider, chosen by the seed and the number of the question.

        Raises:
            ProviderError: if it fails, or no provider may be asked any more.
        """
        limits = self._experiment.tokens, self._experiment.money
        refused = {at: one.refusal(tokens=limits[0], money=limits[1]) for at, one in self._budgeted.items()}
        allowed = [at for at, why in refused.items() if not why]
        if not allowed:
            raise ProviderError(next(iter(refused.values())), status="forbidden")
        rng = random.Random(derive_seed(self._experiment.seed, self._asked))  # noqa: S311 - reproducible, not secret
        self._asked += 1
        weights = [self._experiment.proposers[at].weight for at in allowed]
        index = rng.choices(allowed, weights)[0]
        before = self._budgeted[index].tokens
        try:
            return self._budgeted[index].answer(question)
        finally:
            cost = {str(index): (1, self._budgeted[index].tokens - before)}
            self._costs = add_costs([self._costs, cost])

    def take_costs(self) -> Costs:
        """What was paid since this was last called."""
        found, self._costs = self._costs, {}
        return found

    @property
    def operator(self) -> str:
        """Who proposes: the one provider, or all of them."""
        return "+".join(dict.fromkeys(one.name for one in self._budgeted.values()))

    def spent(self) -> tuple[int, float]:
        """Tokens and US dollars of all replies, those of earlier processes included."""
        return sum(one.tokens for one in self._budgeted.values()), sum(one.money for one in self._budgeted.values())


class ClimbSearch:
    """An experiment of a lane that offers climbs: one after the other for each of its tools.

    Args:
        file: The YAML file, which its paths are relative to.
        ledger: Open for writing.

    Raises:
        SuiteError: if a tool does not exist or an option is wrong.
    """

    def __init__(
        self,
        experiment: Experiment,
        file: Path,
        ledger: Ledger,
        lane: ClimbingLane,
        *,
        words: Sequence[str] = (),
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._experiment, self._ledger, self._lane, self._words, self._say = experiment, ledger, lane, words, say
        self._folder = file.parent
        self._options = read_options(lane, experiment.options, where=str(file))
        self._paths = {name: tool_path(file, experiment, name) for name in experiment.tools}

    def run(self) -> Result:
        """Search until a limit is reached or the proposer fails; Ctrl-C passes through, and what was judged is kept.

        Raises:
            InfraError: if the proposer fails before anything was proposed.
        """
        with ExitStack() as stack:
            results = [self._climb(name, path, stack) for name, path in self._paths.items()]
        stages: dict[str, dict[str, float]] = {}
        for one in results:
            for stage, found in one.stages.items():
                total = stages.setdefault(stage, {"trials": 0, "seconds": 0.0})
                for figure, value in found.items():
                    total[figure] += value
        return Result(
            experiment=self._experiment.key,
            reason="; ".join(dict.fromkeys(one.reason for one in results)),
            champions=[champion for one in results for champion in one.champions],
            fronts={},
            trace=[],
            stages=stages,
            trials=sum(one.trials for one in results),
            judged=sum(one.judged for one in results),
            tokens=sum(one.tokens for one in results),
            money=sum(one.money for one in results),
        )

    def _climb(self, name: str, path: Path, stack: ExitStack) -> Result:
        key, experiment = f"{self._experiment.key}-{name}", self._experiment
        earlier = list(Trials(self._ledger, key).rows.values())
        proposing = None if experiment.has_own_proposer else Proposing(experiment, earlier)
        operator = "own" if proposing is None else proposing.operator
        spent = loop.nothing if proposing is None else proposing.spent
        climb = self._lane.climb(
            ClimbRequest(name, path, self._options, self._folder, proposing, operator, self._ledger, self._say)
        )
        stack.callback(climb.close)
        config = {**experiment.to_wire(), "tool": name}
        known = sum(trial.is_judged for trial in earlier)
        with recording(
            self._ledger,
            climb,
            experiment.name,
            lane=self._lane.name,
            config=config,
            key=key,
            words=self._words,
            take_costs=dict if proposing is None else proposing.take_costs,
        ) as rows:
            limits = replace(experiment.limits, patience=experiment.limits.patience or climb.patience)
            ended = loop.run(climb.searched, rows, limits, spent=spent)
            if ended.fault is not None and len(rows.rows) <= 1:  # nothing but the start
                raise ended.fault
            trials = list(rows.rows.values())
        best = next((trial for trial in trials if trial.digest == climb.best and trial.passed is not False), None)
        tokens, money = spent()
        return Result(
            experiment=key,
            reason=ended.reason.partition("\n")[0],
            champions=[] if best is None else [Champion(name, best, False, None, climb.describe())],
            fronts={},
            trace=[],
            stages=count_stages(trials),
            trials=len(trials),
            judged=sum(trial.is_judged for trial in trials) - known,
            tokens=tokens,
            money=money,
        )


def read_options(lane: ClimbingLane, given: Mapping[str, Any], *, where: str) -> Frozen:
    """The `options` of an evolve file as the lane's own model.

    Raises:
        SuiteError: if a key is unknown or missing, or a value does not fit.
    """
    model = lane.climb_options
    try:
        return model.model_validate_json(json.dumps(dict(given)))
    except (ValidationError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise SuiteError(f"options: {error}", where=where) from None
        problems = error.errors(include_url=False)
        problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
        name = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            raise SuiteError(f"unknown key 'options.{name}'{nearest(name, model.model_fields)}", where=where) from None
        if problem["type"] == "missing":
            raise SuiteError(f"the key 'options.{name}' is missing", where=where) from None
        raise SuiteError(f"options.{name}: {problem['msg'].removeprefix('Value error, ')}", where=where) from None
