"""Limits of a run: reaching one stops the run; a raised limit lets it continue."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from harness.dsl.ir import Unit
from harness.dsl.machine.state import Call, State
from harness.dsl.plain import plain

DEFAULTS = {
    "steps": 100_000,
    "iterations": 1_000_000,
    "queries": 1_000,
    "events": 1_000_000,
    "tokens": 10_000_000,
    "wall_s": math.inf,
}
"""Limits that apply where neither the program nor the settings set one; an endless loop must end."""
MAX_CALL_DEPTH = 32  # maximum depth of units that call each other


@plain
class Exceeded:
    """A limit that was reached."""

    which: str
    limit: float
    used: float
    unit: str

    def __str__(self) -> str:
        return f"{self.unit}: {self.which} budget of {self.limit:g} reached"


class Limits:
    """The limits of one run: those of the program, of the settings, and those granted later.

    Args:
        outer: Limits of the run as a whole, by the names of `Budget`; the smaller one counts.
    """

    def __init__(self, outer: Mapping[str, float]) -> None:
        # Floats, as they are read from the log.
        self._run = {which: float(outer.get(which, default)) for which, default in DEFAULTS.items()}
        self._known: dict[str, dict[str, float]] = {}

    def exceeded(
        self,
        state: State,
        calls: Sequence[Call],
        units: Sequence[Unit],
        seconds: float,
        *,
        counts: Mapping[str, int],
        spends: Collection[str] = (),
    ) -> Exceeded | None:
        """The first limit that is exceeded, in a fixed order; None if none is.

        Args:
            calls: The calls that are active, outermost first: the last one runs. Questions, tokens and wall time of
                each count.
            counts: Steps and iterations of the last call, also in its branches.
            seconds: Wall time of this process's part of the run; it is not in the chain, so it may only stop the run.
            spends: Limits that the next event spends of: they may not be used up either.
        """
        granted, unit = state.granted, units[-1]
        limits = self._of(unit)
        amounts: list[tuple[str, float, float, str]] = [
            ("steps", counts["steps"], limits["steps"], unit.name),
            ("iterations", counts["iterations"], limits["iterations"], unit.name),
            ("queries", state.used.queries, self._run["queries"], unit.name),
            ("events", state.used.events, self._run["events"], unit.name),
            ("tokens", state.used.tokens, self._run["tokens"], unit.name),
            ("wall_s", seconds, self._run["wall_s"], unit.name),
        ]
        for outer, its in zip(calls, units, strict=True):
            budget = its.budget
            if budget.queries is not None:
                amounts.append(("queries", outer.queries, budget.queries, its.name))
            if budget.tokens is not None:
                amounts.append(("tokens", outer.tokens, budget.tokens, its.name))
            if budget.wall_s is not None:
                amounts.append(("wall_s", seconds, budget.wall_s, its.name))
        for which, amount, stated, name in amounts:
            limit = granted.get(which, stated)
            if amount > limit or (which in spends and amount >= limit):
                return Exceeded(which, limit, 0 if which == "wall_s" else amount, name)
        return None

    def wall_left(self, state: State, units: Sequence[Unit], seconds: float) -> float:
        """Seconds until the wall time of the active units, or of the run, is used up; infinite without a limit."""
        own = [unit.budget.wall_s for unit in units if unit.budget.wall_s is not None]
        return state.granted.get("wall_s", min([self._run["wall_s"], *own])) - seconds

    def of_call(self, unit: Unit, state: State) -> tuple[float, float]:
        """The limits on steps and iterations of one unit, which pure work can reach."""
        limits, granted = self._of(unit), state.granted
        return granted.get("steps", limits["steps"]), granted.get("iterations", limits["iterations"])

    def _of(self, unit: Unit) -> dict[str, float]:
        """The limits on steps and iterations of a unit's calls."""
        limits = self._known.get(unit.name)
        if limits is None:
            stated = {"steps": unit.budget.steps, "iterations": unit.budget.iterations}
            limits = {which: min(self._run[which], limit or math.inf) for which, limit in stated.items()}
            self._known[unit.name] = limits
        return limits
