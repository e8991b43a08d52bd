"""The Lane protocol and the hooks by which a plugin adds a lane.

A plugin needs one file::

    import harness

    class Words:
        name = "words"
        ...                       # see Lane

    @harness.hookimpl
    def crucible_lanes():
        return [Words()]

as a `conftest.py`, or as a module that an entry point of the group `crucible` names. The built-in lanes use the same
hook.
"""

from harness.lane.hookspecs import Hooks, hookimpl, hookspec
from harness.lane.protocol import Lane
from harness.lane.registry import BUILT_IN, Lanes, Registry

__all__ = ["BUILT_IN", "Hooks", "Lane", "Lanes", "Registry", "hookimpl", "hookspec"]
