"""Timers: `wait for`, `wait until` and the deadlines of steps, by the wall time at which the log began them.

A wait is an effect of the machine's own clock. It begins with an intent, whose time of writing is next to the chain,
and ends with a result that advances the logical time. So a resumed run waits only for the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from harness.dsl.machine.state import Fiber, Intent

MAX_WAIT_S = 10 * 365 * 86_400.0  # maximum seconds of a wait: ten years


def wrong_amount(arguments: Mapping[str, Any]) -> str:
    """What is wrong with the amount of a wait; empty if nothing."""
    word = "until" if "until" in arguments else "for"
    amount = arguments[word]
    if isinstance(amount, str) and word == "until":
        return "" if _date(amount) is not None else f"{amount[:80]!r} is not a date such as 2026-12-01T08:00:00Z"
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount <= MAX_WAIT_S:
        return f"a wait of {str(amount)[:80]} s: it takes 0 to {MAX_WAIT_S:g} s"
    return ""


def started(intent: Intent) -> float:
    """Logical time at which a wait began."""
    return float(intent.arguments["from"])


def length(intent: Intent, wall: float) -> float:
    """Seconds of a wait that began at a wall time; they are rounded to milliseconds for a date."""
    word = "until" if "until" in intent.arguments else "for"
    amount = intent.arguments[word]
    if isinstance(amount, str):
        moment = _date(amount)
        return max(0.0, round((moment or wall) - wall, 3))
    seconds = float(amount)
    return seconds if word == "for" else max(0.0, seconds - started(intent))


def rest(intent: Intent, began: float, now: float) -> float:
    """Seconds until the end of a wait that began at a wall time; a clock that was put back does not prolong it."""
    seconds = length(intent, began)
    is_date = isinstance(intent.arguments.get("until"), str)
    return began + seconds - now if is_date else min(seconds, began + seconds - now)


def deadline(path: list[Fiber], wall_of: Any, now: float) -> tuple[float, str]:
    """Seconds until the first deadline of the steps that a fiber is in, and what to say when it has passed.

    Args:
        wall_of: Returns the wall time of an event.
        now: Wall time.
    """
    left = [
        (min(seconds, wall_of(seq) + seconds - now), step, seconds)
        for one in path
        for step, seconds, seq in one.deadlines
    ]
    if not left:
        return math.inf, ""
    first, step, seconds = min(left)
    return first, f"the deadline of {step} ({seconds:g} s) has passed"


def _date(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
