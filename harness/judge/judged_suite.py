"""JudgedSuite: the suite, or the tool as a suite without candidates, whose candidates a pool judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.core.case import Case, key_of
from harness.core.digest import folder_state
from harness.core.errors import UsageError
from harness.core.nearest import nearest
from harness.core.policy import Timing
from harness.judge.isolation import trusted_files
from harness.lane.protocol import ObservingLane
from harness.lane.registry import Registry
from harness.suites.loader import SUFFIX, load_suite
from harness.suites.settings import Settings
from harness.suites.suite import Suite, recordable

Model = TypeVar("Model", bound=BaseModel)
SCREENED = ("screen", "fast")
"""How a candidate gets a cheap verdict; by `fast` a slow one does not pass."""


@dataclass(frozen=True, slots=True)
class Template:
    """The case of an empty candidate, from which the key of any other follows.

    Attributes:
        case: The case.
        parts: Its `Case.key_parts`.
        files: The trusted files and folders on which its inputs depend.
        state: Their `folder_state`.
    """

    case: Case
    parts: tuple[str, str, str]
    files: tuple[Path, ...]
    state: tuple[object, ...]

    def key_of(self, digest: str) -> str:
        """The `Case.key` of a candidate.

        If a lane derives inputs from the candidate, its case has another key, and no case has this one.

        Args:
            digest: Hex SHA-256 of the candidate.
        """
        return key_of(digest, *self.parts)


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
    _templates: dict[tuple[str, int | None], Template] = field(default_factory=dict)

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
            raise UsageError("no such tool or suite", where=str(path), fix="name a suite, or a folder with a tool.yaml")
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
            suite = replace(suite, policy=policy)
        if not isinstance(lane, ObservingLane):
            raise UsageError(f"the lane {lane.name!r} does not judge sources; use `evaluate`", where=str(path))
        if suite.policy.timing is Timing.EXACT:
            raise UsageError(
                "a pool judges many candidates at once, so it cannot time exactly",
                where=str(path),
                fix="pass timing='cpu', or judge it with pytest",
            )
        return cls(name, suite, lane)

    def case_of(
        self, path: Path, *, how: str = "", epoch: int | None = None, against: tuple[str, float] | None = None
    ) -> Case:
        """The case of a candidate.

        Args:
            path: Its file.
            how: One of `SCREENED`, `graded` for a verdict that counts all right answers, empty for the full one.
            epoch: Sets the budget; the suite's own by default.
            against: As for `JudgePool.submit`.
        """
        case = self.lane.case_of(self.suite, recordable(path))
        if epoch is not None:
            case = case.model_copy(update={"policy": case.policy.model_copy(update={"epoch": epoch})})
        if how in SCREENED:
            return self.lane.screened(case, allow_slow=how == "screen")
        compared: Callable[[Case, str, float], Case] | None = getattr(self.lane, "compared", None)
        if against is not None and compared is not None:
            return compared(case, *against)
        counted: Callable[[Case], Case] | None = getattr(self.lane, "counted", None)
        return counted(case) if how and counted is not None else case

    def template(self, blank: Path, *, how: str, epoch: int | None) -> Template:
        """The case of an empty candidate, made again only if a file of the tool changed.

        Args:
            blank: An empty file.
            how: As for `case_of`.
            epoch: As for `case_of`.

        Raises:
            OSError: if a file of the tool is gone.
            SuiteError: if the tool is invalid by now.
        """
        known = self._templates.get((how, epoch))
        if known is None or known.state != tuple(map(folder_state, known.files)):
            case = self.case_of(blank, how=how, epoch=epoch)
            files = tuple(trusted_files(case))
            # The state is read first: a change in between makes the template once more.
            state = tuple(map(folder_state, files))
            case = self.case_of(blank, how=how, epoch=epoch)
            known = self._templates[how, epoch] = Template(case, case.key_parts(), files, state)
        return known


def _validated(model: type[Model], keys: dict[str, Any]) -> Model:
    try:
        return model.model_validate(keys)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "extra_forbidden":
            raise UsageError(f"unknown option {key!r}{nearest(key, model.model_fields)}") from None
        raise UsageError(f"{key}: {problem['msg']}") from None
