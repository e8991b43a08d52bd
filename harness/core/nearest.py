"""Nearest names: suggests the known name that is most similar to a misspelt one."""

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


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """`did you mean 'x'?` with the nearest name; empty if no known name resembles the word."""
    near = nearest_name(word, known)
    return f"did you mean {near!r}?" if near else ""


def nearest(word: object, known: Iterable[object], *, max_choices: int = 12) -> str:
    """The end of a message: `; did you mean 'x'?`, else up to `max_choices` known names, else nothing."""
    choices = sorted(map(str, known))
    if hint := did_you_mean(word, choices):
        return f"; {hint}"
    return f"; there are {', '.join(choices)}" if 0 < len(choices) <= max_choices else ""
