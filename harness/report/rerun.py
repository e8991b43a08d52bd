"""Rerun: the command that repeats one case with its epoch, secret seed and other options."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.words import printable

if TYPE_CHECKING:
    from harness.ledger.store import Ledger
    from harness.suites.settings import Settings

Row = dict[str, Any]

REPEATED = ("attempts", "anneal-temp", "min-tier")
"""Options that affect a verdict, in addition to the epoch and the secret seed."""

MAX_SUITES = 4  # that a command names one by one

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


def command(run: Row, nodeid: str) -> str:
    """The command that repeats one case."""
    return f"pytest {quote(_placed(nodeid))} {' '.join(options(run))}"


def last_failed(run: Row, suites: Iterable[str], *, is_remembered: bool = True) -> str:
    """The command that repeats the cases of some suites that failed last; all of them if pytest remembers no failures.

    Without the suites pytest would look in the project's `testpaths`, and where nothing failed there, run all of them.
    """
    return f"pytest {'--lf ' * is_remembered}{_named(list(dict.fromkeys(suites)))} {' '.join(options(run))}"


def tail(command: str) -> str:
    """The options of a command of this module, from the epoch on."""
    _, found, options = command.partition(" --epoch ")
    return f"--epoch {options}" if found else ""


def whole(run: Row) -> str:
    """The command that repeats a run on its own inputs; empty if another program than pytest ran it."""
    given = printable(run["command"] or "")
    if not given.startswith("pytest "):
        return ""
    known = run["secret_seed"] is None or "--secret-seed" in given or "--crucible-secret-seed" in given
    return given if known else f"{given} --secret-seed {run['secret_seed']}"


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
    given = _given(run.get("command") or "")
    return [
        f"--epoch {run['epoch']}",
        *(given[name] for name in REPEATED if name in given),
        # The seed of a run that is not in the ledger any more is not known.
        "--fresh" if run["secret_seed"] is None else f"--secret-seed {run['secret_seed']}",
    ]


@lru_cache(maxsize=16)  # a page has the commands of one run by the hundred
def _given(command: str) -> dict[str, str]:
    """The options of a command that affect a verdict, each with its value."""
    given: dict[str, str] = {}
    with contextlib.suppress(ValueError):  # a command that another program wrote
        typed = shlex.split(command)
        for word, follower in zip(typed, [*typed[1:], ""], strict=True):
            option, equals, value = word.partition("=")
            plain = option.removeprefix("--").removeprefix("crucible-")
            if option.startswith("--") and plain in REPEATED and (equals or follower):
                given[plain] = f"{option} {shlex.quote(printable(value if equals else follower))}"
    return given


def of(ledger: Ledger, run: Row, row: Row) -> str:
    """The command that repeats an evaluation of a run: a reused verdict is repeated on the inputs that it was made on.

    Args:
        ledger: Where both runs are recorded.
        run: The run.
        row: The evaluation, with `nodeid` and `reused_from`.
    """
    if not row["reused_from"]:
        return command(run, row["nodeid"])
    judged = ledger.rows("SELECT secret_seed FROM runs WHERE run_id = ?", row["reused_from"])
    return command(run | {"secret_seed": judged[0]["secret_seed"] if judged else None}, row["nodeid"])


def again(run: Row, suites: Sequence[str], option: str = "--fresh") -> str:
    """The command that judges suites as this run did, on other inputs and with one more option."""
    return f"pytest {_named(suites)} {' '.join([*options(run)[:-1], option])}"


def _named(suites: Sequence[str]) -> str:
    """The suites; of more than `MAX_SUITES` the folder that they have in common, if there is one."""
    folder = os.path.commonpath(suites) if len(suites) > MAX_SUITES else ""
    return " ".join(quote(_placed(one)) for one in ([folder] if folder else suites))


def quote(text: str) -> str:
    """The string quoted for a shell: node ids may contain brackets, spaces, and on a bad day control characters."""
    if printable(text) == text:
        return "'" + text.replace("'", "'\"'\"'") + "'"
    data = text.encode("utf-8", "surrogateescape" if _is_file_name(text) else "backslashreplace")
    plain = set(range(0x20, 0x7F)) - {ord("'"), ord("\\"), ord("#"), ord(":")}
    return "$'" + "".join(chr(byte) if byte in plain else f"\\x{byte:02x}" for byte in data) + "'"


def _is_file_name(text: str) -> bool:
    return all(not "\ud800" <= c <= "\udfff" or "\udc80" <= c <= "\udcff" for c in text)
