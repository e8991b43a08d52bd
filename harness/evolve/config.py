"""Config: the YAML file of `crucible evolve`; the `dream.yaml` block of the ToolGen tournament is one."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from harness.core.digest import digest_json
from harness.core.document import Document, read_document
from harness.core.errors import SuiteError, position
from harness.core.frozen import Frozen
from harness.core.named_path import named_path
from harness.core.nearest import nearest
from harness.evolve.curriculum import Adaptive, Curriculum, parse_table
from harness.lane.breed import BreedingLane
from harness.lane.climb import ClimbingLane
from harness.lane.protocol import Lane
from harness.lane.registry import Registry
from harness.providers.backends import BACKENDS
from harness.sweep.loop import Limits

STOPS = ("generations", "patience", "seconds", "candidates", "tokens", "money")
CLIMBS = frozenset({"name", "enabled", "domain", "tools", "options", "seed", "proposers", *STOPS})
"""The keys of an experiment of a lane that searches by its own rules."""
SUM_TOLERANCE = 1e-6
MAX_POINTS = 100_000  # of a search space
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@cache
def lanes() -> Mapping[str, Lane]:
    """All lanes of this process by name."""
    return Registry().lanes


class Proposer(Frozen):
    """One source of proposals, and its share of them."""

    kind: Literal["operators", "crossover", "templates", "own", "command", "model"]
    """`own` is the proposer of a lane that searches by its own rules."""
    weight: Positive = 1.0
    operators: tuple[str, ...] = ()
    """For `operators`: the names that may be used; empty for all."""
    backend: str = "command"
    """For `model`: a back end of `harness.providers`."""
    command: str = ""
    """For `command`, and the back end `command`: a command line, run without a shell, for one proposal each."""
    model: str = ""
    base_url: str = ""
    answers: str = ""
    cassette: str = ""
    timeout_s: Positive = 120.0
    max_calls: PositiveInt | None = None
    max_tokens: PositiveInt | None = None
    """Tokens of all answers together; a call that may exceed the rest is not made."""
    tokens_per_call: PositiveInt = 4096
    """The most that one call may use: the limit is kept before it is reached."""
    usd_per_million_tokens: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _is_complete(self) -> Proposer:
        if self.kind == "command" and not self.command:
            msg = "a proposer of kind 'command' needs the key 'command'"
            raise ValueError(msg)
        if self.kind == "model" and self.backend not in BACKENDS:
            msg = f"unknown back end {self.backend!r}{nearest(self.backend, BACKENDS)}"
            raise ValueError(msg)
        return self


class Experiment(Frozen):
    """One search."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    enabled: bool = True
    domain: str = "toolgen"
    """The lane: one that offers edits of its subjects, or one that searches by its own rules (docs/evolution.md)."""
    evaluator: str = ""
    """`module:Class` with styles and sources of the first generation, instead of the lane's own. The tournament's name
    is known."""
    search_space: dict[str, list[Any]] = {}
    """The first generation is their product: `impl_style`, `anneal_temp`."""
    fitness_weights: dict[str, Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]] = {}
    """Weights of the score's components, which sum to 1."""
    curriculum: dict[str, str] | Adaptive = {}
    """`epoch_0_5: TOOL`, …, `epoch_11_plus: alternating`; or `mode: adaptive`."""
    options: dict[str, Any] = {}
    """Keys of a lane that searches by its own rules."""
    tools: dict[str, str] = {}
    """Path of each tool, relative to the file; by default `specs/tools/NAME` in a folder above it."""
    start: tuple[str, ...] = ()
    """Files that the first generation of each tool has, next to the templates."""
    seed: NonNegativeInt = 0
    secret_seed: NonNegativeInt | None = None
    """Seed of the inputs; by default derived from `seed`."""
    population: PositiveInt = 24
    """Trials of a generation."""
    islands: Annotated[int, Field(ge=1, le=64)] = 2
    migrate_every: PositiveInt = 4
    """Generations between two migrations of champions to the next island."""
    bracket: Annotated[int, Field(ge=1, le=64)] = 3
    """Contenders of the tournament for one parent."""
    proposers: tuple[Proposer, ...] = (Proposer(kind="operators", weight=3), Proposer(kind="crossover", weight=2))
    attempts: PositiveInt = 2
    questions: PositiveInt = 24
    timing: Literal["cpu", "none"] = "cpu"
    generations: PositiveInt = 14
    patience: PositiveInt | None = None
    """Generations of one tool without a better best."""
    seconds: Positive | None = None
    candidates: PositiveInt | None = None
    tokens: PositiveInt | None = None
    money: Positive | None = None
    """US dollars."""
    finalists: NonNegativeInt = 3
    """Candidates of each tool that may be confirmed before one becomes champion; 0 confirms none."""

    @field_validator("evaluator")
    @classmethod
    def _evaluator_is_known(cls, name: str) -> str:
        from harness.evolve.spica import find_evaluator

        if name:
            find_evaluator(name)
        return name

    @field_validator("domain")
    @classmethod
    def _domain_is_searched(cls, name: str) -> str:
        known = lanes()
        if name not in known:
            msg = f"unknown lane {name!r}{nearest(name, known)}"
            raise ValueError(msg)
        if not isinstance(known[name], ClimbingLane | BreedingLane):
            msg = f"the lane {name!r} offers neither a climb nor edits of its subjects (docs/evolution.md)"
            raise ValueError(msg)
        return name

    @field_validator("fitness_weights")
    @classmethod
    def _weights_sum_to_one(cls, weights: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        known = getattr(lanes().get(info.data.get("domain", "")), "weights", {})
        for name in weights:
            if name not in known:
                msg = f"no component {name!r} to weigh{nearest(name, known)}"
                raise ValueError(msg)
        if weights and abs(sum(weights.values()) - 1) > SUM_TOLERANCE:
            msg = f"the weights sum to {sum(weights.values()):.10g}, not to 1"
            raise ValueError(msg)
        return weights

    @field_validator("search_space")
    @classmethod
    def _space_is_finite(cls, space: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for name, values in space.items():
            if name not in ("impl_style", "anneal_temp"):
                msg = f"unknown parameter {name!r}{nearest(name, ('impl_style', 'anneal_temp'))}"
                raise ValueError(msg)
            if not values:
                msg = f"parameter {name!r} has no values"
                raise ValueError(msg)
            wanted = str if name == "impl_style" else (int, float)
            for value in values:
                if not isinstance(value, wanted) or isinstance(value, bool):
                    msg = f"parameter {name!r}: {value!r} is not a {'name' if wanted is str else 'number'}"
                    raise ValueError(msg)
                if isinstance(value, int | float) and not 0 <= value <= sys.float_info.max:
                    msg = f"parameter {name!r}: {value!r} is {'below 0' if value < 0 else 'not finite'}"
                    raise ValueError(msg)
        if math.prod(map(len, space.values())) > MAX_POINTS:
            msg = f"the space has more than {MAX_POINTS} points"
            raise ValueError(msg)
        return space

    @field_validator("curriculum")
    @classmethod
    def _curriculum_is_a_table(cls, table: dict[str, str] | Adaptive) -> dict[str, str] | Adaptive:
        if isinstance(table, dict) and table:
            parse_table(table)
        return table

    @model_validator(mode="after")
    def _keys_fit_the_lane(self) -> Experiment:
        lane = lanes()[self.domain]
        if not isinstance(lane, ClimbingLane):
            if self.options or any(one.kind == "own" for one in self.proposers):
                msg = f"the lane {self.domain!r} has no `options` and no proposer of kind 'own'"
                raise ValueError(msg)
            return self
        defaults = {name: one.default for name, one in type(self).model_fields.items()}
        unused = [name for name in defaults if name not in CLIMBS and getattr(self, name) != defaults[name]]
        if unused:
            msg = f"the lane {self.domain!r} has no use for the key {unused[0]!r}: it searches by its own rules"
            raise ValueError(msg)
        kinds = {one.kind for one in self.proposers}
        if not self.has_own_proposer and not (kinds and kinds <= {"command", "model"}):
            msg = f"the lane {self.domain!r} takes proposers of kind 'command' and 'model', or one of kind 'own'"
            raise ValueError(msg)
        if not self.tools:
            msg = f"the lane {self.domain!r} needs the key 'tools': {{NAME: FILE}}"
            raise ValueError(msg)
        return self

    @property
    def has_own_proposer(self) -> bool:
        """Whether the lane's own proposer proposes, for a lane that searches by its own rules."""
        default = type(self).model_fields["proposers"].default
        return self.proposers == default or [one.kind for one in self.proposers] == ["own"]

    @property
    def schedule(self) -> Curriculum:
        """The curriculum; without one the tools in turn, and without tools the tournament's first."""
        if isinstance(self.curriculum, Adaptive):
            return Curriculum(self.curriculum.order, adaptive=self.curriculum)
        if self.curriculum:
            return parse_table(self.curriculum)
        return Curriculum(tuple(self.tools) or ("text_deduplicate",))

    @property
    def limits(self) -> Limits:
        """When the search ends."""
        return Limits(**{name: getattr(self, name) for name in STOPS})

    @property
    def key(self) -> str:
        """The identity of the search: everything that its trials depend on. Stops may change when it continues."""
        wire = {name: value for name, value in self.to_wire().items() if name not in ("enabled", "finalists", *STOPS)}
        return f"{self.name}-{digest_json(wire)[:12]}"


def read_experiments(path: Path) -> list[Experiment]:
    """The experiments of a file: one block, or a list of blocks.

    Raises:
        SuiteError: with file, line and column of the first problem.
    """
    document = read_document(path)
    value = document.value
    prefix: tuple[str, ...] = ()
    if isinstance(value, dict) and set(value) == {"experiments"}:
        value, prefix = value["experiments"], ("experiments",)
    blocks = value if isinstance(value, list) else [value]
    if not blocks or not all(isinstance(block, dict) for block in blocks):
        what = "it must be a mapping, or a list of mappings with `name` each"
        raise SuiteError(what, where=position(path, 1, 1), fix="docs/evolve.md shows a file")
    found = []
    for index, block in enumerate(blocks):
        at: tuple[str | int, ...] = (*prefix, index) if isinstance(value, list) else prefix
        found.append(_experiment(path, document, block, at))
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise SuiteError(f"two experiments are named {name!r}", where=str(path), fix="rename one")
    return found


def _experiment(path: Path, document: Document, block: Mapping[str, Any], at: tuple[str | int, ...]) -> Experiment:
    try:
        return Experiment.model_validate_json(json.dumps(block), strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = tuple(problem["loc"])
        full = (*at, *key)
        where = next(
            (document.positions[full[:n]] for n in range(len(full), 0, -1) if full[:n] in document.positions), (1, 1)
        )
        dotted = ".".join(map(str, key))
        if problem["type"] == "extra_forbidden":
            known = Proposer.model_fields if key[0] == "proposers" else Experiment.model_fields
            what = f"unknown key {dotted!r}{nearest(key[-1], known)}"
        elif problem["type"] == "missing":
            what = f"the key {dotted!r} is missing"
        else:
            what = f"{dotted}: {problem['msg'].removeprefix('Value error, ')}" if dotted else problem["msg"]
        fix = "docs/evolve.md lists the keys and their values"
        raise SuiteError(what.removeprefix("Value error, "), where=position(path, *where), fix=fix) from None


def tool_path(file: Path, experiment: Experiment, name: str) -> Path:
    """The folder or JSON file of a tool.

    Raises:
        SuiteError: if there is none.
    """
    given = experiment.tools.get(name)
    if given is not None:
        if (found := named_path(file.parent, given)) is not None:
            return found
        raise SuiteError(f"tool {name!r}: {given!r} does not exist", where=str(file), fix="correct the path")
    for folder in dict.fromkeys((*file.absolute().parents, Path.cwd(), *Path.cwd().parents)):
        for tried in (name, f"{name}.json"):
            if (found := named_path(folder / "specs" / "tools", tried)) is not None:
                return found
    fix = f"add `tools: {{{name}: PATH}}`, or create specs/tools/{name}"
    raise SuiteError(f"unknown tool {name!r}", where=str(file), fix=fix)
