"""The leaderboard in SQL: the places of `core.ranking`, and only what may be compared."""

from __future__ import annotations

import sqlite3

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.ranking import Standing, places
from harness.ledger import queries
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation


def measured(name, *, score, spread, time, width, suite):
    made = make_evaluation(
        name,
        suite=suite,
        score=score,
        median_ms=time,
        median_interval_ms=None if time is None else (max(0.0, time - width), time + width),
    )
    ends = (max(0.0, score - spread), score + spread)
    return made.model_copy(update={"score": made.score.model_copy(update={"spread": ends})})


numbers = st.tuples(
    st.sampled_from([0.5, 0.8, 0.9, 1.0]),
    st.sampled_from([0.0, 0.1, 0.4]),
    st.none() | st.sampled_from([1.0, 2.0, 3.0, 5.0]),
    st.sampled_from([0.0, 0.5, 2.0]),
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(numbers, max_size=12), max_size=9))
def test_sql_and_python_agree_on_every_place(tmp_path_factory, boards):
    path = tmp_path_factory.mktemp("board") / "l.db"
    fill(
        path,
        [
            measured(f"c{i}", score=score, spread=spread, time=time, width=width, suite=f"{number}.suite.yaml")
            for number, board in enumerate(boards)
            for i, (score, spread, time, width) in enumerate(board)
        ],
    )
    with Ledger.open(path) as ledger:
        kept = [queries.leaderboard(ledger, suite=f"{number}.suite") for number in range(len(boards))]
        with ledger.writing() as connection:
            connection.execute("UPDATE boards SET is_ranked = 0")
        computed = [queries.leaderboard(ledger, suite=f"{number}.suite") for number in range(len(boards))]
    assert computed == kept
    assert [len(rows) for rows in kept] == [len(board) for board in boards]
    for rows in kept:
        expected = places([Standing.of(row) for row in rows])
        assert [(row["rank"], row["worst_rank"]) for row in rows] == [(one.rank, one.worst) for one in expected]


class TestComparable:
    def board(self, path):
        with Ledger.read(path) as ledger:
            apart = {row["subject"]: row["why"] for row in queries.left_out(ledger)}
            return [row["subject"] for row in queries.leaderboard(ledger)], apart

    def test_another_epoch_is_left_out_and_says_so(self, tmp_path):
        path = tmp_path / "l.db"
        fill(path, [make_evaluation("old", score=0.99)], epoch=0)
        fill(path, [make_evaluation("new", score=0.81, epoch=20)], start=2, epoch=20)
        assert self.board(path) == (["new"], {"old": "epoch 0, not 20"})

    def test_so_is_another_machine_and_a_weaker_box(self, tmp_path):
        path = tmp_path / "l.db"
        fill(path, [make_evaluation("fast", score=0.99)], machine="a big one")
        fill(path, [make_evaluation("loose", score=0.99)], start=2, tier="D", machine="here")
        fill(path, [make_evaluation("new", score=0.81)], start=3, tier="B", machine="here")
        assert self.board(path) == (["new"], {"fast": "machine a big one", "loose": "tier D, not B"})

    def test_an_earlier_verdict_that_can_be_compared_stands_for_a_later_one_that_cannot(self, tmp_path):
        path = tmp_path / "l.db"
        fill(path, [make_evaluation("a", score=0.9)], epoch=0)
        fill(path, [make_evaluation("a", score=0.99, epoch=20)], start=2, epoch=20)
        fill(path, [make_evaluation("b", score=0.85)], start=3, epoch=0)
        with Ledger.read(path) as ledger:
            assert [(row["subject"], row["score"]) for row in queries.leaderboard(ledger)] == [("a", 0.9), ("b", 0.85)]
            assert queries.left_out(ledger) == []

    def test_a_run_that_scored_nothing_does_not_decide(self, tmp_path):
        path = tmp_path / "l.db"
        fill(path, [make_evaluation("a", score=0.9)], epoch=0)
        fill(path, [make_evaluation("a", score=None, status="skipped", epoch=20)], start=2, epoch=20)
        assert self.board(path) == (["a"], {})

    def test_a_run_without_boxes_stands_beside_any(self, tmp_path):
        path = tmp_path / "l.db"
        fill(path, [make_evaluation("a", score=0.9)], tier="A")
        fill(path, [make_evaluation("b", score=0.8)], start=2, tier=None)
        assert self.board(path) == (["a", "b"], {})

    def test_suites_decide_for_themselves(self, tmp_path):
        path = tmp_path / "l.db"
        fill(path, [make_evaluation("a", suite="x")], epoch=0)
        fill(path, [make_evaluation("b", suite="y", epoch=20)], start=2, epoch=20)
        assert self.board(path) == (["a", "b"], {})


def steps(path):
    """Virtual machine instructions, in thousands, that SQLite needs for the leaderboard: work, not time."""
    count = 0

    def tick():
        nonlocal count
        count += 1

    with sqlite3.connect(path) as connection:
        connection.set_progress_handler(tick, 1000)
        connection.execute("SELECT * FROM leaderboard").fetchall()
    return count


def test_the_work_grows_with_the_board_and_not_with_its_square(tmp_path):
    counted = []
    for size in (200, 1600):
        path = tmp_path / f"{size}.db"
        fill(
            path,
            [make_evaluation(f"c{i}", score=(i % 50) / 50, median_ms=1.0 + i % 7, attempts=1) for i in range(size)],
        )
        counted.append(steps(path))
    assert counted[1] < 8 * counted[0] * 1.8
