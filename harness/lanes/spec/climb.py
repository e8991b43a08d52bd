"""Climb: the improvement of a grammar as a search whose versions have verdicts on the board."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import SuiteError
from harness.core.evaluation import Evaluation
from harness.core.evidence import Evidence
from harness.core.frozen import Frozen
from harness.core.named_path import read_file
from harness.core.status import Status
from harness.core.trial import Trial
from harness.grammar.improvement.iteration import GrammarClimb
from harness.grammar.improvement.proposer import from_provider
from harness.grammar.induction.inducer import propose
from harness.lane.climb import ClimbRequest, evaluation_of
from harness.lane.protocol import Lane


class SpecClimbOptions(Frozen):
    """Files of an evolve file with `domain: spec`; globs are relative to it."""

    samples: tuple[str, ...]
    """The files that the grammar is improved on."""
    holdout: tuple[str, ...] = ()
    """Files that decide nothing and that no proposer sees."""


class SpecClimb:
    """See `harness.lane.climb.Climb`."""

    def __init__(self, searched: GrammarClimb, lane: Lane) -> None:
        self.searched, self._lane = searched, lane

    @classmethod
    def open(cls, request: ClimbRequest, lane: Lane) -> SpecClimb:
        """Make one of a grammar and the options of an evolve file.

        Raises:
            SuiteError: if there is no grammar, no file of a glob, or the grammar is wrong.
        """
        if not isinstance(request.options, SpecClimbOptions):
            raise TypeError(type(request.options).__name__)
        files = {name: _files(request.folder, getattr(request.options, name)) for name in ("samples", "holdout")}
        shared = files["samples"].keys() & files["holdout"].keys()
        if shared:
            raise SuiteError(f"{min(shared)} is both a sample and a hold-out", where=str(request.file))
        try:
            climb = GrammarClimb(
                read_file(request.file).decode(),
                files["samples"],
                propose if request.provider is None else from_provider(request.provider),
                holdout=files["holdout"],
                progress=request.say,
                name=request.name,
                operator=request.operator,
            )
        except (OSError, ValueError) as error:
            raise SuiteError(f"the grammar cannot be improved: {error}", where=str(request.file)) from error
        return cls(climb, lane)

    @property
    def patience(self) -> int | None:
        """Iterations until each sample was left out once."""
        return self.searched.patience

    @property
    def best(self) -> str:
        """The id of the best version."""
        return self.searched.best.id

    def evaluation(self, trial: Trial) -> Evaluation | None:
        """The verdict on a version that was measured, with the start as what it is compared to."""
        found = self.searched.judged.get(trial.digest)
        if found is None:
            return None
        sets = {"before": self.searched.first.facts(), "after": found.facts()}
        facts = {"operations": 0, "description": "", "warnings": [], "policy": "default", "samples": sets}
        status, why = Status(trial.status), trial.verdict.get("why", "")
        evidence = Evidence(status=status, why="" if status is Status.OK else why, facts=facts, seconds=trial.seconds)
        return evaluation_of(trial, self._lane, evidence)

    def describe(self) -> str:
        """The explained share of samples and hold-out, before and after."""
        found = self.searched.result()
        held = (
            "" if found.holdout_after is None else f", holdout {found.holdout_before:.1f} → {found.holdout_after:.1f}"
        )
        return f"samples {found.initial_score:.1f} → {found.best_score:.1f}{held}"

    def close(self) -> None:
        """Nothing is held."""


def _files(folder: Path, globs: tuple[str, ...]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for pattern in globs:
        paths = sorted(folder.glob(pattern)) if not Path(pattern).is_absolute() else [Path(pattern)]
        if not paths:
            raise SuiteError(f"no file matches {pattern!r}", where=str(folder), fix="correct the glob under `options`")
        found.update((str(path), read_file(path)) for path in paths)
    return found
