"""Pools: the judge pools of a search: for each tool one for proposals, and one with fresh inputs."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

from harness.core.digest import derive_seed
from harness.judge.pool import JudgePool

MAX_OPEN = 4
"""Pools that are kept open; each has processes of its own."""


class Pools:
    """Opens pools at first use, and closes the one that was not used for longest.

    Args:
        paths: The tools by name.
        secret_seed: Of the inputs; fresh inputs are from a seed derived from it.
        lanes: Judge processes of each pool; None for one for each core.
        options: Options of `JudgePool`, the same for all.
    """

    def __init__(self, paths: dict[str, Path], *, secret_seed: int, lanes: int | None, options: dict[str, Any]) -> None:
        self._paths, self._secret_seed, self._lanes, self._options = paths, secret_seed, lanes, options
        self._open: OrderedDict[tuple[str, int], JudgePool] = OrderedDict()

    def secret_seed(self, tool: str, inputs: int) -> int:
        """The secret seed of a pool. Input set 0 is the search's own; each further one is fresh."""
        seed = derive_seed(self._secret_seed, tool)
        return derive_seed(seed, "confirmation", inputs) if inputs else seed

    def get(self, tool: str, inputs: int = 0) -> JudgePool:
        """The pool of a tool.

        Args:
            tool: Its name.
            inputs: The set of inputs.

        Raises:
            SuiteError: if the tool is wrong.
            TierError: if this machine cannot isolate well enough.
        """
        key = tool, inputs
        if key not in self._open:
            while len(self._open) >= MAX_OPEN:
                self._open.popitem(last=False)[1].close()
            self._open[key] = JudgePool(
                self._paths[tool], workers=self._lanes, secret_seed=self.secret_seed(*key), **self._options
            )
        self._open.move_to_end(key)
        return self._open[key]

    def close(self) -> None:
        """End all processes."""
        while self._open:
            self._open.popitem()[1].close()

    def __enter__(self) -> Pools:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
