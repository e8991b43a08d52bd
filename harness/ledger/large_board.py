"""LargeBoard: the ranks of boards of many thousands of candidates, in half the time that SQL takes.

`COMPUTED` (`harness.ledger.ranking`) sorts all rows five times in SQLite's virtual machine. These are the same ranks.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.ledger.ranking import STANDINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"
AT_ONCE = 10_000  # rows that are Python objects at a time
INSERT = """INSERT INTO standings (lane, suite, run_id, nodeid, position, rank, worst_rank)
    SELECT lane, suite, run_id, nodeid, ?, ?, ? FROM evaluations WHERE rowid = ?"""


def rank_large(connection: sqlite3.Connection) -> bool:
    """Keep the ranks of all marked boards; says whether a subject of one cannot be compared with the others."""
    import numpy as np  # 0.1 s, which a run of few candidates need not pay

    cursor = connection.execute(STANDINGS)
    chunks = []
    while some := cursor.fetchmany(AT_ONCE):
        chunks.append(np.array(some, dtype=np.float64))
    if not chunks:
        return False
    rows = np.concatenate(chunks)
    fitting = rows[rows[:, 2] != 0]
    for board in np.split(fitting, np.flatnonzero(np.diff(fitting[:, 0])) + 1):
        connection.executemany(INSERT, _ranked(board[:, 1:]).tolist())
    return len(fitting) < len(rows)


def _ranked(board: Array) -> Array:
    """Position, rank, worst rank and row of each row of a board, best first."""
    import numpy as np

    place, _, passed, score, low, high, best, worst, confirmed, median = board.T
    size, order = len(board), np.lexsort((high, low, score, passed))
    keys = board[order][:, 2:6]  # what `order` is by
    differs = np.any(keys[1:] != keys[:-1], axis=1)
    equals: Array = np.empty(size, dtype=np.int64)  # the group of those that only time distinguishes
    equals[order] = np.concatenate(([0], np.cumsum(differs)))[:size]
    feasible = passed.astype(np.int64)
    ahead = _below(feasible, -low, -high) + (1 - feasible) * feasible.sum()
    behind = _below(feasible, high, low) + feasible * (size - feasible.sum())
    rank = 1 + ahead + _below(equals, worst, best)
    worst_rank = size - behind - _below(equals, -best, -worst)
    order = np.lexsort((median, worst, best, -confirmed, -score, -passed, rank))  # stable: equals keep their order
    found: Array = np.column_stack(
        (np.arange(1, size + 1), rank[order], worst_rank[order], place[order].astype(np.int64))
    )
    return found


def _below(group: Array, values: Array, bounds: Array) -> Array:
    """For each row the number of rows of its group whose value is less than its bound."""
    import numpy as np

    size = len(group)
    is_value: Array = np.repeat([0, 1], size)
    order = np.lexsort((is_value, np.concatenate((bounds, values)), np.concatenate((group, group))))
    before: Array = np.empty(2 * size, dtype=np.int64)
    before[order] = np.cumsum(is_value[order])
    counts = np.bincount(group)
    found: Array = before[:size] - (np.cumsum(counts) - counts)[group]
    return found
