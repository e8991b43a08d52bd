"""Nearest names: which known name a misspelt one probably means."""

from __future__ import annotations

from collections.abc import Iterable

MAX_LENGTH = 80  # longer words are cut before they are compared: the time grows with the square of the length
MAX_KNOWN = 2000


def nearest_names(word: object, known: Iterable[object], *, count: int = 1, cutoff: float = 0.6) -> list[str]:
    """Up to `count` known names that resemble a word, the most similar first."""
    import difflib  # about 10 ms, needed only when something is wrong

    names = [str(name) for name in known]
    return difflib.get_close_matches(str(word)[:MAX_LENGTH], names[:MAX_KNOWN], n=count, cutoff=cutoff)


def nearest_name(word: object, known: Iterable[object], *, cutoff: float = 0.6) -> str:
    """The known name that resembles a word most; empty if none does."""
    return next(iter(nearest_names(word, known, cutoff=cutoff)), "")


def suggestion(word: object, known: Iterable[object], *, otherwise: str = "") -> str:
    """`did you mean 'x'?` with the nearest name, or `otherwise` if no known name resembles the word."""
    near = nearest_name(word, known)
    return f"did you mean {near!r}?" if near else otherwise
