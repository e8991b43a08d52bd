"""ToolBreed: what the lane offers to a search among the candidates of one tool."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from harness.core.evaluation import Evaluation
from harness.lane.breed import Checked, IsNew, Proposal
from harness.lanes.toolgen.proposals.cheap_checks import check
from harness.lanes.toolgen.proposals.mutation import Mutator, cross
from harness.lanes.toolgen.proposals.prompt import ROLE, feedback_of, prompt_for
from harness.lanes.toolgen.proposals.templates import styles_of, template
from harness.lanes.toolgen.tool_spec import Tool

MAX_CHECKED = 512  # sources: each is checked when it is proposed, when it gets its row and in the cascade


class ToolBreed:
    """See `harness.lane.breed.Breed`."""

    def __init__(self, tool: Tool) -> None:
        self._tool, self.entry = tool, tool.signature.name
        self.styles = styles_of(tool.spec.tool_id)
        self._mutators: dict[frozenset[str], Mutator] = {}
        self._checked = lru_cache(MAX_CHECKED)(lambda text: check(text, tool))

    def template(self, style: str) -> str:
        """The template of a style; see `template` for errors."""
        return template(self._tool.spec.tool_id, style)

    def check(self, text: str) -> Checked:
        """Parse a source, search it for forbidden APIs, and compute its normal form."""
        return self._checked(text)

    def edit(self, parent: str, rng: random.Random, is_new: IsNew, operators: Collection[str]) -> Proposal | None:
        """One or two edits of `harness.lanes.toolgen.proposals.operators`."""
        names = frozenset(operators)
        return self._mutators.setdefault(names, Mutator(names)).propose(parent, rng, is_new)

    def cross(self, receiver: str, donor: str, rng: random.Random, is_new: IsNew) -> Proposal | None:
        """A function of the donor in place of the receiver's."""
        return cross(receiver, donor, rng, is_new, entry=self.entry)

    def prompt(self, parent: str, failures: Sequence[str]) -> tuple[str, str]:
        """The public part of the tool, the parent, and what its children failed by."""
        return ROLE, prompt_for(self._tool, parent, failures)

    def feedback(self, evaluation: Evaluation, *, is_screened: bool = False) -> str:
        """One sentence; public examples only."""
        return feedback_of(evaluation, is_screened=is_screened)

    def descriptor(self, evaluation: Evaluation) -> Mapping[str, Any]:
        """Detected style, and growth and time relative to the reference by the timed workload."""
        facts = evaluation.evidence.facts
        profile, style = facts.get("profile"), facts.get("style")
        rows = profile.get("rows", []) if isinstance(profile, dict) else []
        found = {
            "style": style.get("detected", "") if isinstance(style, dict) else "",
            "growth": _growth(rows),
            "time": _relative_time(rows),
        }
        return {name: value for name, value in found.items() if value is not None}


def _relative_time(rows: list[dict[str, Any]]) -> float | None:
    """Geometric mean over the workload sizes of candidate / reference."""
    if not rows:
        return None
    logs = [math.log(max(row["candidate_s"], 1e-9) / max(row["reference_s"], 1e-9)) for row in rows]
    return math.exp(sum(logs) / len(logs))


def _growth(rows: list[dict[str, Any]]) -> float | None:
    """The exponent of the candidate's time in the size of the input, by least squares."""
    points = [(math.log(row["size"]), math.log(max(row["candidate_s"], 1e-9))) for row in rows if row.get("size")]
    if len(points) < 2:
        return None
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / spread if spread else None
