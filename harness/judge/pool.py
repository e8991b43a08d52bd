"""JudgePool: judges candidates that come from a program, as many at a time as the machine bears."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError

from harness import hooks
from harness.core.case import Case
from harness.core.digest import digest_bytes
from harness.core.errors import UsageError
from harness.core.evaluation import Evaluation
from harness.core.nearest import nearest
from harness.core.policy import Timing
from harness.core.tier import Tier
from harness.judge.folders import project_root, scratch_folder
from harness.judge.isolation import folders_of, prove_tier, secrets_of
from harness.judge.judges import Judges
from harness.judge.verdict import Verdict
from harness.lane.context import Context
from harness.lane.protocol import ObservingLane
from harness.lane.registry import Registry
from harness.suites.loader import SUFFIX, load_suite
from harness.suites.settings import settle
from harness.suites.suite import Suite

MAX_KNOWN = 10_000
"""Verdicts that a pool remembers, by the digest of the candidate and all that the verdict depends on."""
Model = TypeVar("Model", bound=BaseModel)
Source = str | bytes | os.PathLike[str]
"""The text or bytes of a candidate, or the path of its file."""


class JudgePool:
    """Judge processes for the candidates of one tool or suite. Use it as a context manager.

    Args:
        tool_or_suite: A tool (folder with `tool.yaml`, or one JSON file), or a `.suite.yaml` whose lane judges sources.
        workers: Number of judge processes; by default one for each core that this process may use.
        epoch: Sets the budget; 0 by default.
        attempts: Seeded repetitions; the suite's own by default.
        timing: `cpu` or `none`; the suite's own by default. A pool judges many at once, so it cannot time exactly.
        gates: Smallest accepted value of components, or of `score`; the suite's own by default.
        secret_seed: Seed of the inputs; random by default.
        min_tier: The weakest isolation that is accepted.
        options: Further keys of a suite, such as `questions` or `jitter_ms`, for a tool that is given without one.

    Attributes:
        lane: The lane that judges.
        tier: The isolation that the probe proved; None for a lane without boxes.
        protect: Folders that the boxes hide.

    Raises:
        UsageError: if there is no such tool or suite, its lane does not judge sources, or it demands exact timing.
        SuiteError: if the tool or suite is wrong.
        TierError: if this machine cannot isolate as well as `min_tier` requires.
    """

    def __init__(
        self,
        tool_or_suite: str | os.PathLike[str],
        *,
        workers: int | None = None,
        epoch: int = 0,
        attempts: int | None = None,
        timing: str | None = None,
        gates: dict[str, float] | None = None,
        secret_seed: int | None = None,
        min_tier: Tier | str | None = None,
        **options: Any,
    ) -> None:
        if workers is not None and workers < 1:
            raise UsageError(f"workers must be at least 1, not {workers}")
        path = Path(tool_or_suite).absolute()
        if not path.exists():
            raise UsageError("there is no such tool or suite", where=str(path))
        root = project_root(path)
        tier = None if min_tier is None else Tier(min_tier)
        asked = {"epoch": epoch, "attempts": attempts, "secret_seed": secret_seed, "min_tier": tier}
        settings = settle(root, command=asked)
        registry = Registry(built_in=hooks.BUILT_IN)
        if path.name.endswith(SUFFIX):
            suite = load_suite(path, name=path.name, lanes=registry.lanes, settings=settings)
            lane = registry.lanes[suite.options.lane]
            changed = {"timing": timing, "gates": gates}
        else:
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
        self._suite, self.lane = suite, lane
        self._folder = Path(tempfile.mkdtemp(prefix="crucible-pool-"))
        try:
            probe_case = self._case(self._keep("probe", b""))
            secrets = secrets_of([probe_case], root=root, ledger=settings.ledger)
            self.protect = protect = folders_of(secrets)
            self.tier = prove_tier([lane], settings, secrets, protect=protect).tier if lane.boxed else None
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._known: dict[str, Future[Verdict]] = {}
        context = Context(secret_seed=settings.secret_seed, scratch=scratch_folder(), tier=self.tier, protect=protect)
        self._judges = Judges([lane], count=workers or len(os.sched_getaffinity(0)), context=context)

    def judge(self, source: Source) -> Verdict:
        """Judge one candidate and wait for the verdict; a fault of the candidate is data, never an exception.

        Args:
            source: The text or bytes of a Python file, or the path of one.
        """
        return self.submit(source).result()

    async def ajudge(self, source: Source) -> Verdict:
        """`judge` for a program that uses asyncio; many calls may run at once."""
        return await asyncio.wrap_future(self.submit(source))

    def judge_all(self, sources: Iterable[Source]) -> list[Verdict]:
        """The verdicts of all candidates, in their order."""
        return [found.result() for found in [self.submit(source) for source in sources]]

    def screen_all(self, sources: Iterable[Source]) -> list[Verdict]:
        """Cheap verdicts: the tool's examples first, then sampled and edge inputs by size, until an answer is wrong.

        Nothing is timed, and each candidate has one attempt without pauses: `ok` means only that nothing was found.
        """
        return [found.result() for found in [self.submit(source, screen=True) for source in sources]]

    def submit(self, source: Source, *, screen: bool = False, epoch: int | None = None) -> Future[Verdict]:
        """Begin to judge a candidate.

        Args:
            source: As for `judge`.
            screen: As for `screen_all`.
            epoch: Sets the budget of this candidate; the pool's own by default.

        Raises:
            InfraError: if the pool was closed.
            TypeError: if the source is neither text, bytes nor a path.
        """
        self._judges.require_open()
        case = self._case(self._path_of(source))
        if epoch is not None:
            case = case.model_copy(update={"policy": case.policy.model_copy(update={"epoch": epoch})})
        if screen:
            case = self.lane.screened(case)
        key = case.key
        known = self._known.get(key)
        if known is not None:
            return known
        verdict: Future[Verdict] = Future()
        judged = self._judges.submit(case)
        verdict.set_running_or_notify_cancel()
        if len(self._known) >= MAX_KNOWN:
            self._known.pop(next(iter(self._known)), None)
        self._known[key] = verdict
        judged.add_done_callback(lambda found: self._conclude(key, found, verdict))
        return verdict

    def close(self) -> None:
        """End all processes."""
        self._judges.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _conclude(self, key: str, found: Future[str], verdict: Future[Verdict]) -> None:
        """Pass a result on; only what says something about the candidate is remembered."""
        if found.cancelled():
            error: BaseException | None = asyncio.CancelledError()
        else:
            error = found.exception()
        if error is not None:
            self._known.pop(key, None)
            verdict.set_exception(error)
            return
        result = Verdict(Evaluation.model_validate_json(found.result()))
        if result.reward is None:
            self._known.pop(key, None)
        verdict.set_result(result)

    def _path_of(self, source: Source) -> Path:
        if isinstance(source, os.PathLike):
            return Path(os.fspath(source)).absolute()
        data = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else bytes(source)
        return self._keep(digest_bytes(data)[:32], data)

    def _keep(self, name: str, data: bytes) -> Path:
        path = self._folder / f"{name}.py"
        if not path.exists():
            path.write_bytes(data)
        return path

    def _case(self, path: Path) -> Case:
        return self.lane.case_of(self._suite, path)


def _validated(model: type[Model], keys: dict[str, Any]) -> Model:
    try:
        return model.model_validate(keys)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = str(problem["loc"][0]) if problem["loc"] else ""
        if problem["type"] == "extra_forbidden":
            raise UsageError(f"unknown option {key!r}{nearest(key, model.model_fields)}") from None
        raise UsageError(f"{key}: {problem['msg']}") from None
