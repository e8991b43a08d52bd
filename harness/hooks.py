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

from harness.lane.hookspecs import Hooks, hookimpl, hookspec
from harness.lane.protocol import Lane
from harness.lane.registry import BUILT_IN, Lanes, Registry

__all__ = ["BUILT_IN", "Hooks", "Lane", "Lanes", "Registry", "hookimpl", "hookspec"]
