"""The kept ranks of a board are those that are computed, whatever came, went or changed since."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from harness.ledger import queries
from harness.ledger.merge import merge
from harness.ledger.prune import prune
from harness.ledger.standings import rank_boards
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation

VIEWS = ("leaderboard", "left_out")


def boards(connection: sqlite3.Connection, *, kept: bool) -> list[list[tuple]]:
    """Both views, read from what is kept, or computed."""
    if not kept:
        connection.execute("UPDATE boards SET is_ranked = 0")
    return [connection.execute(f"SELECT * FROM {view}").fetchall() for view in VIEWS]


def some(chance: random.Random, count: int) -> list:
    return [
        make_evaluation(
            f"c{chance.randrange(9)}", content=str(chance.randrange(9)), case=f"case-{n}",
            suite=f"s{chance.randrange(3)}.suite.yaml", score=chance.choice((0.1, 0.5, 0.9)),
            median_ms=chance.choice((None, 1.0, 2.0)), status=chance.choice(("ok", "ok", "wrong")),
        )
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_kept_ranks_are_the_computed_ones(tmp_path: Path, seed: int) -> None:
    chance, path, other = random.Random(seed), tmp_path / "a.db", tmp_path / "b.db"
    fill(path, some(chance, 9), some(chance, 9), epoch=chance.randrange(2))
    fill(other, some(chance, 9), start=3, epoch=chance.randrange(2), machine=chance.choice(("box", "other")))
    with Ledger.open(path) as ledger:
        for change in (lambda: None, lambda: merge(ledger, other), lambda: prune(ledger, keep=2)):
            change()
            assert ledger.rows("SELECT * FROM boards WHERE NOT is_ranked") == [], "ranked by what changed it"
            with sqlite3.connect(path) as connection:
                assert connection.execute("SELECT count(*) FROM standings").fetchone()[0]
                assert boards(connection, kept=True) == boards(connection, kept=False)
                connection.rollback()


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM evaluations WHERE digest = (SELECT digest FROM leaderboard WHERE rank = 1 LIMIT 1)",
        "DELETE FROM runs WHERE run_id = (SELECT max(run_id) FROM runs)",
        "UPDATE evaluations SET score = 0.95, passed = 1 WHERE rowid = 2",
        "UPDATE runs SET epoch = 7 WHERE run_id = (SELECT max(run_id) FROM runs)",
        "UPDATE runs SET tier = 'E' WHERE run_id = (SELECT max(run_id) FROM runs)",
    ],
)
def test_a_board_is_read_right_before_it_is_ranked_again(tmp_path: Path, change: str) -> None:
    path, chance = tmp_path / "l.db", random.Random(1)
    fill(path, some(chance, 12), some(chance, 12))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        before = boards(connection, kept=True)
        assert connection.execute(change).rowcount
        seen = boards(connection, kept=True)
        assert seen != before, "the change is one that matters"
        rank_boards(connection)
        assert boards(connection, kept=True) == seen == boards(connection, kept=False)


@pytest.mark.parametrize("seed", range(6))
def test_kept_leaders_are_the_computed_ones(tmp_path: Path, seed: int) -> None:
    chance, path = random.Random(seed), tmp_path / "l.db"
    fill(path, some(chance, 12), some(chance, 12))
    with Ledger.open(path) as ledger:
        with ledger.writing() as connection:
            for number in range(1, 25):
                values = chance.choice((None, 0, 0, 1)), chance.choice((None, None, "ok")), number
                connection.execute("UPDATE evaluations SET confirmed = ?, expected = ? WHERE rowid = ?", values)
            rank_boards(connection)
        kept = [queries.leaders(ledger, unconfirmed=any_) for any_ in (False, True)]
        rows = [row for row in queries.leaderboard(ledger) if row["passed"] and row["expected"] is None]
        for found, confirmed in zip(kept, ((None, 1), (None, 0, 1)), strict=True):
            expected = {(r["lane"], r["suite"]): r for r in reversed(rows) if r["confirmed"] in confirmed}
            assert found == expected
        with ledger.writing() as connection:
            connection.execute("UPDATE boards SET is_ranked = 0")
        assert [queries.leaders(ledger, unconfirmed=any_) for any_ in (False, True)] == kept


def test_the_leader_is_found_behind_many_controls(tmp_path: Path) -> None:
    """Boards whose first places are controls are read on until one has a leader, or no more passes."""
    controls = [make_evaluation(f"k{n}", score=0.99, expect="ok", suite="s.suite.yaml") for n in range(30)]
    fill(
        tmp_path / "l.db",
        [*controls, make_evaluation("own", score=0.9, suite="s.suite.yaml"), make_evaluation("x", status="wrong")],
        [make_evaluation(f"k{n}", score=0.99, expect="ok", suite="t.suite.yaml") for n in range(30)],
    )
    with Ledger.read(tmp_path / "l.db") as ledger:
        assert [(place, row["subject"]) for place, row in queries.leaders(ledger, unconfirmed=True).items()] == [
            (("toolgen", "s.suite.yaml"), "own")
        ]
