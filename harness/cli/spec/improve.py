"""Improve a grammar on files with a proposer; the built-in one has no knowledge of formats.

Example:
  crucible spec improve stub.yaml *.png --holdout unseen.png --out better.yaml
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli import output
from harness.cli.spec import inputs, proposers
from harness.core.number import whole
from harness.grammar.improvement.iteration import GrammarClimb
from harness.lanes.spec import archive
from harness.sweep import loop

_MAX_SHOWN = 5  # errors in the hold-out that are printed; --json has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_sets(parser)
    parser.add_argument(
        "--iterations", type=whole(1), default=10, metavar="N", help="maximum number of rounds (default 10)"
    )
    proposers.add_proposer(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the best grammar here (default: stdout)")
    parser.add_argument("--ledger", type=Path, metavar="PATH", help="keep all versions in this ledger")
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    inputs.load_grammar(args.grammar)
    # The search takes a while, so errors of the outputs are reported before it starts.
    output.refuse_unwritable(args.out)
    if args.ledger is not None:
        output.open_ledger(args.ledger, create=True).close()
    samples, holdout = inputs.read_sets(args)
    operator = args.proposer or args.backend or "built-in"
    climb = GrammarClimb(
        inputs.read_text(args.grammar),
        samples,
        proposers.select_proposer(args),
        holdout=holdout,
        progress=lambda line: print(line, file=sys.stderr),
        name=args.grammar.stem,
        operator=operator,
    )
    if args.ledger is None:
        found = climb.run(loop.Kept(), args.iterations)
    else:
        from harness.evolve.recording import recording
        from harness.lanes.spec.climb import SpecClimb
        from harness.lanes.spec.lane import SpecLane

        config = {"start": climb.store.export()["versions"][0]["id"], "operator": operator}
        words = ["spec", "improve", str(args.grammar)]
        with output.open_ledger(args.ledger, create=True) as ledger:
            recorded = SpecClimb(climb, SpecLane())
            name = f"spec-{args.grammar.stem}"
            with recording(ledger, recorded, name, lane="spec", config=config, words=words) as rows:
                found = climb.run(rows, args.iterations)
            found.store.branches[args.grammar.stem] = found.best.id
            scores = {
                found.initial.id: (found.initial_score, found.holdout_before),
                found.best.id: (found.best_score, found.holdout_after),
            }
            archive.save(ledger, found.store, scores=scores)
    if args.out is not None:
        output.write_file(args.out, found.best.spec_text)
    if args.json:
        output.print_json(
            {
                "best": found.best.id,
                "lineage": found.store.get_lineage(found.best.id),
                "score": [found.initial_score, found.best_score],
                "holdout": [found.holdout_before, found.holdout_after],
                "holdout_errors": list(found.holdout_errors),
                "warnings": list(found.warnings),
                "grammar": found.best.spec_text,
                "fault": found.fault,
            }
        )
        return 1 if found.fault else 0
    if args.out is None:
        output.print_document(found.best.spec_text)
    print(f"samples {found.initial_score:.1f} → {found.best_score:.1f}", file=sys.stderr)
    if found.holdout_after is not None and found.holdout_before is not None:
        print(f"holdout {found.holdout_before:.1f} → {found.holdout_after:.1f}", file=sys.stderr)
        print(f"holdout errors: {len(found.holdout_errors)}", file=sys.stderr)
        for error in found.holdout_errors[:_MAX_SHOWN]:
            print(f"  {error}", file=sys.stderr)
    for warning in found.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if found.fault:
        print(f"crucible: {found.fault}; the results so far are kept", file=sys.stderr)
    return 1 if found.fault else 0
