"""Ancestry: the relatives of the subjects of a page, from declared parents; cycles and missing parents do no harm."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report.page import Candidate, Page

MAX_ANCESTORS, MAX_CHILDREN = 6, 12


class Relative(NamedTuple):
    """One subject in a lineage.

    Attributes:
        depth: Its generation, from 0 for the oldest that is shown.
        name: Its name, or what its child calls it if the ledger never judged it.
        digest: Its digest; empty if it is not known.
        score, status: Of its best evaluation; None if it was never judged.
        nodeid: Its case on the page; empty if it has none.
        is_self: Whether it is the subject itself.
    """

    depth: int
    name: str
    digest: str
    score: float | None
    status: str | None
    nodeid: str
    is_self: bool


class Ancestry:
    """The lineage of all subjects of a ledger, read once.

    Args:
        ledger: Where lineage is recorded.
        page: The page that links to cases.
    """

    def __init__(self, ledger: Ledger, page: Page) -> None:
        links = ledger.rows("SELECT child, parent FROM lineage ORDER BY child, parent")
        self._known = queries.best_known(ledger) if links else {}  # reads every evaluation
        self._here = {c.row["digest"]: c.row["nodeid"] for c in reversed(page.candidates)}
        names = {row["subject"]: digest for digest, row in self._known.items()}
        self._parents: dict[str, list[str]] = defaultdict(list)
        self._children: dict[str, list[str]] = defaultdict(list)
        for link in links:
            parent = link["parent"] if link["parent"] in self._known else names.get(link["parent"], link["parent"])
            self._parents[link["child"]].append(parent)
            self._children[parent].append(link["child"])

    def of(self, c: Candidate) -> list[Relative]:
        """The ancestors of a subject, itself and its children; empty if it has none that were judged."""
        own = c.row["digest"]
        line, seen = [own], {own}
        while len(line) <= MAX_ANCESTORS:
            older = next((one for one in self._parents.get(line[0], ()) if one not in seen), None)
            if older is None:
                break
            seen.add(older)
            line.insert(0, older)
        if line[0] not in self._known and len(line) > 1:  # a file or a grammar that is not a subject
            line = line[1:]
        children = [one for one in self._children.get(own, ()) if one in self._known and one not in seen]
        if len(line) == 1 and not children:
            return []
        found = [self._relative(depth, digest, own) for depth, digest in enumerate(line)]
        return found + [self._relative(len(line), digest, own) for digest in children[:MAX_CHILDREN]]

    def _relative(self, depth: int, digest: str, own: str) -> Relative:
        row = self._known.get(digest)
        if row is None:
            return Relative(depth, digest[:24], "", None, None, "", is_self=False)
        nodeid = self._here.get(digest, "")
        return Relative(depth, row["subject"], digest, row["score"], row["status"], nodeid, is_self=digest == own)
