"""Finalists: the leaders of the boards of a run, and the order of their confirmation (docs/stability.md)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.core.errors import LedgerError
from harness.core.stability import EVERYONE, FIRST_TEN, FIRST_THREE, MIN_HASH_SEEDS
from harness.ledger import queries
from harness.ledger.standings import rank_boards
from harness.ledger.store import Ledger

MAX_RANKS = 30  # read of each suite: when one of the first ten fails, the next contender moves up
FIRST_TEN_RANKS, FIRST_THREE_RANKS = 10, 3
LEADER = 0
"""Urgency of the first of a board while it is not confirmed."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A subject that passes, on the board of its suite.

    Attributes:
        run_id: The run that judged it last.
        nodeid: The node id of its case.
        attempts: Number of attempts so far.
        seconds: Time of judging it.
        asked: The part of `seconds` that its attempts took; 0 where it was not measured.
        confirmed: Whether it may have first place; None where there is nothing to confirm.
        seeds: Number of hash seeds so far; of attempts where these have no hash seed.
        leads: Whether it has first place, alone or shared.
    """

    run_id: str
    nodeid: str
    digest: str
    attempts: int
    seconds: float
    asked: float
    confirmed: bool | None
    seeds: int
    leads: bool

    def expected(self, attempts: int) -> float:
        """Expected seconds of further attempts: the fixed part once, and the time of each attempt."""
        asked = self.asked or self.seconds
        return max(0.0, self.seconds - asked) + asked / max(1, self.attempts) * attempts


@dataclass(slots=True)
class Finalists:
    """The boards of a run, best first, and which is confirmed next.

    Attributes:
        run_id: The run; subjects of other runs are not judged.
        boards: Contenders by lane and suite.
        tried: Cases that cannot be confirmed, by node id.
    """

    run_id: str
    boards: dict[tuple[str, str], list[Contender]] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)

    def read(self, ledger: Ledger) -> None:
        """Read the current boards: each confirmation may have changed ranks."""
        self.boards = {}
        # Ranks that are kept here are not computed again at the end of the run.
        with contextlib.suppress(LedgerError), ledger.writing() as connection:
            rank_boards(connection)
        for row in queries.contenders(ledger, self.run_id, first=MAX_RANKS):
            confirmed = None if row["confirmed"] is None else bool(row["confirmed"])
            names = ("run_id", "nodeid", "digest", "attempts", "seconds")
            contender = Contender(
                **{name: row[name] for name in names},
                asked=row["asked"] or 0.0,
                confirmed=confirmed,
                seeds=row["attempts"] if row["hash_seeds"] is None else row["hash_seeds"],
                leads=row["rank"] == 1,
            )
            self.boards.setdefault((row["lane"], row["suite"]), []).append(contender)

    def jobs(self) -> Iterator[tuple[int, float, Contender, int]]:
        """The pending confirmations: urgency (lower is sooner), expected seconds, contender, attempts to add."""
        for board in self.boards.values():
            for place, one in enumerate(board[:FIRST_TEN_RANKS], 1):
                if one.run_id != self.run_id or one.confirmed is None or one.nodeid in self.tried:
                    continue
                urgency, wanted = _turn(place, one)
                if wanted > 0:
                    yield urgency, one.expected(wanted), one, wanted

    @property
    def unconfirmed(self) -> list[Contender]:
        """The leaders of boards that are not confirmed."""
        return [board[0] for board in self.boards.values() if board and board[0].confirmed is False]


def _turn(place: int, one: Contender) -> tuple[int, int]:
    """The urgency of a contender's next attempts (lower is sooner), and their number."""
    if one.confirmed:
        if one.attempts < FIRST_TEN:
            return 2, FIRST_TEN - one.attempts
        return 3, FIRST_THREE - one.attempts if place <= FIRST_THREE_RANKS else 0
    # Attempts so far were not made on fresh inputs, however many there are. A leader gets only the attempts that first
    # place needs, so that every board gets a confirmed leader; the contenders that share first place come next.
    if one.leads:
        return (LEADER if place == 1 else 1), max(EVERYONE, MIN_HASH_SEEDS - one.seeds)
    return 2, max(EVERYONE, FIRST_TEN - one.attempts)
