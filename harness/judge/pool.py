"""JudgePool: judges candidates that come from a program, as many at a time as the machine bears."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from harness import hooks
from harness.core.case import Case
from harness.core.closing import Closing
from harness.core.digest import digest_bytes
from harness.core.errors import CrucibleError, InfraError, UsageError
from harness.core.nearest import nearest
from harness.core.tier import Tier
from harness.judge.folders import project_root, scratch_folder
from harness.judge.isolation import folders_of, prove_tier, secrets_of
from harness.judge.judged_suite import SCREENED, JudgedSuite
from harness.judge.judging import Judging
from harness.judge.kept_sources import KeptSources, many, source_bytes
from harness.judge.known import KnownVerdicts, without_path
from harness.judge.placement import judges_for
from harness.judge.remembered import Address, Remembered
from harness.judge.verdict import StoredVerdict, Verdict
from harness.lane.context import Context
from harness.lane.controls import Controls
from harness.lane.fingerprint import engine_of
from harness.lane.protocol import ObservingLane
from harness.lane.registry import Registry
from harness.suites.settings import settle
from harness.suites.suite import Suite

Source = str | bytes | os.PathLike[str]
"""The text or bytes of a candidate, or the path of its file."""
Tools = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class JudgePool(Closing):
    """Judge processes for the candidates of one tool or suite, or of several. Use it as a context manager.

    Args:
        tool_or_suite: A tool (folder with `tool.yaml`, or one JSON file), or a `.suite.yaml` whose lane judges sources;
            or a sequence of these, which share the processes.
        workers: Number of judge processes; by default one for each core that this process may use.
        epoch: Sets the budget; 0 by default.
        attempts: Seeded repetitions; the suite's own by default.
        timing: `cpu` or `none`; the suite's own by default. A pool judges many at once, so it cannot time exactly.
        gates: Smallest accepted value of components, or of `score`; the suite's own by default.
        secret_seed: Seed of the inputs; random by default.
        min_tier: The weakest isolation that is accepted.
        cluster: A Dask cluster that judges instead: `local`, `tcp://HOST:PORT` or `tls://HOST:PORT` (docs/cluster.md).
        insecure: Whether an unencrypted connection to another machine is accepted.
        ledger: A ledger that receives each verdict, except those of screening, and answers for candidates it knows.
        fresh: Whether the ledger's earlier verdicts are ignored; by default if a secret seed is given.
        options: Further keys of a suite, such as `questions` or `jitter_ms`, for a tool that is given without one.

    Attributes:
        context: The seed, isolation and folders of its judge processes.

    Raises:
        UsageError: if there is no such tool or suite, its lane does not judge sources, or it demands exact timing.
        SuiteError: if the tool or suite is wrong.
        TierError: if this machine cannot isolate as well as `min_tier` requires.
        LedgerError: if the ledger cannot be written.
    """

    def __init__(
        self,
        tool_or_suite: Tools,
        *,
        workers: int | None = None,
        epoch: int = 0,
        attempts: int | None = None,
        timing: str | None = None,
        gates: dict[str, float] | None = None,
        secret_seed: int | None = None,
        min_tier: Tier | str | None = None,
        cluster: str | None = None,
        insecure: bool = False,
        ledger: str | os.PathLike[str] | None = None,
        fresh: bool | None = None,
        **options: Any,
    ) -> None:
        if workers is not None and (not isinstance(workers, int) or workers < 1):
            raise UsageError(f"workers must be an integer of at least 1, not {workers!r}")
        given = [tool_or_suite] if isinstance(tool_or_suite, str | os.PathLike) else tool_or_suite
        paths = [Path(path).absolute() for path in given]
        if not paths:
            raise UsageError("a pool needs a tool or suite")
        root = project_root(paths[0])
        tier = None if min_tier is None else Tier(min_tier)
        asked = {"epoch": epoch, "attempts": attempts, "secret_seed": secret_seed, "min_tier": tier}
        settings = settle(root, command=asked)
        registry = Registry(built_in=hooks.BUILT_IN)
        self._suites: dict[str, JudgedSuite] = {}
        for path in paths:
            read = JudgedSuite.read(
                path, registry=registry, settings=settings, timing=timing, gates=gates, options=options
            )
            if self._suites.setdefault(read.name, read) is not read:
                raise UsageError(f"two tools are named {read.name!r}", where=str(path), fix="rename one of them")
        lanes = {suite.lane.name: suite.lane for suite in self._suites.values()}
        self._pid = os.getpid()
        self._sources = KeptSources()
        self._known = Remembered()
        self._lock = threading.RLock()
        self._ledger: KnownVerdicts | None = None
        try:
            self._blank = self._sources.keep(b"")
            probes = [suite.case_of(self._blank) for suite in self._suites.values()]
            written = settings.ledger if ledger is None else Path(ledger).absolute()
            secrets = [path for case in probes for path in secrets_of([case], root=root, ledger=written)]
            protect = folders_of(secrets)
            boxed = [lane for lane in lanes.values() if lane.boxed]
            proved = prove_tier(boxed, settings, secrets, protect=protect).tier if boxed else None
            if ledger is not None:
                self._ledger = KnownVerdicts(
                    written,
                    root=root,
                    epoch=epoch,
                    secret_seed=settings.secret_seed,
                    tier=proved,
                    engine=engine_of(lanes, lanes),
                    fresh=secret_seed is not None if fresh is None else fresh,
                )
            seed = settings.secret_seed
            self.context = Context(secret_seed=seed, scratch=scratch_folder(), tier=proved, protect=protect)
            self._judges = judges_for(
                lanes.values(),
                cluster=cluster,
                insecure=insecure,
                context=self.context,
                count=workers or len(os.sched_getaffinity(0)),
                examples=probes,
                min_tier=max(settings.tier_for(lane.min_tier) for lane in lanes.values()),
            )
        except BaseException:
            self._end()
            raise

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of the tools and suites: of the folder or file, without its suffix."""
        return tuple(self._suites)

    def lane(self, tool: str | None = None) -> ObservingLane:
        """The lane that judges the candidates of a tool."""
        return self._suite(tool).lane

    def controls(self, tool: str | None = None) -> Controls | None:
        """The candidates by which a judge of a tool is checked; None if its lane has none."""
        suite = self._suite(tool)
        made: Callable[[Suite], Controls] | None = getattr(suite.lane, "controls", None)
        return None if made is None else made(suite.suite)

    def judge(self, source: Source, *, tool: str | None = None) -> Verdict:
        """Judge one candidate and wait for the verdict; a fault of the candidate is data, never an exception.

        Args:
            source: The text or bytes of a Python file, or the path of one.
            tool: The name of its tool, in a pool of several.
        """
        return self.submit(source, tool=tool).result()

    async def ajudge(self, source: Source, *, tool: str | None = None) -> Verdict:
        """`judge` for a program that uses asyncio; many calls may run at once, and a cancelled one does no work."""
        return await asyncio.wrap_future(self.submit(source, tool=tool))

    def judge_all(self, sources: Iterable[Source], *, tool: str | None = None) -> list[Verdict]:
        """The verdicts of all candidates, in their order; a single source instead of several is a TypeError."""
        asked = [self.submit(source, tool=tool) for source in many(sources, one="judge(source)")]
        return [found.result() for found in asked]

    def screen_all(
        self, sources: Iterable[Source], *, tool: str | None = None, allow_slow: bool = True
    ) -> list[Verdict]:
        """Cheap verdicts: the tool's examples first, then sampled and edge inputs by size, until an answer is wrong.

        Nothing is timed, and each candidate has one attempt without pauses: `ok` means only that nothing was found.
        The arguments are those of `judge` and `submit`.
        """
        given = many(sources, one="screen_all([source])")
        asked = [self.submit(source, screen=True, tool=tool, allow_slow=allow_slow) for source in given]
        return [found.result() for found in asked]

    def submit(
        self,
        source: Source,
        *,
        screen: bool = False,
        graded: bool = False,
        tool: str | None = None,
        epoch: int | None = None,
        against: tuple[str, float] | None = None,
        allow_slow: bool = True,
    ) -> Future[Verdict]:
        """Begin to judge a candidate. A future that is cancelled before its candidate was begun does no work.

        Args:
            source: As for `judge`.
            screen: As for `screen_all`.
            graded: Whether questions continue after a wrong answer, so that `Verdict.graded` is a share of all.
            tool: As for `judge`.
            epoch: Sets the budget of this candidate; the pool's own by default.
            against: A source that it is timed next to, and the difference of logarithms that counts as a step; lanes
                that cannot do this ignore it (`ObservingLane.compared`).
            allow_slow: Whether a screened call has the limit of a full verdict, by which an endless loop takes seconds;
                else a few times what the reference takes, and a candidate that exceeds it is `timeout`.

        Raises:
            InfraError: if the pool was closed, is another process's, or cannot keep the source (a full disk).
            TypeError: if the source is neither text, bytes nor a path.
            UsageError: if the pool has no such tool, or several and none is named.
        """
        if os.getpid() != self._pid:
            raise InfraError("the pool is the process's that opened it", fix="open a pool in each process")
        self._judges.require_open()
        suite = self._suite(tool)
        how = ("screen" if allow_slow else "fast") if screen else "graded" if graded else ""
        data = None if isinstance(source, os.PathLike) else source_bytes(source)
        address = None if data is None or against else (suite.name, how, epoch, digest_bytes(data))
        caller: Future[Verdict] = Future()
        with self._lock:
            known = self._recall(suite, address)  # without making a case: ten thousand a second
            if isinstance(known, Verdict):
                caller.set_result(known)
                return caller
            path = Path(source).absolute() if isinstance(source, os.PathLike) else self._sources.keep(data or b"")
            case = suite.case_of(path, how=how, epoch=epoch, against=against)
            key = case.key
            known = self._known.get(key)
            self._known.link(key, address)
            is_new = known is None
            if known is None and self._ledger is not None and not screen:
                case = case if address else self._ledger.named(case)  # a source that is text is named by its digest
                if found := self._ledger.find(case, key):
                    self._known.add(key, found, address)
                    known, is_new = found, False
            if not is_new:
                self._sources.release(path)
            if isinstance(known, Verdict):
                caller.set_result(known)
                return caller
            if known is None:
                known = Judging(key, path)
                self._known.add(key, known, address)
            judging = known
            judging.callers.append(caller)
        caller.add_done_callback(lambda done: self._leave(judging, done))
        if is_new:
            self._begin(judging, case, is_recorded=not screen)
        return caller

    def close(self) -> None:
        """End all processes. A fork of the process that opened the pool ends nothing.

        Raises:
            LedgerError: if a verdict could not be stored.
        """
        if os.getpid() == self._pid:
            self._judges.close()
            self._end()

    def _end(self) -> None:
        self._sources.close()
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            ledger.close()

    def _recall(self, suite: JudgedSuite, address: Address | None) -> Verdict | Judging | None:
        """The known verdict on bytes that a program gave, from the pool or its ledger; the lock is held."""
        if address is None:
            return None
        if known := self._known.at(address):
            return known
        if self._ledger is None or address[1] in SCREENED:
            return None
        key, found = self._ledger.find_bytes(suite, self._blank, *address[1:])
        if found is not None:
            self._known.add(key, found, address)
        return found

    def _begin(self, judging: Judging, case: Case, *, is_recorded: bool) -> None:
        # Without the lock: the judges hold their own one while they pass a result on.
        try:
            judged = self._judges.submit(case)
        except BaseException as error:
            self._settle(judging, error)
            raise
        judging.judged = judged
        judged.add_done_callback(lambda found: self._conclude(judging, found, is_recorded=is_recorded))
        if not judging.callers:  # all have left meanwhile
            judged.cancel()

    def _conclude(self, judging: Judging, found: Future[str], *, is_recorded: bool) -> None:
        if error := asyncio.CancelledError() if found.cancelled() else found.exception():
            self._settle(judging, error)
            return
        verdict = StoredVerdict(found.result())
        if self._ledger is not None and is_recorded:
            evaluation = verdict.evaluation
            is_kept = self._sources.has(judging.path)  # then its path says nothing: the file is the pool's own
            try:
                self._ledger.record(*(without_path(evaluation) if is_kept else (evaluation, found.result())))
            except CrucibleError as refused:
                self._settle(judging, refused)
                return
        self._settle(judging, verdict)

    def _settle(self, judging: Judging, result: StoredVerdict | BaseException) -> None:
        """Pass a result on; only what says something about the candidate is remembered."""
        with self._lock:
            self._sources.release(judging.path)
            if isinstance(result, StoredVerdict) and result.reward is not None:
                self._known.add(judging.key, StoredVerdict(result.text))
            elif self._known.get(judging.key) is judging:
                self._known.drop(judging.key)
            callers = judging.callers.copy()
        for caller in callers:
            if not caller.set_running_or_notify_cancel():
                continue
            if isinstance(result, Verdict):
                caller.set_result(result)
            else:
                caller.set_exception(result)

    def _leave(self, judging: Judging, caller: Future[Verdict]) -> None:
        """Judge no candidate that no caller waits for."""
        if not caller.cancelled():
            return
        with self._lock:
            judging.callers = [other for other in judging.callers if other is not caller]
            is_wanted = bool(judging.callers)
            if not is_wanted and self._known.get(judging.key) is judging:
                self._known.drop(judging.key)
        if not is_wanted and judging.judged is not None:
            judging.judged.cancel()

    def _suite(self, tool: str | None) -> JudgedSuite:
        if tool is None and len(self._suites) > 1:
            raise UsageError(f"the pool has several tools: {', '.join(self._suites)}", fix="name one: tool=...")
        name = next(iter(self._suites)) if tool is None else tool
        if name not in self._suites:
            raise UsageError(f"the pool has no tool {name!r}{nearest(name, self._suites)}")
        return self._suites[name]
