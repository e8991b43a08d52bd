"""Collection: a suite file becomes a `SuiteFile`, each of its cases a `CaseItem`. Nothing is judged here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import pluggy
import pytest
from _pytest._code.code import ReprExceptionInfo, ReprFileLocation, ReprTracebackNative

from harness.core.case import Case
from harness.core.errors import CrucibleError
from harness.core.evaluation import Evaluation, SerialisedEvaluation
from harness.core.named_path import shortened
from harness.core.status import Status
from harness.lane.registry import Registry
from harness.report.explanation import explain, headline
from harness.report.words import printable, printable_lines
from harness.session.bare_hooks import BareHooks
from harness.session.snapshot import Collected, Snapshot
from harness.session.untrusted import SEAL
from harness.suites.loader import collect_cases, load_suite
from harness.suites.settings import Settings

INFRA = Status.INFRA  # Python 3.11 computes a member at each access through its class
BUILT_IN_MARKERS = frozenset({"toolgen", "spec", "dsl", "kernel", "timed", "gpu"})


@dataclass(slots=True)
class SessionState:
    """What one process needs to take part in a run.

    Attributes:
        settings: What the run was asked to do.
        judge: Turns a case into an evaluation; passed in, because judging is a layer above.
        rerun: The command that repeats the case of a node id; also passed in.
        snapshot: Shared by the processes of the run; None when there is only this one.
        fresh: Evaluations of this process whose reports were not recorded yet, by node id.
        markers: Names that were registered for `--strict-markers`.
        hooks: For cases, when the run consists of nothing else; see `BareHooks`.
        places: Suites as reports name them, by path.
    """

    settings: Settings
    registry: Registry
    judge: Callable[[Case], SerialisedEvaluation]
    rerun: Callable[[str], str]
    snapshot: Snapshot | None = None
    fresh: dict[str, SerialisedEvaluation] = field(default_factory=dict)
    markers: set[str] = field(default_factory=lambda: set(BUILT_IN_MARKERS))
    hooks: BareHooks | None = None
    places: dict[os.PathLike[str] | str, str] = field(default_factory=dict)


SESSION_STATE = pytest.StashKey[SessionState]()


class CaseFailedError(Exception):
    """A case does not have the verdict its suite requires; carries the evaluation to `CaseItem.repr_failure`."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        super().__init__(headline(evaluation))


class SuiteFile(pytest.File):
    """One `.suite.yaml`. A wrong one is a collection error with the problem, its position and the nearest name."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The items of the suite, nested where the name of a case has several parts (`program::step`)."""
        state = self.config.stash[SESSION_STATE]
        if state.snapshot is None:
            collected = self._collect(state)
        else:
            collected = state.snapshot.suite(self.path, lambda: self._collect(state))
        if collected.error:
            raise self.CollectError(printable_lines(collected.error))
        for marker in (collected.lane, *collected.tags):
            self._mark(self, marker, state)
        return list(self._nodes(self, "", collected.cases, state))

    def _collect(self, state: SessionState) -> Collected:
        seal = self.config.stash.get(SEAL, None)
        refused = seal.refused.get(os.path.realpath(self.path), "") if seal is not None else ""
        if refused:
            fix = "remove the file, or name a folder that its candidates' authors cannot write to"
            return Collected("", error=shortened(f"{self.path}: {refused}\n  fix: {fix}"))
        try:
            lanes = state.registry.lanes
            suite = load_suite(self.path, name=self.nodeid, lanes=lanes, settings=state.settings)
            lane = lanes[suite.options.lane]
            cases = collect_cases(suite, lane)
        except CrucibleError as error:
            return Collected("", error=shortened(str(error)))
        return Collected(lane.name, suite.options.tags, tuple(cases))

    def _nodes(
        self, parent: pytest.Collector, prefix: str, cases: Iterable[Case], state: SessionState
    ) -> Iterator[pytest.Item | pytest.Collector]:
        groups: dict[str, list[Case]] = {}
        for case in cases:
            head, nested, _ = case.name.removeprefix(prefix).partition("::")
            if nested:
                groups.setdefault(head, []).append(case)
                continue
            # The id is given as a string: pytest 9.2 loses `[...]` names otherwise, and with them --lf and --sw.
            item = CaseItem.from_parent(parent, name=head, nodeid=f"{self.nodeid}::{case.name}", case=case)
            for marker in case.markers:
                self._mark(item, marker, state)
            if case.timed and "timed" not in case.markers:
                self._mark(item, "timed", state)
            yield item
        for head, inner in groups.items():
            group = CaseGroup.from_parent(parent, name=head, nodeid=f"{self.nodeid}::{prefix}{head}")
            group.nodes = list(self._nodes(group, f"{prefix}{head}::", inner, state))
            yield group

    def _mark(self, node: pytest.Item | pytest.Collector, marker: str, state: SessionState) -> None:
        if marker not in state.markers:
            state.markers.add(marker)
            self.config.addinivalue_line("markers", f"{marker}: set by a Crucible suite or lane")
        node.add_marker(marker)


