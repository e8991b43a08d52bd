"""The Lane protocol and the hooks by which anyone adds a lane, a gate or a column.

A third party needs one file::

    import harness

    class Words:
        name = "words"
        ...                       # see Lane

    @harness.hookimpl
    def crucible_lanes():
        return [Words()]

as a `conftest.py`, or as a module behind an entry point of the group `crucible`. The built-in lanes come the same way.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import pluggy

from harness.core.errors import UsageError

if TYPE_CHECKING:
    from harness.context import Context
    from harness.core.case import Case
    from harness.core.evaluation import Evaluation
    from harness.core.evidence import Evidence
    from harness.core.policy import Policy
    from harness.core.score import Score
    from harness.core.tier import Tier
    from harness.suite import Suite, SuiteOptions

PROJECT = "crucible"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

BUILT_IN = (
    "harness.lanes.toolgen.lane",
    "harness.lanes.spec.lane",
    "harness.lanes.dsl.lane",
    "harness.lanes.kernel.lane",
)


@runtime_checkable
class Lane(Protocol):
    """One kind of machine-made artefact: how it is found, evaluated and scored.

    Optional, and read by `getattr`: `components` (the names that a suite's `gates` may use), `keyed = True` (a verdict
    may be reused, docs/reuse.md) and `engine()` (versions of libraries that judge). The fact `notices`, a list of
    sentences, is shown once at the end of the run.
    """

    name: str
    """The value of `lane:` in suites, a pytest marker, and the ledger's `lane` column."""
    options: type[SuiteOptions]
    """The model of a suite of this lane; its extra keys become the suite's keys."""
    untrusted: tuple[str, ...]
    """Suite keys whose paths hold untrusted files; pytest never collects anything in those folders."""
    boxed: bool
    """Whether evaluating uses a box; if so tiers are probed and `--min-tier` applies."""
    min_tier: Tier | None
    """A weaker default than the session's `--min-tier`, or None; shown when it applies."""

    def collect(self, suite: Suite) -> Sequence[Case]:
        """Turn a suite into cases, reading files only: nothing is imported, run or probed.

        The same files must give the same cases in the same order on every process. A subject that cannot be judged at
        all (unreadable, too large) still becomes a case: its evidence says so later.

        Raises:
            SuiteError: if the suite, or a trusted file it names, is wrong.
        """
        ...

    def evaluate(self, case: Case, context: Context) -> Evidence:
        """Observe one case. What the subject does wrong is data; an exception means that *we* failed (`infra`)."""
        ...

    def score(self, evidence: Evidence, policy: Policy) -> Score:
        """Judge evidence under a policy: pure, so that a whole ledger can be re-judged without running anything."""
        ...


class Hooks:
    """The hook specifications. Implement any of them with `@harness.hookimpl`."""

    @hookspec
    def crucible_lanes(self) -> list[Lane]:  # type: ignore[empty-body]
        """Lanes to add."""

    @hookspec
    def crucible_evaluated(self, evaluation: Evaluation) -> None:
        """Called on the controller for every evaluation, after it went to the ledger."""


class Registry:
    """The plugins of one process and the lanes they bring."""

    def __init__(self, *, built_in: Iterable[str] = BUILT_IN) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(Hooks)
        self._built_in = tuple(built_in)
        self._lanes: dict[str, Lane] | None = None
        self._entry_points = False

    def register(self, plugin: object) -> None:
        """Add a plugin object or module; one that is there already stays as it is."""
        if not self.manager.is_registered(plugin):
            # By identity: two modules of a session may both be called `conftest`.
            self.manager.register(plugin, name=f"{getattr(plugin, '__name__', type(plugin).__name__)}-{id(plugin):x}")
            self._lanes = None

    @property
    def lanes(self) -> dict[str, Lane]:
        """All lanes by name. The first call imports the built-in ones, so a run without suites never pays for them.

        Raises:
            UsageError: if two plugins bring a lane of the same name.
        """
        if self._lanes is None:
            for module in self._built_in:
                self.register(importlib.import_module(module))
            if not self._entry_points:  # looking through every installed distribution takes a while
                self.manager.load_setuptools_entrypoints(PROJECT)
                self._entry_points = True
            lanes: dict[str, Lane] = {}
            for group in reversed(self.manager.hook.crucible_lanes()):
                for lane in group:
                    if lane.name in lanes:
                        raise UsageError(
                            f"two plugins bring a lane named {lane.name!r}",
                            where=f"{type(lanes[lane.name]).__module__} and {type(lane).__module__}",
                            fix="rename one of them",
                        )
                    lanes[lane.name] = lane
            self._lanes = lanes
        return self._lanes

    def call(self, hook: str, **arguments: Any) -> list[Any]:
        """Call one of `Hooks` by name on every plugin."""
        result: list[Any] = getattr(self.manager.hook, hook)(**arguments)
        return result
