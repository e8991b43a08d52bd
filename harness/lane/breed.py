"""Breed: what a lane offers to a search among the candidates of one tool: cheap checks, edits and a descriptor.

The search (`harness.evolve`) has the populations, the archive, the cascade and the rows; the verdicts come from a
`JudgePool`, whose cheap ones are the lane's own (`ObservingLane.screened`). docs/evolution.md has an example.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from harness.core.evaluation import Evaluation
from harness.core.status import Status
from harness.lane.protocol import ObservingLane

MAX_BYTES = 256 << 10  # of a proposal; the ledger keeps no larger source
IsNew = Callable[[str], bool]
"""Whether neither the bytes nor the normal form of a source were proposed before."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source to be judged, or the reason why there is none.

    Attributes:
        text: The source; empty if a provider failed.
        parents: Digests of what it was made from, the main one first.
        fault: Why a provider gave no reply; empty where there is a source.
    """

    text: str
    parents: tuple[str, ...]
    operator: str
    tokens: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a source without running it.

    Attributes:
        digest: Hex SHA-256 of its UTF-8 bytes.
        stage: `parse` or `gate` if it was rejected there; empty if it was not.
        why: The reason; it quotes only the source itself.
        normal_form: Digest of the normal form; empty if it does not parse.
        size: Number of syntax elements of the normal form.
    """

    digest: str
    stage: str = ""
    status: Status = Status.OK
    why: str = ""
    normal_form: str = ""
    size: int = 0


class Breed(Protocol):
    """What a lane offers for the candidates of one tool."""

    @property
    def entry(self) -> str:
        """The name that a candidate defines, by which it is found in a reply; empty if any block of code will do."""

    @property
    def styles(self) -> tuple[str, ...]:
        """The names of working candidates that the lane has itself, in order; empty if it has none."""

    def template(self, style: str) -> str:
        """The source of a style.

        Raises:
            UsageError: if there is none.
        """

    def check(self, text: str) -> Checked:
        """The stages `parse` and `gate`, and the normal form; nothing is run."""

    def edit(self, parent: str, rng: random.Random, is_new: IsNew, operators: Collection[str]) -> Proposal | None:
        """A new edit of a source by one of some operators (all if none is named); None if none was found."""

    def cross(self, receiver: str, donor: str, rng: random.Random, is_new: IsNew) -> Proposal | None:
        """A new crossover of two sources; None if there is none."""

    def prompt(self, parent: str, failures: Sequence[str]) -> tuple[str, str]:
        """Role and prompt for one proposal; nothing hidden may be in it.

        Args:
            failures: Sentences of `feedback` about children that failed.
        """

    def feedback(self, evaluation: Evaluation, *, is_screened: bool = False) -> str:
        """One sentence about a verdict without anything from a hidden input."""

    def descriptor(self, evaluation: Evaluation) -> Mapping[str, Any]:
        """The archive's data about a candidate, JSON only, each key optional.

        `style` (string) and `growth` (exponent of its time by the size of its input) choose its cell; `time` replaces
        the median time as an objective.
        """


@runtime_checkable
class BreedingLane(ObservingLane, Protocol):
    """A lane whose candidates a search may edit."""

    def breed(self, path: Path) -> Breed:
        """What the lane offers for the candidates of a tool.

        Raises:
            SuiteError: if the tool is wrong.
        """
