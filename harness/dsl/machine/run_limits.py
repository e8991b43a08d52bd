"""Limits of a run: reaching one stops the run; a raised limit lets it continue."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from harness.dsl.ir import Budget, Unit
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
MAX_CALL_DEPTH = 32
"""Maximum depth of units that call each other."""


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
        self._outer = {which: float(limit) for which, limit in outer.items()}  # as they are read from the log
        self._known: dict[str, dict[str, float]] = {}

    def exceeded(
        self, state: State, call: Call, unit: Unit, seconds: float, *, spends: Collection[str] = ()
    ) -> Exceeded | None:
        """The first limit that is exceeded, in a fixed order; None if none is.

        Args:
            state: Of the run.
            call: The unit that runs.
            unit: The unit of the call.
            seconds: Wall time of this process's part of the run; it is not in the chain, so it may only stop the run.
            spends: Limits that the next event spends of: they may not be used up either.
        """
        limits = self._known.get(unit.name)
        if limits is None:
            limits = self._known[unit.name] = self._limits(unit.budget)
        granted, used = state.granted, state.used
        if (
            not granted
            and not spends
            and (
                call.steps <= limits["steps"]
                and call.iterations <= limits["iterations"]
                and used.queries <= limits["queries"]
                and used.events <= limits["events"]
                and used.tokens <= limits["tokens"]
                and seconds <= limits["wall_s"]
            )
        ):
            return None
        amounts = {
            "steps": call.steps,
            "iterations": call.iterations,
            "queries": used.queries,
            "events": used.events,
            "tokens": used.tokens,
            "wall_s": seconds,
        }
        for which, amount in amounts.items():
            limit = granted.get(which, limits[which])
            if amount > limit or (which in spends and amount >= limit):
                return Exceeded(which, limit, 0 if which == "wall_s" else amount, unit.name)
        return None

    def of_call(self, unit: Unit, state: State) -> tuple[float, float]:
        """The limits on steps and iterations of one unit, which pure work can reach."""
        limits = self._known.get(unit.name)
        if limits is None:
            limits = self._known[unit.name] = self._limits(unit.budget)
        granted = state.granted
        return granted.get("steps", limits["steps"]), granted.get("iterations", limits["iterations"])

    def _limits(self, budget: Budget) -> dict[str, float]:
        found = {}
        for which, default in DEFAULTS.items():
            # A service loop ends when it has taken its events: that does not stop the run.
            own = None if which == "events" else getattr(budget, which)
            stated = [limit for limit in (own, self._outer.get(which)) if limit is not None]
            found[which] = min(stated, default=default)
        return found
