"""Rerun: the line to copy that runs one case again under the same epoch and secret."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def command(run: Row, nodeid: str | None = None) -> str:
    """The command for one case, or for all that failed last."""
    what = quote(nodeid) if nodeid is not None else "--lf"
    return f"pytest {what} --epoch {run['epoch']} --secret-seed {run['secret_seed']}"


def quote(text: str) -> str:
    """Always in quotes: node ids hold brackets and spaces sooner or later."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def lines(run: Row, nodeid: str | None, *, limit: int, head: str) -> list[str]:
    """The command in lines of at most `limit` columns that can still be copied as they are.

    A shell joins lines that end in a backslash, and strings that touch; so even a long node id can be broken.
    """
    whole = head + command(run, nodeid)
    if len(whole) <= limit or nodeid is None:
        return [whole]
    broken, rest = [f"{head}pytest \\"], nodeid
    while rest:
        piece, size = rest, len(rest)
        # Quotes and the backslash need room; an apostrophe grows when it is quoted.
        while len(quote(piece)) > limit - 2:
            size -= max(1, (len(quote(piece)) - limit + 2) // 5)
            piece = rest[:size]
        rest = rest[len(piece) :]
        broken.append(f"{quote(piece)}{'' if rest else ' '}\\")
    return [*broken, f"--epoch {run['epoch']} --secret-seed {run['secret_seed']}"]
