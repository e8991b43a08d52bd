"""Rerun: the line to copy that runs one case again under the same epoch and secret."""

from __future__ import annotations

from typing import Any

from harness.report.words import printable, width

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
    nodeid = None if nodeid is None else printable(nodeid)
    whole = head + command(run, nodeid)
    if width(whole) <= limit or nodeid is None:
        return [whole]
    broken, rest = [f"{head}pytest \\"], nodeid
    while rest:
        size = len(rest)
        # Quotes and the backslash need room; an apostrophe grows when it is quoted.
        while size > 1 and width(quote(rest[:size])) > limit - 2:
            size -= max(1, (width(quote(rest[:size])) - limit + 2) // 5)
        piece, rest = rest[:size], rest[size:]
        broken.append(f"{quote(piece)}{'' if rest else ' '}\\")
    return [*broken, f"--epoch {run['epoch']} --secret-seed {run['secret_seed']}"]
