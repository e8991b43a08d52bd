"""Leaderboards, comparisons and reports of what `pytest` judged, and tools for grammars, programs and kernels.

Example:
  crucible init my-project
  crucible top
  crucible show suites/toolgen/words.suite.yaml::trie
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO, cast

from harness.cli.printable_stream import PrintableStream
from harness.cli.verb import USAGE, run_verb
from harness.core.ascii import ERRORS
from harness.core.errors import CrucibleError, UsageError
from harness.core.os_fault import fix_of

VERBS = tuple("""
init judge run serve evolve toolgen doctor top show diff trend stability lineage pareto report
repair rescore merge prune schema explore spec dsl kernel
""".split())  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        0; 1 if something failed; 4 for wrong usage.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if argv is None:  # an interpreter that ends looks for cycles among all its objects several times
        atexit.register(gc.freeze)
    _open_closed_streams()
    streams = sys.stdout, sys.stderr
    for stream in streams:
        # A terminal of ASCII or Latin-1 gets ASCII for our own characters, and escapes for others.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)
    sys.stdout, sys.stderr = (cast(TextIO, PrintableStream(stream)) for stream in streams)
    try:
        try:
            status = _print_version() if words[:1] == ["--version"] else run_verb(words)
        except SystemExit as ended:  # argparse: --help, or wrong usage
            status = ended.code if isinstance(ended.code, int) else 0
        sys.stdout.flush()
    except BrokenPipeError:  # the reader closed the pipe (`| head`)
        _discard_unwritten()
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except CrucibleError as error:
        cause = error.__cause__ or error.__context__
        fix = f"\n  fix: {fix_of(cause)}" if isinstance(cause, OSError) and not error.fix else ""
        print(f"crucible: {error}{fix}", file=sys.stderr)
        return USAGE if isinstance(error, UsageError) else 1
    except OSError as error:  # a file error that no verb handles: no traceback
        where = f"{error.filename}: " if error.filename else ""
        print(f"crucible: {where}{error.strerror or error}\n  fix: {fix_of(error)}", file=sys.stderr)
        _discard_unwritten()
        return 1
    finally:
        sys.stdout, sys.stderr = streams
    return status


def _open_closed_streams() -> None:
    """Make standard streams that the caller closed (`>&-`) the null device; else a file of a verb gets their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _discard_unwritten() -> None:
    """Discard what stdout cannot write; else Python reports the error again while it shuts down."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_version() -> int:
    from importlib.metadata import PackageNotFoundError, version

    try:
        print(f"crucible {version('pytest-crucible')}")
    except PackageNotFoundError:  # run from a checkout that is not installed
        print("crucible, not installed")
    return 0
