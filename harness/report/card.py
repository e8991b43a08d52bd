"""Card: one case as the page shows it in full, read from the ledger in batches."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from harness.core.exhibit import unpack
from harness.core.exhibit_kinds import Bytes, Table, Text, Value
from harness.core.gate import GateResult
from harness.core.status import Status
from harness.ledger import queries, sources
from harness.ledger.exhibits import stored
from harness.ledger.store import Ledger
from harness.report import highlight, rerun, source_diff, words
from harness.report.ancestry import Ancestry, Relative
from harness.report.charts.figure import is_absent
from harness.report.explanation import MAX_COLUMNS, STATED, merged
from harness.report.page import Candidate, Page
from harness.report.urgency import Urgency

Row = dict[str, Any]

HISTORY = 30  # evaluations of a case
MAX_RECORD = 20_000  # characters of the raw record on the page
MAX_DIFF = 400  # lines
MAX_LINE = 90  # columns of the line that a verdict is about
WIDE = (Bytes, Table, Text)  # exhibits as wide as the page, after those that share its columns
RELATION = re.compile(r" (<=|>=) ")


@dataclass(slots=True)
class Card:
    """Everything the page shows of one case.

    Attributes:
        case: The evaluation.
        evidence, score: As recorded.
        reason: Why it failed, or what it says for itself; shortened where question and answers are shown in full.
        parts: Contributions to the score: name, contribution, value, weight, reason; then the weight as shown.
        adjustment: Why the total is not the sum of the parts; empty if it is.
        gates: Name, observed, threshold, whether it passed, what it needs, what there is to add.
        exhibits: Name and value of each exhibit.
        place: File and line that the verdict is about, and what stands there; empty without a file.
        bonus: The part whose weight is above 1 in total; empty without one.
        source: Digest of what was judged, its language and the line it is about; None if it is not kept.
        no_source: Why there is no source.
        diffs: What the source was compared with, and the difference.
        relatives: The lineage, oldest first; empty if the subject has no relatives.
        history: Earlier evaluations of the case, oldest first, and this one.
        attempts: `20 of 20 agree`.
        rerun: The command that repeats it.
        record: The raw record, as JSON; its numbers have six digits.
    """

    case: Candidate
    evidence: Row
    score: Row
    reason: str = ""
    parts: list[tuple[str, float, float | None, float, str, str]] = field(default_factory=list)
    adjustment: str = ""
    gates: list[Row] = field(default_factory=list)
    exhibits: list[tuple[str, Value]] = field(default_factory=list)
    place: tuple[str, int | None, str] | None = None
    bonus: str = ""
    source: tuple[str, str, int | None] | None = None
    no_source: str = ""
    diffs: list[tuple[str, Markup]] = field(default_factory=list)
    relatives: list[Relative] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    attempts: str = ""
    rerun: str = ""
    record: str = ""


class Cards:
    """Makes the cards of a page, a batch of cases at a time.

    Args:
        ledger: Where the run is recorded.
        page: Its page.
    """

    def __init__(self, ledger: Ledger, page: Page) -> None:
        self._ledger, self._page = ledger, page
        self._ancestry = Ancestry(ledger, page)

    def of(self, candidates: Sequence[Candidate]) -> list[Card]:
        """The cards of some cases, in their order."""
        run_id = self._page.run["run_id"]
        nodeids = [c.row["nodeid"] for c in candidates]
        records = queries.records(self._ledger, run_id, nodeids)
        past = _histories(self._ledger, nodeids)
        kept = sources.seen(self._ledger, {c.row["digest"] for c in candidates})
        made = []
        for c, nodeid in zip(candidates, nodeids, strict=True):
            record = json.loads(records[nodeid])
            shown = stored(record)
            values = [(one.name, value) for one in shown if (value := unpack(one.kind, one.text))]
            values.sort(key=lambda one: (isinstance(one[1], WIDE), is_absent(one[1])))
            short = json.loads(records[nodeid], parse_float=_six_digits)
            short["evidence"]["exhibits"] = [one.name for one in shown]  # the card draws them
            card = self._card(c, record, short, values, past.get(nodeid, []))
            subject = record["case"]["subject"]
            has_source = c.row["digest"] in kept or bool(subject["parents"])
            self._add_source(card, subject, line=_line_of(record), has_source=has_source)
            made.append(card)
        return made

    def _card(self, c: Candidate, record: Row, short: Row, values: list[tuple[str, Value]], past: list[Row]) -> Card:
        evidence, score = record["evidence"], record["score"]
        card = Card(c, evidence, score, exhibits=values, rerun=rerun.of(self._ledger, self._page.run, c.row))
        reason = c.reason or c.row["why"] or "passes"
        card.reason = words.fit(reason, MAX_COLUMNS) if evidence["counterexample"] else reason
        weights = words.shares([part["weight"] for part in score["components"]])
        card.parts = [
            (
                part["name"],
                part["weight"] * (part["value"] or 0.0),
                part["value"],
                part["weight"],
                "" if part["why"] and part["why"] in reason else part["why"],
                weight,
            )
            for part, weight in zip(score["components"], weights, strict=True)
        ]
        card.bonus = words.bonus([(part[0], part[3]) for part in card.parts])
        whole = sum(part[1] for part in card.parts)
        if score["total"] is not None and abs(whole - score["total"]) > 0.0005:
            why = "attempts disagree" if c.row["stability"] == 0.5 else "it is capped"
            card.adjustment = f"the parts add up to {whole:.3f}; the total is {score['total']:.3f}: {why}"
        known = [reason, *(part["why"] for part in score["components"])]
        for name, gate in merged(GateResult.model_validate(gate) for gate in score["gates"]):
            relation, more = RELATION.search(gate.why), STATED.sub("", gate.why)
            needs = {">=": "at least", "<=": "at most"}[relation[1]] if relation else ""
            card.gates.append(
                {
                    **gate.to_wire(),
                    "name": name,
                    "needs": needs,
                    "more": "" if any(more in said for said in known) else more,
                }
            )
        card.attempts = _agreement(evidence["attempts"], flaky=c.row["status"] == Status.FLAKY)
        card.history = queries.judged_once(past)[-HISTORY:]
        card.relatives = self._ancestry.of(c)
        text = json.dumps(short, ensure_ascii=False, separators=(",", ": "))
        card.record = text if len(text) <= MAX_RECORD else f"{text[:MAX_RECORD]}…"
        return card

    def _add_source(self, card: Card, subject: Row, *, line: int | None, has_source: bool) -> None:
        """Add the source and its differences; `has_source`: whether its digest or those of its parents may have one."""
        row, digest, text = card.case.row, "", None
        if has_source:
            digest = sources.digest_of(self._ledger, row["digest"], parents=tuple(subject["parents"]))
            text = sources.read(self._ledger, digest)
        if subject["path"]:
            lines = (text or "").splitlines()
            there = lines[line - 1].strip() if line is not None and line <= len(lines) else ""
            card.place = _relative(subject["path"]), line, words.fit(there, MAX_LINE)
        if text is None:
            size = sources.size(self._ledger, digest) if has_source else None
            card.no_source = f"its {size:,} bytes are more than the ledger keeps" if size else ""
            return
        card.source = digest, highlight.language_of(subject["path"]), line
        delta = card.case.delta
        edited = delta is not None and not delta["same_digest"]
        if not (edited or subject["parents"] or card.case.urgency is Urgency.FAILING):
            return
        for one in source_diff.predecessors(self._ledger, row):
            before = sources.read(self._ledger, one.digest) or ""
            lines = source_diff.unified(before, text, names=(one.label, "this run"))
            if lines:
                more = [f"@@ {len(lines) - MAX_DIFF} more lines @@"] if len(lines) > MAX_DIFF else []
                card.diffs.append((one.label, highlight.difference(lines[:MAX_DIFF] + more)))


def _histories(ledger: Ledger, nodeids: Sequence[str]) -> dict[str, list[Row]]:
    """The evaluations of some cases in all runs, oldest first, by node id."""
    found: dict[str, list[Row]] = defaultdict(list)
    marks = ", ".join("?" * len(nodeids))
    for row in ledger.rows(
        f"""SELECT nodeid, run_id, digest, status, score, passed, median_ms, reused_from FROM evaluations
            WHERE nodeid IN ({marks}) AND run_id NOT IN ({queries.PARTS}) ORDER BY created_at""",  # noqa: S608
        *nodeids,
    ):
        found[row["nodeid"]].append(row)
    return found


def _agreement(attempts: Sequence[Row], *, flaky: bool) -> str:
    if not attempts:
        return ""
    made = words.count(len(attempts), "attempt")
    if len(attempts) == 1:
        return f"{made}; asked the same again, it answered differently" if flaky else made
    (_, most), *others = Counter((a["round"], a["status"], a["answers"]) for a in attempts).most_common()
    rounds = len({a["round"] for a in attempts})
    if len(others) == rounds - 1:
        return f"{made}: all agree"
    return f"{made}: {most} agree" if most > 1 else f"{made}: no two agree"


def _six_digits(number: str) -> float:
    """A number of a raw record with six digits; the other ten are a sixteenth of the page."""
    return float(f"{float(number):.6g}")


def _relative(path: str) -> str:
    """A path as short as it can be typed here."""
    return os.path.relpath(path) if path.startswith(f"{Path.cwd()}{os.sep}") else path


def _line_of(record: Row) -> int | None:
    """The line that a verdict is about where the lane knows it, else the line where the subject begins."""
    facts, case = record["evidence"]["facts"], record["case"]
    violations = facts.get("violations")
    if isinstance(violations, list) and violations and isinstance(violations[0], dict):
        line = violations[0].get("line")
    else:
        line = facts.get("line", case["subject"].get("line"))
    return line if isinstance(line, int) and line > 0 else None
