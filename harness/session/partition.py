"""Partition: the selected cases of a run, divided into shards that run elsewhere."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from pathlib import Path

from harness.core.digest import derive_seed, digest_json
from harness.core.errors import UsageError
from harness.ledger import file
from harness.ledger.store import Ledger


def divide(cases: Mapping[str, str], parts: int, durations: Mapping[str, float] | None = None) -> dict[str, int]:
    """The shard of each case, from 1; the same on every machine.

    By the digest of the node id alone. With durations the longest cases are given out first, each to the shard that has
    the least to do so far (Graham, SIAM J. Appl. Math. 17, 1969); a case without a duration counts as the median.

    Args:
        cases: Digests of the subjects by node id.
        durations: Seconds by node id.
    """
    if durations is None:
        # A digest of inputs may hold absolute paths, a node id does not.
        return {nodeid: derive_seed("shard", nodeid) % parts + 1 for nodeid in cases}
    known = [durations[nodeid] for nodeid in cases if nodeid in durations]
    usual = statistics.median(known) if known else 1.0
    seconds = {nodeid: durations.get(nodeid, usual) for nodeid in cases}
    loads = dict.fromkeys(range(1, parts + 1), 0.0)
    found: dict[str, int] = {}
    for nodeid in sorted(cases, key=lambda one: (-seconds[one], one)):
        found[nodeid] = min(loads, key=lambda part: (loads[part], part))
        loads[found[nodeid]] += seconds[nodeid]
    return found


def partition_digest(cases: Mapping[str, str], parts: int, durations: Mapping[str, float] | None) -> str:
    """The identity of a partition: shards of one whole have the same.

    Args:
        cases: Digests of the subjects by node id.
        durations: Seconds by node id.
    """
    seconds = None if durations is None else sorted(durations.items())
    return digest_json([parts, sorted(cases.items()), seconds])[:16]


def read_durations(path: Path) -> dict[str, float]:
    """Seconds by node id, from a ledger or from a JSON object.

    Raises:
        UsageError: if it is neither.
        LedgerError: if the ledger is damaged.
    """
    try:
        if file.is_database(path):
            with Ledger.read(path) as ledger:
                rows = ledger.rows("SELECT nodeid, seconds, max(created_at) FROM evaluations GROUP BY nodeid")
            return {row["nodeid"]: row["seconds"] for row in rows}
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"the durations cannot be read: {error}", where=str(path)) from None
    if not isinstance(value, dict) or not all(map(_is_duration, value.values())):
        raise UsageError("durations are a ledger, or a JSON object of seconds by node id", where=str(path))
    return value


def _is_duration(seconds: object) -> bool:
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < float("inf")
