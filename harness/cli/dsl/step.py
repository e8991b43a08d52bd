"""Continue a run until its next step has ended, it waits, or it ends.

Example:
  crucible dsl run hello.spak --live --stop-after 1
  crucible dsl step reports/dsl/hello-1
  crucible dsl step reports/dsl/hello-1 --answers response.txt
"""

from __future__ import annotations

import argparse

from harness.cli.dsl import resume


def add_arguments(parser: argparse.ArgumentParser) -> None:
    resume.add_arguments(parser)
    parser.set_defaults(stop_after=1)


def run(args: argparse.Namespace) -> int:
    """Exit status 1 if the run fails, 0 if it passed or can continue."""
    return resume.run(args)
