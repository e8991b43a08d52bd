"""Selection: the collected items that `--limit` and `--shard` keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from harness.core.digest import derive_seed
from harness.session.collection import CaseItem
from harness.suites.settings import Settings


def select_items(items: Iterable[pytest.Item], settings: Settings) -> list[pytest.Item]:
    """The first `limit` cases of each suite, and of those the given shard; items that are not cases are kept."""
    limit, shard = settings.limit, settings.shard
    found: list[pytest.Item] = []
    seen: Counter[str] = Counter()
    for item in items:
        keep = True
        if isinstance(item, CaseItem):
            seen[item.case.suite] += 1
            keep = limit is None or seen[item.case.suite] <= limit
            # By node id, which is the same on every machine; a digest of inputs may hold absolute paths.
            keep = keep and (shard is None or derive_seed("shard", item.nodeid) % shard[1] == shard[0] - 1)
        if keep:
            found.append(item)
    return found
