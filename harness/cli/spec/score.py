"""Score how much of files a grammar explains, by field.

Example:
  crucible spec score png.yaml *.png --holdout unseen.png
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from harness.cli import output
from harness.cli.spec import inputs
from harness.grammar.artifacts import create_run_artifact
from harness.grammar.engine.limits import Limits
from harness.grammar.measurement import Samples, measure
from harness.grammar.scoring import POLICIES, score_run
from harness.grammar.tool_host import ParseBinaryInput, ToolHost
from harness.report import words
from harness.report.table import Column

LIMITS = Limits()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_sets(parser)
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        default=POLICIES[0],
        help="classic: the scale of 0 to 100 of the original guide (default: %(default)s)",
    )
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    grammar = inputs.load_grammar(args.grammar)
    if args.policy != POLICIES[0]:
        return _score_each(args)
    samples, holdout = inputs.read_sets(args)
    found = {"samples": measure(grammar, Samples.of(samples), limits=_limits(samples))}
    if holdout:
        held = Samples.of(holdout)
        found["holdout"] = measure(grammar, held, limits=_limits(holdout), fit=found["samples"].fit)
    if args.json:
        output.print_json({name: measured.facts() for name, measured in found.items()})
        return 0
    for name, measured in found.items():
        facts = measured.facts()
        print(
            f"{name}: {100 * facts['score']:.1f} of 100: {facts['explained']:.1%} of {facts['bytes']} bytes explained, "
            f"{facts['coverage']:.1%} covered, "
            f"{words.count(facts['errors'], 'error')} in {words.count(facts['files'], 'file')}"
        )
    columns = (Column("field", flexible=True), Column("bytes", right=True), Column("credit", right=True), Column("why"))
    rows = [[path, f"{size:g}", f"{credit:.2f}", why] for path, size, credit, why in found["samples"].facts()["fields"]]
    output.print_table(columns, rows)
    return 0


def _limits(files: dict[str, bytes]) -> Limits:
    """The limits of each file; the progress of a single one is reported."""
    if len(files) != 1:
        return LIMITS
    ((name, data),) = files.items()
    return replace(LIMITS, progress=inputs.report_progress(name, len(data)))


def _score_each(args: argparse.Namespace) -> int:
    """Score each file on its own, as the seed guide does."""
    grammar, made = inputs.load_grammar(args.grammar), []
    for path in args.samples:
        size = len(inputs.read_bytes(path))
        result = ToolHost.parse_binary(ParseBinaryInput(grammar, path))
        made.append(score_run(create_run_artifact(str(path), "", result, path, size), policy=args.policy))
    if args.json:
        rows = [{"file": s.run_id, "score": s.total_score, "gates": s.hard_gates, "summary": s.summary} for s in made]
        output.print_json(rows)
    else:
        for score in made:
            print(f"{score.run_id}: {score.total_score:.1f}/100, {score.summary}")
    return 0
