"""Pools: the judge pools of a search: one for proposals, and one for each further set of inputs."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from harness.core.digest import derive_seed
from harness.core.tier import Tier
from harness.judge.pool import JudgePool
from harness.judge.verdict import Verdict
from harness.lane.protocol import ObservingLane

OWN, FRESH, FINAL = range(3)  # sets of inputs: the search's own; of migrations; of finalists


class Pools:
    """Opens a pool at its first use.

    Args:
        paths: The tools by name.
        secret_seed: Of the inputs; fresh inputs are from a seed derived from it.
        lanes: Judge processes of each pool; None for one for each core.
        options: Options of `JudgePool`, the same for all.
    """

    def __init__(
        self, paths: Mapping[str, Path], *, secret_seed: int, lanes: int | None, options: Mapping[str, Any]
    ) -> None:
        self._paths, self._secret_seed, self._lanes, self._options = paths, secret_seed, lanes, options
        self._open: dict[int, JudgePool] = {}

    def secret_seed(self, inputs: int) -> int:
        """The secret seed of a set of inputs."""
        return derive_seed(self._secret_seed, "confirmation", inputs) if inputs else self._secret_seed

    def get(self, inputs: int = OWN) -> JudgePool:
        """The pool of a set of inputs.

        Raises:
            SuiteError: if a tool is wrong.
            TierError: if this machine cannot isolate well enough.
        """
        if inputs not in self._open:
            seed = self.secret_seed(inputs)
            paths = list(self._paths.values())
            self._open[inputs] = JudgePool(paths, workers=self._lanes, secret_seed=seed, **self._options)
        return self._open[inputs]

    def submit(
        self,
        tool: str,
        source: str,
        *,
        epoch: int,
        screen: bool = False,
        allow_slow: bool = True,
        inputs: int = OWN,
        against: tuple[str, float] | None = None,
    ) -> Future[Verdict]:
        """Begin to judge a candidate of a tool; `allow_slow` and `against` as for `JudgePool.submit`."""
        pool = self.get(inputs)
        name = pool.tools[list(self._paths).index(tool)]
        return pool.submit(source, screen=screen, allow_slow=allow_slow, tool=name, epoch=epoch, against=against)

    def lane(self, tool: str) -> ObservingLane:
        """The lane of a tool."""
        pool = self.get()
        return pool.lane(pool.tools[list(self._paths).index(tool)])

    @property
    def tier(self) -> Tier | None:
        """The isolation that was proved; None before a pool was opened."""
        return next((pool.context.tier for pool in self._open.values()), None)

    def close(self) -> None:
        """End all processes."""
        while self._open:
            self._open.popitem()[1].close()
