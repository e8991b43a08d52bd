"""RewardFunction: rewards of completions, in the call shapes of TRL and verl."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter, deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.core.closing import Closing
from harness.core.errors import InfraError, UsageError
from harness.core.nearest import nearest
from harness.judge.kept_sources import many
from harness.judge.pool import JudgePool, Tools
from harness.providers.completion import code_of
from harness.rewards.checked_judge import EVERY, CheckedJudge, Judged, Pool
from harness.suites.loader import SUFFIX

Mode = Literal["pass", "graded"]
MODES = ("pass", "graded")
MAX_INFRA = 50
ATTEMPTS = 2  # a candidate without a verdict is judged once more
WINDOW = 1000  # candidates over which those without a reward are counted
LOG = logging.getLogger("harness.rewards")


def reward_for(
    tool: Tools | Pool,
    mode: Mode = "pass",
    *,
    max_infra: int = MAX_INFRA,
    check_every: int = EVERY,
    honest: str | os.PathLike[str] | None = None,
    cheat: str | os.PathLike[str] | None = None,
    asynchronous: bool = False,
    **options: Any,
) -> RewardFunction:
    """A reward function for a tool.

    Args:
        tool: A tool or suite, or several, as for `JudgePool`; or a `JudgePool` or `Remote`, which is not closed here.
        mode: `pass`: 1.0 if the candidate passed, else 0.0. `graded`: a wrong candidate earns half the share of its
            right answers.
        max_infra: Candidates without a reward that are accepted among the last thousand.
        check_every: Verdicts between two checks of the judge; 0 for none.
        honest: Source or path of a candidate that must pass; by default `controls/honest.py` of the tool.
        cheat: Source or path of a candidate that must not pass; by default made from the tool.
        asynchronous: Whether a call of the function is awaited.
        options: As for `JudgePool`. For a tool, unlike there, nothing is timed unless `timing` says so, and candidates
            may do nothing but compute unless `strict=False`; a suite says both itself.

    Raises:
        UsageError: if an argument is wrong.
        SuiteError, TierError, LedgerError: as for `JudgePool`.
    """
    kind = AsyncRewardFunction if asynchronous else RewardFunction
    if mode not in MODES:
        raise UsageError(f"unknown mode {mode!r}{nearest(mode, MODES)}")
    if isinstance(max_infra, bool) or not isinstance(max_infra, int) or max_infra < 0:
        raise UsageError(f"max_infra must be an integer from 0, not {max_infra!r}")
    is_ours = isinstance(tool, str | os.PathLike | Sequence)
    pool: Pool
    if isinstance(tool, str | os.PathLike | Sequence):
        pool = JudgePool(tool, **pool_options(tool, options))
    elif options:
        raise UsageError(f"{next(iter(options))!r} is an option of the pool", fix="pass it to JudgePool")
    else:
        pool = tool
    try:
        judge = CheckedJudge(pool, every=check_every, honest=_source(honest), cheat=_source(cheat))
        return kind(judge, mode, max_infra=max_infra, owns=is_ours)
    except BaseException:
        if is_ours:
            pool.close()
        raise


def pool_options(tools: Tools, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a pool that pays rewards: nothing is timed and candidates only compute, unless a suite says so.

    Args:
        options: The options that are given; they come first.
    """
    paths = [tools] if isinstance(tools, str | os.PathLike) else tools
    given = {name: value for name, value in options.items() if value is not None}
    if any(str(path).endswith(SUFFIX) for path in paths):
        return given
    return {"timing": "none", "strict": True} | given


