"""Plan: how the attempts of one candidate are run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.lanes.toolgen.answer_classes import AnswerClasses
from harness.lanes.toolgen.forbidden_names import forbidden_for
from harness.lanes.toolgen.tool_spec import Tool
from harness.sandbox.limits import Limits
from harness.sandbox.wire import MOVE_CLOCK


@dataclass(frozen=True, slots=True)
class Plan:
    """How the attempts of one candidate are run.

    Attributes:
        source: The candidate's source file, as bytes.
        code: `Reading.code`.
        seed: Seed of this case; each attempt derives its own from it.
        attempts: Number of attempts with pauses between questions; further ones only have other hash seeds.
        hash_seeds: PYTHONHASHSEED of each attempt's box.
        jitter_ms: Shortest and longest pause between questions, in milliseconds.
        is_full: Whether an attempt continues after a wrong answer, for partial credit.
        is_screening: Whether the order of the questions is examples, sampled inputs, edge inputs, each by size.
        is_strict: Whether the guard forbids what `forbidden_names.STRICT` says, too.
    """

    source: bytes
    code: bytes
    imports: tuple[str, ...]
    tool: Tool
    limits: Limits
    seed: int
    attempts: int
    hash_seeds: tuple[int, ...]
    jitter_ms: tuple[float, float]
    is_full: bool = False
    is_screening: bool = False
    is_timed: bool = True
    is_strict: bool = False
    answers: AnswerClasses = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "answers", AnswerClasses(self.tool.spec.compare))

    @property
    def is_batched(self) -> bool:
        """Whether several questions are asked at once: nothing is timed, and there are no pauses between them."""
        return self.is_screening or not (self.is_timed or self.is_paused)

    @property
    def is_paused(self) -> bool:
        """Whether there are pauses between questions: they are wanted, and the candidate can notice them.

        With a guard against files and signals, and with clocks that move, nothing in a box of one thread depends on
        when it is asked.
        """
        return self.jitter_ms[1] > 0 and not (self._moves_clock and self._guard_rules >= {"no-files", "no-system"})

    @property
    def entry(self) -> str:
        """Name of the candidate's function."""
        return self.tool.signature.name

    @property
    def box_entry(self) -> str:
        """The entry by which a box is opened, with the rules for its answers and its guard (see `wire`)."""
        return self.entry_for(self.imports)

    @property
    def _guard_rules(self) -> frozenset[str]:
        spec = self.tool.spec
        return forbidden_for(spec.constraints.forbidden_apis, spec.capabilities, is_strict=self.is_strict).guard_rules

    @property
    def _moves_clock(self) -> bool:
        return not {"time", "datetime"} & {*self.tool.spec.constraints.allow_imports}

    def entry_for(self, imports: Iterable[str], *rules: str) -> str:
        """The entry for a source that imports other modules, or with further rules."""
        spec, guard = self.tool.spec, self._guard_rules
        named = [f"import={name}" for name in imports] if guard else []
        more = [f"listed={name}" for name in spec.constraints.allow_imports] if guard else []
        clock = [MOVE_CLOCK] if self._moves_clock else []
        found = ",".join([*self.tool.answer_rules, *rules, *clock, *sorted(guard), *named, *more])
        return f"{self.entry}:{found}" if found else self.entry
