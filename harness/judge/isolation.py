"""Isolation: the files that a box must not read, and the proof of the tier that a box on this machine reaches."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.case import Case
from harness.core.errors import ProcessEndedError, TierError
from harness.lane.protocol import Lane
from harness.suites.settings import Settings

if TYPE_CHECKING:
    from harness.sandbox.probe import Probe

MAX_SECRETS = 50  # the probe attacks each of them; more attacks of one kind do not prove more


def secrets_of(cases: Iterable[Case], *, root: Path, ledger: Path) -> list[Path]:
    """Files that a box must not be able to read: suites, the trusted files of the cases, the ledger.

    Args:
        cases: The cases that will be judged.
        root: The folder that the names of their suites are relative to.
        ledger: The ledger's file.
    """
    found: dict[Path, None] = {}
    for case in cases:
        found[root / case.suite] = None
        found.update(dict.fromkeys(trusted_files(case)))
        if len(found) > MAX_SECRETS:
            break
    return [*found, ledger]


def trusted_files(case: Case) -> list[Path]:
    """The files and folders that the inputs of a case name by absolute path, without its subject."""
    values = (value for value in case.inputs.values() if isinstance(value, str) and value.startswith("/"))
    return [Path(value) for value in values if value != case.subject.path]


def folders_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The folders of some files, which boxes hide; a path that is a folder is its own folder."""
    return tuple(dict.fromkeys((path if path.is_dir() else path.parent).absolute() for path in paths))


def prove_tier(
    lanes: Iterable[Lane], settings: Settings, secrets: list[Path], *, protect: tuple[Path, ...] = ()
) -> Probe:
    """Determine the tier of a box on this machine, by attacking the box.

    Args:
        lanes: The lanes that will use boxes.
        settings: Has `min_tier`; without it each lane's own default applies.
        secrets: Files that a box must not read.
        protect: Folders that the boxes of this session hide; the probed box hides them also.

    Raises:
        TierError: if the tier is weaker than a lane accepts; the message has the possible fixes and their risks.
    """
    from harness.sandbox.pool import BoxPool
    from harness.sandbox.probe import probe

    def attack() -> Probe:
        with BoxPool(protect=protect) as pool:
            return probe(secrets, pool=pool)

    try:
        found = attack()
    except ProcessEndedError:
        found = attack()
    for lane in lanes:
        needed = settings.tier_for(lane.min_tier)
        if not found.tier.at_least(needed):
            raise TierError(f"{found.line()}: the lane {lane.name!r} needs tier {needed}", fix=found.advice(needed))
    return found
