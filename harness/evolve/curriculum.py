"""Curriculum: which tool a generation is about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from harness.core.digest import derive_seed
from harness.core.frozen import Frozen
from harness.core.nearest import nearest

ALTERNATING = "alternating"
_RANGE = re.compile(r"epoch_(?P<first>[0-9]{1,6})(?:_(?P<last>[0-9]{1,6}|plus))?")


class Adaptive(Frozen):
    """A curriculum by measured solve rate."""

    mode: Literal["adaptive"]
    order: Annotated[tuple[str, ...], Field(min_length=1)]
    """The tools, the easiest first."""
    solve_rate: Annotated[float, Field(gt=0, le=1)] = 0.8
    """The next tool begins when this share of the last `window` trials passed."""
    window: PositiveInt = 20
    rehearse: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Share of the generations that return to an earlier tool, to notice what was lost."""


@dataclass(frozen=True, slots=True)
class Curriculum:
    """A table from epochs to tools, or an adaptive order.

    Attributes:
        tools: All tools, in order of appearance.
        ranges: First and last epoch (None: no end) with a tool or `alternating`.
        adaptive: Set instead of ranges.
    """

    tools: tuple[str, ...]
    ranges: tuple[tuple[int, int | None, str], ...] = ()
    adaptive: Adaptive | None = None

    def tool_at(self, epoch: int) -> str:
        """The tool of an epoch by the table; between and beyond ranges that of the nearest earlier one."""
        found = self.ranges[0] if self.ranges else (0, None, ALTERNATING)
        for one in self.ranges:
            if one[0] <= epoch:
                found = one
        return self.tools[epoch % len(self.tools)] if found[2] == ALTERNATING else found[2]

    def tool_of(self, generation: int, passed: Mapping[str, Sequence[bool]], *, seed: int) -> str:
        """The tool of a generation.

        Args:
            generation: Its number, which is also its epoch.
            passed: For each tool whether its trials so far passed, in the order of their numbers.
            seed: Decides which generations rehearse.
        """
        rule = self.adaptive
        if rule is None:
            return self.tool_at(generation)
        level = 0
        for level, tool in enumerate(rule.order):  # noqa: B007 - the last level is the result
            latest = list(passed.get(tool, ()))[-rule.window :]
            if len(latest) < rule.window or sum(latest) < rule.solve_rate * len(latest):
                break
        draw = derive_seed(seed, "rehearsal", generation)
        if level and (draw % 10_000) / 10_000 < rule.rehearse:
            level = draw // 10_000 % level
        return rule.order[level]


def parse_table(table: Mapping[str, str]) -> Curriculum:
    """The curriculum of a table such as `epoch_0_5: text_deduplicate`, `epoch_11_plus: alternating`.

    Raises:
        ValueError: if a key is not a range, ranges overlap or are out of order, or the table is empty.
    """
    ranges: list[tuple[int, int | None, str]] = []
    for key, tool in table.items():
        found = _RANGE.fullmatch(key)
        if found is None:
            hint = nearest(key, ["epoch_0_5", "epoch_11_plus"], max_choices=0)
            msg = f"{key!r} is not a range of epochs such as epoch_0_5 or epoch_11_plus{hint}"
            raise ValueError(msg)
        first, end = int(found["first"]), found["last"]
        last = None if end == "plus" else int(end or first)
        if last is not None and last < first:
            msg = f"{key!r} ends before it begins"
            raise ValueError(msg)
        if ranges and (ranges[-1][1] is None or first <= ranges[-1][1]):
            msg = f"{key!r} overlaps the range before it"
            raise ValueError(msg)
        ranges.append((first, last, tool))
    tools = tuple(dict.fromkeys(tool for _, _, tool in ranges if tool != ALTERNATING))
    if not tools:
        msg = "the curriculum names no tool"
        raise ValueError(msg)
    return Curriculum(tools, tuple(ranges))
