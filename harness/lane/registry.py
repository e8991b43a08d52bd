"""Registry: the plugins of one process and the lanes that they bring."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any

import pluggy

from harness.core.errors import UsageError
from harness.lane.hookspecs import PROJECT, Hooks

if TYPE_CHECKING:
    from harness.lane.protocol import Lane

BUILT_IN: Mapping[str, str] = {
    "toolgen": "harness.lanes.toolgen.lane",
    "spec": "harness.lanes.spec.lane",
    "dsl": "harness.lanes.dsl.lane",
    "kernel": "harness.lanes.kernel.lane",
}
"""Our own lanes and the modules that bring them, through the same hook as anybody's."""


class Lanes(Mapping[str, "Lane"]):
    """Lanes by name. A built-in one is imported when it is asked for: a run pays for the lanes that its suites name.

    Args:
        brought: Lanes of plugins.
        built_in: Names of the others.
        bring: Imports the built-in lane of a name.
    """

    def __init__(self, brought: Mapping[str, Lane], built_in: Iterable[str], bring: Callable[[str], Lane]) -> None:
        self._known, self._built_in, self._bring = dict(brought), tuple(built_in), bring

    def __getitem__(self, name: str) -> Lane:
        if name not in self._known and name in self._built_in:
            self._known[name] = self._bring(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._built_in or name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._built_in, *self._known)))

    def __len__(self) -> int:
        return len({*self._built_in, *self._known})


class Registry:
    """The plugins of one process and the lanes they bring."""

    def __init__(self, *, built_in: Mapping[str, str] = BUILT_IN) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(Hooks)
        self._built_in = dict(built_in)
        self._ours: set[object] = set()
        self._lanes: Lanes | None = None
        self._entry_points = False

    def register(self, plugin: object) -> None:
        """Add a plugin object or module; one that is there already stays as it is."""
        if not self.manager.is_registered(plugin):
            # By identity: two modules of a session may both be called `conftest`.
            self.manager.register(plugin, name=f"{getattr(plugin, '__name__', type(plugin).__name__)}-{id(plugin):x}")
            self._lanes = None

    @property
    def lanes(self) -> Mapping[str, Lane]:
        """All lanes by name.

        Raises:
            UsageError: if two plugins bring a lane of the same name.
        """
        if self._lanes is None:
            if not self._entry_points:  # looking through every installed distribution takes a while
                self.manager.load_setuptools_entrypoints(PROJECT)
                self._entry_points = True
            brought: dict[str, Lane] = {}
            for lane in self._lanes_of(self.manager.get_plugins() - self._ours):
                if lane.name in brought or lane.name in self._built_in:
                    other = type(brought[lane.name]).__module__ if lane.name in brought else self._built_in[lane.name]
                    raise UsageError(
                        f"two plugins bring a lane named {lane.name!r}",
                        where=f"{other} and {type(lane).__module__}",
                        fix="rename one of them",
                    )
                brought[lane.name] = lane
            self._lanes = Lanes(brought, self._built_in, self._bring)
        return self._lanes

    def _bring(self, name: str) -> Lane:
        module = importlib.import_module(self._built_in[name])
        if module not in self._ours:
            self.manager.register(module)
            self._ours.add(module)
        return next(lane for lane in self._lanes_of({module}) if lane.name == name)

    def _lanes_of(self, plugins: Set[object]) -> list[Lane]:
        """What these plugins answer to the hook, in the order of their registration."""
        others = [plugin for plugin in self.manager.get_plugins() if plugin not in plugins]
        groups = self.manager.subset_hook_caller("crucible_lanes", remove_plugins=others)()
        return [lane for group in reversed(groups) for lane in group]

    def call(self, hook: str, **arguments: Any) -> list[Any]:
        """Call one of `Hooks` by name on every plugin."""
        result: list[Any] = getattr(self.manager.hook, hook)(**arguments)
        return result
