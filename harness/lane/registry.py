"""Registry: the plugins of one process and the lanes that they define."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Set
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
"""The built-in lanes and the modules that define them, through the same hook as a plugin's."""


class Lanes(Mapping[str, "Lane"]):
    """Lanes by name. A built-in lane is imported at first use: a run imports only the lanes that its suites name."""

    def __init__(self, plugin_lanes: Mapping[str, Lane], built_in: Iterable[str], load: Callable[[str], Lane]) -> None:
        self._known, self._built_in, self._load = dict(plugin_lanes), tuple(built_in), load

    def __getitem__(self, name: str) -> Lane:
        if name not in self._known and name in self._built_in:
            self._known[name] = self._load(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._built_in or name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._built_in, *self._known)))

    def __len__(self) -> int:
        return len({*self._built_in, *self._known})


class Registry:
    """The plugins of one process and the lanes that they define."""

    def __init__(self, *, built_in: Mapping[str, str] = BUILT_IN) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(Hooks)
        self._built_in = dict(built_in)
        self._ours: set[object] = set()
        self._lanes: Lanes | None = None
        self._entry_points = False

    def register(self, plugin: object) -> None:
        """Add a plugin object or module; one that is already registered is ignored."""
        if not self.manager.is_registered(plugin):
            # By identity: two modules of a session may both be called `conftest`.
            self.manager.register(plugin, name=f"{getattr(plugin, '__name__', type(plugin).__name__)}-{id(plugin):x}")
            self._lanes = None

    @property
    def lanes(self) -> Mapping[str, Lane]:
        """All lanes by name.

        Raises:
            UsageError: if two plugins define a lane of the same name.
        """
        if self._lanes is None:
            if not self._entry_points:  # scanning every installed distribution is slow
                self.manager.load_setuptools_entrypoints(PROJECT)
                self._entry_points = True
            found: dict[str, Lane] = {}
            for lane in self._lanes_of(self.manager.get_plugins() - self._ours):
                if lane.name in found or lane.name in self._built_in:
                    other = type(found[lane.name]).__module__ if lane.name in found else self._built_in[lane.name]
                    what = f"two plugins define a lane named {lane.name!r}"
                    raise UsageError(what, where=f"{other} and {type(lane).__module__}", fix="rename one of them")
                found[lane.name] = lane
            self._lanes = Lanes(found, self._built_in, self._load)
        return self._lanes

    def _load(self, name: str) -> Lane:
        module = importlib.import_module(self._built_in[name])
        if module not in self._ours:
            self.manager.register(module)
            self._ours.add(module)
        return next(lane for lane in self._lanes_of({module}) if lane.name == name)

    def _lanes_of(self, plugins: Set[object]) -> list[Lane]:
        """The lanes of these plugins, in the order of their registration."""
        others = [plugin for plugin in self.manager.get_plugins() if plugin not in plugins]
        groups = self.manager.subset_hook_caller("crucible_lanes", remove_plugins=others)()
        return [lane for group in reversed(groups) for lane in group]

    def has(self, hook: str) -> bool:
        """Whether a plugin implements a hook of `Hooks`."""
        return bool(getattr(self.manager.hook, hook).get_hookimpls())

    def implementers(self, hook: str) -> tuple[str, ...]:
        """The names of the plugins that implement a hook of `Hooks`: of a module the last part, such as `conftest`."""
        return tuple(sorted(_name(one.plugin) for one in getattr(self.manager.hook, hook).get_hookimpls()))

    def call(self, hook: str, *, only: Container[str] | None = None, **arguments: Any) -> list[Any]:
        """Call a hook of `Hooks` by name on every plugin; returns the results that are not None.

        Args:
            only: The names of the plugins that are called, as of `implementers`; None for all.
        """
        if not self.has(hook):
            return []
        others = [one for one in self.manager.get_plugins() if only is not None and _name(one) not in only]
        found: list[Any] = self.manager.subset_hook_caller(hook, remove_plugins=others)(**arguments)
        return found


def _name(plugin: object) -> str:
    return getattr(plugin, "__name__", type(plugin).__name__).rpartition(".")[2]
