"""Recording: the rows of a climb in a ledger; what got a full verdict becomes an evaluation, which every verb reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from harness.core.digest import digest_json
from harness.core.trial import Trial, changed
from harness.evolve.result import count_stages
from harness.evolve.search_run import SearchRun
from harness.lane.climb import Climb
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials


class RecordedRows:
    """Rows of `harness.sweep.loop`.

    Args:
        trials: Where they are kept.
        run: Where evaluations are recorded.
        climb: Makes the evaluations.

    Attributes:
        rows: All trials by number.
        tokens: Tokens that the latest replies cost; the next proposal says so.
    """

    def __init__(self, trials: Trials, run: SearchRun, climb: Climb) -> None:
        self.trials, self._run, self._climb, self.tokens = trials, run, climb, 0

    @property
    def rows(self) -> dict[int, Trial]:
        """All trials by number."""
        return self.trials.rows

    def propose(self, trials: Sequence[Trial], texts: Mapping[str, str | bytes]) -> None:
        """Keep proposals, with what they cost."""
        if self.tokens:
            trials = [changed(trials[0], verdict={**trials[0].verdict, "tokens": self.tokens}), *trials[1:]]
            self.tokens = 0
        self.trials.propose(trials, texts)

    def complete(self, trials: Iterable[Trial]) -> None:
        """Keep the results, and record the evaluations."""
        done = []
        for trial in trials:
            found = self._climb.evaluation(trial)
            if found is not None:
                self._run.record(found, trial)
                trial = changed(trial, run_id=self._run.run_id, score=found.score.total)  # noqa: PLW2901
            done.append(trial)
        self.trials.complete(done)

    def source(self, digest: str) -> str:
        """The source of a trial."""
        return self.trials.source(digest)


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
) -> Iterator[RecordedRows]:
    """The rows of a climb, and a run for its verdicts, which ends with the block.

    Args:
        ledger: Open for writing.
        climb: The climb.
        name: What is searched.
        lane: Its lane.
        config: All that the search depends on, JSON only.
        key: The experiment that is continued; without one the search begins again, and replaces an earlier one that
            depends on the same.
        words: The command line, for the record.

    Raises:
        LedgerError: if another process searches it, or the ledger cannot be written.
    """
    experiment = key or f"{name}-{digest_json([lane, name, dict(config)])[:12]}"
    trials = Trials.begin(ledger, experiment, lane=lane, config=config, is_new=not key)
    run = SearchRun(ledger, name, secret_seed=0, words=words)
    is_complete = False
    try:
        yield RecordedRows(trials, run, climb)
        is_complete = True
    finally:
        run.finish(is_complete=is_complete, tier=None)
        record = {"stages": count_stages(trials.rows.values()), "best": climb.best}
        trials.end("finished" if is_complete else "stopped", record)
