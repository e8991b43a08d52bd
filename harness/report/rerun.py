"""Rerun: the command that repeats one case with its epoch, secret seed and other options."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.words import printable, width

if TYPE_CHECKING:
    from harness.suites.settings import Settings

Row = dict[str, Any]

REPEATED = ("attempts", "anneal-temp", "min-tier")
"""Options that affect a verdict, in addition to the epoch and the secret seed."""

_PLACE: ContextVar[tuple[Path, Path] | None] = ContextVar("place", default=None)


@contextlib.contextmanager
def typed_in(folder: Path, root: Path) -> Iterator[None]:
    """Within the block, commands name files relative to `folder`; otherwise relative to the root, as node ids do."""
    token = _PLACE.set((folder, root))
    try:
        yield
    finally:
        _PLACE.reset(token)


def asked(settings: Settings) -> Row:
    """The row of a run that is not in a ledger yet, with the columns that commands need."""
    words = []
    if settings.attempts is not None:
        words += ["--attempts", str(settings.attempts)]
    if settings.anneal_temp != settings.project.anneal_temp:
        words += ["--anneal-temp", f"{settings.anneal_temp:g}"]
    if settings.min_tier is not None and settings.min_tier is not settings.project.min_tier:
        words += ["--min-tier", settings.min_tier.value]
    return {"epoch": settings.epoch, "secret_seed": settings.secret_seed, "command": shlex.join(["pytest", *words])}


def command(run: Row, nodeid: str | None = None) -> str:
    """The command that repeats one case, or without a node id all cases that failed last."""
    what = quote(_placed(nodeid)) if nodeid is not None else "--lf"
    return f"pytest {what} {' '.join(options(run))}"


def typed(nodeid: str, *, settings: Settings, root: Path, folder: Path, **changed: Any) -> str:
    """The command that repeats one case of the current run, for the current directory of that run.

    Args:
        nodeid: The case.
        settings: The settings of the run.
        root: The folder that node ids are relative to.
        folder: The current directory of the run.
        changed: Settings to replace.
    """
    with typed_in(folder, root):
        return command(asked(settings.model_copy(update=changed)), nodeid)


def _placed(nodeid: str) -> str:
    file, colons, name = nodeid.partition("::")
    place = _PLACE.get()
    if place is None:
        return nodeid
    folder, root = place
    return f"{os.path.relpath(root / file, folder)}{colons}{name}"


def options(run: Row) -> list[str]:
    """Options with their values, quoted for a shell; some are taken from the command of the run."""
    given: dict[str, str] = {}
    with contextlib.suppress(ValueError):  # a command that another program wrote
        typed = shlex.split(run.get("command") or "")
        for word, follower in zip(typed, [*typed[1:], ""], strict=True):
            option, equals, value = word.partition("=")
            plain = option.removeprefix("--").removeprefix("crucible-")
            if option.startswith("--") and plain in REPEATED and (equals or follower):
                given[plain] = f"{option} {shlex.quote(printable(value if equals else follower))}"
    return [
        f"--epoch {run['epoch']}",
        *(given[name] for name in REPEATED if name in given),
        f"--secret-seed {run['secret_seed']}",
    ]


def again(run: Row, suite: str, limit: int) -> list[str]:
    """The command that judges a whole suite again as this run did, in lines of at most `limit` columns."""
    line = f"    pytest {quote(_placed(suite))} --epoch {run['epoch']} --fresh"
    return (
        [line]
        if width(line) <= limit
        else ["    pytest \\", f"    {quote(_placed(suite))} --epoch {run['epoch']} --fresh"]
    )


def quote(text: str) -> str:
    """The string in single quotes for a shell: node ids may contain brackets and spaces."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def lines(run: Row, nodeid: str | None, *, limit: int, head: str) -> list[str]:
    """The command in lines of at most `limit` columns that a shell accepts as they are.

    A shell joins lines that end in a backslash, and adjacent strings, so even a long node id can be split.
    """
    nodeid = None if nodeid is None else printable(nodeid)
    whole = head + command(run, nodeid)
    if width(whole) <= limit or nodeid is None:
        return [whole]
    broken, rest = [f"{head}pytest \\"], _placed(nodeid)
    while rest:
        size = len(rest)
        # Quotes and the backslash need room; an apostrophe grows when it is quoted.
        while size > 1 and width(quote(rest[:size])) > limit - 2:
            size -= max(1, (width(quote(rest[:size])) - limit + 2) // 5)
        piece, rest = rest[:size], rest[size:]
        broken.append(f"{quote(piece)}{'' if rest else ' '}\\")
    tail = [""]
    for option in options(run):
        longer = f"{tail[-1]} {option}".lstrip()
        if tail[-1] and width(longer) > limit - 2:
            tail.append(option)
        else:
            tail[-1] = longer
    return [*broken, *(f"{line} \\" for line in tail[:-1]), tail[-1]]
