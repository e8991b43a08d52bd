"""Hook specifications that a plugin of Crucible may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from harness.core.evaluation import Evaluation
    from harness.lane.protocol import Lane

PROJECT = "crucible"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """The hook specifications. Implement any of them with `@harness.hookimpl`."""

    @hookspec
    def crucible_lanes(self) -> list[Lane]:  # type: ignore[empty-body]
        """The lanes that the plugin adds; each must satisfy `harness.hooks.Lane` and have a name of its own."""

    @hookspec
    def crucible_evaluated(self, evaluation: Evaluation) -> None:
        """Called on the controller for every evaluation, after it was recorded in the ledger."""
