"""Trusted side of `dedupe_text`: what is right, what to ask, what to time."""

from random import Random
from typing import Any

from hypothesis import strategies as st


def reference(text: str) -> str:
    """Return the distinct lines of text in order of first appearance."""
    return "\n".join(dict.fromkeys(text.split("\n")))


def inputs() -> st.SearchStrategy[dict[str, str]]:
    """Draw texts of few distinct lines, so that repetition is common, with every kind of odd character."""
    word = st.sampled_from(
        ["", " ", "a", "A", "a ", " a", "b", "\t", "x\r", "a\x0bb", "\u00e9", "e\u0301", "\u2028", "\x00", "😀"]
    )
    lines = st.lists(word | st.text(max_size=6), max_size=24)
    return lines.map(lambda drawn: {"text": "\n".join(drawn)})


def edges() -> list[dict[str, str]]:
    """Return the inputs that sloppy solutions get wrong."""
    texts = (
        "",
        "\n",
        "\n\n",
        "a\n",
        "\na",
        "\na\n",
        "a\n\na\n",
        "\r",
        "\r\n\r\n",
        "x\r\ny\nx",
        "x\ry\rx",
        "a\x0ba",
        "a\x0ca\n\x1ca\n\x85a",
        "a\u2028a\u2029a",
        "a\u2028a\na\u2028a",
        " a\na\n a",
        "a \na\na\t\na ",
        " \n\n ",
        "A\na",
        "\u00e9\ne\u0301\n\u00e9",
        "0\n-0\n00",
        "\x00\n\x00\n",
        "\ufeffa\na",
        "z\ny\nx\nz\ny",
    )
    return [{"text": text} for text in texts]


def workload(size: int, rng: Random) -> dict[str, Any]:
    """Return a text of `size` lines of which about half are repetitions."""
    distinct = max(1, size // 2)
    return {"text": "\n".join(f"line {rng.randrange(distinct)} {rng.choice('abc')}" for _ in range(size))}
