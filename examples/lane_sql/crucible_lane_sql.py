"""A lane that judges SQL queries: does a query give the rows that the reference gives, and in how many steps?

The same file works as a `conftest.py`. A suite:

    lane: sql
    schema_: ../specs/shop.sql         # trusted: tables and rows
    reference: ../specs/best.sql       # trusted: the query that is right
    queries: ../queries/*.sql          # untrusted candidates
    gates: {correctness: 1.0, steps: 0.5}
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import harness
from harness.core.digest import digest_bytes
from harness.core.evidence import Counterexample
from harness.core.exhibit import pack
from harness.core.exhibit_kinds import Axis, Bars, Table
from harness.core.gate import Gate, GateResult
from harness.core.policy import Policy
from harness.core.score import Component, Score, judge
from harness.core.slug import slug
from harness.suites.suite import Suite, SuiteOptions

MAX_STEPS, STEP = 200_000, 100  # of SQLite's virtual machine; counted in hundreds
MAX_ROWS = 1000
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


class SqlOptions(SuiteOptions):
    """The keys of a suite of this lane."""

    schema_: str
    """Statements that make the database."""
    reference: str
    """The query that is right."""
    queries: str | tuple[str, ...]
    """The candidates."""


class SqlLane:
    """Queries run in memory, read-only, and are ended after a number of steps: they need no box."""

    name = "sql"
    options = SqlOptions
    untrusted = ("queries",)
    boxed = False
    min_tier = None
    keyed = True
    components = ("correctness", "steps")

    def collect(self, suite: Suite) -> Iterator[harness.Case]:
        """One case for each query; files are read, nothing runs."""
        options: Any = suite.options
        schema = suite.resolve(options.schema_, "schema_").read_text("utf-8")
        reference = suite.resolve(options.reference, "reference").read_text("utf-8")
        for path in suite.glob(options.queries, "queries"):
            yield harness.Case(
                lane=self.name,
                suite=suite.name,
                name=slug(path.stem),
                subject=harness.Subject.from_bytes(path.stem, path.read_bytes(), path=path),
                inputs={
                    "schema": schema,
                    "reference": reference,
                    "query": path.read_bytes().decode("utf-8", "replace"),
                    "judge": digest_bytes(Path(__file__).read_bytes()),
                },
                policy=suite.policy,
                line=suite.line("queries"),
            )

    def evaluate(self, case: harness.Case, context: object) -> harness.Evidence:
        """Run reference and candidate; a fault of the candidate is a status, never an exception."""
        expected, ideal = _run(case.inputs["schema"], case.inputs["reference"])
        started = time.perf_counter()
        try:
            rows, steps = _run(case.inputs["schema"], case.inputs["query"], untrusted=True)
        except sqlite3.Error as error:
            status = {"interrupted": "timeout", "not authorized": "forbidden"}.get(str(error), "crash")
            return harness.Evidence(status=status, why=f"SQLite says: {error}")
        exhibits = (
            pack("rows", Table(title="Rows", columns=("expected", "observed"), rows=_beside(expected, rows))),
            pack(
                "steps",
                Bars(
                    title="Steps of SQLite's virtual machine",
                    value=Axis(label="steps"),
                    labels=("reference", "candidate"),
                    values=(ideal, steps),
                ),
            ),
        )
        wrong = next((pair for pair in _beside(expected, rows) if pair[0] != pair[1]), None)
        return harness.Evidence(
            status="ok" if wrong is None else "wrong",
            why="" if wrong is None else f"expected {wrong[0]}, observed {wrong[1]}",
            counterexample=None
            if wrong is None
            else Counterexample(question="the first row that differs", expected=wrong[0], observed=wrong[1]),
            facts={"steps": steps, "ideal": ideal, "right": sum(a == b for a, b in _beside(expected, rows))},
            exhibits=exhibits,
            seconds=time.perf_counter() - started,
        )

    def score(self, evidence: harness.Evidence, policy: Policy) -> Score:
        """Half for the rows, half for the steps beside those of the reference."""
        facts = evidence.facts
        good = evidence.status == "ok"
        steps = min(1.0, (facts["ideal"] + STEP) / (facts["steps"] + STEP)) if good else 0.0
        return judge(
            evidence,
            policy,
            [
                Component(name="correctness", value=float(good), weight=0.5, why=evidence.why),
                Component(name="steps", value=steps, weight=0.5, why=f"{facts.get('steps', 'no')} steps"),
            ],
        )


def _run(schema: str, query: str, *, untrusted: bool = False) -> tuple[list[str], int]:
    """The rows of a query as text, and the number of steps it took, to a hundred."""
    connection = sqlite3.connect(":memory:")
    counted = [0]

    def count() -> bool:
        counted[0] += STEP
        return untrusted and counted[0] > MAX_STEPS

    try:
        connection.executescript(schema)
        if untrusted:
            connection.set_authorizer(lambda action, *_: 0 if action in ALLOWED else sqlite3.SQLITE_DENY)
        connection.set_progress_handler(count, STEP)
        rows = connection.execute(query.strip().rstrip(";")).fetchmany(MAX_ROWS)
        return [repr(row) for row in rows], counted[0]
    finally:
        connection.close()


def _beside(expected: list[str], observed: list[str]) -> tuple[tuple[str, str], ...]:
    size = max(len(expected), len(observed))
    return tuple(zip(*(rows + ["nothing"] * (size - len(rows)) for rows in (expected, observed)), strict=True))


@harness.hookimpl
def crucible_lanes() -> list[SqlLane]:
    """The lanes of this plugin."""
    return [SqlLane()]


@harness.hookimpl
def crucible_columns(evaluation: harness.Evaluation) -> dict[str, float | None]:
    """A column of the leaderboard, which `--gate 'max("steps_taken") <= 5000'` can read too."""
    return {"steps_taken": evaluation.evidence.facts.get("steps")} if evaluation.case.lane == SqlLane.name else {}


@harness.hookimpl
def crucible_gates(rows: Sequence[Mapping[str, Any]]) -> list[GateResult]:
    """A gate on each run with queries: what passes takes 100,000 steps at most."""
    steps = [row["steps_taken"] for row in rows if row["lane"] == SqlLane.name and row["passed"]]
    return [Gate(name="sql steps", threshold=100_000, at_most=True).evaluate(sum(steps))] if steps else []
