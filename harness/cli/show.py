"""Explain one verdict: status, gates, components, attempts, counter-example, rerun line; its source; or a whole run.

Of a whole run, the exit status is 1 if it did not hold.

Example:
  crucible show suites/toolgen/words.suite.yaml::trie
  crucible show 1a2b3c4d --run latest~1
  crucible show --run latest
  crucible show trie --source
  crucible show trie --diff
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.cli import output
from harness.core.errors import UsageError
from harness.ledger import queries, sources
from harness.ledger.store import Ledger
from harness.report import rerun, source_diff, words
from harness.report.run_verdict import Kind, run_verdict

if TYPE_CHECKING:
    from harness.core.evaluation import Evaluation

MAX_SHOWN = 5
MAX_ATTEMPTS = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        metavar="NODEID|DIGEST|NAME",
        help="a node id, the beginning of a digest, or a name; without it, whether the run of --run held, and why not",
    )
    parser.add_argument("--run", metavar="RUN", help="a run's id or a part of it, `latest`, or `latest~N`")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--source", action="store_true", help="print what was judged, as the ledger keeps it")
    only.add_argument(
        "--diff", action="store_true", help="print what changed since the last other source of the case, or its parent"
    )
    output.add_ledger(parser)
    output.add_json(parser)


def run(args: argparse.Namespace) -> int:
    with output.read_ledger(args.ledger) as ledger:
        if args.what is None and args.run is None:
            fix = "name a case, or a run with --run, such as --run latest"
            raise UsageError("a case or a run is required", fix=fix)
        if args.what is None:
            return _show_run(ledger, queries.run(ledger, args.run), as_json=args.json)
        run_id = queries.run(ledger, args.run)["run_id"] if args.run else None
        found = queries.find(ledger, args.what, run_id=run_id)
        newest = list({row["nodeid"]: row for row in reversed(found)}.values())[::-1]
        if args.source or args.diff:
            newest = list({row["digest"]: row for row in reversed(newest)}.values())[::-1]
            parts = [_source(ledger, row) if args.source else _diff(ledger, row) for row in newest[:MAX_SHOWN]]
            if args.json:
                output.print_json(parts)
            else:
                _print_parts(parts)
            return 0
        if args.json:
            output.print_json([_to_json(ledger, row) for row in newest])
            return 0
        for number, row in enumerate(newest[:MAX_SHOWN]):
            print("\n" * (number > 0), end="")
            for line in explain(ledger, row):
                print(line)
        if len(newest) > MAX_SHOWN:
            print(f"\n{len(newest) - MAX_SHOWN} more cases match {words.printable(args.what)}; name one of them")
    return 0


def _show_run(ledger: Ledger, row: queries.Row, *, as_json: bool) -> int:
    """Print whether a run held, its gates, and every case that is not as its suite expects; 1 if it did not hold."""
    verdict, limit = run_verdict(ledger, row["run_id"]), output.measure_width()
    status = 0 if verdict.held else 1
    if as_json:
        faults = [fault._asdict() for fault in verdict.faults]
        output.print_json(row | {"held": verdict.held, "gates": list(verdict.gates), "faults": faults})
        return status
    part = f", shard {row['shard'].partition(' ')[0]}" if row["shard"] else ""
    part = f", merged from {words.count(row['parts'], 'shard')}" if row["parts"] else part
    said = f"run {row['run_id']}  {row['status']}, epoch {row['epoch']}, tier {row['tier'] or 'none'}{part}"
    print(words.fit(words.printable(said), limit))
    for line in words.folded([f"  {verdict.word}  {verdict.facts()[0]}", *verdict.facts()[1:]], limit):
        print(line)
    for gate in verdict.gates:
        print(f"  gate       {'passes' if gate['passed'] else 'FAILS '}  {words.printable(gate['why'])}")
    rows = {found["nodeid"]: found for found in queries.evaluations(ledger, row["run_id"])}
    for fault in verdict.faults:
        if fault.what in rows:
            print(f"  {fault.kind:<10} {words.printable(f'{fault.what}: {fault.why}')}")
            print(f"    {rerun.of(ledger, row, rows[fault.what])}")
        elif fault.kind is Kind.PROBLEM:
            print(f"  problem    {words.printable(fault.why)}")
    return status


def _to_json(ledger: Ledger, row: queries.Row) -> dict[str, Any]:
    evaluation = queries.load(ledger, row["run_id"], row["nodeid"])
    return row | {"record": evaluation.to_wire()}


def _source(ledger: Ledger, row: queries.Row) -> dict[str, Any]:
    digest, text = source_diff.source_of(ledger, row["digest"])
    lines = [] if text is None else text.splitlines()
    return {"nodeid": row["nodeid"], "digest": digest, "lines": lines, "missing": _why_missing(ledger, digest, text)}


def _diff(ledger: Ledger, row: queries.Row) -> dict[str, Any]:
    digest, text = source_diff.source_of(ledger, row["digest"])
    found = {"nodeid": row["nodeid"], "digest": digest, "lines": [], "missing": _why_missing(ledger, digest, text)}
    if text is None:
        return found
    for one in source_diff.predecessors(ledger, row):
        before = sources.read(ledger, one.digest) or ""
        names = (f"{one.digest[:16]} {one.label}", f"{digest[:16]} run {row['run_id']}")
        return found | {"lines": source_diff.unified(before, text, names=names)}
    return found | {"missing": "the ledger keeps no other source of this case and none of a parent"}


def _why_missing(ledger: Ledger, digest: str, text: str | None) -> str:
    if text is not None:
        return ""
    if (size := sources.size(ledger, digest)) is not None:
        return f"the source has {size:,} bytes; the ledger keeps at most {sources.MAX_BYTES:,}, and its digest {digest}"
    why = "`keep_sources` or `keep_rejected` leaves it out, or the file changed before it was kept"
    return f"the ledger does not keep its source: {why}"


def _print_parts(parts: list[dict[str, Any]]) -> None:
    for number, part in enumerate(parts):
        if len(parts) > 1:
            print("\n" * (number > 0) + f"# {words.printable(part['nodeid'])}")
        for line in part["lines"]:
            print(words.printable(line))
        if part["missing"]:
            print(part["missing"])


def explain(ledger: Ledger, row: queries.Row) -> Iterator[str]:
    """Yield the lines that explain one evaluation."""
    evaluation, limit = queries.load(ledger, row["run_id"], row["nodeid"]), output.measure_width()
    history = queries.trend(ledger, row["nodeid"])
    yield words.fit(f"{row['nodeid']}  {words.score(row['score'])}  {row['status']}", limit, middle=True)
    facts = [
        ("subject", f"{row['subject']}  {row['digest']}"),
        ("run", f"{row['run_id']}, epoch {row['epoch']}, tier {row['tier'] or 'none'}"),
        ("reused", row["reused_from"] and f"judged in run {row['reused_from']}, on that run's inputs"),
        ("why", row["why"]),
        ("expected", row["expected"] and f"{row['expected']}: {'met' if row['as_expected'] else 'not met'}"),
        ("stability", words.stability_sentence(row)),
        ("metadata", _find_metadata_problem(evaluation)),
        ("style", words.style(row)),
        ("median", None if row["median_ms"] is None else words.milliseconds(row["median_ms"])),
        ("peak", None if row["peak_mb"] is None else f"{row['peak_mb']:.1f} MB above the empty box"),
        ("limits hit", ", ".join(evaluation.evidence.limits_hit)),
        ("history", words.spark([past["score"] for past in history[-30:]]) if len(history) > 1 else None),
    ]
    for name, value in facts:
        if value:
            yield f"  {name:<10} {words.printable(str(value))}"
    yield from _explain_parts(evaluation)
    yield f"  rerun      {rerun.of(ledger, queries.run(ledger, row['run_id']), row)}"


def _explain_parts(evaluation: Evaluation) -> Iterator[str]:
    score, evidence = evaluation.score, evaluation.evidence
    if evidence.counterexample is not None:
        yield f"  question   {words.printable(evidence.counterexample.question)}"
        yield f"  expected   {words.printable(evidence.counterexample.expected)}"
        yield f"  observed   {words.printable(evidence.counterexample.observed)}"
    for gate in score.gates:
        yield f"  gate       {'passes' if gate.passed else 'FAILS '}  {words.printable(gate.why)}"
    weights = words.shares([part.weight for part in score.components])
    extra = words.bonus([(part.name, part.weight) for part in score.components])
    for part, weight in zip(score.components, weights, strict=True):
        name = f"{words.printable(part.name)}{' (bonus)' if part.name == extra else ''}"
        why = f"  {words.printable(part.why)}" if part.why else ""
        yield f"  component  {words.score(part.value)}  x {weight}  {name}{why}"
    for one in evidence.comparisons:
        what = words.printable(f"{one.role} {one.rival}" if one.role != one.rival else one.role)
        yield f"  paired     {what}: {one.verdict}: {words.printable(one.why)}"
    for attempt in evidence.attempts[:MAX_ATTEMPTS]:
        why = f"  {words.printable(attempt.why)}" if attempt.why else ""
        answers = words.printable(attempt.answers[:12])
        yield f"  attempt    {attempt.index}: {attempt.status}, seed {attempt.seed}, answers {answers}{why}"
    if len(evidence.attempts) > MAX_ATTEMPTS:
        yield f"  … {len(evidence.attempts) - MAX_ATTEMPTS} more attempts: --json shows them all"


def _find_metadata_problem(evaluation: Evaluation) -> str:
    """Return why the metadata of the subject could not be read, or an empty string."""
    metadata = evaluation.evidence.facts.get("metadata")
    problem = metadata.get("problem") if isinstance(metadata, dict) else ""
    return f"ignored: {problem}" if problem else ""
