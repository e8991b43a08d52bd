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
hook. `crucible_columns` adds columns to leaderboards and gates, `crucible_gates` adds gates to runs, and
`crucible_evaluated` sees each evaluation (`harness.hooks.Hooks`). `examples/lane_sql` uses three of them.
"""

from harness.lane.hookspecs import Hooks, hookimpl, hookspec
from harness.lane.protocol import Lane
from harness.lane.registry import BUILT_IN, Lanes, Registry

__all__ = ["BUILT_IN", "Hooks", "Lane", "Lanes", "Registry", "hookimpl", "hookspec"]
