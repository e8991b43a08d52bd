"""Settings: merges defaults < `[tool.crucible]` in pyproject.toml < suite file < command line; the last one wins."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, ValidationError

from harness.core.budget import Schedule
from harness.core.errors import UsageError
from harness.core.frozen import Frozen
from harness.core.nearest import nearest
from harness.core.policy import Need, Policy, Timing
from harness.core.tier import Tier
from harness.suites.suite import SuiteOptions

Seed = Annotated[int, Field(ge=0, lt=2**63)]  # SQLite's integers end there
Temperature = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]

LEDGER = "reports/ledger.db"
REPORT = "reports/index.html"
MIN_TIER = Tier.C
ATTEMPTS: int = Policy().attempts


class Project(Frozen):
    """The keys of `[tool.crucible]` in pyproject.toml."""

    epoch: NonNegativeInt = 0
    attempts: PositiveInt | None = None
    anneal_temp: Temperature = 1.0
    secret_seed: Seed | None = None
    ledger: str = LEDGER
    report: str = REPORT
    gates: tuple[str, ...] = ()
    """Run gates such as `toolgen.mean(score) >= 0.8`; `--gate` replaces them."""
    min_tier: Tier | None = None
    top: NonNegativeInt = 5
    confirm: Seconds | None = None
    """Time limit in seconds for confirming finalists; 0 disables it, None is a quarter of the run and at least 10 s."""
    budget: Schedule | None = None
    timing: Timing | None = None
    require: tuple[Need, ...] = ()
    keep_sources: bool = True
    """Whether the ledger keeps the sources of what was judged (at most 256 KiB each)."""
    keep_rejected: Literal["all", "leaders", "none"] = "all"
    """Of which rejected candidates the ledger keeps sources and evidence when the run is over: all, those that led a
    board once, or none. Their verdicts are always kept; one without evidence is not reused."""
    handoffs: bool = True
    """Whether candidates with wrong answers are queued for repair."""


class Settings(Frozen):
    """The settings of one run."""

    epoch: NonNegativeInt = 0
    attempts: PositiveInt | None = None
    """From the command line; None leaves it to the suite."""
    anneal_temp: Temperature = 1.0
    secret_seed: Seed
    ledger: Path
    report: Path
    gates: tuple[str, ...] = ()
    """Valid expressions over the whole run."""
    min_tier: Tier | None = None
    """None: not set, so a lane's own default applies, else C."""
    shard: tuple[int, int] | None = None
    """1-based part, number of parts."""
    shard_durations: Path | None = None
    """A ledger or JSON file with the seconds of cases, by which shards are balanced."""
    limit: PositiveInt | None = None
    top: NonNegativeInt = 5
    confirm: Seconds | None = None
    """Time limit in seconds for confirming finalists, as in `Project`."""
    fresh: bool = False
    project: Project = Project()

    def tier_for(self, lane_default: Tier | None) -> Tier:
        """The weakest tier that items of a lane may run on."""
        return self.min_tier or lane_default or MIN_TIER

    def policy(self, options: SuiteOptions | None = None) -> Policy:
        """The policy that every case of a suite starts with; without options, the policy of a suite without keys."""
        suite = options or SuiteOptions(lane="")
        return Policy(
            epoch=self.epoch,
            attempts=self.attempts or suite.attempts or self.project.attempts or ATTEMPTS,
            anneal_temp=self.anneal_temp,
            schedule=suite.budget or self.project.budget or Schedule(),
            timing=suite.timing or self.project.timing or Timing.CPU,
            gates=suite.gates,
            require=tuple(dict.fromkeys((*self.project.require, *suite.require))),
        )


def settle(
    rootdir: Path,
    *,
    command: Mapping[str, Any] | None = None,
    invocation_dir: Path | None = None,
    drawn_seed: int | None = None,
) -> Settings:
    """Merge defaults, pyproject.toml and the command line; a suite's own keys come in by `Settings.policy`.

    Args:
        rootdir: The folder of pyproject.toml; its relative paths, and the default paths, are relative to it.
        command: Options by the names of `Settings`; None means that an option was not given.
        invocation_dir: The current directory of the command; its relative paths are relative to it.
        drawn_seed: The secret seed if none is given; random by default.

    Raises:
        UsageError: if `[tool.crucible]`, a gate or a combination of options is wrong.
    """
    asked = {name: value for name, value in (command or {}).items() if value is not None}
    project = read_project(rootdir / "pyproject.toml")
    values: dict[str, Any] = {
        name: getattr(project, name)
        for name in ("epoch", "anneal_temp", "secret_seed", "gates", "min_tier", "top", "confirm")
    }
    values.update(asked)
    if values["secret_seed"] is None:
        values["secret_seed"] = secrets.randbits(63) if drawn_seed is None else drawn_seed
    for name in ("ledger", "report"):
        base = (invocation_dir or rootdir) if name in asked else rootdir
        values[name] = (base / Path(str(asked.get(name, getattr(project, name)))).expanduser()).absolute()
    if values["gates"]:
        from harness.gates.expression import parse_gate

        for text in values["gates"]:
            parse_gate(text)
    try:
        return Settings(**values, project=project)
    except ValidationError as error:
        raise UsageError(_first(error), where="command line") from None


def read_project(path: Path) -> Project:
    """The `[tool.crucible]` table of a pyproject.toml; defaults when there is none.

    Raises:
        UsageError: if the table is wrong; the message has the file and the key.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("crucible", {})
    except FileNotFoundError:
        return Project()
    except (OSError, ValueError, RecursionError, AttributeError) as error:
        raise UsageError(f"it cannot be read: {error}", where=str(path)) from None
    try:
        return Project.model_validate(table)
    except ValidationError as error:
        raise UsageError(_first(error), where=f"{path}: [tool.crucible]") from None


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key!r}{nearest(problem['loc'][-1], Project.model_fields)}"
    return f"{key}: {problem['msg'].removeprefix('Value error, ')}"
