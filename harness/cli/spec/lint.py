"""Check a grammar: all errors and warnings at once.

Example:
  crucible spec lint png.yaml
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from harness.cli import output
from harness.cli.spec import inputs
from harness.report import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_grammar(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    found = inputs.lint_file(args.grammar)
    if args.json:
        output.print_json(
            {
                "success": found.grammar is not None,
                "errors": [asdict(finding) for finding in found.errors],
                "warnings": [asdict(finding) for finding in found.warnings],
            }
        )
        return int(bool(found.errors))
    for kind, findings in (("error", found.errors), ("warning", found.warnings)):
        for finding in findings:
            hint = f"\n  fix: {finding.hint}" if finding.hint else ""
            print(f"{inputs.format_position(args.grammar, finding)}: {kind}: {finding.message} [{finding.code}]{hint}")
    print(f"{words.count(len(found.errors), 'error')}, {words.count(len(found.warnings), 'warning')}")
    return int(bool(found.errors))
