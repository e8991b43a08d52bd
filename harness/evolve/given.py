"""Given: judges the candidates that another search puts into a folder, as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.core.digest import digest_bytes
from harness.core.errors import UsageError
from harness.core.trial import Trial
from harness.evolve.cascade import Cascade
from harness.evolve.config import Experiment, tool_path
from harness.evolve.pools import Pools
from harness.evolve.search import breeds_of, pool_options, secret_of
from harness.evolve.search_run import SearchRun
from harness.evolve.state import ToolState
from harness.lane.breed import MAX_BYTES
from harness.lane.pinned_file import FileFaultError, read_plain_file, text_fault
from harness.ledger.store import Ledger
from harness.ledger.trials import Trials

POLL_SECONDS = 0.5
BATCH = 256  # files that are read before they are judged
GIVEN = "given"  # the operator of a trial that came from outside


class Given:
    """Judges the `.py` files of a folder for one tool; the same bytes once.

    Args:
        experiment: Names the tool (the one of `epoch`), seeds, attempts and timing.
        file: The YAML file, which paths are relative to.
        folder: Where candidates appear; links are not followed.
        ledger: Open for writing.
        lanes: Judge processes.
        judged: Options of `JudgePool` that say where: `min_tier`, `cluster`, `insecure`.

    Raises:
        UsageError: if there is no such folder.
        SuiteError: if the tool is missing or wrong.
        LedgerError: if another process judges for this experiment.
    """

    def __init__(
        self,
        experiment: Experiment,
        file: Path,
        folder: Path,
        ledger: Ledger,
        *,
        epoch: int = 0,
        lanes: int | None = None,
        judged: Mapping[str, Any] = MappingProxyType({}),
        words: Sequence[str] = (),
    ) -> None:
        if not folder.is_dir():
            what = "this is not a folder" if folder.exists() else "there is no such folder"
            raise UsageError(what, where=str(folder), fix="name the folder that the .py files appear in")
        self._folder, self._epoch = folder, epoch
        self._tool_name = experiment.schedule.tool_at(epoch)
        path = tool_path(file, experiment, self._tool_name)
        self._breed = breeds_of(experiment, {self._tool_name: path})[self._tool_name]
        self._trials = Trials.begin(
            ledger,
            f"{experiment.key}-given",
            lane=experiment.domain,
            config={**experiment.to_wire(), "folder": str(folder)},
        )
        secret = secret_of(experiment)
        paths = {self._tool_name: path}
        self._pools = Pools(paths, secret_seed=secret, lanes=lanes, options=pool_options(experiment, judged))
        self._run = SearchRun(ledger, f"{experiment.name}-given", secret_seed=secret, words=words)
        self._cascade = Cascade(self._trials, self._run, self._pools, {self._tool_name: self._breed})
        self._state = ToolState.empty(1)
        self._refused: set[tuple[str, str]] = set()
        for trial in self._trials.rows.values():
            self._state.note(trial)

    def run(self, say: Callable[[str, Trial], None], *, is_once: bool = False) -> int:
        """Judge what is in the folder, and what comes, until Ctrl-C.

        Args:
            say: Is given the name of the file and the judged trial.
            is_once: Whether to end when everything in the folder is judged.

        Returns:
            The number of candidates that passed.
        """
        is_complete = False
        try:
            self._judge([row for row in self._trials.rows.values() if not row.is_judged], say)
            while True:
                rows = self._propose(say)
                self._judge(rows, say)
                if is_once and not rows:
                    break
                if not rows:
                    time.sleep(POLL_SECONDS)
            is_complete = True
        except KeyboardInterrupt:
            is_complete = True
        finally:
            tier = self._pools.tier
            self._pools.close()
            self._run.finish(is_complete=is_complete, tier=tier)
            passed = sum(bool(trial.passed) for trial in self._trials.rows.values())
            self._trials.end("stopped", {"passed": passed})
        return passed

    def _propose(self, say: Callable[[str, Trial], None]) -> list[Trial]:
        """Rows for at most `BATCH` files whose bytes are new; files that cannot be judged are reported once."""
        rows: list[Trial] = []
        texts: dict[str, str] = {}
        for path in sorted(self._folder.glob("*.py")):
            try:
                data = read_plain_file(path, max_bytes=MAX_BYTES)
            except FileFaultError as fault:
                if path.is_symlink() or path.exists():  # else it went away
                    self._refuse(path.name, str(fault), say)
                continue
            if digest_bytes(data) in self._state.first:
                continue
            if why := text_fault(data):
                self._refuse(path.name, why, say)
                continue
            text = data.decode("utf-8")
            checked = self._breed.check(text)
            row = Trial(
                number=len(self._trials.rows) + len(rows),
                generation=0,
                epoch=self._epoch,
                suite=self._tool_name,
                digest=checked.digest,
                normal_form=checked.normal_form,
                parents=self._breed.parents(text),
                operator=GIVEN,
                verdict={"values": {}, "file": path.name},
            )
            self._state.note(row)
            rows.append(row)
            texts[row.digest] = text
            if len(rows) == BATCH:
                break
        if rows:
            self._trials.propose(rows, texts)
        return rows

    def _refuse(self, name: str, why: str, say: Callable[[str, Trial], None]) -> None:
        if (name, why) not in self._refused:
            self._refused.add((name, why))
            verdict = {"why": why}
            say(name, Trial(-1, 0, self._epoch, self._tool_name, "", stage="read", status="crash", verdict=verdict))

    def _judge(self, rows: Sequence[Trial], say: Callable[[str, Trial], None]) -> None:
        proposed = [(row, self._trials.source(row.digest)) for row in rows]
        known, forms = self._state.first, self._state.forms
        self._cascade.finish(
            self._cascade.begin(proposed, known=known, forms=forms, other_of=lambda _: "", measures_of=lambda _: None)
        )
        for row in rows:
            judged = self._trials.rows[row.number]
            say(str(judged.verdict.get("file", judged.digest[:16])), judged)
