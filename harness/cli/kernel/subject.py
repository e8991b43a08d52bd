"""Arguments that the verbs of `crucible kernel` share: kernels, their operation, sizes and settings."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.cli import output
from harness.core.errors import UsageError
from harness.core.named_path import read_file
from harness.core.number import amount, whole
from harness.lanes.kernel.candidate import Candidate
from harness.lanes.kernel.definition import Definition, Point, Setting, Shape, read_definition
from harness.lanes.kernel.results import candidates_of_suites
from harness.lanes.kernel.sweep_store import LANE
from harness.lanes.kernel.trace_items import DEFAULT_FIELDS
from harness.ledger.points import Points

MAX_BYTES = 1 << 20
SUITES = Path("suites/kernel")
_MIN_SECONDS, _MAX_SECONDS = 0.001, 86400.0


def add_kernels(parser: argparse.ArgumentParser) -> None:
    """Add the arguments `KERNEL...` (files of kernels) and `--definition`."""
    parser.add_argument("kernels", nargs="+", type=Path, metavar="KERNEL", help="a kernel's file")
    add_definition(parser)


def add_definition(parser: argparse.ArgumentParser) -> None:
    """Add `--definition`, the file of the operation; optional where it follows from the kernel's path."""
    parser.add_argument(
        "--definition",
        type=Path,
        metavar="YAML",
        help="the operation (default: ../../specs/kernels/<the kernel's folder>.yaml, relative to the kernel)",
    )


def add_shapes(parser: argparse.ArgumentParser, *, what: str) -> None:
    """Add `--shape`, with `what` as its help."""
    parser.add_argument("--shape", action="append", default=[], metavar="M=16,N=16,K=16", help=what)


@contextmanager
def open_points(path: Path) -> Iterator[Points]:
    """Open the points of the lane in a ledger, which is created if it does not exist.

    Raises:
        LedgerError: if it cannot be written.
    """
    with output.open_ledger(path, create=True) as ledger:
        yield Points(ledger, lane=LANE)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add `--set NAME=VALUE`, a keyword argument of the kernel's entry; it may be repeated."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="a keyword of the kernel's entry",
    )


def add_suites(parser: argparse.ArgumentParser) -> None:
    """Add `--suites`, the folder of kernel suites."""
    parser.add_argument("--suites", type=Path, default=SUITES, metavar="DIR", help=f"the suites (default {SUITES})")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add `--seed`; see `choose_seed`."""
    parser.add_argument(
        "--seed", type=whole(), metavar="S", help="secret seed of the inputs (default: random, printed)"
    )


def add_timeout(parser: argparse.ArgumentParser, seconds: float) -> None:
    """Add `--timeout`, by default this many seconds for one kernel."""
    text = f"limit for one kernel (default {seconds:g})"
    parser.add_argument("--timeout", type=parse_seconds, default=seconds, metavar="SECONDS", help=text)


def read_suites(args: argparse.Namespace) -> list[Candidate]:
    """Read the kernels of the suites in the folder of `--suites`.

    Raises:
        UsageError: if it is not a folder, or has no kernel suite.
    """
    if not args.suites.is_dir():
        raise UsageError("not a folder", where=str(args.suites), fix="name the folder of kernel suites with --suites")
    if not (found := candidates_of_suites(args.suites)):
        fix = "name another folder with --suites"
        raise UsageError("the folder has no suite of kernels", where=str(args.suites), fix=fix)
    return found


def read_candidates(args: argparse.Namespace) -> Iterator[Candidate]:
    """Read the kernels of a command line, each one once.

    Raises:
        UsageError: if a file is missing, or has no definition.
        SpecError: if the definition is invalid.
    """
    for path in args.kernels:
        source = read_source(path)
        place = args.definition or find_definition(path)
        yield Candidate(path, source, read_definition_file(place), place.resolve())


def read_definition_file(path: Path) -> Definition:
    """Read the definition in a file that a command line names.

    Raises:
        UsageError: if the file does not exist.
        SpecError: if the definition is invalid.
    """
    if not path.is_file():
        what = "it is a folder" if path.is_dir() else "no such file"
        raise UsageError(what, where=str(path), fix="name an operation's YAML file")
    return read_definition(path.resolve())


def read_source(path: Path) -> bytes:
    """Read a kernel's file, at most `MAX_BYTES`.

    Raises:
        UsageError: if it cannot be read, or is too large.
    """
    try:
        data = read_file(path, MAX_BYTES)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path), fix="name a kernel's file") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"the file has more than {MAX_BYTES >> 20} MiB", where=str(path), fix="name a kernel's file")
    return data


def find_definition(path: Path) -> Path:
    """Find the definition of a kernel at its default path.

    Raises:
        UsageError: if the file does not exist.
    """
    folder = path.resolve().parent
    found = folder.parent.parent / "specs" / "kernels" / f"{folder.name}.yaml"
    if not found.is_file():
        raise UsageError(f"no such file: {found}", where=str(path), fix="name the operation: --definition FILE.yaml")
    return found


def parse_shapes(words: Sequence[str], definition: Definition) -> list[Shape]:
    """Parse shapes such as `M=16,N=16,K=16,dtype=float16,causal=true`.

    Raises:
        UsageError: if a shape does not fit the definition.
    """
    shapes = []
    for word in words:
        shape = parse_settings(word.split(","), where=f"--shape {word}")
        try:
            definition.point(shape)
        except ValueError as error:
            axes = ",".join(f"{axis}=64" for axis in definition.axes)
            raise UsageError(str(error), where=f"--shape {word}", fix=f"write --shape {axes}") from None
        shapes.append(shape)
    return shapes


def choose_points(words: Sequence[str], definition: Definition) -> list[Point]:
    """Return the points of the given shapes; the targets of the definition if no shape is given."""
    return [definition.point(shape) for shape in parse_shapes(words, definition)] or definition.targets


def add_trace(parser: argparse.ArgumentParser) -> None:
    """Add `--trace-fields`, a comma-separated list of fields of the trace items."""
    parser.add_argument(
        "--trace-fields",
        type=lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
        default=DEFAULT_FIELDS,
        metavar="NAME,...",
        help="fields of the trace items for a dsl program that runs this command (default: all but point, latency)",
    )


def parse_seconds(text: str) -> float:
    """Parse a time between a millisecond and a day; an argument's type."""
    return amount(_MIN_SECONDS, _MAX_SECONDS)(text)


def parse_settings(words: Sequence[str], *, where: str) -> dict[str, Setting]:
    """Parse `NAME=VALUE` pairs; a value is an integer, a float, a boolean or else a string.

    Raises:
        UsageError: if a string is not such a pair.
    """
    found: dict[str, Setting] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or not name.strip().isidentifier() or not text.strip():
            raise UsageError(f"{word!r} is not NAME=VALUE", where=where)
        found[name.strip()] = _parse_value(text.strip())
    return found


def choose_seed(args: argparse.Namespace) -> int:
    """Return the seed of `--seed`, else a random one, which is printed so that a failure can be repeated."""
    if args.seed is not None:
        return int(args.seed)
    seed = secrets.randbits(62)
    print(f"crucible: secret seed {seed}", file=sys.stderr)
    return seed


def _parse_value(text: str) -> Setting:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
