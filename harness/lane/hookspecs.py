"""Hook specifications that a plugin of Crucible may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.evaluation import Evaluation
    from harness.core.gate import GateResult
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

    @hookspec
    def crucible_columns(self, evaluation: Evaluation) -> Mapping[str, float | str | None]:  # type: ignore[empty-body]
        """Further columns of an evaluation: shown on leaderboards, and read by `--gate 'max("NAME") < 1'`.

        Called on the controller for every evaluation. None is undefined: a dash, and a gate on it fails.
        """

    @hookspec
    def crucible_gates(self, rows: Sequence[Mapping[str, Any]]) -> Iterable[GateResult]:  # type: ignore[empty-body]
        """Gates on a whole run, next to those of `--gate`: `harness.core.gate.Gate(...).evaluate(observed)`.

        Called on the controller when all is judged, of shards by `crucible merge`. Each row has the columns of the
        ledger's table `evaluations`, the components by name, and the columns of `crucible_columns`.
        """
