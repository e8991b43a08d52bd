"""Run suites with pytest, on this machine or on a cluster; options of pytest come after the first path.

The exit status is that of pytest.

Example:
  crucible run --cluster local suites/ --epoch 20
  crucible run --cluster tls://cluster.example:8786 suites/toolgen -k trie
"""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stderr, redirect_stdout

from harness.cli import output
from harness.cli.printable_stream import raw
from harness.core.errors import UsageError

CONTROL = frozenset(map(chr, (*range(32), *range(127, 160))))
# The verb has imported the package before pytest can rewrite its assertions, of which it has none.
QUIET = "ignore:Module already imported so cannot be rewritten; harness:pytest.PytestAssertRewriteWarning"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    output.add_cluster(parser)
    parser.add_argument("suites", nargs=argparse.REMAINDER, metavar="SUITE ...", help="paths, then options of pytest")


def run(args: argparse.Namespace) -> int:
    if "" in args.suites:
        raise UsageError("an argument is empty, which pytest takes for this folder", fix="leave it out")
    strange = next((word for word in args.suites if not CONTROL.isdisjoint(word)), None)
    if strange is not None:  # pytest prints what it is given as it is, also into the log of a CI
        raise UsageError(f"an argument has control characters: {strange}", fix="rename the file, or name its folder")
    import pytest

    words = ["-p", "harness.plugin", "-W", QUIET, *args.suites]
    if args.cluster is not None:
        words += ["--cluster", args.cluster]
    if args.insecure:
        words += ["--insecure"]
    with redirect_stdout(raw(sys.stdout)), redirect_stderr(raw(sys.stderr)):  # pytest's own writer has colours
        return int(pytest.main(words))
