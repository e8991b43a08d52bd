"""Climb: the improvement of a program as a search whose revisions have verdicts on the board."""

from __future__ import annotations

from typing import Any

from pydantic import PositiveInt

from harness.core.errors import SuiteError, UsageError
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.frozen import Frozen
from harness.core.status import Status
from harness.core.trial import Trial
from harness.dsl.analysis.load import load_program
from harness.dsl.improve.measured_runs import Measured, Objective, measure
from harness.dsl.improve.revision import Improvement, ProgramClimb
from harness.dsl.ir import Program
from harness.dsl.language.diagnostic import ProgramError
from harness.dsl.machine.settings import RunSettings
from harness.lane.climb import ClimbRequest, evaluation_of
from harness.lane.protocol import Lane
from harness.providers.fault import ProviderError
from harness.providers.question import Provider, Question, Reply


class DslClimbOptions(Frozen):
    """How programs of an evolve file with `domain: dsl` are measured; as the options of `crucible dsl improve`."""

    metric: str = ""
    """A check with a number, or `Variant.Case.field`; empty for the share of checks that pass."""
    minimize: bool = False
    repeats: PositiveInt = 3
    """Runs of each program."""
    inputs: dict[str, Any] = {}
    variable: tuple[str, ...] = ()
    """What may change; empty for all that is not measured."""
    laws: str = ""
    """A domain that no revision may violate; relative to the evolve file."""
    settings: dict[str, Any] = {}
    """Settings of the runs, such as `live: true`, `grants: [python]`."""


class DslClimb:
    """See `harness.lane.climb.Climb`."""

    def __init__(self, searched: ProgramClimb, lane: Lane, objective: Objective) -> None:
        self.searched, self._lane, self._objective = searched, lane, objective

    @classmethod
    def open(cls, request: ClimbRequest, lane: Lane) -> DslClimb:
        """Make one of a program and the options of an evolve file.

        Raises:
            SuiteError: if the program or its laws are wrong.
            UsageError: if there is no proposer, or a setting is unknown.
        """
        options, provider = request.options, request.provider
        if not isinstance(options, DslClimbOptions):
            raise TypeError(type(options).__name__)
        if provider is None:
            fix = "proposers: [{kind: command, command: ./propose}], or kind: model"
            raise UsageError("the lane 'dsl' has no proposer of its own", where=str(request.file), fix=fix)
        path = request.file
        try:
            program = load_program(path, inputs=options.inputs)
            path = request.folder / options.laws
            laws = load_program(path) if options.laws else None
        except OSError as error:
            raise SuiteError(f"cannot be read: {error.strerror}", where=str(path)) from error
        except ProgramError as error:
            raise SuiteError(f"cannot be used:\n{error}", where=str(path)) from error
        objective = Objective(options.metric, maximize=not options.minimize)
        settings = RunSettings.from_wire(options.settings)

        answering = _Answering(provider)

        def run(one: Program, first: int) -> Measured:
            found = measure(
                one,
                objective,
                inputs=options.inputs,
                settings=settings,
                provider=answering,
                repeats=options.repeats,
                first=first,
            )
            if answering.fault is not None:  # a limit or a server, which is not the program's fault
                raise answering.fault
            return found

        improvement = Improvement(
            objective, run, provider, inputs=tuple(options.inputs), laws=laws, variable=frozenset(options.variable)
        )
        return cls(ProgramClimb(improvement, program, operator=request.operator, name=request.name), lane, objective)

    @property
    def patience(self) -> int | None:
        """It is not known."""
        return None

    @property
    def best(self) -> str:
        """The digest of the best program."""
        return self.searched.best.digest

    def evaluation(self, trial: Trial) -> Evaluation | None:
        """The verdict on a revision that was run, with the start as what it is compared to."""
        if trial.stage != "judged":
            return None
        facts = {
            "objective": {
                "name": self._objective.metric,
                "maximize": self._objective.maximize,
                "values": list(trial.verdict["values"]),
                "start": list(self.searched.start),
            }
        }
        status, why = Status(trial.status), trial.verdict.get("why", "")
        evidence = Evidence(status=status, why="" if status is Status.OK else why, facts=facts, seconds=trial.seconds)
        return evaluation_of(trial, self._lane, evidence)

    def describe(self) -> str:
        """The values of the objective, before and after."""
        before, after = (
            ", ".join(f"{value:g}" for value in found) or "not measured"
            for found in (self.searched.start, self.searched.values)
        )
        return f"{self._objective.metric or 'share of checks'} {before} → {after}"

    def close(self) -> None:
        """Nothing is held."""


class _Answering:
    """The provider of the questions of runs; it notes its failure, by which no program is judged."""

    def __init__(self, inner: Provider) -> None:
        self._inner, self.name = inner, inner.name
        self.fault: ProviderError | None = None

    def answer(self, question: Question) -> Reply | None:
        try:
            return self._inner.answer(question)
        except ProviderError as error:
            self.fault = self.fault or error
            raise
