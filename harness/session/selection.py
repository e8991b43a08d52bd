"""Selection: the collected items that `--limit` and `--shard` keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from harness.report import words
from harness.session.collection import CaseItem
from harness.session.snapshot import Snapshot
from harness.suites.settings import Settings

SHARD = pytest.StashKey[str]()
"""`2/4 DIGEST`: which part of which partition this run is; missing for a whole run."""
PUBLISHED = "shard"
"""The name of the same value in the snapshot, by which an xdist worker tells the controller."""


def select_items(
    items: list[pytest.Item], config: pytest.Config, settings: Settings, snapshot: Snapshot | None
) -> None:
    """Keep the first `--limit` cases of each suite, and of those the part that `--shard` names; other items stay.

    Raises:
        pytest.UsageError: if the durations of `--shard-durations` cannot be read.
    """
    limit, shard = settings.limit, settings.shard
    found: list[pytest.Item] = []
    seen: Counter[str] = Counter()
    for item in items:
        if isinstance(item, CaseItem):
            seen[item.case.suite] += 1
            if limit is not None and seen[item.case.suite] > limit:
                continue
        found.append(item)
    if shard is not None:
        part, parts = shard
        cases = {item.nodeid: item.case.subject.digest for item in found if isinstance(item, CaseItem)}
        places, digest = _divided(cases, parts, settings)
        found = [item for item in found if places.get(item.nodeid, part) == part]
        config.stash[SHARD] = f"{part}/{parts} {digest}"
        if snapshot is not None:
            snapshot.put(PUBLISHED, config.stash[SHARD])
    if len(found) < len(items):
        chosen = set(map(id, found))
        config.hook.pytest_deselected(items=[item for item in items if id(item) not in chosen])
        items[:] = found


def shard_notices(settings: Settings, plugins: Sequence[str], *, given_seed: int | None) -> list[str]:
    """Sentences on what the merging of a shard with the others decides.

    Args:
        settings: Of the shard.
        plugins: Those that have gates.
        given_seed: The secret seed of the command line.
    """
    found = []
    if settings.gates or plugins:
        gates = [words.count(len(settings.gates), "gate")] if settings.gates else []
        gates += [f"the gates of {' and '.join(plugins)}"] if plugins else []
        found.append(f"{' and '.join(gates)} on the whole run: evaluated when `crucible merge` has all shards")
    if given_seed is None and settings.project.secret_seed is None:
        found.append(
            f"shards are merged as one run if they have one seed: --secret-seed {settings.secret_seed} for all"
        )
    return found


def _divided(cases: dict[str, str], parts: int, settings: Settings) -> tuple[dict[str, int], str]:
    from harness.core.errors import CrucibleError
    from harness.session.partition import divide, partition_digest, read_durations

    try:
        durations = None if settings.shard_durations is None else read_durations(settings.shard_durations)
    except CrucibleError as error:
        raise pytest.UsageError(str(error)) from None
    return divide(cases, parts, durations), partition_digest(cases, parts, durations)
