"""RunInputs: the part of an open run that every process needs for judging its cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.core.evidence import Evidence
from harness.core.opponent import Opponent
from harness.core.tier import Tier
from harness.session.snapshot import Snapshot

_NAME = "inputs"  # of the snapshot's entry


@dataclass(frozen=True, slots=True)
class RunInputs:
    """Made by the controller when the run opens; xdist workers read it from the snapshot.

    Attributes:
        tier: The isolation that the probe proved; None where no selected case uses a box.
        protect: Folders that boxes hide.
        reused: Evidence of earlier runs that still applies, by node id; JSON text where it came from the snapshot.
        opponents: The opponents of each timed case, by node id.
        ahead: The node ids of the cases that judge processes of the controller judge.
        seeds: The secret seed of the run that each reused verdict is of; None if that run is not known any more.
    """

    tier: Tier | None = None
    protect: tuple[Path, ...] = ()
    reused: Mapping[str, Evidence | str] = field(default_factory=dict)
    opponents: Mapping[str, tuple[Opponent, ...]] = field(default_factory=dict)
    ahead: frozenset[str] = frozenset()
    seeds: Mapping[str, int | None] = field(default_factory=dict)

    def evidence_for(self, nodeid: str) -> Evidence | None:
        """Evidence of an earlier run for a case, parsed when the case is reached."""
        found = self.reused.get(nodeid)
        return Evidence.model_validate_json(found) if isinstance(found, str) else found

    def publish(self, snapshot: Snapshot) -> None:
        """Write the inputs to the snapshot, for xdist workers."""
        snapshot.put(
            _NAME,
            {
                "tier": self.tier,
                "protect": [str(folder) for folder in self.protect],
                "reused": {
                    nodeid: one if isinstance(one, str) else one.model_dump_json()
                    for nodeid, one in self.reused.items()
                },
                "seeds": dict(self.seeds),
                "opponents": {nodeid: [one.to_wire() for one in found] for nodeid, found in self.opponents.items()},
                "ahead": sorted(self.ahead),
            },
        )

    @classmethod
    def read(cls, snapshot: Snapshot) -> RunInputs:
        """The published inputs; empty ones where no run was opened."""
        wire = snapshot.get(_NAME)
        if wire is None:
            return cls()
        return cls(
            tier=None if wire["tier"] is None else Tier(wire["tier"]),
            protect=tuple(map(Path, wire["protect"])),
            reused=wire["reused"],
            seeds=wire["seeds"],
            opponents={nodeid: tuple(map(Opponent.from_wire, found)) for nodeid, found in wire["opponents"].items()},
            ahead=frozenset(wire["ahead"]),
        )
