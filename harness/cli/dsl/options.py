"""Options that `run`, `resume`, `sweep` and `improve` share: back end, effects and budgets."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.cli.dsl import programs
from harness.core.errors import UsageError
from harness.core.number import amount, whole
from harness.dsl.eventlog.durability import Durability
from harness.dsl.machine.inbox import INBOX
from harness.dsl.types import UNITS
from harness.providers.backends import BACKENDS

if TYPE_CHECKING:
    from harness.dsl.ir import Program

LIMITS = ("steps", "iterations", "queries", "events", "tokens", "wall_s")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options that become settings of the run; an absent option keeps the stored setting."""
    add = parser.add_argument
    add("--live", action="store_true", default=None, help="perform effects; without it they answer from recordings")
    add("--backend", choices=BACKENDS, help="what answers questions (default: sim, from --answers only)")
    add("--model", metavar="NAME", help="the model")
    add("--base-url", metavar="URL", help="its server (default: Ollama's usual address)")
    add("--command", metavar="LINE", help="for --backend command: the command line that answers")
    add("--answers", type=Path, metavar="FILE", help="answers.json, or response.txt beginning `question: ID`")
    add("--cassette", type=Path, metavar="FILE", help="recorded answers; a back end adds missing ones")
    add("--recordings", type=Path, metavar="FILE", help="recorded effects; --live adds to them")
    what = 'a file with `tools { run "x" -> "text" }`: answers while effects are off'
    add("--tools", type=Path, metavar="FILE", help=what)
    add("--grant", action="append", metavar="PROGRAM", help="a program that may run outside a box (repeatable)")
    add(
        "--events",
        metavar="SOURCE",
        help="events for service loops: a file, unix:PATH, tcp:HOST:PORT, or inbox (`crucible dsl send`)",
    )
    add("--seconds", type=amount(0.001), metavar="S", help="wall time of a command (default 60)")
    add("--query-timeout", type=amount(0.001), metavar="S", help="time until a model's answer (default 120)")
    add("--concurrency", type=whole(1, 256), metavar="N", help="questions asked at the same time (default 4)")
    add("--workers", type=whole(1, 1024), metavar="N", help="points of a search at the same time (default 1)")
    add(
        "--budget",
        action="append",
        default=[],
        metavar="NAME=N",
        help=f"limit of the run: {', '.join(LIMITS)}, or wall=2min",
    )


def add_stop(parser: argparse.ArgumentParser) -> None:
    """Add `--stop-after`."""
    parser.add_argument(
        "--stop-after", type=whole(1), metavar="N", help="stop when N more steps have ended; `dsl step` continues"
    )


