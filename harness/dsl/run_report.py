"""Run report: the trace items of a run as a Markdown report, with what is known from them and the laws they support."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from harness.dsl.eventlog.runlog import RunLog
from harness.dsl.ir import Program
from harness.dsl.machine import export
from harness.dsl.machine.outcome import Outcome
from harness.dsl.mining.findings import Findings

MAX_ROWS = 500  # maximum number of items in one table
NOT_MEASURED = "not measured"


def report(program: Program, log: RunLog, outcome: Outcome, laws: Findings, domain: str) -> str:
    """The report of a run.

    Args:
        domain: The same as the source of a domain.
    """
    why = f" ({outcome.why})" if outcome.why else ""
    lines = [
        f"# {_cell(program.name)}: report of a run", "",
        f"- Status: **{outcome.status}**{_cell(why)}",
        f"- Events: {outcome.events}, head `{outcome.head}`",
        *[f"- {_cell(name)}: {_cell(str(value))}" for name, value in log.program_genesis().inputs.items()],
        "", *_results(program, log), *_knowledge(program, log, outcome), *_checks(outcome, log),
        *_searches(program, log),
        "## Laws", "", *_laws(laws, domain),
    ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _results(program: Program, log: RunLog) -> Iterator[str]:
    """A table for each case: a row for each item, with its step; an item that the program stated is not measured."""
    rows: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    labels: dict[str, str] = {}
    for event in log.events():
        value = event.value
        if value["k"] == "intent":
            labels[value["key"]] = value["at"]
        for item in value.get("items", ()):
            stated = item["source"] == "emit"
            step = export.step_name(program, labels.get(value.get("key", ""), "") or _entered(value))
            rows.setdefault(item["case"], []).append((f"{step} (stated)" if stated else step, item))
    for case in program.schema.cases:
        items = rows.get(case.name, [])
        if not items:
            continue
        names = [field.name for field in case.fields]
        yield from (f"## {case.name}", "")
        yield from _table(["step", *names], ([step, *[_value(item, n) for n in names]] for step, item in items))
        yield ""
        reasons = {f"{name}: {why}" for _, item in items for name, why in item.get("undefined", {}).items()}
        if reasons:
            yield from [*[f"- {_cell(reason)}" for reason in sorted(reasons)], ""]
    if not rows:
        yield from ("No trace item was reported.", "")


def _entered(event: dict[str, Any]) -> str:
    """A label in the step whose pure work an event is: the step that it entered or left last."""
    labels = [*event.get("left", ()), *event.get("enter", ())]
    return f"{labels[0]}/" if labels else str(event.get("at", ""))


def _value(item: dict[str, Any], name: str) -> str:
    if name not in item["values"]:
        return NOT_MEASURED
    value = item["values"][name]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _knowledge(program: Program, log: RunLog, outcome: Outcome) -> Iterator[str]:
    """The newest verdict of each fact, the rules that fired, and the invariants."""
    words = {True: "true", False: "false", None: "undefined"}
    facts: dict[str, dict[str, Any]] = {}
    fired: dict[str, dict[str, Any]] = {}
    for event in log.events():
        value = event.value
        facts |= {record["fact"]: record for record in value.get("facts", ())}
        fired |= {record["name"]: record for record in value.get("fired", ())}
    if program.facts:
        yield from ("## Facts", "")
        found = ((f.name, facts.get(f.name, {"is": None, "why": "no item of its case"})) for f in program.facts)
        yield from _table(["fact", "is", "why"], ([name, words[r["is"]], r.get("why", "")] for name, r in found))
        yield ""
    if program.rules:
        yield from ("## Rules", "")
        for rule in program.rules:
            state = "fired" if rule.name in fired else "prose, never evaluated" if rule.prose else "did not fire"
            yield f"- {rule.kind} **{_cell(rule.name)}**: {state}: {_cell(rule.suggestion)}"
        yield ""
    if program.invariants:
        yield from ("## Invariants", "")
        for invariant in program.invariants:
            state = "broken" if invariant.name in outcome.broken else "held" if invariant.conditions else "prose"
            yield f"- **{_cell(invariant.name)}**: {state}"
        yield ""


def _checks(outcome: Outcome, log: RunLog) -> Iterator[str]:
    checks = export.metrics(outcome, log)["checks"]
    if checks:
        yield from ("## Checks", "")
        rows = ([name, str(check["value"]), "yes" if check["held"] else f"no: {check['why']}"]
                for name, check in checks.items())  # fmt: skip
        yield from _table(["check", "value", "holds"], rows)
        yield ""


def _searches(program: Program, log: RunLog) -> Iterator[str]:
    """The best point of each search, with its interval and the number of points that may be as good."""
    for entry in export.trace(program, log):
        source = entry["details"].get("source") or {}
        if not source.get("ranking"):
            continue
        (values, number, _), (low, high) = source["ranking"][0], source["interval"]
        point = ", ".join(f"{name} = {value}" for name, value in values.items())
        yield from (f"## Search {_cell(entry['step_id'])}", "")
        yield f"Best: {_cell(point)}: {number:g} ({low:g} to {high:g}, {source['samples']} samples)."
        yield f"Points whose intervals overlap: {source['rivals']}. Points that failed: {len(source['failures'])}."
        yield ""


def _laws(laws: Findings, domain: str) -> Iterator[str]:
    if not laws.supported and not laws.choices:
        facts = len(laws.techniques) + len(laws.axes)
        yield from (f"The measurements of this run support no law ({facts} facts).", "")
    if laws.techniques or laws.axes:
        yield from ("```spak-dsl", domain.rstrip(), "```")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    rows = list(rows)
    yield from (f"| {' | '.join(map(_cell, row))} |" for row in rows[:MAX_ROWS])
    if len(rows) > MAX_ROWS:
        yield f"| {len(rows) - MAX_ROWS} more" + " |" * len(head)


def _cell(text: str) -> str:
    """A string of a program or tool inside Markdown: one line, without a column end."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
