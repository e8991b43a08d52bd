"""CI: what GitHub Actions and readers of JUnit files see of a run. Outside GitHub Actions nothing is written there."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import CrucibleError
from harness.core.evaluation import Evaluation
from harness.ledger import queries
from harness.ledger.store import Ledger
from harness.report import rerun, words
from harness.report.leaderboard import reason
from harness.report.run_verdict import Fault, Kind, RunVerdict, run_verdict
from harness.report.suite_overview import Suite, suites
from harness.report.urgency import Urgency, causes_first, has_changed, urgencies

MAX_CASES = 50  # rows of a table; failing ones come first
MAX_SUITES = MAX_CHANGES = MAX_RERUNS = 10
ANNOTATIONS = 10  # cases: what GitHub shows of one step
LIMIT = 1_000_000  # bytes of one step's summary; GitHub refuses more than 1 MiB as a whole
MARKUP = re.compile(r"[\\`*_{}\[\]()#+!|~@:\-]")


def write_step_summary(ledger: Ledger, run_id: str, *, environ: Mapping[str, str] | None = None) -> bool:
    """Append the run's summary to the page of a GitHub Actions step.

    Args:
        ledger: Where the run is recorded.
        run_id: The run.
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
    for line in summary(ledger, run_id):
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


def summary(ledger: Ledger, run_id: str) -> Iterator[str]:
    """Lines of Markdown: the verdict, the run's gates, what fails, what changed, and the leaders of ten suites.

    Raises:
        LedgerError: if the ledger cannot be read or has no such run.
    """
    run, verdict = queries.run(ledger, run_id), run_verdict(ledger, run_id)
    run_id = run["run_id"]
    mark = "✅" if verdict.held else "❌" if verdict.faults else "⏳"
    yield f"## {mark} Crucible · epoch {run['epoch']}" + (f" · tier {run['tier']}" if run["tier"] else "")
    yield f"\n**{verdict.word}**: {' · '.join(map(quoted, verdict.facts()))}"
    yield from (f"\n❌ {quoted(fault.why)}" for fault in verdict.of_kind(Kind.PROBLEM))
    if verdict.gates:
        yield "\n| gate | | observed | threshold | why |\n|---|---|--:|--:|---|"
        yield from (_gate_line(gate) for gate in verdict.gates)
    rows = {row["nodeid"]: row for row in queries.evaluations(ledger, run_id)}
    order = urgencies(ledger, run_id)
    found = [rows[nodeid] for nodeid, urgency in order.items() if urgency is Urgency.FAILING]
    failing = causes_first(found, lambda row: row)
    gates, deltas = queries.gate_counts(ledger, run_id), queries.deltas(ledger, run_id)
    if failing:
        yield "\n### Not as expected\n\n| case | status | score | Δ last | why |\n|---|---|--:|--:|---|"
        yield from (_case_line(row, deltas, gates) for row in failing[:MAX_CASES])
        yield from _more(len(failing) - MAX_CASES, "case", f"crucible show --run {run_id}")
        yield "\nRun them again:\n\n```sh"
        yield from (_fenced(rerun.of(ledger, run, row)) for row in failing[:MAX_RERUNS])
        yield "```"
    changed = [
        rows[nodeid]
        for nodeid, urgency in order.items()
        if urgency not in (Urgency.FAILING, Urgency.CONTROL)
        and (nodeid not in deltas or has_changed(rows[nodeid], deltas[nodeid]))
    ]
    if changed and deltas:
        yield "\n### Changed\n\n| case | status | score | Δ last | why |\n|---|---|--:|--:|---|"
        yield from (_case_line(row, deltas, gates) for row in changed[:MAX_CHANGES])
        yield from _more(len(changed) - MAX_CHANGES, "case", f"crucible show --run {run_id}")
    leaders = suites(ledger, run_id)
    if leaders:
        yield "\n### Leaders\n\n| suite | pass | leader | score | Δ last | median |\n|---|--:|---|--:|--:|--:|"
        yield from map(_suite_line, leaders[:MAX_SUITES])
        yield from _more(len(leaders) - MAX_SUITES, "suite", "crucible top")


