"""Recording: the rows of a climb in a ledger; what got a full verdict becomes an evaluation, which every verb reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from harness.core.digest import digest_json
from harness.core.trial import Trial, changed
from harness.evolve.result import count_stages
from harness.evolve.search_run import SearchRun
from harness.lane.climb import Climb
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials

Costs = Mapping[str, Sequence[int]]
"""Calls and tokens of each proposer, by its index."""


class RecordedRows:
    """Rows of `harness.sweep.loop`.

    Args:
        take_costs: What was paid since it was last called; the next row says so.
    """

    def __init__(self, trials: Trials, run: SearchRun, climb: Climb, take_costs: Callable[[], Costs]) -> None:
        self.trials, self._run, self._climb, self._take_costs = trials, run, climb, take_costs

    @property
    def rows(self) -> dict[int, Trial]:
        """All trials by number."""
        return self.trials.rows

    def propose(self, trials: Sequence[Trial], texts: Mapping[str, str | bytes]) -> None:
        """Keep proposals, with what they cost."""
        self.trials.propose(self._with_costs(trials), texts)

    def complete(self, trials: Iterable[Trial]) -> None:
        """Keep the results, and record the evaluations."""
        done = []
        for trial in trials:
            found = self._climb.evaluation(trial)
            if found is not None:
                self._run.record(found, trial)
                trial = changed(trial, run_id=self._run.run_id, score=found.score.total)  # noqa: PLW2901
            done.append(trial)
        self.trials.complete(self._with_costs(done))

    def source(self, digest: str) -> str:
        """The source of a trial."""
        return self.trials.source(digest)

    def _with_costs(self, trials: Sequence[Trial]) -> Sequence[Trial]:
        costs = self._take_costs() if trials else {}
        if not costs:
            return trials
        paid = add_costs([trials[0].verdict.get("paid", {}), costs])
        return [changed(trials[0], verdict={**trials[0].verdict, "paid": paid}), *trials[1:]]


def add_costs(costs: Iterable[Costs]) -> dict[str, tuple[int, int]]:
    """Costs, added up."""
    found: dict[str, tuple[int, int]] = {}
    for one in costs:
        for proposer, (calls, tokens) in one.items():
            before = found.get(proposer, (0, 0))
            found[proposer] = before[0] + calls, before[1] + tokens
    return found


@contextmanager
def recording(
    ledger: Ledger,
    climb: Climb,
    name: str,
    *,
    lane: str,
    config: Mapping[str, Any],
    key: str = "",
    words: Sequence[str] = (),
    take_costs: Callable[[], Costs] = dict,
) -> Iterator[RecordedRows]:
    """The rows of a climb, and a run for its verdicts, which ends with the block.

    Args:
        ledger: Open for writing.
        config: All that the search depends on, JSON only.
        key: The experiment that is continued; without one the search begins again, and replaces an earlier one that
            depends on the same.
        take_costs: What was paid since it was last called; the next row says so.

    Raises:
        LedgerError: if another process searches it, or the ledger cannot be written.
    """
    experiment = key or f"{name}-{digest_json([lane, name, dict(config)])[:12]}"
    trials = Trials.begin(ledger, experiment, lane=lane, config=config, is_new=not key)
    run = SearchRun(ledger, name, secret_seed=0, words=words)
    is_complete = False
    try:
        yield RecordedRows(trials, run, climb, take_costs)
        is_complete = True
    finally:
        run.finish(is_complete=is_complete, tier=None)
        record = {"stages": count_stages(trials.rows.values()), "best": climb.best}
        trials.end("finished" if is_complete else "stopped", record)