class MissingSuite(pytest.File):
    """A `.suite.yaml` that is a dangling link; pytest itself ignores such files silently."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Report the dangling link.

        Raises:
            pytest.Collector.CollectError: always, with the missing target.
        """
        raise self.CollectError(
            f"{shortened(str(self.path))}: this suite is a link to {self.path.readlink()}, which does not exist\n"
            "  fix: correct the link, or remove it"
        )


class CaseGroup(pytest.Collector):
    """Cases below one name, such as the steps of a program."""

    nodes: list[pytest.Item | pytest.Collector]

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The cases, made when the suite was read."""
        return self.nodes


class CaseItem(pytest.Item):
    """One case. Its verdict is data: a fault of the subject is never shown as a traceback."""

    obj = None  # many plugins read item.obj

    def __init__(self, *, case: Case, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case
        self._ihook: pluggy.HookRelay | None = None

    def runtest(self) -> None:
        """Judge the case; pass, skip or fail by what its suite expects."""
        state = self.config.stash[SESSION_STATE]
        state.fresh[self.nodeid] = judged = state.judge(self.case)
        evaluation = judged.evaluation
        self.user_properties = [*_foreign(self.user_properties), *_properties(evaluation)]
        if evaluation.evidence.status is not INFRA:
            if evaluation.neutral:
                raise pytest.skip.Exception(headline(evaluation))
            if evaluation.as_expected:
                return
        raise CaseFailedError(evaluation)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The explanation for a verdict; pytest's own traceback for anything else."""
        if isinstance(excinfo.value, CaseFailedError):
            text, place = explain(excinfo.value.evaluation, rerun=self.rerun), (str(self.path), self.case.line or 1)
            # Of a string, pytest's short summary prints every line under CI and with -vv; of this, the first one.
            first = ReprFileLocation(*place, text.partition("\n")[0])
            # `--tb=line` prints that line after whatever this prints.
            shown = [] if self.config.option.tbstyle == "line" else [f"{text}\n"]
            return ReprExceptionInfo(ReprTracebackNative(shown), first)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """The suite file, the 0-based line that defines this case, and the title."""
        return self.path, (self.case.line or 1) - 1, printable(self.case.title or self.nodeid)

    @cached_property
    def location(self) -> tuple[str, int | None, str]:
        """As pytest computes it, with the place of the suite looked up once."""
        places, (path, line, title) = self.config.stash[SESSION_STATE].places, self.reportinfo()
        if path not in places:
            places[path] = super().location[0]
        return places[path], line, title

    @property
    def ihook(self) -> pluggy.HookRelay:
        """Hooks of the conftest.py files that apply here; pytest would look them up a dozen times for every case."""
        if self._ihook is None:
            hooks, bare = super().ihook, self.config.stash[SESSION_STATE].hooks
            if bare is None or hooks is not bare.all:
                return hooks
            self._ihook = cast("pluggy.HookRelay", bare)
        return self._ihook

    @property
    def rerun(self) -> str:
        """The command that repeats this case."""
        return self.config.stash[SESSION_STATE].rerun(self.nodeid)


def _properties(evaluation: Evaluation) -> list[tuple[str, object]]:
    # Built-in types: xdist transfers them, and JUnit XML stores them.
    tier = evaluation.evidence.tier
    return [
        ("crucible_status", str(evaluation.status)),
        ("crucible_score", "unscored" if evaluation.score.total is None else evaluation.score.total),
        ("crucible_epoch", evaluation.case.policy.epoch),
        ("crucible_digest", evaluation.case.subject.digest),
        ("crucible_tier", "" if tier is None else str(tier)),
    ]


def _foreign(properties: list[tuple[str, object]]) -> list[tuple[str, object]]:
    # A plugin that runs an item again must not duplicate the properties of Crucible.
    return [pair for pair in properties if not pair[0].startswith("crucible_")]