def parse_settings(args: argparse.Namespace, *, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the given settings; back end and limits are merged into the earlier ones.

    Raises:
        UsageError: if a value is invalid.
    """
    before = before or {}
    found: dict[str, Any] = {}
    if args.live is not None:
        found["live"] = args.live
    if args.grant is not None:
        found["grants"] = args.grant
    if args.query_timeout is not None:
        found["query_seconds"] = args.query_timeout
    for name in ("events", "seconds", "workers", "concurrency"):
        if getattr(args, name) is not None:
            found[name] = getattr(args, name)
    if args.tools is not None:
        found["mocks"] = _read_mocks(args.tools)
    if args.recordings is not None:
        from harness.dsl.tools.recordings import RecordingFile

        RecordingFile(args.recordings)  # a file that cannot be used is refused before the first effect
        if found.get("live", before.get("live")):
            output.refuse_unwritable(args.recordings)
        found["recordings"] = str(args.recordings.absolute())
    if "events" in found and not found["events"].startswith(("unix:", "tcp:")) and found["events"] != INBOX:
        path = Path(found["events"]).absolute()
        if not path.is_file():
            where = "--events"
            raise UsageError(f"{path} does not exist", where=where, fix="JSON lines, unix:PATH, tcp:HOST:PORT or inbox")
        found["events"] = str(path)
    backend = {
        name: getattr(args, name)
        for name in ("backend", "model", "base_url", "command")
        if getattr(args, name) is not None
    }
    for name in ("answers", "cassette"):
        if getattr(args, name) is not None:
            backend[name] = str(getattr(args, name).absolute())
    if backend:
        found["backend"] = {**before.get("backend", {}), **backend}
    limits = parse_budgets(args.budget)
    if limits:
        found["limits"] = {**before.get("limits", {}), **limits}
    return found


def _read_mocks(path: Path) -> list[list[str]]:
    mocks = programs.load(path).mocks
    if not mocks:
        raise UsageError("it has no mock", where=str(path), fix='write `tools { run "command" -> "output" }`')
    return [list(mock) for mock in mocks]


def parse_budgets(pairs: list[str]) -> dict[str, float]:
    """Parse limits of the form `NAME=N`; `wall=2min` is `wall_s=120`.

    Raises:
        UsageError: if a pair is invalid.
    """
    found = {}
    for text in pairs:
        name, equals, number = text.partition("=")
        name = "wall_s" if name == "wall" else name
        if name not in LIMITS or not equals:
            raise UsageError(f"--budget {text} is not a limit", fix=f"NAME=N with NAME of {', '.join(LIMITS)}")
        fix = "NAME=N" if name != "wall_s" else "wall=N, with a unit (2min) or in seconds"
        try:
            found[name] = _parse_seconds(number) if name == "wall_s" else float(number)
        except ValueError:
            raise UsageError(f"--budget {text}: {number!r} is not a number", fix=fix) from None
        if not 0 < found[name] < float("inf"):
            raise UsageError(f"--budget {text} is not a finite number above 0", fix=fix)
    return found


def _parse_seconds(text: str) -> float:
    """A duration of the language (`500ms`, `2min`), or a number of seconds."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = UNITS.get(text[len(number) :] or "s")
    if unit is None or unit.dimension != UNITS["s"].dimension:
        raise ValueError(text)
    return float(number) * unit.factor


def parse_inputs(pairs: list[str]) -> dict[str, Any]:
    """Parse inputs of the form `NAME=VALUE`; values stay strings until `convert_inputs`.

    Raises:
        UsageError: if a pair is invalid, or a name is given twice.
    """
    found: dict[str, Any] = {}
    for text in pairs:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--input {text} is not NAME=VALUE", fix="--input NAME=VALUE")
        if name in found:
            raise UsageError(f"input {name!r} is given twice", fix="keep one of them")
        found[name] = value
    return found


def convert_inputs(given: dict[str, Any], kinds: dict[str, str]) -> dict[str, Any]:
    """Convert inputs to their types: string and enum inputs stay strings, others are parsed as JSON.

    Raises:
        UsageError: if a value is not JSON.
    """
    found = {}
    for name, text in given.items():
        if kinds.get(name, "string") in ("string", "enum"):
            found[name] = text
            continue
        try:
            found[name] = json.loads(text)
        except (ValueError, RecursionError):
            if kinds[name] != "any":
                raise UsageError(f"input {name}: {text!r} is not {kinds[name]}", fix="give it as JSON") from None
            found[name] = text
    return found


def add_durability(parser: argparse.ArgumentParser) -> None:
    """Add `--durability`."""
    parser.add_argument(
        "--durability",
        choices=[str(level) for level in Durability],
        default="process",
        help="the failures that the log survives",
    )


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add `--files`."""
    parser.add_argument(
        "--files", type=Path, action="append", default=[], metavar="PATH",
        help="a file or folder for the work folder (repeatable); --live adds scripts next to the program that it runs",
    )  # fmt: skip


def read_files(program: Program, args: argparse.Namespace) -> dict[str, bytes]:
    """Read the initial files of a run's work folder: those of `--files`, and scripts that a live program runs."""
    if not args.files and not (args.live and "python" in program.source):
        return {}
    from harness.dsl.machine.input_files import find_scripts, read_input_files

    named = {path.absolute() for path in args.files}
    neighbours = find_scripts(program, args.program.parent) if args.live else []
    return read_input_files([*args.files, *[path for path in neighbours if path.absolute() not in named]])
