"""TimingSummary: the results of paired timing in a run, and the false alarms of its A/A controls."""

from __future__ import annotations

import statistics

from harness.core.evaluation import Evaluation
from harness.core.paired import Comparison, Verdict
from harness.core.stats import wilson_interval

MAX_SHOWN = 10


class TimingSummary:
    """Collects the comparisons of a run, evaluation by evaluation."""

    def __init__(self) -> None:
        self._controls: list[Comparison] = []
        self._verdicts: list[tuple[str, Comparison]] = []

    def add(self, evaluation: Evaluation) -> None:
        """Add the comparisons of one evaluation, unless its evidence is of an earlier run."""
        if evaluation.evidence.reused:
            return
        for one in evaluation.evidence.comparisons:
            if one.experiments:
                self._controls.append(one)
            if one.role == "parent" or (one.experiments and one.role != "control"):
                self._verdicts.append((evaluation.case.nodeid, one))

    def lines(self) -> list[str]:
        """The subjects that are slower or faster than an opponent, and the false alarms among equal subjects."""
        reported = [(nodeid, one) for nodeid, one in self._verdicts if one.verdict is not Verdict.ALIKE]
        found = [f"timing: {nodeid} {_describe(one)}" for nodeid, one in reported[:MAX_SHOWN]]
        more = len(reported) - MAX_SHOWN
        if more > 0:
            found.append(f"timing: ... and {more} more; the ledger's table `comparisons` has them all")
        return found + self._control()

    def _control(self) -> list[str]:
        if not self._controls:
            return []
        alarms, experiments = (sum(getattr(one, name) for one in self._controls) for name in NAMES)
        spread = statistics.median(one.deviation or 0.0 for one in self._controls)
        high = wilson_interval(alarms, experiments)[1]
        return [
            f"timing control (A/A): {len(self._controls)} comparisons of equal subjects deviate by {spread:.2%}; "
            f"{alarms} of {experiments} resampled ones would be false alarms (at most {high:.2%})"
        ]


NAMES = ("false_alarms", "experiments")


def _describe(one: Comparison) -> str:
    opponent = f"{one.role} {one.rival}".strip()
    if one.verdict is Verdict.UNDERPOWERED:
        return f"cannot be distinguished from its {opponent}: {one.why}"
    return f"is {one.verdict} than its {opponent}: {one.why}"
