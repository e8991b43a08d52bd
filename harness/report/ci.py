"""CI: a summary page and annotations for GitHub Actions. Outside it this module does nothing."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.core.errors import CrucibleError
from harness.core.evaluation import Evaluation
from harness.core.gate import GateResult
from harness.core.ranking import Place
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import rerun, words
from harness.report.leaderboard import reason
from harness.report.urgency import failed

TOP = 10
ANNOTATIONS = 10  # what GitHub shows of one step
LIMIT = 1_000_000  # bytes of one step's summary; GitHub refuses more than 1 MiB as a whole
MARKUP = re.compile(r"[\\`*_{}\[\]()#+!|~@:\-]")


def write_step_summary(
    ledger: Ledger, run_id: str, *, gates: Sequence[GateResult] = (), environ: Mapping[str, str] | None = None
) -> bool:
    """Append the run's summary to the page of a GitHub Actions step.

    Args:
        ledger: Where the run is recorded.
        run_id: The run.
        gates: The results of the run's gates (`--gate`).
        environ: The environment; by default the process's.

    Returns:
        Whether there is such a page.

    Raises:
        CrucibleError: if it cannot be written.
    """
    target = (os.environ if environ is None else environ).get("GITHUB_STEP_SUMMARY")
    if not target:
        return False
    text, size = [], 0
    for line in summary(ledger, run_id, gates=gates):
        size += len(line.encode("utf-8", "replace")) + 1
        if size > LIMIT:
            text.append("\n… cut: the report has the rest.")
            break
        text.append(line)
    try:
        with Path(target).open("a", encoding="utf-8", errors="replace") as file:
            file.write("\n".join(text) + "\n")
    except OSError as error:
        raise CrucibleError(f"the step summary cannot be written: {error}", where=target) from error
    return True


def summary(ledger: Ledger, run_id: str, *, gates: Sequence[GateResult] = ()) -> Iterator[str]:
    """Lines of Markdown: the verdict, the run's gates and the first ten of each suite.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    run = queries.run(ledger, run_id)
    bad = sum(not gate.passed for gate in gates)
    verdict = "❌" if run["failed"] or bad else "✅"
    yield f"## {verdict} Crucible · epoch {run['epoch']}" + (f" · tier {run['tier']}" if run["tier"] else "")
    yield f"\n{words.count(run['cases'], 'case')}, {run['passed']} passed, {run['failed']} failed."
    if gates:
        yield "\n| gate | | observed | threshold | why |\n|---|---|--:|--:|---|"
        for gate in gates:
            observed = "undefined" if gate.observed is None else f"{gate.observed:.6g}"
            mark = "✅" if gate.passed else "❌"
            yield f"| {quoted(gate.name)} | {mark} | {observed} | {gate.threshold:.6g} | {quoted(gate.why)} |"
    counts, deltas = queries.gate_counts(ledger, run["run_id"]), queries.deltas(ledger, run["run_id"])
    rows, contests = queries.evaluations(ledger, run["run_id"]), queries.contests(ledger, run["run_id"])
    for (lane, suite), group in groupby(rows, key=lambda row: (row["lane"], row["suite"])):
        found = list(group)
        contest = contests.get((lane, suite), [])
        yield f"\n### {quoted(lane)} · {quoted(suite)}"
        if contest:
            yield "\n| # | candidate | score | Δ last | gates | status | median | why |"
            yield "|--:|---|--:|--:|--:|---|--:|---|"
        for rank, row in contest[:TOP]:
            yield _line(rank, row, counts.get(row["nodeid"], queries.NO_GATES), deltas.get(row["nodeid"]))
        if len(contest) > TOP:
            yield f"\n{words.count(len(contest) - TOP, 'more candidate')}."
        controls = [row for row in found if row["expected"] is not None]
        if controls:
            judged = [row for row in controls if row["as_expected"] or not row["neutral"]]
            yield f"\ncontrols: {sum(row['as_expected'] for row in judged)} of {len(judged)} as expected"
    failing = [row for row in rows if failed(row)]
    if failing:
        yield "\nRun them again:\n\n```sh"
        yield from (_fenced(rerun.command(run, row["nodeid"])) for row in failing[:TOP])
        yield "```"


def annotate(failing: Iterable[Evaluation], *, environ: Mapping[str, str] | None = None) -> list[str]:
    """Workflow commands that mark failing cases in the files they come from; empty outside GitHub Actions.

    Args:
        failing: The failing evaluations, most important first.
        environ: The environment; by default the process's.
    """
    variables = os.environ if environ is None else environ
    if variables.get("GITHUB_ACTIONS") != "true":
        return []
    root = Path(variables.get("GITHUB_WORKSPACE") or ".").absolute()
    return [_annotation(evaluation, root) for evaluation in list(failing)[:ANNOTATIONS]]


def _annotation(evaluation: Evaluation, root: Path) -> str:
    case = evaluation.case
    file, line = case.suite, case.line
    # A candidate in this repository is the file under change; otherwise the annotation points at the suite's line.
    if case.subject.path and Path(case.subject.path).absolute().is_relative_to(root):
        known = evaluation.evidence.facts.get("line")
        file = Path(case.subject.path).absolute().relative_to(root).as_posix()
        line = known if isinstance(known, int) and known > 0 else 1
    places = [f"file={_property(file)}", *([f"line={line}"] if line else []), f"title={_property(case.nodeid)}"]
    expect = case.policy.expect
    text = (
        f"{evaluation.status}: {evaluation.why}"
        if expect is None
        else (f"expected {expect}, was {evaluation.status}: {evaluation.why}")
    )
    return f"::error {','.join(places)}::{_data(text)}"


def _data(text: str) -> str:
    return words.printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def quoted(text: Any) -> str:
    """Text escaped for Markdown: no markup, no mention, no link."""
    visible = html.escape(words.printable(str(text)))
    return MARKUP.sub(lambda found: f"&#{ord(found[0])};", visible)


def _fenced(command: str) -> str:
    return words.printable(command).replace("```", "` ` `")


def _line(rank: Place, row: queries.Row, gates: queries.GateCount, delta: queries.Row | None) -> str:
    held = f"{gates.held}/{gates.total}" if gates.total else ""
    change = words.delta(delta["score"], edited=not delta["same_digest"]) if delta else ""
    mark = "✅" if row["passed"] else "⚪" if row["neutral"] else "❌"
    cells = (
        rank if row["score"] is not None else words.NOTHING,
        f"{mark} {quoted(row['subject'])}",
        words.score(row["score"]),
        change,
        held,
        row["status"],
        words.milliseconds(row["median_ms"]),
        "" if row["passed"] else quoted(words.fit(reason(row, gates.failed), 200)),
    )
    return f"| {' | '.join(map(str, cells))} |"
