"""The `crucible` command: one small file for each verb, imported when it is used."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol, cast

from harness.core.errors import CrucibleError, UsageError

USAGE = 4  # exit status for wrong usage, as pytest's

VERBS = (
    "init",
    "doctor",
    "top",
    "show",
    "diff",
    "trend",
    "stability",
    "lineage",
    "pareto",
    "report",
    "rescore",
    "merge",
    "prune",
    "schema",
    "run",
    "evolve",
    "repair",
    "toolgen",
    "spec",
    "dsl",
    "kernel",
)
"""All verbs, in the order of `crucible --help`; each is a module of this package. One that is not there is left out."""


class Verb(Protocol):
    """What a verb's module has."""

    NAME: str
    HELP: str
    """One sentence, then an empty line and an example."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare its arguments."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the exit status."""
        ...


class Layout(argparse.RawDescriptionHelpFormatter):
    """argparse's layout of help; it asks the terminal how wide it is without importing all of `shutil`."""

    def __init__(self, prog: str) -> None:
        try:
            width = int(os.environ["COLUMNS"])
        except (KeyError, ValueError):
            try:
                width = os.get_terminal_size(1).columns
            except OSError:
                width = 80
        super().__init__(prog, width=max(width, 40) - 2)


class Parser(argparse.ArgumentParser):
    """argparse with our exit status for wrong usage; parsers of sub-commands inherit it."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how it is used."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}{_meant(message) or self._meant_option(message)}\n")

    def _meant_option(self, message: str) -> str:
        """The nearest option of this parser, or of those below it, to one that nobody knows."""
        prefix = "unrecognized arguments: "
        if not message.startswith(prefix):
            return ""
        known, parsers = set[str](), [self]
        while parsers:
            parser = parsers.pop()
            known |= set(parser._option_string_actions)
            for action in parser._actions:
                if isinstance(action, argparse._SubParsersAction):
                    parsers += action.choices.values()
        words = [word.partition("=")[0] for word in message.removeprefix(prefix).split() if word.startswith("--")]
        near = [found for word in words for found in _nearest(word, sorted(known))]
        return f"; did you mean {near[0]}?" if near else ""


_CHOICE = re.compile(r"invalid choice: '(?P<given>[^']*)' \(choose from (?P<known>.*?)(?:, maybe you meant .*)?\)")


def _meant(message: str) -> str:
    """The nearest right word, where argparse says that one is wrong."""
    found = _CHOICE.search(message)
    if found is None:
        return ""
    near = _nearest(found["given"], [word.strip().strip("'") for word in found["known"].split(",")])
    return f"; did you mean {near[0]}?" if near else ""


def _nearest(word: str, known: Sequence[str]) -> list[str]:
    import difflib

    return difflib.get_close_matches(word, known, n=1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        0; 1 if something failed; 4 for wrong usage.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows ASCII or Latin-1 alone, or a name with half a character: shown escaped, no traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _dispatch(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has seen enough (`| head`). Python would complain once more while shutting down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except CrucibleError as error:
        print(f"crucible: {error}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else 1
    except OSError as error:  # a file that a verb did not think of: still no reason for a traceback
        where = f"{error.filename}: " if error.filename else ""
        print(f"crucible: {where}{error.strerror or error}", file=sys.stderr)
        return 1
    except SystemExit as ended:  # argparse: --help, or wrong usage
        return ended.code if isinstance(ended.code, int) else 0
    return status


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        return 0 if words else USAGE
    if words[0] == "--version":
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"crucible {version('pytest-crucible')}")
        except PackageNotFoundError:  # run from a checkout that is not installed
            print("crucible, not installed")
        return 0
    if words[0] not in VERBS or not _is_there(words[0]):
        raise unknown("crucible", words[0], _available())
    name, verb = words[0], _load(words[0])
    below = getattr(verb, "below", None)
    if below is not None and len(words) > 1 and not words[1].startswith("-"):
        # The verb that is meant, and none of those beside it, is imported.
        words = words[1:]
        name, verb = f"{name} {words[0]}", below(words[0])
    sentence, _, example = verb.HELP.partition("\n\n")
    parser = Parser(
        prog=f"crucible {name}",
        description=sentence,
        epilog=example,
        formatter_class=Layout,
        allow_abbrev=False,
    )
    verb.add_arguments(parser)
    return verb.run(parser.parse_args(words[1:]))


def unknown(command: str, word: str, known: Sequence[str]) -> UsageError:
    """The error of a verb that is not there, with the nearest one that is."""
    near = _nearest(word, known)
    hint = f"did you mean `{command} {near[0]}`?" if near else f"`{command} --help` lists the verbs"
    return UsageError(f"there is no verb {word!r}", fix=hint)


def _available() -> list[str]:
    return [name for name in VERBS if _is_there(name)]


def _is_there(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(f"{__name__}.{name}") is not None


def _load(name: str) -> Verb:
    return cast("Verb", importlib.import_module(f"{__name__}.{name}"))


def _overview() -> str:
    names = _available()
    lines = [f"  {name:<11} {_load(name).HELP.partition(chr(10))[0]}" for name in names]
    return "\n".join(
        [
            "usage: crucible VERB ...",
            "",
            "Looks after what `pytest` judged: leaderboards, comparisons, reports. Each verb has --help.",
            "",
            *lines,
        ]
    )
