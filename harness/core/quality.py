"""Quality: what else happened on the machine during a measurement, and whether the measurement can be used."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt

from harness.core.frozen import Frozen

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Quality(Frozen):
    """The quality of a measurement. All fields are observations, except `why`, which is the verdict."""

    why: str = ""
    """Why the measurement is too noisy to be used; empty when it can be used."""
    calls: NonNegativeInt = 0
    tries: NonNegativeInt = 1
    """Number of measurements made, including this one."""
    cpu_ratio: Amount | None = None
    """CPU time / wall time of all timed calls, of this process and its boxes together. A sleeping subject lowers it."""
    disturbed: Amount = 0.0
    """Share of the control calls (reference, null) that were delayed."""
    involuntary: NonNegativeInt = 0
    """Number of involuntary context switches of this process."""
    foreign: Amount | None = None
    """Share of the control calls' time that other processes or the hypervisor took; None where it is unknown."""
    load: Amount | None = None
    """Mean number of cores that other processes kept busy during the measurement."""
    pressure: Amount | None = None
    """Share of the time in which some process on the machine waited for a core (PSI)."""
    lock_wait: Amount = 0.0
    """Seconds of waiting until no other session worked."""
    pinned: bool = False
    spread: Amount | None = None
    """A/A control: difference between the medians of two halves of the null calls / the subject's shortest calls."""
    session_spread: Amount | None = None
    """Root mean square of `spread` over the measurements of this process so far."""

    @property
    def noisy(self) -> bool:
        """Whether the measurement must be discarded."""
        return bool(self.why)
