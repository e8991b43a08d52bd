"""BatchSize: how many timed questions of a tool are asked at once; it follows what candidates took before."""

from __future__ import annotations

LARGEST = 16
SMALLEST = 3  # fewer questions are asked one by one


class BatchSize:
    """As large as it can be while few batches are too slow to say that none of their calls is.

    It grows by a quarter of a question with each batch that is quick enough, and loses three tenths with each other
    one, so about one batch in ten is asked again. Verdicts and scores do not depend on it.
    """

    def __init__(self) -> None:
        self._size = 8.0

    def __int__(self) -> int:
        return int(self._size)

    def learn(self, *, is_quick: bool) -> None:
        """Note a batch."""
        self._size = min(LARGEST, self._size + 0.25) if is_quick else max(SMALLEST, self._size * 0.7)
