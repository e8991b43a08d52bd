"""Generate valid files from a grammar, or from valid samples by random changes; lengths and checksums follow.

Examples:
  crucible spec generate png.yaml --out more --count 20 --seed 7
  crucible spec generate png.yaml *.png --out more
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli import output
from harness.cli.spec import inputs
from harness.core.errors import UsageError
from harness.core.named_path import write_file
from harness.core.number import whole
from harness.core.os_fault import fix_of
from harness.grammar.writing.encoding import WriteError
from harness.grammar.writing.generator import generate
from harness.report import words

MAX_FILES = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        metavar="GRAMMAR [FILE]",
        help="a grammar (YAML), and valid samples that are changed; a sample may stand without its grammar",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="write the files into this folder")
    parser.add_argument("--count", type=whole(1, MAX_FILES), default=10, metavar="N", help="files (default 10)")
    parser.add_argument("--seed", type=whole(), default=0, metavar="N", help="same seed, same files (default 0)")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.out.exists() and not args.out.is_dir():
        raise UsageError("it is not a folder", where=str(args.out), fix="name a folder that is new or empty")
    first = Path(args.files[0])
    if len(args.files) == 1 and first.suffix.lower() in (".yaml", ".yml"):
        grammar, stem, suffix, samples = inputs.load_grammar(first), first.stem, ".bin", []
    else:
        given = inputs.read_inputs(args, several=True)
        grammar, stem, suffix = given.grammar, given.grammar_path.stem, Path(given.files[0]).suffix
        samples = [inputs.read_bytes(Path(name)) for name in given.files]
    made: list[str] = []
    try:
        for data in generate(grammar, samples, count=args.count, seed=args.seed):
            args.out.mkdir(parents=True, exist_ok=True)
            path = args.out / f"{stem}-{args.seed}-{len(made):04}{suffix}"
            write_file(path, data)
            made.append(str(path))
    except WriteError as error:
        fix = "crucible spec parse shows the errors" if samples else "name valid samples after the grammar"
        raise UsageError(str(error), where=str(first), fix=fix) from None
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror}", where=str(args.out), fix=fix_of(error)) from None
    output.print_result(args, {"files": made}, f"{args.out}: {words.count(len(made), 'file')}")
    if len(made) < args.count:
        print(f"note: {args.count - len(made)} of {args.count} had nothing new", file=sys.stderr)
    return 0 if made else 1
