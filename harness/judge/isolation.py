"""Isolation: the files that a box must not read, and the proof of the tier that a box on this machine reaches."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.case import Case
from harness.core.errors import TierError
from harness.lane.protocol import Lane
from harness.suites.settings import Settings

if TYPE_CHECKING:
    from harness.sandbox.probe import Probe

MAX_SECRETS = 50  # the probe attacks each of them, and more attacks of one kind prove nothing more


def secrets_of(cases: Iterable[Case], *, root: Path, ledger: Path) -> list[Path]:
    """Files that a box must not be able to read: suites, what judges the cases, the ledger.

    Args:
        cases: What will be judged.
        root: What their suites' names are relative to.
        ledger: Where the verdicts go.
    """
    found: dict[Path, None] = {}
    for case in cases:
        found[root / case.suite] = None
        for value in case.inputs.values():
            if isinstance(value, str) and value.startswith("/") and value != case.subject.path:
                found[Path(value)] = None
        if len(found) > MAX_SECRETS:
            break
    return [*found, ledger]


def folders_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The folders that hold some files (a folder holds itself): boxes hide them."""
    return tuple(dict.fromkeys((path if path.is_dir() else path.parent).absolute() for path in paths))


def prove_tier(
    lanes: Iterable[Lane], settings: Settings, secrets: list[Path], *, protect: tuple[Path, ...] = ()
) -> Probe:
    """Probe what a box of this machine is worth, by attacking it.

    Args:
        lanes: The lanes that will use boxes.
        settings: Its `min_tier` counts, or else each lane's own default.
        secrets: Files that a box must not reach.
        protect: Folders that the boxes of this session hide; the probed box hides them also.

    Raises:
        TierError: if the tier found is weaker than a lane accepts; the message says what to do and what is lost.
    """
    from harness.sandbox.pool import BoxPool
    from harness.sandbox.probe import probe

    with BoxPool(protect=protect) as pool:
        found = probe(secrets, pool=pool)
    for lane in lanes:
        needed = settings.tier_for(lane.min_tier)
        if not found.tier.at_least(needed):
            raise TierError(f"{found.line()}: the lane {lane.name!r} needs tier {needed}", fix=found.advice(needed))
    return found
