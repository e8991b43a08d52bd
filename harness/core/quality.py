"""Quality: what else happened on the machine during a measurement, and whether the measurement can be used."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt

from harness.core.frozen import Frozen

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Quality(Frozen):
    """How good a measurement is. Everything is observed; only `why` is a judgement."""

    why: str = ""
    """Why it is too noisy to be used; empty when it is not."""
    calls: NonNegativeInt = 0
    tries: NonNegativeInt = 1
    """Measurements that were made until this one."""
    cpu_ratio: Amount | None = None
    """CPU time over wall time of all timed calls, this process and box together. A subject that sleeps lowers it."""
    disturbed: Amount = 0.0
    """Share of the control calls (reference, null) that were kept waiting."""
    involuntary: NonNegativeInt = 0
    """Context switches that this process did not ask for."""
    foreign: Amount | None = None
    """Share of the control calls' time that others took, the hypervisor included; None where that is not known."""
    load: Amount | None = None
    """Cores' worth of work by others on the whole machine meanwhile."""
    pressure: Amount | None = None
    """Share of the time in which something on the machine waited for a core (PSI)."""
    lock_wait: Amount = 0.0
    """Seconds until no other session was at work."""
    pinned: bool = False
    spread: Amount | None = None
    """A/A: the medians of two halves of the null calls differ by so much of the subject's shortest calls."""
    session_spread: Amount | None = None
    """Root mean square of that over the measurements of this process so far."""

    @property
    def noisy(self) -> bool:
        """Whether it must not be used."""
        return bool(self.why)
