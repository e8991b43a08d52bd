"""Tier: the isolation that the probe of a box proved."""

from __future__ import annotations

from enum import StrEnum


class Tier(StrEnum):
    """A is the strongest. Results of different tiers are never ranked together without a notice.

    * A: namespaces, pivoted root, Landlock, seccomp, rlimits and a cgroup that accounts for memory.
    * B: as A without the cgroup: peak memory is a lower bound, allocation through memfd or pipes is refused instead.
    * C: no namespaces: Landlock, seccomp, rlimits and (as root) another uid; no writable directory.
    * D: a process with rlimits; files and network of the user are within reach.
    * E: nothing.
    """

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"

    def at_least(self, other: Tier) -> bool:
        """Whether this tier isolates at least as well as `other`."""
        return self.value <= other.value
