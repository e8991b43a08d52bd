"""Depth: which candidates are timed in several processes, because their times decide something."""

from __future__ import annotations

import bisect
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.core.evidence import Evidence
from harness.core.policy import Policy
from harness.core.score import Score
from harness.lanes.toolgen.score import score_toolgen

FIRST = 10  # places of a leaderboard that no candidate of this process, or pool, takes without full depth
MARGIN = 3.0  # a gate that holds by this factor, or would fail even so much faster, is not near
FILE = "first-places"  # in the folder of a pool
MAX_READ = 1 << 20  # bytes of it at a time

Key = tuple[float, float]
"""The score and the negative median time: what a leaderboard sorts by."""


class Standings:
    """The best candidates of each leaderboard, all timed to full depth; kept by a `Context`.

    The judge processes of one pool share them: each appends a line of JSON for each of its candidates to one file, and
    reads those of the others. So the depth does not depend on the number of processes. Any other process knows only the
    candidates that it judged itself. The known ones are at most those of the leaderboard, so a candidate among the
    first ten there is among the first ten here.
    """

    def __init__(self) -> None:
        self._first: dict[str, list[Key]] = {}
        self._file, self._read = -1, 0

    def share(self, folder: Path | None) -> None:
        """Share the candidates with the other processes of a pool, from the first call on.

        Args:
            folder: The folder of the pool (`Context.shared`); None for a process of its own.
        """
        if self._file < 0 and folder is not None:
            with suppress(OSError):  # then this process knows its own
                self._file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def is_in_reach(self, board: str, evidence: Evidence, score: Score) -> bool:
        """Whether the candidate may be among the first ten; the fast end of its interval counts."""
        high = score.interval[1]
        if high is None:
            return False
        self._read_others()
        first = self._first.get(board, [])
        return len(first) < FIRST or _key(evidence, high) > first[0]

    def enter(self, board: str, evidence: Evidence, score: Score) -> None:
        """Note a candidate that was timed to full depth."""
        if score.total is not None and score.gates_pass:
            line = json.dumps([board, *_key(evidence, score.total)]).encode() + b"\n"
            try:
                if self._file >= 0 and os.write(self._file, line) == len(line):
                    return
            except OSError:  # a full disk: this process knows it all the same
                pass
            self._insert(line)

    def _read_others(self) -> None:
        """Read what was appended, by this process as well; only complete lines."""
        data = b"" if self._file < 0 else os.pread(self._file, MAX_READ, self._read)
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            with suppress(ValueError):  # two lines in one, the first of which was cut short by a full disk
                self._insert(line)

    def _insert(self, line: bytes) -> None:
        board, total, speed = json.loads(line)
        first = self._first.setdefault(board, [])
        bisect.insort(first, (total, speed))
        del first[:-FIRST]

    def close(self) -> None:
        """Forget all."""
        self._first.clear()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _key(evidence: Evidence, total: float) -> Key:
    return total, -(evidence.median_ms or 0.0)


def near_gate(evidence: Evidence, score: Score, policy: Policy) -> str:
    """The name of a gate that more measuring may decide otherwise; empty if there is none."""
    low, high = _ends(evidence, policy) if policy.gates else ({}, {})
    for gate in score.gates:
        if gate.observed is None:
            continue
        if gate.name in ("time_ms", "memory_mb"):
            is_near = gate.passed and gate.observed * MARGIN > gate.threshold
        else:
            is_near = low.get(gate.name, gate.observed) < gate.threshold <= high.get(gate.name, gate.observed)
        if is_near:
            return gate.name
    return ""


def _ends(evidence: Evidence, policy: Policy) -> tuple[dict[str, float], dict[str, float]]:
    """The lowest and highest value of each measured component, and of the score, with times off by `MARGIN`."""
    profile = evidence.facts["profile"]
    rows = [
        {**row, "candidate_low_s": row["candidate_s"] / MARGIN, "candidate_high_s": row["candidate_s"] * MARGIN}
        for row in profile["rows"]
    ]
    facts: dict[str, Any] = {**evidence.facts, "profile": {**profile, "rows": rows}}
    score = score_toolgen(evidence.model_copy(update={"facts": facts}), policy)
    low = {part.name: part.low for part in score.components if part.low is not None}
    high = {part.name: part.high for part in score.components if part.high is not None}
    least, most = score.interval
    if least is not None and most is not None:
        low["score"], high["score"] = least, most
    return low, high
