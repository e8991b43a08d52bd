"""`spec score`, `spec improve`, `spec versions`: score a grammar, improve it with a proposer, list its versions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli import output
from harness.cli.spec import inputs, proposers
from harness.core.errors import UsageError
from harness.core.number import whole
from harness.grammar.artifacts import create_run_artifact
from harness.grammar.engine.limits import Limits
from harness.grammar.improvement.iteration import improve_spec
from harness.grammar.measurement import Samples, measure
from harness.grammar.scoring import POLICIES, score_run
from harness.grammar.tool_host import ParseBinaryInput, ToolHost
from harness.lanes.spec import archive
from harness.report import words
from harness.report.table import Column

LIMITS = Limits()


def _add_sets(parser: argparse.ArgumentParser) -> None:
    inputs.add_grammar(parser)
    parser.add_argument("samples", type=Path, nargs="+", metavar="FILE", help="binary files")
    parser.add_argument("--holdout", type=Path, nargs="+", default=[], metavar="FILE", help="files for validation only")


def _read_files(paths: list[Path]) -> dict[str, bytes]:
    return {str(path): inputs.read_bytes(path) for path in paths}


def _read_sets(args: argparse.Namespace) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Read samples and hold-out by name.

    Raises:
        UsageError: if a file is both a sample and a hold-out.
    """
    samples, holdout = _read_files(args.samples), _read_files(args.holdout)
    seen = {data: name for name, data in samples.items()}
    for name, data in holdout.items():
        if data in seen:
            raise UsageError(f"is also a sample: {seen[data]}", where=name, fix="keep the two sets apart")
    return samples, holdout


def _score_arguments(parser: argparse.ArgumentParser) -> None:
    _add_sets(parser)
    parser.add_argument("--policy", choices=POLICIES, default=POLICIES[0], help="how to score (default: %(default)s)")
    output.add_json(parser)


def _score(args: argparse.Namespace) -> int:
    grammar = inputs.load_grammar(args.grammar)
    if args.policy != POLICIES[0]:
        return _score_each(args)
    samples, holdout = _read_sets(args)
    found = {"samples": measure(grammar, Samples.of(samples), limits=LIMITS)}
    if holdout:
        held = Samples.of(holdout)
        found["holdout"] = measure(grammar, held, limits=LIMITS, fit=found["samples"].fit)
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


SCORE = (
    "Score how much of files a grammar explains, by field.",
    "crucible spec score png.yaml *.png --holdout unseen.png",
    _score_arguments,
    _score,
)


def _improve_arguments(parser: argparse.ArgumentParser) -> None:
    _add_sets(parser)
    parser.add_argument(
        "--iterations", type=whole(1), default=10, metavar="N", help="maximum number of rounds (default 10)"
    )
    proposers.add_proposer(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the best grammar here (default: stdout)")
    parser.add_argument("--ledger", type=Path, metavar="PATH", help="keep all versions in this ledger")
    output.add_json(parser)


def _improve(args: argparse.Namespace) -> int:
    inputs.load_grammar(args.grammar)
    # The search takes a while, so errors of the outputs are reported before it starts.
    output.refuse_unwritable(args.out)
    if args.ledger is not None:
        output.writing(args.ledger, create=True).close()
    samples, holdout = _read_sets(args)
    found = improve_spec(
        inputs.read_text(args.grammar),
        samples,
        proposers.proposer_of(args),
        holdout=holdout,
        max_iterations=args.iterations,
        progress=lambda line: print(line, file=sys.stderr),
    )
    if args.ledger is not None:
        found.store.branches[args.grammar.stem] = found.best.id
        scores = {
            found.initial.id: (found.initial_score, found.holdout_before),
            found.best.id: (found.best_score, found.holdout_after),
        }
        with output.writing(args.ledger, create=True) as ledger:
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
                "grammar": found.best.spec_text,
                "fault": found.fault,
            }
        )
        return 1 if found.fault else 0
    if args.out is None:
        print(found.best.spec_text, end="")
    print(f"samples {found.initial_score:.1f} → {found.best_score:.1f}", file=sys.stderr)
    if found.holdout_after is not None and found.holdout_before is not None:
        print(f"holdout {found.holdout_before:.1f} → {found.holdout_after:.1f}", file=sys.stderr)
    if found.fault:
        print(f"crucible: {found.fault}; the results so far are kept", file=sys.stderr)
    return 1 if found.fault else 0


IMPROVE = (
    "Improve a grammar on files with a proposer; the built-in one knows no formats.",
    "crucible spec improve stub.yaml *.png --holdout unseen.png --out better.yaml",
    _improve_arguments,
    _improve,
)


def _versions_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "version", nargs="?", metavar="VERSION", help="print this version: an id, its beginning, or a branch"
    )
    output.add_ledger(parser)
    output.add_json(parser)


def _versions(args: argparse.Namespace) -> int:
    with output.reading(args.ledger) as ledger:
        rows = archive.rows(ledger)
        store = archive.load(ledger)
    if args.version is not None:
        version = store.version(args.version)
        if args.json:
            lineage = store.get_lineage(version.id)
            output.print_json({"id": version.id, "lineage": lineage, "grammar": version.spec_text})
        else:
            print(version.spec_text, end="")
        return 0
    if args.json:
        output.print_json({"versions": rows, "branches": store.branches})
        return 0
    if not rows:
        raise UsageError("the ledger holds no versions", where=str(args.ledger), fix="crucible spec improve --ledger")
    heads = {version_id: name for name, version_id in store.branches.items()}
    columns = (Column("version"), Column("parent"), Column("score", right=True), Column("made by", flexible=True))
    cells = [
        [
            row["version_id"][:12],
            (row["parent_id"] or "")[:12],
            words.score(row["score"]),
            (f"({heads[row['version_id']]}) " if row["version_id"] in heads else "") + row["description"],
        ]
        for row in rows
    ]
    output.print_table(columns, cells)
    return 0


VERSIONS = (
    "List the versions of grammars in a ledger, or print one.",
    "crucible spec versions --ledger reports/ledger.db",
    _versions_arguments,
    _versions,
)
