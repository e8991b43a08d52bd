"""JudgedSuite: the suite, or the tool as a suite without candidates, whose candidates a pool judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.core.case import Case
from harness.core.errors import UsageError
from harness.core.nearest import nearest
from harness.core.policy import Timing
from harness.lane.protocol import ObservingLane
from harness.lane.registry import Registry
from harness.suites.loader import SUFFIX, load_suite
from harness.suites.settings import Settings
from harness.suites.suite import Suite

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class JudgedSuite:
    """What the candidates of a pool are judged by.

    Attributes:
        name: The tool's folder or file, or the suite's file, without its suffix.
        suite: The suite.
        lane: Its lane.
    """

    name: str
    suite: Suite
    lane: ObservingLane

    @classmethod
    def read(
        cls,
        path: Path,
        *,
        registry: Registry,
        settings: Settings,
        timing: str | None,
        gates: dict[str, float] | None,
        options: dict[str, Any],
    ) -> JudgedSuite:
        """Read a tool or suite.

        Args:
            path: The tool or suite, absolute.
            registry: The lanes.
            settings: The settings of the pool.
            timing: As for `JudgePool`.
            gates: As for `JudgePool`.
            options: Further keys of the suite that a tool is made into.

        Raises:
            UsageError: if there is none, its lane does not judge sources, or it demands exact timing.
            SuiteError: if the tool or suite is wrong.
        """
        if not path.exists():
            raise UsageError("there is no such tool or suite", where=str(path))
        if path.name.endswith(SUFFIX):
            name = path.name.removesuffix(SUFFIX)
            suite = load_suite(path, name=path.name, lanes=registry.lanes, settings=settings)
            lane = registry.lanes[suite.options.lane]
            changed: dict[str, Any] = {"timing": timing, "gates": gates}
        else:
            name = (path.parent if path.name == "tool.yaml" else path.with_suffix("")).name
            lane = registry.lanes["toolgen"]
            keys = {"lane": "toolgen", "tool": str(path), "candidates": (), "timing": timing, **options}
            keys = {name: value for name, value in keys.items() if value is not None}
            parsed = _validated(lane.options, keys)
            suite = Suite(path=path, name=path.name, options=parsed, policy=settings.policy(parsed))
            changed = {"gates": gates}
        update = {name: value for name, value in changed.items() if value is not None}
        if update:
            policy = _validated(type(suite.policy), {**suite.policy.model_dump(), **update})
            suite = Suite(suite.path, suite.name, suite.options, policy, suite.positions)
        if not isinstance(lane, ObservingLane):
            raise UsageError(f"the lane {lane.name!r} does not judge sources; use `evaluate`", where=str(path))
        if suite.policy.timing is Timing.EXACT:
            raise UsageError(
                "a pool judges many candidates at once, so it cannot time exactly",
                where=str(path),
                fix="pass timing='cpu', or judge it with pytest",
            )
        return cls(name, suite, lane)

    def case_of(self, path: Path, *, how: str = "", epoch: int | None = None) -> Case:
        """The case of a candidate.

        Args:
            path: Its file.
            how: `screen` for a cheap verdict, `graded` for one that counts all right answers, empty for the full one.
            epoch: Sets the budget; the suite's own by default.
        """
        case = self.lane.case_of(self.suite, path)
        if epoch is not None:
            case = case.model_copy(update={"policy": case.policy.model_copy(update={"epoch": epoch})})
        if how == "screen":
            return self.lane.screened(case)
        counted: Callable[[Case], Case] | None = getattr(self.lane, "counted", None)
        return counted(case) if how and counted is not None else case


def _validated(model: type[Model], keys: dict[str, Any]) -> Model:
    try:
        return model.model_validate(keys)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "extra_forbidden":
            raise UsageError(f"unknown option {key!r}{nearest(key, model.model_fields)}") from None
        raise UsageError(f"{key}: {problem['msg']}") from None
