"""Differences between the source of a subject and earlier ones: the last other source of its case, its parents."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from harness.ledger import queries, sources
from harness.ledger.store import Ledger

MAX_LINES = 5000  # of a source that is compared: difflib needs time that grows with their product
CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Predecessor:
    """A source that another one is compared with.

    Attributes:
        digest: Of the source.
        label: What it is: a run's, or a parent.
    """

    digest: str
    label: str


def source_of(ledger: Ledger, digest: str) -> tuple[str, str | None]:
    """The source of a subject, after the digest under which it is kept: its own, or of the file it is a part of."""
    links = ledger.rows("SELECT parent FROM lineage WHERE child = ? AND relation = 'derived' ORDER BY parent", digest)
    kept = sources.digest_of(ledger, digest, parents=tuple(link["parent"] for link in links))
    return kept, sources.read(ledger, kept)


def predecessors(ledger: Ledger, row: queries.Row) -> Iterator[Predecessor]:
    """The kept sources that a subject can be compared with: of the same case in an earlier run, then its parents."""
    own, _ = source_of(ledger, row["digest"])
    seen = {own}
    for past in queries.find(ledger, row["nodeid"]):
        if past["digest"] == row["digest"] or past["created_at"] >= row["created_at"]:
            continue
        digest, text = source_of(ledger, past["digest"])
        if digest not in seen and text is not None:
            seen.add(digest)
            yield Predecessor(digest, f"run {past['run_id']}")
            break
    for parent in queries.parents(ledger, row["digest"]):
        digest, text = source_of(ledger, parent["digest"])
        if digest not in seen and text is not None:
            seen.add(digest)
            yield Predecessor(digest, f"parent {parent['subject']}")


def unified(before: str, after: str, *, names: tuple[str, str]) -> list[str]:
    """The lines of a unified diff, without line ends; empty if the sources are equal."""
    left, right = (text.splitlines()[:MAX_LINES] for text in (before, after))
    return list(difflib.unified_diff(left, right, *names, n=CONTEXT, lineterm=""))
