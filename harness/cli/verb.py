"""Verbs of `crucible` and of its groups `spec`, `dsl` and `kernel`: how a module becomes one.

A verb is a module with `add_arguments(parser)` and `run(args) -> int`. Its docstring is its help: one sentence, an
empty line, an example. A group of verbs is a package with `VERBS`, their names; `import-ksy` is `import_ksy.py` there.
Only the module of the named verb and the packages that contain it are imported; a list of verbs imports none of them.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from harness.core.errors import UsageError
from harness.core.nearest import nearest, nearest_name

if TYPE_CHECKING:
    from importlib.abc import InspectLoader

    from _typeshed import SupportsWrite

USAGE = 4  # exit status for wrong usage, as pytest's


class Verb(Protocol):
    """The protocol of a verb's module; its docstring is the help."""

    __name__: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments of the verb to its parser."""

    def run(self, args: argparse.Namespace) -> int:
        """Run the verb and return the exit status."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """The raw help formatter of argparse; it reads the width of the terminal without importing `shutil`."""

    def __init__(self, prog: str) -> None:
        try:
            width = int(os.environ["COLUMNS"])
        except (KeyError, ValueError):
            try:
                width = os.get_terminal_size(1).columns
            except OSError:
                width = 80
        super().__init__(prog, width=max(width, 40) - 2)


_CHOICE = r"invalid choice: '(?P<given>[^']*)' \(choose from (?P<known>.*?)(?:, maybe you meant .*)?\)"
_UNRECOGNIZED = "unrecognized arguments: "


def parse_path(text: str) -> Path:
    """The type of an argument that is a path; an empty one would be the current folder.

    Raises:
        argparse.ArgumentTypeError: if it is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("the path is empty: name a file or a folder")
    return Path(text)


class Parser(argparse.ArgumentParser):
    """An argument parser with exit status 4 for wrong usage, and with the nearest option or choice in the message.

    An argument of type `Path` is not empty.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.register("type", Path, parse_path)

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help.

        Raises:
            OSError: if it cannot be written; argparse ignores that.
        """
        print(self.format_help(), end="", file=file)

    def error(self, message: str) -> NoReturn:
        """Print the message and the usage, and exit with status 4."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}{self._suggest(message)}\n")

    def _suggest(self, message: str) -> str:
        if found := re.search(_CHOICE, message):
            known = [word.strip().strip("'") for word in found["known"].split(",")]
            return nearest(found["given"], known, max_choices=0)
        if not message.startswith(_UNRECOGNIZED):
            return ""
        words = message.removeprefix(_UNRECOGNIZED).split()
        options = [word.partition("=")[0] for word in words if word.startswith("--")]
        near = [name for option in options if (name := nearest_name(option, self._option_string_actions))]
        return f"; did you mean {near[0]}?" if near else ""


def find_verb(words: Sequence[str], package: str = "harness.cli", command: str = "crucible") -> tuple[str, Verb, int]:
    """Find the verb that the words of a command line name.

    Returns:
        The command as it was written, the module (a group if the words end there), and how many words name it.

    Raises:
        UsageError: if the verb does not exist; with the nearest one.
    """
    module, used = cast("Verb", importlib.import_module(package)), 0
    while used < len(words) and not words[used].startswith("-") and (verbs := list_verbs(module)):
        word = words[used]
        if word not in verbs:
            near = nearest_name(word, verbs)
            fix = f"did you mean `{command} {near}`?" if near else f"`{command} --help` lists the verbs"
            raise UsageError(f"unknown verb {word!r}", fix=fix)
        module = _load(module.__name__, word)
        command, used = f"{command} {word}", used + 1
    return command, module, used


def run_verb(words: Sequence[str]) -> int:
    """Run the verb that the words of a command line name.

    Returns:
        The verb's exit status; 0 if only help was requested; 4 if a group is named without a verb.
    """
    command, verb, used = find_verb(words)
    rest = list(words[used:])
    if list_verbs(verb):
        is_help = bool(rest) and rest[0] in ("-h", "--help")
        print(_format_overview(command, verb), file=sys.stdout if is_help else sys.stderr)
        return 0 if is_help else USAGE
    return verb.run(build_parser(command, verb).parse_args(rest))


def build_parser(command: str, verb: Verb) -> Parser:
    """Build the parser of a verb's arguments; description and epilog are from its docstring."""
    sentence, _, example = _get_help(verb).partition("\n\n")
    parser = Parser(
        prog=command, description=sentence, epilog=example, formatter_class=HelpFormatter, allow_abbrev=False
    )
    verb.add_arguments(parser)
    return parser


def list_verbs(module: object) -> tuple[str, ...]:
    """Return the names of the verbs in a group; empty if the module is a verb."""
    return cast("tuple[str, ...]", getattr(module, "VERBS", ()))


def _load(package: str, name: str) -> Verb:
    return cast("Verb", importlib.import_module(_module_name(package, name)))


def _module_name(package: str, name: str) -> str:
    return f"{package}.{name.replace('-', '_')}"


def _read_sentence(module: str) -> str:
    """Return the first line of a verb's docstring, from its compiled code: nothing of it is executed."""
    spec = importlib.util.find_spec(module)
    loader = cast("InspectLoader", spec.loader) if spec else None
    code = loader.get_code(module) if loader else None
    docstring = code.co_consts[0] if code else None
    return docstring.strip().partition("\n")[0] if isinstance(docstring, str) else ""


def _get_help(verb: Verb) -> str:
    return (verb.__doc__ or "").strip()


def _format_overview(command: str, group: Verb) -> str:
    sentence, _, example = _get_help(group).partition("\n\n")
    names = list_verbs(group)
    width = max(map(len, names))
    lines = [f"  {name:<{width}}  {_read_sentence(_module_name(group.__name__, name))}" for name in names]
    usage = f"usage: {command} VERB ..."
    return "\n".join([usage, "", f"{sentence} Each verb has --help.", "", *lines, *(["", example] if example else [])])
