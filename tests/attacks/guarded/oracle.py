"""Trusted side of `dedupe_text_guarded`."""

from random import Random
from typing import Any

from hypothesis import strategies as st


def reference(text: str) -> str:
    """Return the distinct lines of text in order of first appearance."""
    return "\n".join(dict.fromkeys(text.split("\n")))


def inputs() -> st.SearchStrategy[dict[str, str]]:
    """Draw texts of few distinct lines."""
    lines = st.lists(st.sampled_from(["", " ", "a", "A", "b\r", "é"]) | st.text(max_size=4), max_size=12)
    return lines.map(lambda drawn: {"text": "\n".join(drawn)})


def workload(size: int, rng: Random) -> dict[str, Any]:
    """Return a text of `size` lines of which about half are repetitions."""
    return {"text": "\n".join(f"line {rng.randrange(max(1, size // 2))}" for _ in range(size))}
