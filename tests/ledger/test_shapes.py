"""The rows of `components`, `gates` and `attempts` are what was given, and equal ones are kept once."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.gate import Gate
from harness.core.score import Component, Score
from harness.ledger.packed_rows import PACKED
from harness.ledger.prune import prune
from harness.ledger.row import plain
from harness.ledger.shapes import VIEWS, VIEWS_SQL, shape_rows
from harness.ledger.store import Ledger
from tests.ledger.factory import fill, make_evaluation

NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from([0.0, 1.0]))
WHYS = st.one_of(
    st.text(max_size=20).map(plain),
    st.sampled_from(["", "100 %", "%s 1.5 %d", "[1]", "time_ms 12.0765 passes <= 2000", "1.5 2.5 3.5 4.5 5.5e-07"]),
)
CELLS = {
    "name": st.sampled_from(["correctness", "[0]", ""]),
    "value": NUMBERS, "weight": NUMBERS, "observed": NUMBERS, "threshold": NUMBERS, "passed": st.integers(0, 1),
    "why": WHYS, "round": st.integers(0, 3), "seed": st.integers(0, 2**70).map(str),
    "hash_seed": st.one_of(st.none(), st.integers(0, 2**32).map(str)), "status": st.sampled_from(["ok", "wrong"]),
    "answers": WHYS, "seconds": NUMBERS, "cpu_ms": NUMBERS, "peak_mb": NUMBERS,
}  # fmt: skip
ROWS = st.tuples(*(st.lists(st.tuples(*(CELLS[name] for name in columns)), max_size=3) for columns in VIEWS.values()))


@pytest.fixture(scope="module")
def connection():
    opened = sqlite3.connect(":memory:", isolation_level=None)
    opened.execute("CREATE TABLE evaluations (run_id, nodeid)")
    for statement in (*PACKED.split(";\n"), *VIEWS_SQL):
        if statement.strip():
            opened.execute(statement)
    yield opened
    opened.close()


@settings(max_examples=80, deadline=None)
@given(ROWS)
def test_rows_are_read_as_they_were_given(connection, given):
    shape, numbers = shape_rows(connection, set(), given)
    connection.execute("DELETE FROM evaluations")
    connection.execute("INSERT INTO evaluations VALUES ('r', 'n', ?, ?)", (shape, numbers))
    for (view, columns), rows in zip(VIEWS.items(), given, strict=True):
        read = connection.execute(f"SELECT {', '.join(columns)} FROM {view} ORDER BY position").fetchall()
        assert read == [tuple(row) for row in rows]


def evaluation(number):
    gates = (Gate(name="time_ms", threshold=2000, at_most=True).evaluate(number + 0.25),)
    parts = (Component(name="speed", value=1 / (number + 2), weight=1.0, why=f"{number}.125 times the reference"),)
    score = Score(total=0.5, components=parts, gates=gates)
    return make_evaluation(f"c{number}").model_copy(update={"score": score})


def test_cases_that_differ_by_numbers_share_a_shape_until_they_are_deleted(tmp_path):
    fill(tmp_path / "l.db", [evaluation(number) for number in range(40)], [make_evaluation()])
    with Ledger.open(tmp_path / "l.db") as ledger:
        assert len({row["shape"] for row in ledger.rows("SELECT shape FROM shapes")}) == 2
        whys = [row["why"] for row in ledger.rows("SELECT why FROM gates WHERE name = 'time_ms' ORDER BY observed")]
        assert whys[:2] == ["time_ms 0.25 passes <= 2000", "time_ms 1.25 passes <= 2000"]
        prune(ledger, keep=1)
        assert len({row["shape"] for row in ledger.rows("SELECT shape FROM shapes")}) == 1
        assert len(ledger.rows("SELECT key FROM dictionaries")) == 1