def _source(given: str | os.PathLike[str] | None) -> str | None:
    return Path(given).read_text("utf-8") if isinstance(given, os.PathLike) else given


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a trainer: completions with their tools, and whether it asked for one reward or a list."""

    completions: Sequence[Any]
    tools: Sequence[str | None]
    is_single: bool

    def answer(self, rewards: list[float | None]) -> Any:
        return rewards[0] if self.is_single else rewards


class RewardFunction(Closing):
    """Rewards of completions; use `reward_for` to make one.

    Called as TRL does, `f(prompts=…, completions=…, **columns)`, it returns a list; called as verl does,
    `f(data_source, solution_str, ground_truth, extra_info)`, one reward; with `solution_strs`, verl's batch form, a
    list. A reward is None where the verdict says nothing about the candidate; such a candidate is judged once more
    before. A pool of several tools reads the name of the tool in the column `tool`, in `extra_info["tool"]`, or in
    `data_source`.

    Attributes:
        counts: Completions by status.
        judge: The judge, with `degraded` and `checks`.
    """

    __name__ = "crucible"  # under which trainers log it

    def __init__(self, judge: CheckedJudge, mode: Mode, *, max_infra: int, owns: bool) -> None:
        self.judge, self.mode = judge, mode
        self.counts: Counter[str] = Counter()
        self._max_infra, self._owns = max_infra, owns
        self._recent: deque[bool] = deque(maxlen=WINDOW)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """The reward, or the rewards in the order of the completions.

        Raises:
            InfraError: if more than `max_infra` of the last thousand candidates have no reward.
            TypeError: if the call has neither shape, or a completion is neither text nor a conversation.
            UsageError: if a pool of several tools is not given the name of one.
        """
        call = self._read(args, named)
        return call.answer(self.rewards(call.completions, call.tools))

    def rewards(self, completions: Sequence[Any], tools: Sequence[str | None] | None = None) -> list[float | None]:
        """The rewards of completions, in their order.

        Args:
            completions: Text, or conversations.
            tools: The name of the tool of each; by default the only one.

        Raises:
            InfraError, TypeError, UsageError: as a call.
        """
        return [self.value(verdict) for verdict in self.verdicts(completions, tools)]

    def verdicts(
        self, completions: Sequence[Any], tools: Sequence[str | None] | None = None, *, screen: bool = False
    ) -> list[Judged]:
        """The verdicts on completions, in their order; `value` of each is its reward.

        Raises:
            InfraError, TypeError, UsageError: as a call.
        """
        steps = self._judge(completions, tools, screen)
        while True:
            try:
                wait(next(steps))
            except StopIteration as done:
                verdicts: list[Judged] = done.value
                return verdicts

    async def averdicts(
        self, completions: Sequence[Any], tools: Sequence[str | None] | None = None, *, screen: bool = False
    ) -> list[Judged]:
        """`verdicts` for a program that uses asyncio."""
        steps = self._judge(completions, tools, screen)
        while True:
            try:
                await asyncio.gather(*map(asyncio.wrap_future, next(steps)), return_exceptions=True)
            except StopIteration as done:
                verdicts: list[Judged] = done.value
                return verdicts

    async def areward(self, completion: Any, tool: str | None = None) -> float | None:
        """The reward of one completion, for a program that uses asyncio."""
        return self.value((await self.averdicts([completion], [tool]))[0])

    def value(self, verdict: Judged) -> float | None:
        """The reward of a verdict; None once the judge is degraded."""
        if self.judge.degraded:
            return None
        return verdict.graded if self.mode == "graded" else verdict.reward

    def close(self) -> None:
        """End the judge processes that this function started."""
        if self._owns:
            self.judge.pool.close()

    def _read(self, args: Sequence[Any], named: Mapping[str, Any]) -> _Call:
        if "solution_str" in named or "solution_strs" in named or len(args) > 2:
            names = ("data_source", "solution_str", "ground_truth", "extra_info")
            given = {**dict(zip(names, args, strict=False)), **named}
            text = given.get("solution_strs", given.get("solution_str"))
            source = given.get("data_sources", given.get("data_source"))
            info = given.get("extra_infos", given.get("extra_info"))
            if isinstance(text, str):
                return _Call([text], [self._tool(source, info)], is_single=True)
            if isinstance(text, Sequence):
                sources = [None] * len(text) if source is None or isinstance(source, str) else source
                infos = [None] * len(text) if info is None else info
                tools = [self._tool(one, more) for one, more in zip(sources, infos, strict=True)]
                return _Call(text, tools, is_single=False)
        completions = named["completions"] if "completions" in named else args[1] if len(args) == 2 else None
        if completions is None or isinstance(completions, (str, bytes, os.PathLike)):
            msg = "a reward function is called with completions=[…], or with solution_str=… and data_source=…"
            raise TypeError(msg)
        column = named.get("tool")
        tools = [column] * len(completions) if column is None or isinstance(column, str) else column
        return _Call(completions, tools, is_single=False)

    def _tool(self, source: Any, info: Any) -> str | None:
        named = info.get("tool") if isinstance(info, Mapping) else None
        if named is not None:
            return str(named)
        return str(source) if source in self.judge.pool.tools else None

    def _jobs(self, completions: Sequence[Any], tools: Sequence[str | None] | None) -> list[tuple[str, str | None]]:
        many(completions, one="rewards([completion])")
        if tools is None:
            tools = [None] * len(completions)
        if len(tools) != len(completions):
            raise UsageError(f"{len(completions)} completions, but {len(tools)} names of tools")
        if len(self.judge.pool.tools) == 1:  # the column may name the tool differently
            tools = [None] * len(completions)
        pairs = zip(completions, tools, strict=True)
        return [(code_of(completion, entry=self.judge.entry(tool)), tool) for completion, tool in pairs]

    def _judge(
        self, completions: Sequence[Any], tools: Sequence[str | None] | None, screen: bool
    ) -> Generator[list[Future[Any]], None, list[Judged]]:
        """Yields what is to be waited for; returns the verdicts."""
        jobs = self._jobs(completions, tools)
        waiting = dict(enumerate(jobs))
        verdicts: dict[int, Judged] = {}
        for _ in range(ATTEMPTS):
            found = {number: self._submit(job, screen) for number, job in waiting.items()}
            yield list(found.values())
            verdicts.update((number, _verdict_of(future)) for number, future in found.items())
            waiting = {number: jobs[number] for number, verdict in verdicts.items() if verdict.reward is None}
        yield self.judge.outstanding()
        return self._settle(list(verdicts.values()))

    def _submit(self, job: tuple[str, str | None], screen: bool) -> Future[Any]:
        return self.judge.submit(job[0], screen=screen, graded=self.mode == "graded", tool=job[1])

    def _settle(self, verdicts: list[Judged]) -> list[Judged]:
        known = self.judge.degraded
        degraded = self.judge.examine()
        if degraded and not known:
            LOG.error("%s", degraded)
        for verdict in verdicts:
            self.counts[str(verdict.status)] += 1
            self._recent.append(self.value(verdict) is None)
        missing = sum(self._recent)
        if missing > self._max_infra:
            first = next((verdict.feedback for verdict in verdicts if self.value(verdict) is None), "")
            what = f"{missing} of the last {len(self._recent)} candidates have no reward: {degraded or first}"
            raise InfraError(what, fix="repair the cause, or raise max_infra")
        return verdicts


class AsyncRewardFunction(RewardFunction):
    """A reward function whose calls are awaited."""

    async def __call__(self, *args: Any, **named: Any) -> Any:
        """The reward, or the rewards in the order of the completions; see `RewardFunction`."""
        call = self._read(args, named)
        verdicts = await self.averdicts(call.completions, call.tools)
        return call.answer([self.value(verdict) for verdict in verdicts])


@dataclass(frozen=True, slots=True)
class _NotJudged:
    """In place of the verdict of a judge that cannot be reached."""

    feedback: str
    status: str = "infra"
    passed: bool = False
    score: float | None = None
    reward: float | None = None
    graded: float | None = None


def _verdict_of(found: Future[Any]) -> Judged:
    try:
        verdict: Judged = found.result()
    except InfraError as error:
        return _NotJudged(f"infra: {error.what}")
    return verdict