def properties(verdict: RunVerdict) -> list[tuple[str, str]]:
    """Properties of the suite for JUnit XML: whether the run held, its first line, and one for each gate."""
    held = "true" if verdict.held else "false"
    facts = [("crucible_held", held), ("crucible_verdict", f"{verdict.word}: {' · '.join(verdict.facts())}")]
    facts += [("crucible_problem", fault.why) for fault in verdict.of_kind(Kind.PROBLEM)]
    gates = [("crucible_gate", f"{'passes' if gate['passed'] else 'FAILS'}: {gate['why']}") for gate in verdict.gates]
    return [(name, words.printable(value)) for name, value in facts + gates]


def annotate(
    verdict: RunVerdict, failing: Iterable[Evaluation], *, environ: Mapping[str, str] | None = None
) -> list[str]:
    """Workflow commands: one for each failing gate and each problem, then for the first failing cases in their files.

    Args:
        verdict: The verdict on the run.
        failing: The failing evaluations.
        environ: The environment; outside GitHub Actions the result is empty.
    """
    variables = os.environ if environ is None else environ
    if variables.get("GITHUB_ACTIONS") != "true":
        return []
    root = Path(variables.get("GITHUB_WORKSPACE") or ".").absolute()
    known = {one.case.nodeid: one for one in failing}
    cases = [fault for fault in verdict.faults if fault.what and fault.kind is not Kind.GATE][:ANNOTATIONS]
    return [_annotation(fault, known.get(fault.nodeid), root) for fault in verdict.of_kind(Kind.GATE, Kind.PROBLEM)] + [
        _annotation(fault, known.get(fault.nodeid), root) for fault in cases
    ]


def _annotation(fault: Fault, evaluation: Evaluation | None, root: Path) -> str:
    titles = {Kind.GATE: f"gate {fault.what}", Kind.PROBLEM: "crucible"}
    places = [] if evaluation is None else _place(evaluation, root)
    return (
        f"::error {','.join([*places, f'title={_property(titles.get(fault.kind, fault.what))}'])}::{_data(fault.why)}"
    )


def _place(evaluation: Evaluation, root: Path) -> list[str]:
    case = evaluation.case
    file, line = case.suite, case.line
    # A candidate in this repository is the file under change; otherwise the annotation points at the suite's line.
    if case.subject.path and Path(case.subject.path).absolute().is_relative_to(root):
        known = evaluation.evidence.facts.get("line")
        file = Path(case.subject.path).absolute().relative_to(root).as_posix()
        line = known if isinstance(known, int) and known > 0 else case.subject.line or 1
    return [f"file={_property(file)}", *([f"line={line}"] if line else [])]


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


def _more(number: int, noun: str, verb: str) -> Iterator[str]:
    if number > 0:
        yield f"\n{words.count(number, f'more {noun}')}: `{verb}`"


def _gate_line(gate: queries.Row) -> str:
    mark = "✅" if gate["passed"] else "❌"
    observed, threshold = words.measured(gate["observed"], gate["threshold"]), words.limit(gate["threshold"])
    return f"| {quoted(gate['expression'])} | {mark} | {observed} | {threshold} | {quoted(gate['why'])} |"


def _case_line(row: queries.Row, deltas: dict[str, queries.Row], gates: dict[str, queries.GateCount]) -> str:
    change, mark = deltas.get(row["nodeid"]), "✅" if row["as_expected"] else "⚪" if row["neutral"] else "❌"
    expected = "" if row["expected"] is None else f"expected {row['expected']}; "
    why = reason(row, gates.get(row["nodeid"], queries.NO_GATES).failed)
    cells = (
        f"{mark} {quoted(row['nodeid'])}",
        row["status"],
        words.score(row["score"]),
        "new" if change is None else words.delta(change["score"], edited=not change["same_digest"]),
        "" if row["as_expected"] else quoted(words.fit(expected + why, 200)),
    )
    return f"| {' | '.join(cells)} |"


def _suite_line(suite: Suite) -> str:
    cells = (
        f"{'❌' if suite.failing else '✅'} {quoted(suite.lane)} · {quoted(suite.suite)}",
        suite.passes,
        quoted(suite.best),
        words.score(suite.score),
        suite.change,
        words.milliseconds(suite.median_ms),
    )
    return f"| {' | '.join(cells)} |"
